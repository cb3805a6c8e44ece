"""READ: which items there are. One Filter for the inbox, exports, notebooks and bulk acts.

`page`, `count`, `ids` and `frame` answer for the same Filter with the same rows; in the same
order, by default priority (1 first), then created_at, then id. `rows` and `matching` look at
known items again, `held_by_others` counts what the default view leaves out, and `choices` says
what a filter can be narrowed to.
"""

from workqueue.inbox.choices import Choices, PersonChoice, RuleChoice, TypeChoice, choices
from workqueue.inbox.filter import MAX_ID, NOBODY, Filter
from workqueue.inbox.hidden import held_by_others
from workqueue.inbox.pages import (
    Count,
    InboxRow,
    Order,
    Page,
    count,
    frame,
    ids,
    matching,
    page,
    rows,
)

__all__ = [
    "MAX_ID",
    "NOBODY",
    "Choices",
    "Count",
    "Filter",
    "InboxRow",
    "Order",
    "Page",
    "PersonChoice",
    "RuleChoice",
    "TypeChoice",
    "choices",
    "count",
    "frame",
    "held_by_others",
    "ids",
    "matching",
    "page",
    "rows",
]
