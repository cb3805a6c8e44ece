"""Reads a dossier: a handful of queries by index, whatever the size of the database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Row, Text, cast, select
from sqlalchemy.orm import Session, aliased

from workqueue.dossier.disagreeing import disagreements
from workqueue.dossier.parts import (
    Correction,
    Dossier,
    Entry,
    Item,
    Member,
    OtherItem,
)
from workqueue.dossier.record import field_groups
from workqueue.dossier.words import in_words
from workqueue.errors import NoSuchItem
from workqueue.fields import BY_NAME, full_name
from workqueue.lifecycle import LIVE, Verb
from workqueue.models import (
    IndividualProvider,
    ProviderOverride,
    Rule,
    Source,
    User,
    WorkAction,
    WorkItem,
    WorkItemProvider,
)
from workqueue.rules import definition, suggestions, words

HISTORY: Final = 500
# The acts that say that the problem is there; a reopening may say that it was gone, and since when.
_SEEN: Final = (Verb.CREATE, Verb.REFRESH, Verb.RECUR, Verb.REVIVE)
_RECORD: Final = IndividualProvider.__table__
_NAME: Final = (
    _RECORD.c.npi,
    _RECORD.c.last_name,
    _RECORD.c.first_name,
    _RECORD.c.middle_name,
    _RECORD.c.credential,
    _RECORD.c.practice_state,
)


def dossier(session: Session, item_id: int, *, history: int = HISTORY) -> Dossier:
    """Everything about one item, with the newest `history` actions. Raises NoSuchItem.

    Two transactions may be seen between its queries; read it in a snapshot where that matters.
    """
    row = _item_row(session, item_id)
    item = _item(row, row.cured_at or _gone_since(session, row.id))
    return Dossier(
        item=item,
        groups=field_groups(session, item.provider_id, _faulty(row.attribute, row.evidence)),
        disagreements=disagreements(session, item.evidence),
        members=_members(session, item) if row.grouped or "members" in row.evidence else (),
        other_items=_other_items(session, item),
        history=_history(session, item.id, history),
        corrections=_corrections(session, item.provider_id),
    )


def _item_row(session: Session, item_id: int) -> Row[Any]:
    holder, closer = aliased(User), aliased(User)
    row = None
    if isinstance(item_id, int) and not isinstance(item_id, bool) and 0 < item_id < 2**63:
        row = session.execute(
            select(
                WorkItem.__table__,
                *_NAME,
                Rule.title,
                Rule.exit_condition,
                Rule.source,
                Rule.attribute,
                Rule.grouped,
                cast(Rule.definition, Text).label("definition"),
                holder.username.label("holder"),
                closer.username.label("closer"),
            )
            .join(_RECORD, _RECORD.c.id == WorkItem.provider_id)
            .join(Rule, Rule.id == WorkItem.rule_id)
            .outerjoin(holder, holder.id == WorkItem.assigned_to)
            .outerjoin(closer, closer.id == WorkItem.resolved_by)
            .where(WorkItem.id == item_id)
        ).one_or_none()
    if row is None:
        raise NoSuchItem(
            f"there is no work item {item_id!r:.40}; `workqueue inbox` lists the items there are."
        )
    return row


def _gone_since(session: Session, item_id: int) -> datetime | None:
    """When the problem had been seen gone of an item that was reopened all the same."""
    payload = session.scalar(
        select(WorkAction.payload)
        .where(
            WorkAction.work_item_id == item_id,
            WorkAction.action_type.in_(_SEEN)
            | ((WorkAction.action_type == Verb.REOPEN) & WorkAction.payload.has_key("gone_since")),
        )
        .order_by(WorkAction.seq.desc())
        .limit(1)
    )
    gone_since = (payload or {}).get("gone_since")
    return datetime.fromisoformat(gone_since) if gone_since else None


def _item(row: Row[Any], gone_since: datetime | None) -> Item:
    return Item(
        id=row.id,
        provider_id=row.provider_id,
        npi=row.npi,
        provider=_name(row),
        state=row.practice_state,
        rule_id=row.rule_id,
        title=row.title,
        finding=_finding(row),
        exit_condition=row.exit_condition,
        rule_source=row.source,
        queue_type=row.queue_type,
        status=row.status,
        priority=row.priority,
        created_at=row.created_at,
        assigned_to=row.holder,
        lease_expires_at=row.lease_expires_at,
        resolved_at=row.resolved_at,
        resolved_by=row.closer,
        notes=row.notes,
        evidence=row.evidence,
        suggested=() if gone_since or row.status not in LIVE else suggestions(row.evidence),
        fingerprint=row.fingerprint,
        generation=row.generation,
        cured_at=row.cured_at,
        gone_since=gone_since,
        version=row.version,
    )


def _name(row: Row[Any]) -> str:
    return full_name(row.last_name, row.first_name, row.middle_name, row.credential)


def _finding(row: Row[Any]) -> str:
    # The rule may be one that this version no longer has; its title is kept in the database.
    try:
        own = definition.from_json(row.definition) if row.definition else None
        said = words(row.rule_id, row.evidence, own)
    except (KeyError, TypeError, ValueError):
        said = ""
    return said or row.title


def _faulty(attribute: str, evidence: Mapping[str, Any]) -> frozenset[str]:
    values: Mapping[str, Any] = evidence.get("values", {})
    if "conflicts" in evidence:
        return frozenset(line["field"] for line in evidence["conflicts"])
    named = {*values, *str(values.get("contradicted", "")).split(","), *evidence.get("key", {})}
    return frozenset(named & BY_NAME.keys()) or frozenset({attribute})


def _members(session: Session, item: Item) -> tuple[Member, ...]:
    rows = session.execute(
        select(
            WorkItemProvider.provider_id,
            WorkItemProvider.joined_at,
            WorkItemProvider.left_at,
            Source.name.label("source"),
            *_NAME,
        )
        .join(_RECORD, _RECORD.c.id == WorkItemProvider.provider_id)
        .join(Source, Source.id == _RECORD.c.source_id)
        .where(WorkItemProvider.work_item_id == item.id)
        .order_by(WorkItemProvider.left_at.is_not(None), WorkItemProvider.provider_id)
    )
    return tuple(
        Member(
            provider_id=row.provider_id,
            npi=row.npi,
            provider=_name(row),
            state=row.practice_state,
            source=row.source,
            lead=row.provider_id == item.provider_id,
            joined_at=row.joined_at,
            left_at=row.left_at,
        )
        for row in rows
    )


def _other_items(session: Session, item: Item) -> tuple[OtherItem, ...]:
    as_lead = select(WorkItem.id).where(WorkItem.provider_id == item.provider_id)
    as_member = select(WorkItemProvider.work_item_id).where(
        WorkItemProvider.provider_id == item.provider_id, WorkItemProvider.left_at.is_(None)
    )
    rows = session.execute(
        select(
            WorkItem.id,
            WorkItem.rule_id,
            Rule.title,
            WorkItem.status,
            WorkItem.priority,
            WorkItem.created_at,
            User.username.label("assigned_to"),
        )
        .join(Rule, Rule.id == WorkItem.rule_id)
        .outerjoin(User, User.id == WorkItem.assigned_to)
        .where(
            WorkItem.id.in_(as_lead.union(as_member)),
            WorkItem.id != item.id,
            WorkItem.status.in_(sorted(LIVE)),
        )
        .order_by(WorkItem.priority, WorkItem.created_at, WorkItem.id)
    )
    return tuple(OtherItem(**row._mapping) for row in rows)


def _history(session: Session, item_id: int, limit: int) -> tuple[Entry, ...]:
    rows = session.execute(
        select(WorkAction, User.username)
        .join(User, User.id == WorkAction.user_id)
        .where(WorkAction.work_item_id == item_id)
        .order_by(WorkAction.seq.desc())
        .limit(limit)
    )
    return tuple(
        Entry(
            seq=action.seq,
            action=action.action_type,
            who=username,
            via=action.via,
            at=action.created_at,
            payload=action.payload,
            words=in_words(action.payload),
            request_id=action.request_id,
            hash=action.hash.hex(),
        )
        for action, username in rows
    )


def _corrections(session: Session, provider_id: int) -> tuple[Correction, ...]:
    withdrawer = aliased(User)
    rows = session.execute(
        select(ProviderOverride, User.username, withdrawer.username)
        .join(User, User.id == ProviderOverride.user_id)
        .outerjoin(withdrawer, withdrawer.id == ProviderOverride.withdrawn_by)
        .where(ProviderOverride.provider_id == provider_id)
        .order_by(ProviderOverride.id.desc())
    )
    return tuple(
        Correction(
            field=made.field,
            label=BY_NAME[made.field].label if made.field in BY_NAME else made.field,
            value=made.value,
            replaced_value=made.replaced_value,
            current_source_value=made.current_source_value,
            by=by,
            at=made.created_at,
            verified_how=made.verified_how,
            item_id=made.work_item_id,
            withdrawn_at=made.withdrawn_at,
            withdrawn_by=withdrawn_by,
        )
        for made, by, withdrawn_by in rows
    )
