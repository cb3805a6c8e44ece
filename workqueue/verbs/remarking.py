"""Comment and mark-duplicate: what a person says about an item without changing the record."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.accounts import Actor
from workqueue.errors import BadInput, NoSuchProvider
from workqueue.lifecycle import Verb
from workqueue.models import Base
from workqueue.values import free_text
from workqueue.verbs.act import BIGINT_MAX, ItemState, start
from workqueue.verbs.members import member_of


def comment(
    session: Session,
    item_id: int,
    text: str,
    *,
    actor: Actor,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Add a comment of 1 to 10,000 characters to an item, whatever its status."""
    said = free_text(text, "comment", required=True)
    act = start(
        session,
        Verb.COMMENT,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    return act.item.state if act.repeated else act.finish({"text": said})


def mark_duplicate(
    session: Session,
    item_id: int,
    *,
    of_provider_id: int,
    actor: Actor,
    note: str = "",
    provider_id: int | None = None,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """State that a record of an item that one holds is the same person as `of_provider_id`.

    `provider_id` is a member of the item, by default its lead record. Nothing is merged or
    removed: the statement is an action row, and the item stays IN_PROGRESS. Raises
    NoSuchProvider, and BadInput for a record that would be a duplicate of itself.
    """
    said = free_text(note, "note")
    act = start(
        session,
        Verb.MARK_DUPLICATE,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    if act.repeated:
        return act.item.state
    record_id = member_of(session, act.item, provider_id)
    if of_provider_id == record_id:
        raise BadInput(f"record {record_id} cannot be a duplicate of itself; name the other one.")
    npis = _npis(session, record_id, of_provider_id)
    payload = {
        "provider_id": record_id,
        "npi": npis[record_id],
        "of_provider_id": of_provider_id,
        "of_npi": npis[of_provider_id],
        "note": said,
    }
    return act.finish(payload)


def _npis(session: Session, *provider_ids: int) -> dict[int, str | None]:
    table = Base.metadata.tables["individual_providers"]
    bounded = [number for number in provider_ids if 0 < number <= BIGINT_MAX]
    rows = session.execute(select(table.c.id, table.c.npi).where(table.c.id.in_(bounded)))
    found: dict[int, str | None] = {row.id: row.npi for row in rows}
    for number in provider_ids:
        if number not in found:
            raise NoSuchProvider(
                f"there is no provider record {number}; an item shows the numbers of its records."
            )
    return found
