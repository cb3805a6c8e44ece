"""The server without a screen: signing in and out, links, headers, refusals."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import threading
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
from bokeh.util.token import generate_jwt_token, generate_session_id
from playwright.sync_api import Browser
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from tests.dashboard.conftest import Visitors
from tests.dashboard.place import LOCAL, PASSWORD, Served, Visitor, served
from workqueue import accounts
from workqueue.accounts import Purpose
from workqueue.lifecycle import Role

T = TypeVar("T")
# Chromium's driver runs a loop of its own in the tests' thread.
_LOOP = asyncio.new_event_loop()
threading.Thread(target=_LOOP.run_forever, daemon=True).start()


def in_loop(work: Coroutine[Any, Any, T], timeout: float) -> T:
    """Run a coroutine in a thread's event loop, and wait for what it gives."""
    return asyncio.run_coroutine_threadsafe(work, _LOOP).result(timeout)


ROOT = Path(__file__).resolve().parents[2]


def connect(place: Served, visitor: Visitor, token: str) -> WebSocketClientConnection:
    """The websocket of a page, opened with a visitor's cookies. Raises HTTPClientError."""

    async def opened() -> WebSocketClientConnection:
        address = place.base.replace("http", "ws", 1) + "/queue/ws"
        said = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())
        headers = {"Cookie": said, "Origin": place.base}
        return await websocket_connect(
            HTTPRequest(address, headers=headers), subprotocols=["bokeh", token]
        )

    return in_loop(opened(), 20)


def refused(place: Served, visitor: Visitor, token: str) -> bool:
    try:
        close(connect(place, visitor, token))
    except HTTPClientError as error:
        return error.code == 403
    return False


def message(connection: WebSocketClientConnection, timeout: float = 10) -> str | bytes | None:
    async def read() -> str | bytes | None:
        return await connection.read_message()

    return in_loop(read(), timeout)


def close(connection: WebSocketClientConnection) -> None:
    async def ended() -> None:
        connection.close()

    in_loop(ended(), 5)


def test_nothing_is_shown_without_a_login(place: Served) -> None:
    """Without a cookie the desk, an item and an export lead to the login page."""
    for path in ("/", "/queue", "/queue/export"):
        answer = place.visitor().ask(path)
        assert answer.status == 302, path
        assert "/login" in answer.headers["Location"]


def test_signing_in_gives_a_cookie_that_scripts_cannot_read(place: Served) -> None:
    """The right password leads to the desk; the cookie is HttpOnly, SameSite=Lax, for the host."""
    visitor = place.visitor()
    answer = visitor.sign_in("ruth")
    assert (answer.status, answer.headers["Location"]) == (303, "/queue")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Path=/" in cookie
    assert visitor.ask("/queue").status == 200


def test_a_wrong_password_is_told_once(place: Served) -> None:
    """The page says that name and password do not match, whichever was wrong, and escapes both."""
    name = "<script>alert(1)</script>"
    for username in (name, "rob"):
        answer = place.visitor().sign_in(username, "wrong")
        assert answer.status == 403
        assert "Name and password do not match" in answer.text
        assert "<script>" not in answer.text


@pytest.mark.parametrize(
    "asked",
    ["//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)", "\\x"],
)
def test_after_the_login_one_stays_here(place: Served, asked: str) -> None:
    """`next` leads to a page of this server only."""
    form = {"username": "lea", "password": PASSWORD, "next": asked}
    assert place.visitor().ask("/login", form).headers["Location"] == "/"


def test_forms_of_other_sites_are_refused(place: Served) -> None:
    """A form that another site sends signs nobody in or out."""
    visitor = place.visitor("lea")
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        form = {"username": "lea", "password": PASSWORD}
        assert visitor.ask("/login", form, headers).status == 403
        assert visitor.ask("/logout", {}, headers).status == 403
    assert visitor.ask("/queue").status == 200


def test_signing_out_kills_the_cookie(place: Served) -> None:
    """After the logout the cookie is worth nothing, also where somebody kept it."""
    visitor = place.visitor("ruth")
    kept = Visitor(place.base, dict(visitor.cookies))
    assert visitor.ask("/logout").status == 405
    assert visitor.ask("/logout", {}).headers["Location"] == "/login?out=1"
    assert "You are signed out" in visitor.ask("/login?out=1").text
    assert kept.ask("/queue").status == 302


