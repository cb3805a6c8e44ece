"""What the default view leaves out: items in progress with somebody else."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy.orm import Session

from workqueue.inbox.filter import Filter
from workqueue.inbox.pages import count
from workqueue.lifecycle import Status


def held_by_others(session: Session, wanted: Filter) -> int:
    """How many IN_PROGRESS items `wanted` leaves out only because others hold them.

    0 where it names no `include_mine`, or asks for items IN_PROGRESS anyway.
    """
    mine = wanted.include_mine
    if mine is None or not wanted.statuses or Status.IN_PROGRESS in wanted.statuses:
        return 0
    held = replace(wanted, statuses=(Status.IN_PROGRESS,), include_mine=None)
    if held.assignee is not None:
        return 0 if held.assignee == mine else count(session, held).value
    return count(session, held).value - count(session, replace(held, assignee=mine)).value
