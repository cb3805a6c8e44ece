"""READ: numbers about the queue, for notebooks and the metrics page.

Each function reads one session (`Database.snapshot()`), so that the frames of one session agree
with each other, and returns a pandas DataFrame. All of them work under the app role and under the
analyst role. What they have in common:

`wanted` is a Filter that may restrict queue_types, rule_ids, priorities, states (of the lead
record) and the days of creation, each as it is now. The other conditions say how an item stands
at present and would cut its history in two: BadInput.

`first` and `last` are days in UTC, both included; None: from the beginning, until today. Columns
`day` are midnights in UTC without a zone (datetime64). `label` is the column before it in words.

Who did what and when is read from the action rows. An item is open while it is OPEN or
IN_PROGRESS. Which verbs open and close one, and which of them are a person's, is read from
`workqueue.lifecycle`: opened by create, reopen or revive; closed by resolve, reject or close; a
decision is a resolve or a reject.
"""

from workqueue.metrics.daily import backlog, flow
from workqueue.metrics.decisions import decisions, throughput
from workqueue.metrics.durations import By, time_to_claim, time_to_resolve
from workqueue.metrics.standing import age_bands, ageing

__all__ = [
    "By",
    "age_bands",
    "ageing",
    "backlog",
    "decisions",
    "flow",
    "throughput",
    "time_to_claim",
    "time_to_resolve",
]
