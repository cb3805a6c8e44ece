"""The desk in Chromium, by its visible labels: a reviewer's work by mouse and by keyboard."""

from __future__ import annotations

import io
import json
import re
import zipfile
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from sqlalchemy import text

from tests.dashboard.conftest import Visitors
from tests.dashboard.place import Served
from workqueue.database import Database

BAD_PHONE = "Phone is not a US number"
GOOD = "(308) 865-2512"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


def ids(page: Page) -> list[str]:
    """The item numbers of the shown rows."""
    return page.locator('.tabulator-row [tabulator-field="item"]').all_inner_texts()


def item_of(page: Page) -> int:
    """The number of the open item, by the address."""
    found = re.search(r"item=(\d+)", page.url)
    assert found, page.url
    return int(found[1])


def history(database: Database, item: int) -> list[str]:
    with database.transaction() as session:
        found = session.scalars(
            text("SELECT action_type FROM work_actions WHERE work_item_id = :i ORDER BY seq"),
            {"i": item},
        )
        return list(found)


def violations(page: Page) -> list[str]:
    """What axe-core has to say against the page, by WCAG 2.2 A and AA."""
    page.wait_for_timeout(1700)
    found = Axe().run(page, options={"runOnly": {"type": "tag", "values": WCAG}})
    return [
        f"{each['id']}: {each['nodes'][0]['html'][:200]}" for each in found.response["violations"]
    ]


def test_a_reviewers_work_by_mouse(place: Served, visitors: Visitors) -> None:
    """Filter, open, claim, correct, resolve; the next item is there; the address shows it."""
    page = visitors.open("ruth")
    page.get_by_label("Problem").select_option(BAD_PHONE)
    expect(page.get_by_role("button", name=BAD_PHONE)).to_be_visible()
    expect(page.locator(".tabulator-row").nth(1)).to_contain_text(BAD_PHONE)
    page.locator(".tabulator-row").nth(1).click()
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_text("In progress · you")).to_be_visible()
    item = item_of(page)
    phone = page.get_by_label("Phone (Practice)")
    phone.fill("12")
    phone.blur()
    expect(page.get_by_text("is not a US number; give ten digits")).to_be_visible()
    phone.fill(GOOD)
    page.get_by_label("Verified by").select_option("Practice website")
    page.get_by_label("Comment or reason").fill("Number read back.")
    page.get_by_role("button", name="Save and resolve").click()
    expect(page.get_by_text(f"Item {item} is resolved.")).to_be_visible()
    page.wait_for_url(lambda url: f"item={item}" not in url and "item=" in url)
    assert history(place.database, item)[1:] == ["claim", "field-update", "cure", "resolve"]
    with place.database.transaction() as session:
        said = session.execute(
            text(
                "SELECT verified_how, notes FROM provider_overrides o JOIN work_items w "
                "ON w.id = o.work_item_id WHERE w.id = :i"
            ),
            {"i": item},
        ).one()
    assert tuple(said) == ("Practice website", "Number read back.")
    expect(page.get_by_text("In progress · you")).to_be_visible()
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("is back in the queue")).to_be_visible()


