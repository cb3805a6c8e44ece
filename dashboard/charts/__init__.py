"""Charts of the metrics: a frame of `workqueue.metrics` in, a Bokeh figure out.

Shared by the notebooks and the metrics page. Titles, units and periods stand on the chart itself,
and names beside what they name. A frame without rows gives a figure that says so in words. Colours
are those of the desk's style sheet, for the light and the dark theme. Nothing here asks a database.
"""

from dashboard.charts.ages import age_chart
from dashboard.charts.days import backlog_chart, flow_chart, trend_chart
from dashboard.charts.parts import Theme, Unit
from dashboard.charts.rows import spread_chart, throughput_chart, upheld_chart

__all__ = [
    "Theme",
    "Unit",
    "age_chart",
    "backlog_chart",
    "flow_chart",
    "spread_chart",
    "throughput_chart",
    "trend_chart",
    "upheld_chart",
]
