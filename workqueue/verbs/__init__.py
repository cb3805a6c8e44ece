"""The one door for writing: what can be done to a work item, each act a function.

A verb takes a session whose transaction the caller owns, plain values, and keyword-only the
`actor`; most take `expected_version` and `request_id` (a retry with the same one writes once).
It finds, checks, changes and records: the change and its action row are in one transaction, and
report success only after the commit, which `Database.run` does. Every refusal is a
`workqueue.errors.Refusal`.
"""

from __future__ import annotations

from workqueue.verbs.act import ItemState, allowed
from workqueue.verbs.arranging import assign, set_priority
from workqueue.verbs.claiming import claim, release, renew
from workqueue.verbs.correcting import Change, FieldUpdateResult, field_update
from workqueue.verbs.deciding import reject, reopen, resolve
from workqueue.verbs.next_item import claim_next, claim_next_at_once
from workqueue.verbs.permission import Standing, can, check
from workqueue.verbs.recheck import make_ready
from workqueue.verbs.remarking import comment, mark_duplicate
from workqueue.verbs.sweeping import expire_leases

__all__ = [
    "Change",
    "FieldUpdateResult",
    "ItemState",
    "Standing",
    "allowed",
    "assign",
    "can",
    "check",
    "claim",
    "claim_next",
    "claim_next_at_once",
    "comment",
    "expire_leases",
    "field_update",
    "make_ready",
    "mark_duplicate",
    "reject",
    "release",
    "renew",
    "reopen",
    "resolve",
    "set_priority",
]