def test_a_reviewers_work_by_keyboard(place: Served, visitors: Visitors) -> None:
    """The same without a mouse: search, next, correct, save and resolve, reject, reopen."""
    page = visitors.open("rob", "/queue?rule=PHONE_INVALID")
    page.keyboard.press("n")
    expect(page.get_by_text("In progress · you")).to_be_visible()
    item = item_of(page)
    page.keyboard.press("e")
    expect(page.get_by_label("Phone (Practice)")).to_be_focused()
    page.keyboard.type(GOOD)
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(f"Item {item} is resolved.")).to_be_visible()
    page.wait_for_url(lambda url: f"item={item}" not in url and "item=" in url)
    rejected = item_of(page)
    expect(page.get_by_text("In progress · you")).to_be_visible()
    page.wait_for_timeout(500)
    page.keyboard.press("x")
    expect(page.get_by_label("Comment or reason")).to_be_focused()
    page.keyboard.type("A fax line on purpose.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text(f"Item {rejected} is rejected.")).to_be_visible()
    assert history(place.database, rejected)[1:] == ["claim", "reject"]
    page.wait_for_timeout(500)
    page.keyboard.press("l")
    expect(page.get_by_text("is back in the queue")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("smi")
    page.keyboard.press("Enter")
    page.wait_for_url("**q=smi**")
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog", name="Keys")).to_be_hidden()


def test_rows_are_walked_by_keys(visitors: Visitors) -> None:
    """J and K open the rows one after the other; Escape closes; brackets turn the page."""
    page = visitors.open("ruth")
    rows = ids(page)
    page.keyboard.press("j")
    page.wait_for_url(f"**item={rows[0]}")
    page.keyboard.press("j")
    page.wait_for_url(f"**item={rows[1]}")
    page.keyboard.press("k")
    page.wait_for_url(f"**item={rows[0]}")
    page.keyboard.press("Escape")
    page.wait_for_url(lambda url: "item=" not in url)
    page.keyboard.press("]")
    page.wait_for_url("**after=**")
    expect(page.get_by_text("26 to 50 of")).to_be_visible()
    page.keyboard.press("[")
    expect(page.get_by_text("1 to 25 of")).to_be_visible()
    first = page.locator(".tabulator-row .tabulator-cell[tabulator-field=item]").first
    expect(first).to_have_text(str(rows[0]))
    assert ids(page) == rows


def test_single_keys_can_be_switched_off(visitors: Visitors) -> None:
    """Whoever dictates can switch single keys off; the choice lasts."""
    page = visitors.open("ruth")
    page.keyboard.press("?")
    page.get_by_label("Single keys act").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.wait_for_timeout(500)
    assert "item=" not in page.url
    page.reload()
    page.locator(".tabulator-row").first.wait_for()
    page.keyboard.press("j")
    page.wait_for_timeout(500)
    assert "item=" not in page.url


def test_another_browser_watches_live(visitors: Visitors) -> None:
    """A second browser sees a claim within a second, without reloading; no row moves."""
    first = visitors.open("ruth", "/queue?rule=PHONE_MISSING")
    second = visitors.open("rob", "/queue?rule=PHONE_MISSING")
    before = ids(second)
    first.locator(".tabulator-row").nth(2).click()
    first.get_by_role("button", name="Claim").click()
    expect(first.get_by_text("In progress · you")).to_be_visible()
    expect(second.get_by_text("Taken by ruth")).to_be_visible(timeout=1000)
    assert ids(second) == before
    first.get_by_role("button", name="Release").click()
    expect(second.get_by_text("Taken by ruth")).to_be_hidden(timeout=1500)
    assert ids(second) == before


def test_back_forward_and_links(visitors: Visitors) -> None:
    """Back and Forward restore filter and item; a link shows the same in another browser."""
    page = visitors.open("ruth", "/queue?status=OPEN")
    page.get_by_label("Problem", exact=True).select_option(BAD_PHONE)
    page.wait_for_url("**rule=PHONE_INVALID")
    expect(page.locator(".tabulator-row").first).to_contain_text(BAD_PHONE)
    page.locator(".tabulator-row").nth(0).click()
    page.wait_for_url("**item=**")
    link = page.url
    page.go_back()
    expect(page.get_by_text("No item is open")).to_be_visible()
    page.go_back()
    expect(page.get_by_label("Problem", exact=True)).to_have_value("Any problem")
    page.go_forward()
    expect(page.get_by_label("Problem", exact=True)).to_have_value(BAD_PHONE)
    page.go_forward()
    expect(page.get_by_role("button", name="Close this item")).to_be_visible()
    assert page.url == link
    other = visitors.open("rob", urlsplit(link).path + "?" + urlsplit(link).query)
    expect(other.get_by_role("button", name="Close this item")).to_be_visible()
    expect(other.get_by_label("Problem", exact=True)).to_have_value(BAD_PHONE)
    assert ids(other) == ids(page)


def test_bad_links_fall_back_one_by_one(visitors: Visitors) -> None:
    """What is wrong in an address is told; the rest of it counts."""
    page = visitors.open("ruth", "/queue?priority=9&rule=PHONE_INVALID&item=999999999")
    expect(page.get_by_text("“priority” of the link was left out")).to_be_visible()
    expect(page.get_by_label("Problem")).to_have_value(BAD_PHONE)
    expect(page.get_by_text("There is no item 999999999")).to_be_visible()


def test_sorting_by_a_click_on_the_heading(visitors: Visitors) -> None:
    """Clicks on Age give the oldest, then the newest first; the list of orders follows."""
    page = visitors.open("ruth")
    page.locator('.tabulator-col[tabulator-field="age"]').click()
    page.wait_for_url("**order=oldest")
    page.locator('.tabulator-col[tabulator-field="age"]').click()
    page.wait_for_url("**order=newest")
    expect(page.get_by_label("Order")).to_have_value("Newest first")


def test_managers_export_what_they_see(place: Served, visitors: Visitors) -> None:
    """The export of a filter holds exactly its items, with a manifest; reviewers have none."""
    page = visitors.open("max", "/queue?rule=PHONE_INVALID&status=any")
    with page.expect_download() as download:
        page.get_by_role("link", name="Export").click()
    packed = zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes()))
    table, manifest = sorted(packed.namelist(), key=len)
    told = json.loads(packed.read(manifest))
    with place.database.transaction() as session:
        count = session.scalar(
            text("SELECT count(*) FROM work_items WHERE rule_id = 'PHONE_INVALID'")
        )
    assert told["rows"] == count
    assert told["filter"] == {"rule_ids": ["PHONE_INVALID"]}
    assert packed.read(table).count(b"\r\n") == count + 1
    assert told["exported_by"] == "max"
    assert visitors.open("ruth").get_by_role("link", name="Export").count() == 0


