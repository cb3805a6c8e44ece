"""Hostile text in every column that a page shows is text; sessions cost each other nothing."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from tests.dashboard.conftest import Visitors
from tests.dashboard.place import Served
from tests.dashboard.test_login_pages import close, connect, message
from workqueue.database import Database

EVIL = '<img src=x onerror="window.pwned=1">\'"><script>window.pwned=1</script>{{7*7}}'
# Columns with a check of their own keep what they have.
PROVIDER = """
UPDATE individual_providers SET last_name = :evil, first_name = :evil, middle_name = :evil,
    credential = :evil, practice_address_1 = :evil, practice_city = :evil,
    practice_state = left(:evil, 40), mailing_address_1 = :evil, practice_phone = left(:evil, 30),
    license_number_1 = left(:evil, 40), taxonomy_code_1 = left(:evil, 20), npi = left(:evil, 20)
WHERE id = (SELECT provider_id FROM work_items WHERE id = :item)
"""


@pytest.fixture
def item(place: Served, server_database: Database) -> int:
    """An item whose record, rule, people, history and reasons are all hostile."""
    with server_database.transaction() as session:
        run = session.connection().exec_driver_sql
        run("SET LOCAL session_replication_role = replica")
        number = session.scalar(
            text(
                "SELECT min(id) FROM work_items WHERE status = 'OPEN' AND rule_id = 'NPI_DUPLICATE'"
            )
        )
        assert number is not None
        bound = {"evil": EVIL, "item": number}
        session.execute(text(PROVIDER), bound)
        for statement in (
            "UPDATE rules SET title = :evil, exit_condition = :evil, source = :evil "
            "WHERE id = 'NPI_DUPLICATE'",
            "UPDATE queue_types SET label = :evil WHERE code = 'DUPLICATE_CHECK'",
            "UPDATE \"user\" SET display_name = left(:evil, 200) WHERE username IN ('max', 'lea')",
            "UPDATE work_items SET notes = :evil, evidence = evidence || "
            "jsonb_build_object('values', jsonb_build_object('npi', CAST(:evil AS text)), "
            "'suggested', jsonb_build_object('npi', CAST(:evil AS text))) "
            "WHERE id = :item",
            "INSERT INTO work_actions"
            " (work_item_id, seq, user_id, via, action_type, payload, hash) "
            "SELECT id, version + 1, 1, :evil, left(:evil, 50), "
            "jsonb_build_object('text', CAST(:evil AS text), CAST(:evil AS text), 1),"
            "sha256('x') FROM work_items WHERE id = :item",
            "UPDATE work_items SET version = version + 1 WHERE id = :item",
            "UPDATE sources SET name = :evil",
        ):
            session.execute(text(statement), bound)
        return int(number)


def unharmed(page: Page) -> None:
    page.wait_for_timeout(600)
    assert page.evaluate("window.pwned") is None


def test_no_view_runs_hostile_text(place: Served, item: int, visitors: Visitors) -> None:
    """Inbox, filters, chips, inspector, history, form, messages, title: text stays text."""
    page = visitors.open("lea", f"/queue?rule=NPI_DUPLICATE&item={item}")
    expect(page.locator(".head h2")).to_contain_text("onerror")
    assert "{{7*7}}" in page.locator(".head h2").inner_text()
    expect(page.locator(".head .suggested")).to_have_text(f"Suggested: NPI {EVIL}")
    unharmed(page)
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_text("In progress · you")).to_be_visible()
    page.get_by_role("button", name="Duplicate").click()
    page.get_by_label("Comment or reason").fill(EVIL)
    page.get_by_role("button", name="Save", exact=False).last.click()
    expect(page.get_by_text("The comment on item")).to_be_visible()
    page.get_by_text("Why this is checked").click()
    unharmed(page)
    page.get_by_label("Name or NPI", exact=False).or_(page.get_by_label("Search")).first.fill(EVIL)
    page.keyboard.press("Enter")
    unharmed(page)
    page.goto(f"{place.base}/queue?assignee={EVIL}&state={EVIL}&q={EVIL}&rule={EVIL}&item={EVIL}")
    page.locator(".foot").first.wait_for()
    unharmed(page)
    page.goto(f"{place.base}/login?next={EVIL}")
    unharmed(page)


def test_one_session_costs_another_nothing(place: Served) -> None:
    """What one person opens and filters sends nothing to another person's page."""
    busy, idle = place.visitor("ruth"), place.visitor("rob")
    watched = connect(place, idle, idle.page_token())
    try:
        quiet = 0
        while quiet < 1:
            try:
                message(watched, timeout=2)
            except TimeoutError:
                quiet += 1
        for path in ("/queue", "/queue?rule=PHONE_INVALID", "/queue?item=1"):
            assert busy.ask(path).status == 200
        other = connect(place, busy, busy.page_token())
        message(other)
        close(other)
        with pytest.raises(TimeoutError):
            message(watched, timeout=2)
    finally:
        close(watched)


def test_a_slow_query_blocks_nobody(
    place: Served, server_database: Database, visitors: Visitors
) -> None:
    """While one person's list waits for the database, the server answers others at once."""
    page = visitors.open("ruth")
    other = visitors.open("rob")
    with server_database.transaction() as session:
        session.execute(text("LOCK TABLE individual_providers IN ACCESS EXCLUSIVE MODE"))
        page.get_by_label("Order").select_option("Newest first")
        time.sleep(0.3)
        began = time.monotonic()
        assert place.visitor().ask("/login").status == 200
        other.get_by_role("button", name="Show or hide the filters").click()
        expect(other.get_by_label("Holder")).to_be_hidden(timeout=1000)
        assert time.monotonic() - began < 1.5
    page.wait_for_url("**order=newest")
    expect(page.locator(".tabulator-row").first).to_be_visible()
