"""Charts along the days: backlog, flow, and how durations change."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import pandas as pd
from bokeh.models import (
    ColumnDataSource,
    DatetimeTickFormatter,
    NumeralTickFormatter,
    Range1d,
)
from bokeh.models.annotations import Label
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

_DAY: Final = pd.Timedelta(days=1)
# So that the first days of a queue are narrow at the right, and not one block.
_FEWEST: Final = 14
# Room for the names at the right, as a share of the days.
_ROOM: Final = 0.28
# The least distance of two labels, as a share of the height.
_APART: Final = 0.08
_NOTHING_YET: Final = "No work item has been made yet: load a file and run detection."


def backlog_chart(frame: pd.DataFrame, *, theme: Theme = "light") -> figure:
    """Areas of what was open at the end of each day, one on the other, of `metrics.backlog`."""
    look, title = look_of(theme), "Open at the end of each day, by queue type"
    if frame.empty:
        return in_words(title, _NOTHING_YET, look)
    days = frame.pivot_table(index="day", columns="label", values="open", sort=False)
    # The largest at the bottom, where it is read best.
    days = days[days.iloc[-1].sort_values(ascending=False, kind="stable").index]
    tops = days.cumsum(axis=1)
    chart = _over_days(title, days.index, tops.iloc[:, -1].max(), look)
    count_along(chart.yaxis[0], "open items")
    ends = [*days.index, days.index[-1] + _DAY]
    labels = {}
    for place, name in enumerate(days.columns):
        high = [*tops[name], tops[name].iloc[-1]]
        low = [*(tops[name] - days[name]), tops[name].iloc[-1] - days[name].iloc[-1]]
        colour = look.shade(0.75 - 0.5 * place / max(len(days.columns) - 1, 1))
        chart.varea_step(ends, low, high, step_mode="after", fill_color=colour)
        labels[f"{name} {days[name].iloc[-1]:,.0f}"] = ((low[-1] + high[-1]) / 2, look.text)
    _at_the_end(chart, ends[-1], labels, tops.iloc[:, -1].max(), look)
    _hover_days(
        chart, days.assign(all=tops.iloc[:, -1]), tops.iloc[:, -1], look, days.index + _DAY / 2
    )
    return chart


def flow_chart(frame: pd.DataFrame, *, theme: Theme = "light") -> figure:
    """Lines of what was opened and closed on each day, of `metrics.flow`, all types together."""
    look, title = look_of(theme), "Opened and closed on each day"
    if frame.empty:
        return in_words(title, _NOTHING_YET, look)
    days = frame.groupby("day")[["opened", "closed", "decided"]].sum()
    chart = _over_days(title, days.index, days.to_numpy().max(), look)
    count_along(chart.yaxis[0], "items a day")
    told = {name: f"{name} {days[name].iloc[-1]:,}" for name in ("opened", "closed")}
    _lines(chart, days, told, (look.accent, look.good), look)
    named = days.rename(columns={"decided": "closed by people"})
    _hover_days(chart, named, days.max(axis=1), look)
    return chart


def trend_chart(
    frame: pd.DataFrame, *, title: str, unit: Unit = "hours", theme: Theme = "light"
) -> figure:
    """Lines of median and p90 by day, of a frame of durations by day."""
    look = look_of(theme)
    if frame.empty:
        return in_words(title, "Nothing has come to its end yet.", look)
    days = frame.set_index("day")[[f"median_{unit}", f"p90_{unit}", "items"]]
    days.columns = pd.Index(["median", "p90", "items"])
    chart = _over_days(title, days.index, days["p90"].max(), look)
    chart.yaxis.axis_label = unit
    chart.yaxis.formatter = NumeralTickFormatter(format="0,0.[0]")
    told = {name: f"{name} {length(days[name].iloc[-1], unit)}" for name in ("median", "p90")}
    _lines(chart, days, told, (look.accent, look.text_2), look)
    named = days.assign(**{name: [length(each, unit) for each in days[name]] for name in told})
    _hover_days(chart, named, days["p90"], look)
    return chart


def _over_days(title: str, days: pd.Index, most: float, look: Look) -> figure:
    first, last = days[0], days[-1]
    begin = min(first, last - (_FEWEST - 1) * _DAY)
    chart = drawing(title, period(days), look, x_axis_type="datetime")
    chart.x_range = Range1d(start=begin, end=last + _DAY + _ROOM * (last - begin))
    chart.xaxis.bounds = (begin, last + _DAY)
    chart.y_range = Range1d(start=0, end=float(most) * 1.08 or 1)
    chart.xaxis.formatter = DatetimeTickFormatter(days="%-d %b", months="%b %Y", years="%Y")
    chart.xgrid.visible = False
    return chart


def _lines(
    chart: figure, days: pd.DataFrame, told: Mapping[str, str], colours: Sequence[str], look: Look
) -> None:
    labels = {}
    for (name, words), colour in zip(told.items(), colours, strict=True):
        source = ColumnDataSource({"day": days.index, "value": days[name].to_numpy()})
        chart.line("day", "value", source=source, color=colour, line_width=2)
        if len(days) <= 2 * _FEWEST:
            chart.scatter("day", "value", source=source, color=colour, size=6)
        labels[words] = (float(days[name].iloc[-1]), colour)
    _at_the_end(chart, days.index[-1], labels, days[list(told)].to_numpy().max(), look)


def _at_the_end(
    chart: figure,
    day: pd.Timestamp,
    labels: Mapping[str, tuple[float, str]],
    most: float,
    look: Look,
) -> None:
    # Beside the end of what they name, pushed apart where they would lie on each other.
    gap = most * _APART
    lowest = gap / 2
    for words, (height, colour) in sorted(labels.items(), key=lambda each: each[1][0]):
        lowest = max(height, lowest)
        label = Label(x=day, y=lowest, text=words, x_offset=8, text_color=colour)
        label.update(text_font=look.font, text_font_size="12px", text_baseline="middle")
        # Over the lines of the grid, which would cross it out.
        label.background_fill_color = look.ground
        chart.add_layout(label)
        lowest += gap


def _hover_days(
    chart: figure, told: pd.DataFrame, heights: pd.Series, look: Look, at: pd.Index | None = None
) -> None:
    # An unseen point on each day, found anywhere above and below it.
    columns = {
        f"told_{place}": [each if isinstance(each, str) else f"{each:,.0f}" for each in told[name]]
        for place, name in enumerate(told.columns)
    }
    days = [f"{day:%Y-%m-%d}" for day in told.index]
    moments = told.index if at is None else at
    source = ColumnDataSource({"x": moments, "y": heights.to_numpy(), "day": days, **columns})
    points = chart.scatter("x", "y", source=source, size=7, fill_alpha=0, line_alpha=0)
    points.hover_glyph = points.glyph.clone(line_color=look.text, line_alpha=1)
    names = [(str(name), f"@{key}") for key, name in zip(columns, told.columns, strict=True)]
    hover(chart, points, [("day", "@day"), *names], whole_day=True)