def test_analysts_only_look(visitors: Visitors) -> None:
    """Who may do nothing sees no button for it; a key is answered in words."""
    page = visitors.open("ann")
    page.locator(".tabulator-row").first.click()
    expect(page.get_by_role("button", name="Close this item")).to_be_visible()
    for name in ("Claim", "Comment", "Save", "Reject"):
        assert page.get_by_role("button", name=name, exact=False).count() == 0
    page.keyboard.press("c")
    expect(page.get_by_text("Claim is not possible")).to_be_visible()


def test_leads_assign_and_set_priorities(place: Served, visitors: Visitors) -> None:
    """A lead gives an item to somebody and changes its priority from the form."""
    page = visitors.open("lea", "/queue?rule=ZIP_INVALID")
    page.locator(".tabulator-row").first.click()
    page.get_by_label("Assign to").select_option("rob")
    expect(page.get_by_text("Open, reserved for rob")).to_be_visible()
    page.get_by_label("Priority", exact=True).last.select_option("P5 low")
    expect(page.get_by_text("The priority of item")).to_be_visible()
    assert history(place.database, item_of(page))[1:] == ["assign", "set-priority"]


def test_a_duplicate_is_marked(place: Served, visitors: Visitors) -> None:
    """In a group item another record is chosen from the list and noted as the same."""
    page = visitors.open("ruth", "/queue?rule=NPI_DUPLICATE")
    page.locator(".tabulator-row").first.click()
    page.get_by_role("button", name="Claim").click()
    page.get_by_role("button", name="Duplicate").click()
    page.get_by_label("Record of this group").select_option(index=1)
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_text("The duplicate is noted")).to_be_visible()
    assert "mark-duplicate" in history(place.database, item_of(page))
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("is back in the queue")).to_be_visible()


def test_a_duplicate_is_named_before_it_is_marked(place: Served, visitors: Visitors) -> None:
    """Whose record a typed number or NPI means is said at once; an unknown one marks nothing."""
    with place.database.transaction() as session:
        other = session.execute(
            text(
                "SELECT id, npi, last_name FROM individual_providers p WHERE npi IS NOT NULL AND"
                " (SELECT count(*) FROM individual_providers q WHERE q.npi = p.npi) = 1 LIMIT 1"
            )
        ).one()
    page = visitors.open("ruth", "/queue?rule=DATE_ORDER")
    page.locator(".tabulator-row").last.click()
    page.get_by_role("button", name="Claim").click()
    page.get_by_role("button", name="Duplicate").click()
    number = page.get_by_label("Same as record")
    number.fill("999999999999")
    expect(page.get_by_text("No record has this number or NPI.")).to_be_visible()
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_text("Type the number or the NPI of a record")).to_be_visible()
    assert "mark-duplicate" not in history(place.database, item_of(page))
    number.fill(other.npi)
    expect(page.get_by_text(f"Record {other.id}: {other.last_name}")).to_be_visible()
    page.get_by_role("button", name="Duplicate").click()
    expect(page.get_by_text("The duplicate is noted")).to_be_visible()
    with place.database.transaction() as session:
        noted = session.scalar(
            text(
                "SELECT payload->>'of_provider_id' FROM work_actions WHERE work_item_id = :i"
                " AND action_type = 'mark-duplicate'"
            ),
            {"i": item_of(page)},
        )
    assert noted == str(other.id)
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("is back in the queue")).to_be_visible()


def test_an_empty_list_says_so(visitors: Visitors) -> None:
    """Where nothing matches, the middle of the list says it and takes the filter away."""
    page = visitors.open("ruth")
    page.get_by_label("Search").fill("xqzkwv")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing matches this filter")).to_be_visible()
    page.get_by_role("button", name="clear the filter", exact=True).click()
    expect(page.locator(".tabulator-row").first).to_be_visible()
    expect(page.get_by_role("heading", name="Nothing matches this filter")).to_be_hidden()


def test_a_small_screen_shows_list_and_item(visitors: Visitors) -> None:
    """At 1024 pixels an open item stands beside the list and its pager; filters come back later."""
    page = visitors.open("ruth")
    page.set_viewport_size({"width": 1024, "height": 768})
    page.locator(".tabulator-row").nth(2).click()
    expect(page.get_by_role("button", name="Close this item")).to_be_visible()
    expect(page.get_by_label("Holder")).to_be_hidden()
    side = page.locator(".wq-side").bounding_box()
    assert side is not None
    for each in ("Last", "Next item"):
        box = page.get_by_role("button", name=each).bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= side["x"]
    status = page.get_by_role("columnheader", name="Status")
    expect(status).to_be_visible()
    expect(page.get_by_role("columnheader", name="Item")).to_be_hidden()
    box = status.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= side["x"] + 1
    page.keyboard.press("Escape")
    expect(page.get_by_label("Holder")).to_be_visible()
    expect(page.get_by_role("columnheader", name="Item")).to_be_visible()


