"""Which records an item is about."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.errors import BadInput
from workqueue.models import WorkItemProvider
from workqueue.verbs.act import Item


def member_of(session: Session, item: Item, provider_id: int | None) -> int:
    """`provider_id` if it belongs to the item; the lead record for None. Raises BadInput."""
    if provider_id is None or provider_id == item.provider_id:
        return item.provider_id
    members = session.scalars(
        select(WorkItemProvider.provider_id)
        .where(WorkItemProvider.work_item_id == item.id, WorkItemProvider.left_at.is_(None))
        .order_by(WorkItemProvider.provider_id)
    ).all()
    if provider_id not in members:
        known = ", ".join(str(number) for number in members or [item.provider_id])
        raise BadInput(
            f"record {provider_id} does not belong to item {item.id}; its records are: {known}."
        )
    return provider_id
