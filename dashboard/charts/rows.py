"""Charts with a row for each rule, reviewer or queue type."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd
from bokeh.models import ColumnDataSource, FactorRange, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from dashboard.charts.parts import (
    Look,
    Theme,
    Unit,
    count_along,
    drawing,
    hover,
    in_words,
    length,
    look_of,
    period,
)

MOST: Final = 20
_LONGEST: Final = 38
_ROW, _AROUND = 28, 130
# Room at the right for the words of the longest row.
_ROOM: Final = 1.6


def spread_chart(
    frame: pd.DataFrame, *, title: str, said: str, unit: Unit = "hours", theme: Theme = "light"
) -> figure:
    """A line from median to p90 for each row of a frame of durations or ages; `said`: of what."""
    look = look_of(theme)
    if frame.empty:
        return in_words(title, "There is nothing to measure yet.", look)
    shown = frame.head(MOST)
    median, p90 = shown[f"median_{unit}"], shown[f"p90_{unit}"]
    told = [
        f"{length(half, unit)}, p90 {length(most, unit)}, {items:,} {_items(items)}"
        for half, most, items in zip(median, p90, shown["items"], strict=True)
    ]
    chart = _in_rows(title, f"{said}; dot: median, ring: p90", frame, look)
    chart.x_range = Range1d(start=0, end=max(float(p90.max()) * _ROOM, 1.0))
    chart.xaxis.axis_label = unit
    chart.xaxis.formatter = NumeralTickFormatter(format="0,0.[0]")
    source = _source(shown, told, median=median, p90=p90)
    chart.segment("median", "y", "p90", "y", source=source, color=look.shade(0.4), line_width=3)
    ring = chart.scatter("p90", "y", source=source, size=9, line_width=2, line_color=look.accent)
    ring.glyph.fill_color = look.ground
    dot = chart.scatter("median", "y", source=source, size=10, color=look.accent)
    chart.text("p90", "y", "told", source=source, x_offset=12, **look.words(middle=True))
    hover(chart, [ring, dot], [("", "@label"), ("median, p90", "@told")])
    return chart


def throughput_chart(frame: pd.DataFrame, *, theme: Theme = "light") -> figure:
    """Bars of what each reviewer decided in all, of `metrics.throughput`."""
    look, title = look_of(theme), "Decisions by reviewer"
    if frame.empty:
        return in_words(title, "Nobody has decided an item yet.", look)
    people = frame.groupby("reviewer")[["decided", "resolved", "rejected"]].sum()
    people = people.sort_values("decided", ascending=False, kind="stable")
    people = people.reset_index(names="label")
    shown = people.head(MOST)
    said = f"{period(frame['day'])}; full colour: resolved, pale: rejected"
    chart = _in_rows(title, said, people, look)
    chart.x_range = Range1d(start=0, end=int(shown["decided"].max()) * _ROOM)
    count_along(chart.xaxis[0], "decisions")
    told = [f"{row.decided:,}, of which {row.rejected:,} rejected" for row in shown.itertuples()]
    numbers = {name: shown[name] for name in ("decided", "resolved", "rejected")}
    source = _source(shown, told, **numbers)
    bars = chart.hbar_stack(
        ["resolved", "rejected"],
        y="y",
        height=0.55,
        color=[look.shade(0.8), look.shade(0.35)],
        source=source,
    )
    chart.text("decided", "y", "told", source=source, x_offset=8, **look.words(middle=True))
    hover(chart, bars, [("", "@label"), ("decided", "@told")])
    return chart


def upheld_chart(frame: pd.DataFrame, *, theme: Theme = "light") -> figure:
    """Bars of how often people upheld the findings of each rule, of `metrics.decisions`."""
    look, title = look_of(theme), "Rules, judged by what reviewers decided"
    decided = frame[frame["decided"] > 0]
    if decided.empty:
        return in_words(title, "Nobody has decided an item yet.", look)
    shown = decided.head(MOST)
    said = "Bar: share of decisions that upheld the finding; line: its 95 % interval"
    chart = _in_rows(title, said, decided, look)
    chart.x_range = Range1d(start=0, end=_ROOM)
    chart.xaxis.ticker = [0, 0.25, 0.5, 0.75, 1]
    chart.xaxis.formatter = NumeralTickFormatter(format="0 %")
    chart.xaxis.axis_label = "resolved, of all that were resolved or rejected"
    told = [
        f"{row.upheld:.0%} ({row.upheld_low:.0%} to {row.upheld_high:.0%}) of {row.decided:,}"
        for row in shown.itertuples()
    ]
    names = ("upheld", "upheld_low", "upheld_high", "resolved", "rejected", "reopened")
    source = _source(shown, told, **{name: shown[name] for name in names})
    bars = chart.hbar("y", left=0, right="upheld", height=0.5, source=source, color=look.shade(0.6))
    chart.segment("upheld_low", "y", "upheld_high", "y", source=source, color=look.text)
    chart.text("upheld_high", "y", "told", source=source, x_offset=8, **look.words(middle=True))
    counts = [(name, f"@{name}{{0,0}}") for name in ("resolved", "rejected", "reopened")]
    hover(chart, bars, [("", "@label"), ("upheld", "@told"), *counts])
    return chart


def _items(number: int) -> str:
    return "item" if number == 1 else "items"


def _shorten(name: str) -> str:
    # So that room is left for the chart; the whole name is where the pointer is.
    return name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"


def _rows(shown: pd.DataFrame) -> list[str]:
    # The first column is the key. Where two have the same words, the later says which it is.
    names = [_shorten(str(label)) for label in shown["label"]]
    keys = shown.iloc[:, 0]
    return [
        f"{name} ({key})" if name in names[:place] else name
        for place, (name, key) in enumerate(zip(names, keys, strict=True))
    ]


def _source(shown: pd.DataFrame, told: list[str], **columns: pd.Series) -> ColumnDataSource:
    numbers: dict[str, Any] = {name: values.to_numpy() for name, values in columns.items()}
    return ColumnDataSource(
        {"y": _rows(shown), "label": list(shown["label"]), "told": told, **numbers}
    )


def _in_rows(title: str, said: str, rows: pd.DataFrame, look: Look) -> figure:
    shown = _rows(rows.head(MOST))
    if len(rows) > MOST:
        said = f"{said}; {MOST} of {len(rows)}, those with the most"
    height = _AROUND + _ROW * len(shown)
    chart = drawing(title, said, look, height=height, y_range=FactorRange(factors=shown[::-1]))
    chart.ygrid.visible = False
    chart.yaxis.major_label_text_color = look.text
    return chart