def test_any_field_can_be_corrected(place: Served, visitors: Visitors) -> None:
    """A field that is not at fault gets its input by the button at its line."""
    page = visitors.open("ruth", "/queue?rule=RECORD_STALE")
    page.locator(".tabulator-row").first.click()
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_text("In progress · you")).to_be_visible()
    page.get_by_role("button", name="Correct First name").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("First name", exact=True)
    expect(field).to_be_focused()
    field.fill("QUENTIN")
    page.get_by_role("button", name="Save", exact=False).last.click()
    expect(page.get_by_text("corrected by ruth")).to_be_visible()
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("is back in the queue")).to_be_visible()


def test_a_claim_that_ends_warns_first(
    place: Served, server_database: Database, visitors: Visitors
) -> None:
    """Before a claim ends the page warns and offers to keep it; afterwards it says so."""
    page = visitors.open("rob", "/queue?rule=PHONE_MISSING")
    page.locator(".tabulator-row").nth(4).click()
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_text("In progress · you")).to_be_visible()
    item = item_of(page)
    shorten = text(
        "UPDATE work_items SET lease_expires_at = now() + make_interval(secs => :s) WHERE id = :i"
    )
    with server_database.transaction() as session:
        session.execute(shorten, {"s": 60, "i": item})
    page.reload()
    keep = page.get_by_role("button", name="Keep it")
    expect(keep).to_be_visible()
    keep.click()
    expect(keep).to_be_hidden()
    page.get_by_label("Comment or reason").fill("typed but not saved")
    page.get_by_label("Comment or reason").blur()
    with server_database.transaction() as session:
        session.execute(shorten, {"s": -1, "i": item})
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("Not saved.")).to_be_visible()
    expect(page.get_by_label("Comment or reason")).to_have_value("typed but not saved")


def test_signing_out_closes_every_page(visitors: Visitors) -> None:
    """After signing out in one tab, another tab of the same login says that it is cut off."""
    page = visitors.open("max")
    tab = page.context.new_page()
    tab.goto(page.url)
    tab.locator(".tabulator-row").first.wait_for()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    expect(tab.get_by_text("The connection to the server is lost")).to_be_visible(timeout=8000)
    tab.get_by_role("button", name="Reload").click()
    expect(tab.get_by_role("heading", name="Sign in")).to_be_visible()


def test_nothing_comes_from_outside(place: Served, visitors: Visitors) -> None:
    """Every request of login, desk and inspector goes to this server."""
    page = visitors.open("ruth")
    page.locator(".tabulator-row").first.click()
    expect(page.get_by_role("button", name="Close this item")).to_be_visible()
    hosts = {urlsplit(url).netloc for url in visitors.asked if url.startswith("http")}
    assert hosts == {urlsplit(place.base).netloc}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_accessible_by_axe(place: Served, visitors: Visitors, scheme: str) -> None:
    """axe-core finds no violation of WCAG 2.2 A and AA on login, inbox, inspector, form, keys."""
    page = visitors.open("lea", scheme=scheme)
    assert violations(page) == []
    page.locator(".tabulator-row").nth(6).click()
    page.get_by_role("button", name="Claim").click()
    expect(page.get_by_text("In progress · you")).to_be_visible()
    page.keyboard.press("d")
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys (?)").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Release").click()
    expect(page.get_by_text("is back in the queue")).to_be_visible()
    login = page.context.browser
    assert login is not None
    context = login.new_context(color_scheme=scheme)
    front = context.new_page()
    front.goto(f"{place.base}/login")
    assert violations(front) == []
    context.close()


@pytest.mark.parametrize("size", [(1440, 900), (1024, 768)])
def test_a_page_fits(visitors: Visitors, size: tuple[int, int]) -> None:
    """The page itself never scrolls; at 1440x900 all rows are seen without an inner scrollbar."""
    page = visitors.open("ruth", size=size)
    page.locator(".tabulator-row").first.click()
    expect(page.get_by_role("button", name="Close this item")).to_be_visible()
    over = page.evaluate(
        "document.documentElement.scrollWidth > innerWidth || "
        "document.documentElement.scrollHeight > innerHeight"
    )
    assert not over
    if size == (1440, 900):
        bottom = page.locator(".tabulator-row").nth(24).bounding_box()
        foot = page.locator(".foot").first.bounding_box()
        assert bottom is not None
        assert foot is not None
        assert bottom["y"] + bottom["height"] <= foot["y"] + 10
