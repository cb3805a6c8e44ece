"""The desk inline in a real JupyterLab, in Chromium, without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.dashboard.place import fill, free_port
from workqueue.database import Database

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
# As in the README.
LAB = "jupyter lab notebooks"
CELLS = (
    "from dashboard import open_desk",
    "open_desk()",
    'open_desk(role="analyst")',
)


@pytest.fixture
def lab(
    environment: dict[str, str], database: Database, tmp_path: Path, browser: Browser
) -> Iterator[Page]:
    """A notebook of one cell a line, open in JupyterLab."""
    fill(database, tmp_path, rows=600)
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={"kernelspec": KERNEL},
    )
    (tmp_path / "notebooks").mkdir()
    nbformat.write(notebook, tmp_path / "notebooks" / "desk.ipynb")
    port = free_port()
    own = {f"JUPYTER_{name}_DIR": str(tmp_path / name) for name in ("CONFIG", "DATA", "RUNTIME")}
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("jupyter"),
            *LAB.split()[1:],
            *("--no-browser", "--allow-root", f"--port={port}"),
            *("--IdentityProvider.token=", "--LabApp.news_url=None"),
        ],
        cwd=tmp_path,
        env={**os.environ, **environment, **own},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    context = browser.new_context(viewport={"width": 1440, "height": 1000})
    page = context.new_page()
    page.set_default_timeout(30_000)
    try:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            try:
                page.goto(f"http://localhost:{port}/lab/tree/desk.ipynb")
                break
            except Exception:
                time.sleep(0.5)
        page.locator(".jp-NotebookPanel .cm-content").first.wait_for(timeout=60_000)
        page.get_by_text("| Idle").first.wait_for(timeout=60_000)
        yield page
    finally:
        context.close()
        process.terminate()
        process.wait(timeout=30)


def run_cell(page: Page, number: int) -> None:
    """Run one cell, once the kernel is ready."""
    page.locator(".jp-NotebookPanel .jp-CodeCell .cm-content").nth(number).click()
    page.keyboard.press("Control+Enter")
    prompt = page.locator(".jp-CodeCell .jp-InputPrompt").nth(number)
    expect(prompt).to_have_text(re.compile(r"\[\d+\]:"), timeout=60_000)


def test_the_desk_works_inline(lab: Page, database: Database) -> None:
    """Filter, inspector and form work; the analyst's desk shows the same without buttons."""
    run_cell(lab, 0)
    run_cell(lab, 1)
    desk = lab.locator(".jp-CodeCell").nth(1)
    desk.locator(".tabulator-row").first.wait_for()
    desk.get_by_label("Problem", exact=True).select_option("Phone is not a US number")
    expect(desk.locator(".tabulator-row").first).to_contain_text("Phone is not a US number")
    desk.locator(".tabulator-row").first.click()
    desk.get_by_role("button", name="Claim").click()
    expect(desk.get_by_text("In progress · you")).to_be_visible()
    desk.get_by_label("Phone (Practice)").fill("(308) 865-2512")
    desk.get_by_role("button", name="Save and resolve").click()
    expect(desk.get_by_text("is resolved.")).to_be_visible()
    run_cell(lab, 2)
    other = lab.locator(".jp-CodeCell").nth(2)
    other.locator(".tabulator-row").first.wait_for()
    expect(other.get_by_text("read-only")).to_be_visible()
    other.locator(".tabulator-row").first.click()
    expect(other.get_by_role("button", name="Close this item")).to_be_visible()
    for name in ("Claim", "Comment", "Next item"):
        assert other.get_by_role("button", name=name).count() == 0