def test_a_one_time_link_sets_a_password(place: Served) -> None:
    """A new user's link shows a form, counts once, and signs in."""
    with place.database.transaction() as session:
        accounts.add_user(session, "nina", Role.REVIEWER, actor=LOCAL)
        token = accounts.make_link(session, "nina", actor=LOCAL)
    visitor = place.visitor()
    assert "Welcome, nina" in visitor.ask(f"/link?token={token}").text
    form = {"token": token, "password": "nina's long password", "again": "another"}
    assert "differ" in visitor.ask("/link", form).text
    form["again"] = form["password"]
    assert visitor.ask("/link", form).status == 303
    assert visitor.ask("/queue").status == 200
    assert place.visitor().ask("/link", form).status == 410
    assert place.visitor().sign_in("nina", "nina's long password").status == 303


def test_a_sign_in_link_counts_once(place: Served) -> None:
    """The link that a demo prints lets in without a password; looking at it does not use it."""
    with place.database.transaction() as session:
        token = accounts.make_link(session, "max", actor=LOCAL, purpose=Purpose.SIGN_IN)
    for _ in range(2):
        assert "Sign in as max" in place.visitor().ask(f"/link?token={token}").text
    assert place.visitor().ask("/link", {"token": token}).status == 303
    answer = place.visitor().ask(f"/link?token={token}")
    assert answer.status == 410
    assert "no longer works" in answer.text


def test_an_item_has_a_short_address(place: Served) -> None:
    """`/queue/42` is `/queue?item=42`."""
    assert place.visitor("ruth").ask("/queue/42").headers["Location"] == "/queue?item=42"


def test_headers_keep_others_out(place: Served) -> None:
    """No frame, nothing from elsewhere, nothing kept; our own pages run no script at all."""
    visitor = place.visitor("ruth")
    for path in ("/queue", "/login", "/nothing"):
        headers = visitor.ask(path).headers
        policy = headers["Content-Security-Policy"]
        assert "frame-ancestors 'none'" in policy
        assert "http:" not in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cache-Control"] == "no-store"
        if path != "/queue":
            assert "script-src" not in policy
            assert "default-src 'none'" in policy


def test_errors_are_pages_in_words(place: Served) -> None:
    """No such address, or no such request: told in words, without a traceback."""
    visitor = place.visitor("ruth")
    for path, form, status in (("/nothing", None, 404), ("/queue/42", {}, 405)):
        answer = visitor.ask(path, form)
        assert answer.status == status
        assert "To the desk" in answer.text
        assert "Traceback" not in answer.text


def test_the_page_does_not_hold_the_cookie(place: Served) -> None:
    """The page's source and token, which scripts can read, do not hold the login cookie."""
    visitor = place.visitor("ruth")
    (secret,) = visitor.cookies.values()
    text = visitor.ask("/queue").text
    assert "token" in text
    assert secret not in text


def test_a_websocket_needs_the_login_of_its_page(place: Served) -> None:
    """One's own page opens; somebody else's page, no cookie, and made-up tokens are refused."""
    ruth, max_ = place.visitor("ruth"), place.visitor("max")
    theirs = max_.page_token()
    assert refused(place, ruth, theirs)
    assert refused(place, place.visitor(), theirs)
    assert refused(place, ruth, generate_jwt_token(generate_session_id()))
    assert refused(place, ruth, generate_jwt_token(generate_session_id(b"x", True), b"x", True))
    assert refused(place, ruth, "nonsense")
    again = place.visitor("max")
    assert refused(place, again, theirs), "another login of the same person"
    connection = connect(place, ruth, ruth.page_token())
    assert message(connection) is not None
    close(connection)


def test_nobody_chooses_a_session(place: Served) -> None:
    """A page session's id cannot be given from outside."""
    visitor = place.visitor("ruth")
    chosen = generate_session_id()
    assert visitor.ask(f"/queue?bokeh-session-id={chosen}").status == 403
    assert visitor.ask("/queue", headers={"Bokeh-Session-Id": chosen}).status == 403
    assert visitor.ask("/queue/autoload.js?bokeh-autoload-element=x").status == 404


@pytest.mark.parametrize("how", ["logout", "disable", "role"])
def test_open_pages_close_when_the_login_ends(place: Served, how: str) -> None:
    """Within five seconds of a logout, a disabled account or a new role, the websocket closes."""
    with place.database.transaction() as session:
        name = f"page-{how}"
        user = accounts.add_user(session, name, Role.REVIEWER, actor=LOCAL)
        accounts.set_password(session, user.id, name, PASSWORD)
    visitor = place.visitor(name)
    connection = connect(place, visitor, visitor.page_token())
    assert message(connection) is not None
    began = time.monotonic()
    if how == "logout":
        visitor.ask("/logout", {})
    else:
        with place.database.transaction() as session:
            if how == "disable":
                accounts.disable_user(session, name, actor=LOCAL)
            else:
                accounts.set_role(session, name, Role.LEAD, actor=LOCAL)
    while message(connection, timeout=6) is not None:
        assert time.monotonic() - began < 5
    assert time.monotonic() - began < 5


