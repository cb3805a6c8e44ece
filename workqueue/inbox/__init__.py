"""READ: which items there are. One Filter for the inbox, exports, notebooks and bulk acts.

`page`, `count`, `ids` and `frame` answer for the same Filter with the same rows in the same
order: priority (1 first), then created_at, then id.
"""

from workqueue.inbox.filter import MAX_ID, NOBODY, Filter
from workqueue.inbox.pages import Count, InboxRow, Page, count, frame, ids, page

__all__ = [
    "MAX_ID",
    "NOBODY",
    "Count",
    "Filter",
    "InboxRow",
    "Page",
    "count",
    "frame",
    "ids",
    "page",
]
