"""The Detection page in Chromium and over its websocket: runs, progress, rules, rights."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import panel.models.tabulator  # noqa: F401 - registers Panel's models
import pytest
from bokeh.document import Document
from bokeh.events import ButtonClick
from panel.models.esm import DataEvent
from playwright.sync_api import Page, expect
from sqlalchemy import text

from dashboard.wording import span
from tests.command import PROGRAM
from tests.dashboard.conftest import Visitors
from tests.dashboard.place import Served
from tests.dashboard.test_attacks import HOSTILE_MESSAGES, apart, happen, intruding, named
from tests.dashboard.test_desk import violations
from tests.standstill import held_up
from workqueue import runs
from workqueue.database import Database
from workqueue.runs import Standing

RUN = "Run detection now"


@contextmanager
def working(place: Served) -> Iterator[None]:
    """A worker beside the desk."""
    process = subprocess.Popen(
        [PROGRAM, "worker"],
        env={**os.environ, **place.environment, "WORKQUEUE_DETECT_CRON": "off"},
        stdout=subprocess.DEVNULL,
    )
    try:
        until(place.database, lambda now: now.worker)
        yield
    finally:
        process.terminate()
        process.wait(timeout=30)
        until(place.database, lambda now: not now.worker)


def standing(database: Database) -> Standing:
    with database.snapshot() as session:
        return runs.standing(session, limit=100)


def until(database: Database, met: Callable[[Standing], bool], seconds: float = 60.0) -> None:
    """Wait until `met` is; fails where it is not within `seconds`."""
    deadline = time.monotonic() + seconds
    while not met(standing(database)):
        assert time.monotonic() < deadline, standing(database)
        time.sleep(0.1)


@pytest.fixture
def quiet(place: Served) -> Iterator[None]:
    """No request of another test waits, before or after."""
    yield
    if standing(place.database).waiting is not None:
        with working(place):
            until(place.database, lambda now: now.waiting is None and now.running is None)


def opened(
    visitors: Visitors, username: str, size: tuple[int, int] = (1440, 900), scheme: str = "light"
) -> Page:
    return visitors.open(
        username, "/detection", size=size, scheme=scheme, shown="role=heading[name='Rules']"
    )


@pytest.mark.usefixtures("quiet")
def test_a_run_from_the_button_to_the_history(
    place: Served, visitors: Visitors, server_database: Database
) -> None:
    """A manager asks, sees that no worker is there, then the progress, the end and the history."""
    page = opened(visitors, "max")
    expect(page.get_by_text("No worker is running")).to_be_visible()
    page.get_by_role("button", name=RUN).click()
    expect(page.get_by_text("it waits until one is started")).to_be_visible()
    expect(page.get_by_text("waits, asked for by max")).to_be_visible()
    with held_up(server_database) as go_on, working(place):
        try:
            expect(page.get_by_text("A worker is running.")).to_be_visible()
            expect(page.get_by_text("is under way · ")).to_be_visible(timeout=30_000)
            expect(page.get_by_role("progressbar", name="Progress of the run")).to_be_visible()
            expect(page.get_by_text("Reading the records · 0 of 4 steps done")).to_be_visible()
            assert violations(page) == []
        finally:
            go_on()
        done = page.get_by_text(re.compile("is done: [0-9]+ new items"))
        expect(done).to_be_visible(timeout=60_000)
    number = standing(place.database).newest[0].id
    page.get_by_role("button", name=f"Run {number}, rule by rule").click()
    expect(page.get_by_role("heading", name=f"Run {number}, rule by rule")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()
    assert {url.split("/")[2] for url in visitors.asked} == {place.base.split("/")[2]}


@pytest.mark.usefixtures("quiet")
def test_the_key(place: Served, visitors: Visitors) -> None:
    """D asks for a run; again while it waits: the same one answers; `?` lists the page's keys."""
    page = opened(visitors, "ada")
    page.keyboard.press("d")
    expect(page.get_by_text("is asked for.")).to_be_visible()
    waiting = standing(place.database).waiting
    assert waiting is not None
    page.keyboard.press("d")
    expect(page.get_by_text(f"Run {waiting.id} waits already")).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog").get_by_text(RUN)).to_be_visible()


def test_trying_a_rule(place: Served, visitors: Visitors) -> None:
    """Try counts what a rule would raise and shows ten of it; the database stays as it was."""
    page = opened(visitors, "max")
    before = _digest(place.database)
    page.get_by_role("button", name="Try PHONE_MISSING").click()
    expect(page.get_by_role("heading", name="Trial of PHONE_MISSING")).to_be_visible(timeout=60_000)
    expect(page.get_by_text("Nothing was written.")).to_be_visible()
    expect(page.get_by_text("The record has no practice phone")).to_have_count(10)
    assert _digest(place.database) == before
    assert violations(page) == []
    page.get_by_role("button", name="Close the trial (Esc)").click()
    expect(page.get_by_role("heading", name="Runs")).to_be_visible()