def test_an_export_asks_for_the_role(place: Served) -> None:
    """A manager gets a zip of the shown filter; a reviewer is told that the role does not do."""
    reviewer = place.visitor("ruth").ask("/queue/export")
    assert reviewer.status == 403
    assert "may not export" in reviewer.text
    manager = place.visitor("max").ask("/queue/export?rule=PHONE_INVALID")
    assert manager.status == 200
    assert manager.headers["Content-Type"] == "application/zip"


def test_health(place: Served) -> None:
    """The health page needs no login and says nothing."""
    assert place.visitor().ask("/healthz").text == "ok"


def test_panel_serve_with_the_auth_module(place: Served, tmp_path: Path, browser: Browser) -> None:
    """`panel serve dashboard/app.py --auth-module dashboard/auth.py` has the same login."""
    command = [
        str(Path(sys.executable).with_name("panel")),
        *("serve", str(ROOT / "dashboard" / "app.py"), "--port", "PORT"),
        *("--auth-module", str(ROOT / "dashboard" / "auth.py")),
    ]
    with served(place.environment, place.database, tmp_path, command) as panel:
        assert panel.visitor().ask("/app").status == 302
        visitor = panel.visitor("ruth")
        answer = visitor.ask("/app")
        assert answer.status == 200
        token = re.search(r'"token":"([^"]+)"', answer.text)
        assert token
        desk = Visitors(browser, panel).open("ruth", "/app")
        assert desk.locator(".tabulator-row").count() > 0
        desk.context.close()
        other = panel.visitor("rob")

        async def opened() -> None:
            said = "; ".join(f"{name}={value}" for name, value in other.cookies.items())
            address = panel.base.replace("http", "ws", 1) + "/app/ws"
            headers = {"Cookie": said, "Origin": panel.base}
            await websocket_connect(
                HTTPRequest(address, headers=headers), subprotocols=["bokeh", token[1]]
            )

        with pytest.raises(HTTPClientError):
            in_loop(opened(), 20)


def test_panel_serve_without_the_auth_module(
    place: Served, tmp_path: Path, browser: Browser
) -> None:
    """A plain `panel serve` shows no data, and names the command that does."""
    command = [
        str(Path(sys.executable).with_name("panel")),
        *("serve", str(ROOT / "dashboard" / "app.py"), "--port", "PORT"),
    ]
    with served(place.environment, place.database, tmp_path, command, ready="/app") as panel:
        page = browser.new_page()
        page.goto(f"{panel.base}/app")
        page.get_by_text("workqueue serve", exact=True).wait_for()
        assert page.locator(".tabulator-row, .wq-desk").count() == 0
        page.close()


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({}, "https"),
        ({"WORKQUEUE_PUBLIC_URL": "https://desk.example"}, "WORKQUEUE_SECRET_KEY"),
    ],
)
def test_production_refuses_what_is_open(
    place: Served, variables: dict[str, str], words: str
) -> None:
    """`serve --production` says what is missing, and does not start."""
    done = subprocess.run(
        [sys.executable, "-m", "dashboard", "--production"],
        env={**place.environment, **variables},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_told(place: Served) -> None:
    """A second desk on the same port is refused in words."""
    done = subprocess.run(
        [sys.executable, "-m", "dashboard"],
        env=place.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "cannot be used" in done.stderr


def test_behind_tls_the_cookie_is_bound_to_the_host(place: Served, tmp_path: Path) -> None:
    """With an https address the cookie is Secure and has the __Host- prefix."""
    more = {
        "WORKQUEUE_PUBLIC_URL": "https://desk.example",
        "WORKQUEUE_SECRET_KEY": "s" * 40,
        "WORKQUEUE_TRUST_PROXY": "1",
    }
    command = [sys.executable, "-m", "dashboard", "--production"]
    with served(place.environment, place.database, tmp_path, command, **more) as desk:
        cookie = Visitor(desk.base).sign_in("ruth").headers["Set-Cookie"]
        assert cookie.startswith("__Host-workqueue=")
        assert "Secure" in cookie
