"""Fixtures of the desk: one filled and served database for each file of tests, and Chromium."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conftest import Server
from tests.dashboard.place import PASSWORD, Served, fill, served
from workqueue.database import Database

_numbers = itertools.count(1)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def place(
    server: Server, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """A served desk with a filled database of this file's own."""
    name = f"wq_desk_{os.getpid()}_{next(_numbers)}"
    server.command(f"CREATE DATABASE {name} TEMPLATE {template} OWNER workqueue_owner")
    folder = tmp_path_factory.mktemp("desk")
    environment = {
        "WORKQUEUE_DATABASE_URL": server.libpq("app", name),
        "WORKQUEUE_OWNER_URL": server.libpq("owner", name),
        "WORKQUEUE_ANALYST_URL": server.libpq("analyst", name),
        "WORKQUEUE_HOME": str(folder),
    }
    with Database(server.url("app", name)) as database:
        fill(database, folder)
        with served(environment, database, folder) as running:
            yield running
    server.command(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def server_database(server: Server, place: Served) -> Iterator[Database]:
    """The served database under the superuser, for what tests must bring about."""
    url = place.database.url.replace(
        server.lease.urls.app.split("?")[0].rsplit("/", 1)[0],
        server.lease.urls.superuser.split("?")[0].rsplit("/", 1)[0],
    )
    with Database(url) as opened:
        yield opened


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. With CI set it must be there."""
    if CHROMIUM is None:
        assert not os.environ.get("CI"), "chromium is missing: apt-get install chromium"
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


class Visitors:
    """Opens pages as somebody, and closes what it has opened."""

    def __init__(self, browser: Browser, place: Served) -> None:
        self._browser = browser
        self._place = place
        self._contexts: list[object] = []
        self.asked: list[str] = []

    def open(
        self,
        username: str,
        path: str = "/queue",
        size: tuple[int, int] = (1440, 900),
        scheme: str = "light",
        shown: str = ".tabulator-row",
    ) -> Page:
        """A page of the desk, signed in as `username`, the first of `shown` there."""
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]}, color_scheme=scheme
        )
        self._contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(f"{self._place.base}/login?next={path.replace('&', '%26')}")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.locator(shown).first.wait_for()
        # Keys are heard from when their list is there.
        page.locator("dialog").first.wait_for(state="attached")
        return page

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()  # type: ignore[attr-defined]


@pytest.fixture
def visitors(browser: Browser, place: Served) -> Iterator[Visitors]:
    """Whoever signs in at the desk in this test."""
    opened = Visitors(browser, place)
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a test keeps its screenshots."""
    return tmp_path