def _digest(database: Database) -> str:
    with database.transaction() as session:
        return str(
            session.scalar(
                text(
                    "SELECT md5(string_agg(w::text, '|' ORDER BY id)) || "
                    "(SELECT count(*) FROM work_actions) || (SELECT count(*) FROM detection_runs) "
                    "FROM work_items w"
                )
            )
        )


def test_the_way_between_the_pages(place: Served, visitors: Visitors) -> None:
    """The top bar leads from the queue to Detection and back; open items lead to their list."""
    page = visitors.open("max")
    page.get_by_role("link", name="Detection").click()
    expect(page.get_by_role("heading", name="Rules")).to_be_visible()
    assert page.title() == "Detection · WorkQueue"
    page.get_by_role("link", name="open items: Practice phone is missing").click()
    expect(page.locator(".tabulator-row").first).to_contain_text("Practice phone is missing")
    assert page.url.endswith("/queue?rule=PHONE_MISSING")
    assert place.visitor("max").ask("/").headers["Location"] == "/queue"
    assert place.visitor().ask("/detection").status == 302


def test_who_may_not_sees_why(place: Served, visitors: Visitors) -> None:
    """A reviewer sees the page without Try, the button disabled, and the reason beside it."""
    page = opened(visitors, "rob")
    expect(page.get_by_role("button", name=RUN)).to_be_disabled()
    expect(page.get_by_text("Your role, reviewer, may not run detection")).to_be_visible()
    expect(page.get_by_role("button", name="Try")).to_have_count(0)
    page.keyboard.press("d")
    page.wait_for_timeout(500)
    assert standing(place.database).waiting is None


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_accessible_and_in_one_screen(
    visitors: Visitors, size: tuple[int, int], scheme: str
) -> None:
    """No violation of WCAG 2.2 AA in either theme and size, and no scrollbar across."""
    page = opened(visitors, "max", size=size, scheme=scheme)
    assert violations(page) == []
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size[0]


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (59.4, "59 s"), (185, "3 min 5 s"), (7800, "2 h 10 min")],
)
def test_how_long_a_run_took(seconds: float, said: str) -> None:
    """Durations are told in the units that a person would use."""
    assert span(seconds) == said


@apart
def test_a_reviewer_starts_no_run(place: Served) -> None:
    """Over the websocket no button and no message of the page starts anything for a reviewer."""
    before = len(standing(place.database).newest)
    with intruding(place, "/detection") as (session, document):
        _attack(document)
        session.force_roundtrip()
        time.sleep(2)
    now = standing(place.database)
    assert now.waiting is None
    assert len(now.newest) == before
    with place.database.transaction() as asked:
        denied = asked.scalar(
            text(
                "SELECT count(*) FROM security_events WHERE event = 'denied' "
                "AND detail->>'duty' = 'detect' AND detail->>'username' = 'rob'"
            )
        )
        assert denied
        assert asked.scalar(text("SELECT count(*) FROM jobs.procrastinate_jobs")) == 0
    assert "Traceback" not in place.log.read_text()


def _attack(document: Document) -> None:
    assert named(document, "Button")
    for button in named(document, "Button"):
        button.disabled = False
        button.visible = True
        happen(document, ButtonClick(button))
    for component in named(document, "ReactiveESM"):
        happen(document, DataEvent(component, {"type": "key", "key": "d"}))
        for what in (
            "try:PHONE_MISSING",
            "try:'; DROP TABLE rules; --",
            "run:1",
            "run:9e9",
            "close",
        ):
            happen(document, DataEvent(component, {"type": "do", "what": what}))
        for message in HOSTILE_MESSAGES:
            happen(document, DataEvent(component, message))


def test_a_manager_who_is_one_no_more(
    place: Served, visitors: Visitors, server_database: Database
) -> None:
    """An open page starts nothing once the role has changed: the right is read at each act."""
    page = opened(visitors, "ada")
    with server_database.transaction() as session:
        session.execute(text("UPDATE \"user\" SET role = 'analyst' WHERE username = 'ada'"))
    try:
        page.get_by_role("button", name=RUN).click()
        expect(page.get_by_text("has role analyst, which may not detect")).to_be_visible()
    finally:
        with server_database.transaction() as session:
            session.execute(text("UPDATE \"user\" SET role = 'admin' WHERE username = 'ada'"))
    assert standing(place.database).waiting is None


def test_hostile_words_are_text(
    place: Served, visitors: Visitors, server_database: Database
) -> None:
    """An error with markup in it is shown as it is and runs nothing."""
    said = "<img src=x onerror=\"document.title='run'\">"
    with server_database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO detection_runs (as_of, status, user_id, via, finished_at, error) "
                "SELECT as_of, 'FAILED', user_id, via, now(), :said FROM detection_runs LIMIT 1"
            ),
            {"said": said},
        )
    page = opened(visitors, "max")
    expect(page.get_by_text(said)).to_be_visible()
    assert page.title() == "Detection · WorkQueue"
    assert page.locator("img").count() == 0
