"""The chart of how old open items are."""

from __future__ import annotations

import pandas as pd
from bokeh.models import ColumnDataSource, FactorRange, Range1d
from bokeh.plotting import figure

from dashboard.charts.parts import Theme, count_along, drawing, hover, in_words, look_of


def age_chart(frame: pd.DataFrame, *, theme: Theme = "light") -> figure:
    """Columns of how many open items are how old, for each queue type, of `metrics.age_bands`."""
    look, title = look_of(theme), "Age of what is open now"
    if frame.empty:
        return in_words(title, "Nothing is open.", look)
    places = [(str(row.label), str(row.band)) for row in frame.itertuples()]
    chart = drawing(
        title,
        "Items by the time since their creation, for each queue type",
        look,
        x_range=FactorRange(factors=places, range_padding=0.02, group_padding=0.8),
    )
    chart.y_range = Range1d(start=0, end=int(frame["items"].max()) * 1.15)
    count_along(chart.yaxis[0], "open items")
    chart.xgrid.visible = False
    chart.xaxis[0].update(
        group_text_color=look.text,
        group_text_font=look.font,
        group_text_font_size="12px",
        separator_line_color=None,
        major_label_orientation=0.7,
    )
    shades = [look.shade(0.3 + 0.15 * place) for place in frame["band"].cat.codes]
    source = ColumnDataSource(
        {
            "x": places,
            "label": frame["label"].to_numpy(),
            "band": frame["band"].astype(str).to_numpy(),
            "items": frame["items"].to_numpy(),
            "told": [f"{items:,}" for items in frame["items"]],
            "colour": shades,
        }
    )
    bars = chart.vbar(x="x", top="items", width=0.86, color="colour", source=source)
    chart.text(
        "x", "items", "told", source=source, y_offset=-3, text_align="center", **look.words()
    )
    hover(chart, bars, [("queue type", "@label"), ("age", "@band"), ("items", "@told")])
    return chart
