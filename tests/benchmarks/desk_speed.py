"""The desk in Chromium on a database that `million` filled: what a reviewer waits for.

First rows in a browser that knows the desk already, the next page, another order, a click until
the inspector shows the item; the memory of the server with twenty sessions.
Run: python -m tests.benchmarks.desk_speed --rows 1000000
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from tests.benchmarks.place import Figure, Place, run
from tests.dashboard.conftest import ARGUMENTS
from tests.dashboard.place import LOCAL, PASSWORD, free_port
from workqueue import accounts
from workqueue.database import Database
from workqueue.lifecycle import Role

REPEATS, SESSIONS = 15, 20
NAME = "bench-reviewer"
# A key or a click, until the text of `ready` has changed; milliseconds of the browser's clock.
_TIMED = """
([act, ready]) => new Promise((done) => {
  const deep = function* (node) {
    yield node
    for (const each of node.querySelectorAll('*')) if (each.shadowRoot) yield* deep(each.shadowRoot)
  }
  const text = (selector) => {
    for (const root of deep(document)) {
      const found = root.querySelector(selector)
      if (found) return found.textContent
    }
    return null
  }
  const before = text(ready), began = performance.now()
  const look = () => {
    const now = text(ready)
    if (now !== null && now !== before) done(performance.now() - began)
    else requestAnimationFrame(look)
  }
  if (act.length === 1) {
    const key = new KeyboardEvent('keydown', {key: act, bubbles: true, composed: true})
    document.body.dispatchEvent(key)
  } else for (const root of deep(document)) {
    const found = [...root.querySelectorAll(act)].find((each) => each.getClientRects().length)
    if (found) { found.click(); break }
  }
  requestAnimationFrame(look)
})
"""
FIRST_ID = '.tabulator-row [tabulator-field="item"]'


@contextmanager
def _serving(place: Place, name: str, folder: Path) -> Iterator[tuple[str, int]]:
    port = free_port()
    environment = {
        **os.environ,
        "WORKQUEUE_DATABASE_URL": place.libpq("app", name),
        "WORKQUEUE_HOME": str(folder),
        "WORKQUEUE_PORT": str(port),
    }
    process = subprocess.Popen([sys.executable, "-m", "dashboard"], env=environment)
    base = f"http://localhost:{port}"
    try:
        for _ in range(200):
            try:
                urllib.request.urlopen(f"{base}/login", timeout=5).close()
                break
            except OSError:
                time.sleep(0.1)
        yield base, process.pid
    finally:
        process.terminate()
        process.wait(timeout=30)


def _reviewer(place: Place, name: str) -> None:
    with Database(place.url("app", name)) as database, database.transaction() as session:
        known = {user.username: user.id for user in accounts.list_users(session)}
        if NAME not in known:
            added = accounts.add_user(session, NAME, Role.REVIEWER, actor=LOCAL)
            known[NAME] = added.id
        accounts.set_password(session, known[NAME], NAME, PASSWORD)


def _signed_in(browser: Browser, base: str) -> Page:
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{base}/login?next=/queue")
    page.get_by_label("User name").fill(NAME)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.locator(".tabulator-row").first.wait_for()
    return page


def _first_rows(page: Page, base: str) -> list[float]:
    took = []
    for _ in range(REPEATS // 3):
        began = time.perf_counter()
        page.goto(f"{base}/queue")
        page.locator(".tabulator-row").first.wait_for()
        took.append((time.perf_counter() - began) * 1000)
    return took


def _timed(page: Page, act: str, ready: str) -> float:
    took: float = page.evaluate(_TIMED, [act, ready])
    page.wait_for_timeout(150)
    return took


def _memory_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def measure(place: Place, rows: int) -> list[Figure]:
    """All of it in one run of one server."""
    name = place.filled(rows)
    with Database(place.url("owner", name)) as owner:
        from workqueue import provision  # noqa: PLC0415 - alembic logs at import

        provision.migrate(owner)
    _reviewer(place, name)
    chromium = shutil.which("chromium")
    with (
        tempfile.TemporaryDirectory() as folder,
        _serving(place, name, Path(folder)) as (base, pid),
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        page = _signed_in(browser, base)
        first = _first_rows(page, base)
        flips = [_timed(page, "]", FIRST_ID) for _ in range(REPEATS)]
        sorts = [
            _timed(page, '.tabulator-col[tabulator-field="age"]', FIRST_ID) for _ in range(REPEATS)
        ]
        clicks = [
            _timed(page, f".tabulator-row:nth-child({2 + number % 20})", "header.head .sub")
            for number in range(REPEATS)
        ]
        context = page.context
        for _ in range(SESSIONS - 1):
            other = context.new_page()
            other.goto(f"{base}/queue")
            other.locator(".tabulator-row").first.wait_for()
        memory = _memory_mb(pid)
        browser.close()
    return [
        Figure("first rows in Chromium", statistics.median(first), "ms", at_most=1500),
        Figure("next page", statistics.median(flips), "ms", at_most=200),
        Figure("another order", statistics.median(sorts), "ms", at_most=200),
        Figure("click to inspector", statistics.median(clicks), "ms", at_most=150),
        Figure(f"server's memory with {SESSIONS} sessions", memory, "MB", at_most=350),
    ]


if __name__ == "__main__":
    run(measure, __doc__)
