"""Every chart drawn by Chromium, offline: on weeks of work, on one day, and on nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from bokeh.embed import file_html
from bokeh.layouts import column
from bokeh.plotting import figure
from bokeh.resources import INLINE
from playwright.sync_api import Page, sync_playwright
from sqlalchemy.orm import Session

from dashboard import charts
from tests.factories import make_items
from tests.past import lived
from workqueue import metrics
from workqueue.accounts import Actor
from workqueue.database import Database

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking",
             "--disable-component-update", "--disable-sync"]  # fmt: skip
# For each canvas: how many colours, and how many pixels are bluish, as the data are.
LOOK = """canvases => canvases.map(canvas => {
    const {width, height} = canvas
    const found = canvas.getContext("2d").getImageData(0, 0, width, height).data
    const colours = new Set()
    let blue = 0
    for (let at = 0; at < found.length; at += 4) {
        const [r, g, b] = [found[at], found[at + 1], found[at + 2]]
        colours.add(r * 65536 + g * 256 + b)
        if (b - r > 40) blue += 1
    }
    return [colours.size, blue]
})"""


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page that fails where anything is asked for from outside or said in the console."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        opened = browser.new_page(viewport={"width": 1000, "height": 900})
        yield opened
        browser.close()


def drawn(page: Page, place: Path, figures: list[figure]) -> list[tuple[int, int]]:
    """Draw the figures below each other; colours and bluish pixels of each."""
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: said.append(line.text) if line.type != "info" else None)
    file = place / "charts.html"
    layout = column(*figures, sizing_mode="stretch_width")
    file.write_text(file_html(layout, INLINE, "charts"), encoding="utf-8")
    page.goto(file.as_uri())
    page.wait_for_function("Bokeh.documents.length === 1 && Bokeh.documents[0].is_idle")
    page.screenshot(path=place / "charts.png", full_page=True)
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []
    assert [line for line in said if "setting log level" not in line] == []
    found: list[tuple[int, int]] = [
        (colours, blue)
        for colours, blue in page.locator("canvas.bk-layer, canvas").evaluate_all(LOOK)
        if colours > 1
    ]
    return found


def all_charts(session: Session, theme: charts.Theme = "light") -> list[figure]:
    """Each chart of what the session holds."""
    spread: dict[str, Any] = {"title": "Lengths", "said": "In all", "theme": theme}
    by_day = metrics.time_to_resolve(session, by="day")
    return [
        charts.backlog_chart(metrics.backlog(session), theme=theme),
        charts.flow_chart(metrics.flow(session), theme=theme),
        charts.trend_chart(by_day, title="Time to resolve", theme=theme),
        charts.age_chart(metrics.age_bands(session), theme=theme),
        charts.spread_chart(metrics.ageing(session), unit="days", **spread),
        charts.spread_chart(metrics.time_to_resolve(session), unit="minutes", **spread),
        charts.throughput_chart(metrics.throughput(session), theme=theme),
        charts.upheld_chart(metrics.decisions(session), theme=theme),
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_weeks_of_work(
    page: Page,
    database: Database,
    superuser_database: Database,
    people: dict[str, Actor],
    tmp_path: Path,
    theme: charts.Theme,
) -> None:
    """Every chart shows data, in both themes, and asks for nothing from outside."""
    lived(database, superuser_database, people)
    with database.snapshot() as session:
        found = drawn(page, tmp_path, all_charts(session, theme))
    assert len(found) == 8
    assert min(blue for _, blue in found) > 100


def test_the_first_day(page: Page, database: Database, tmp_path: Path) -> None:
    """On a queue that began today what is there is drawn, and the rest says that it is not."""
    make_items(database, 5)
    with database.snapshot() as session:
        figures = all_charts(session)
    found = drawn(page, tmp_path, figures)
    assert len(found) == 8
    with_data = [blue > 100 for _, blue in found]
    assert with_data == [True, True, False, True, True, False, False, False]


def test_nothing_at_all(page: Page, database: Database, tmp_path: Path) -> None:
    """Without items every chart is a title and a sentence."""
    with database.snapshot() as session:
        found = drawn(page, tmp_path, all_charts(session))
    assert len(found) == 8
    assert all(colours > 10 and blue == 0 for colours, blue in found)


def test_hostile_names_are_text(page: Page, tmp_path: Path) -> None:
    """A name that is markup is shown as it is, also where the pointer is."""
    name = "<img src=x onerror='window.hit=1'>"
    day = pd.Timestamp("2026-03-02")
    frame = pd.DataFrame(
        [(day, name, 2, 1, 1)], columns=["day", "reviewer", "decided", "resolved", "rejected"]
    )
    drawn(page, tmp_path, [charts.throughput_chart(frame)])
    box = page.locator("canvas").first.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + 80)
    page.mouse.move(box["x"] + box["width"] * 0.45, box["y"] + 82)
    page.get_by_text(name).wait_for(timeout=5_000)
    assert page.evaluate("window.hit") is None


def test_more_rows_than_fit(page: Page, tmp_path: Path) -> None:
    """Of many reviewers the busiest are shown, and the chart says of how many."""
    day = pd.Timestamp("2026-03-02")
    frame = pd.DataFrame(
        [(day, f"person {n}", n, n, 0) for n in range(1, 31)],
        columns=["day", "reviewer", "decided", "resolved", "rejected"],
    )
    chart = charts.throughput_chart(frame)
    assert len(chart.y_range.factors) == 20
    assert chart.y_range.factors[-1] == "person 30"
    assert "20 of 30" in " ".join(title.text for title in chart.above)
    assert len(drawn(page, tmp_path, [chart])) == 1
