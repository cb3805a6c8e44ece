"""What the charts share: colours of a theme, an empty figure, hover, and lengths in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cache
from typing import Any, Final, Literal

import pandas as pd
from bokeh.core.properties import value
from bokeh.models import BasicTicker, HoverTool, NumeralTickFormatter, Range1d
from bokeh.models.annotations import Title
from bokeh.models.renderers import GlyphRenderer
from bokeh.plotting import figure

from dashboard.look import css

Theme = Literal["light", "dark"]
Unit = Literal["days", "hours", "minutes"]

HEIGHT: Final = 320
_SECONDS: Final = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0}
_THEMES: Final = {"light": ":root {", "dark": ':root[data-theme="dark"] {'}


@dataclass(frozen=True)
class Look:
    """The colours of one theme, by their names in tokens.css, and the font."""

    ground: str
    line: str
    text: str
    text_2: str
    accent: str
    good: str
    font: str

    def shade(self, share: float) -> str:
        """The accent mixed with the ground: 1 is the accent itself, 0 the ground."""
        pairs = zip(_channels(self.accent), _channels(self.ground), strict=True)
        return "#" + "".join(f"{round(share * a + (1 - share) * g):02x}" for a, g in pairs)

    def words(self, *, middle: bool = False) -> dict[str, Any]:
        """How text on a chart looks; `middle`: beside something, not above it."""
        return {
            "text_color": self.text,
            # A bare string would be the name of a column.
            "text_font": value(self.font),
            "text_font_size": "12px",
            "text_baseline": "middle" if middle else "bottom",
        }


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


@cache
def look_of(theme: Theme) -> Look:
    """The look of a theme, read from the style sheet."""
    sheet = css("tokens")
    block = sheet.split(_THEMES[theme], 1)[1].split("}", 1)[0]
    told = dict(re.findall(r"--wq-([\w-]+): (#[0-9a-f]{6})", block))
    told["font"] = " ".join(sheet.split("--wq-font:", 1)[1].split(";", 1)[0].split())
    return Look(**{field.name: told[field.name.replace("_", "-")] for field in fields(Look)})


def drawing(title: str, said: str, look: Look, *, height: int = HEIGHT, **more: Any) -> figure:
    """A figure with a title and a line about it, without data yet."""
    chart = figure(
        height=height,
        sizing_mode="stretch_width",
        max_width=1000,
        toolbar_location=None,
        tools="",
        background_fill_color=look.ground,
        border_fill_color=look.ground,
        outline_line_color=None,
        min_border_left=12,
        min_border_top=12,
        **more,
    )
    for words, size, colour, style in (
        (said, "12px", look.text_2, "normal"),
        (title, "15px", look.text, "bold"),
    ):
        line = Title(text=words, text_font=look.font, text_font_size=size)
        line.update(text_color=colour, text_font_style=style, standoff=6)
        chart.add_layout(line, "above")
    for axis in chart.axis:
        axis.update(
            axis_line_color=look.line,
            major_tick_line_color=None,
            minor_tick_line_color=None,
            major_label_text_color=look.text_2,
            major_label_text_font=look.font,
            major_label_text_font_size="12px",
            axis_label_text_color=look.text_2,
            axis_label_text_font=look.font,
            axis_label_text_font_size="12px",
            axis_label_text_font_style="normal",
        )
    for grid in chart.grid:
        grid.grid_line_color = look.line
    return chart


def in_words(title: str, words: str, look: Look) -> figure:
    """A figure that says why there is nothing to show."""
    chart = drawing(title, words, look, height=90)
    chart.x_range = chart.y_range = Range1d(start=0, end=1)
    chart.axis.visible = False
    chart.grid.visible = False
    # A figure without a glyph warns that it has none.
    chart.scatter([0], [0], alpha=0)
    return chart


def hover(
    chart: figure,
    over: GlyphRenderer[Any] | Sequence[GlyphRenderer[Any]],
    told: Sequence[tuple[str, str]],
    *,
    whole_day: bool = False,
) -> None:
    """Tell these columns where the pointer is; `whole_day`: anywhere above or below a day."""
    chart.add_tools(
        HoverTool(
            renderers=list(over) if isinstance(over, Sequence) else [over],
            tooltips=list(told),
            mode="vline" if whole_day else "mouse",
            visible=False,
        )
    )


def count_along(axis: Any, of: str) -> None:
    """Make an axis one of whole numbers, with what they count beside it."""
    axis.axis_label = of
    axis.formatter = NumeralTickFormatter(format="0,0")
    axis.ticker = BasicTicker(min_interval=1)


def period(days: pd.Index | pd.Series) -> str:
    """From which day to which."""
    first, last = days.min(), days.max()
    if first == last:
        return f"{first:%Y-%m-%d} only, UTC"
    return f"{first:%Y-%m-%d} to {last:%Y-%m-%d}, days in UTC"


def length(span: float, unit: Unit) -> str:
    """A length of time as people say it: 45 min, 2.5 h, 1.6 d."""
    took = span * _SECONDS[unit]
    for name, least in (("days", 129_600), ("hours", 5_400), ("minutes", 60)):
        if took >= least:
            amount = took / _SECONDS[name]
            short = {"days": "d", "hours": "h", "minutes": "min"}[name]
            return f"{amount:,.0f} {short}" if amount >= 10 else f"{amount:.1f} {short}"
    return f"{took:.0f} s"
