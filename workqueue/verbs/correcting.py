"""Field-update: a person's correction of a record, kept as an override on what the source says.

The source row is never edited. The effective value in `individual_providers` changes, the
override remembers the source's value that it replaces, and the record's rules are asked again at
once, so that the answer says whether the problem is cured.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from workqueue.accounts import Actor
from workqueue.database import act_as
from workqueue.errors import BadInput
from workqueue.fields import BY_NAME
from workqueue.lifecycle import Verb
from workqueue.models import Base, ProviderOverride
from workqueue.values import as_text, free_text, parse
from workqueue.verbs import recheck
from workqueue.verbs.act import Act, ItemState, lock, start
from workqueue.verbs.members import member_of

VERIFIED_LIMIT = 500
_DOMESTIC = frozenset({None, "US", "USA", "UNITED STATES"})


@dataclass(frozen=True)
class Change:
    """One field that was changed; values as text, dates as YYYY-MM-DD.

    Where old and new are equal, a correction was confirmed against a source that says otherwise.
    """

    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True)
class FieldUpdateResult:
    """What a field update did: the item, the changes, and what became of the problem.

    `cured`: the item's problem is gone. `closed` and `opened` are ids of other items that the
    correction closed or brought up. `message` says it in words.
    """

    state: ItemState
    changes: tuple[Change, ...]
    cured: bool
    closed: tuple[int, ...]
    opened: tuple[int, ...]
    message: str


@dataclass(frozen=True)
class _Correction:
    change: Change
    value: str | date | None
    source_value: str | None


def field_update(
    session: Session,
    item_id: int,
    changes: Mapping[str, str | None],
    *,
    actor: Actor,
    verified_how: str = "",
    provider_id: int | None = None,
    expected_version: int | None = None,
    request_id: UUID | None = None,
) -> FieldUpdateResult:
    """Correct fields of a record of an item that one holds, and ask the rules again.

    `changes` maps field names to new values as typed; None or blank empties a field.
    `provider_id` is a member of the item, by default its lead record. Writing the source's own
    value takes a correction back; writing the corrected value again, where the source has come
    to say something else since, confirms it. Raises BadInput for a field that does not exist, a
    value that is not well-formed, and where nothing would change; TooLong; and what `start`
    raises.
    """
    how = free_text(verified_how, "note on how it was verified", limit=VERIFIED_LIMIT)
    _check_names(changes)
    act = start(
        session,
        Verb.FIELD_UPDATE,
        item_id,
        actor=actor,
        expected_version=expected_version,
        request_id=request_id,
    )
    if act.repeated and request_id is not None:
        return _earlier(act, request_id)
    record_id = member_of(session, act.item, provider_id)
    current = _locked_record(session, record_id)
    before = recheck.groups_of(session, record_id)
    corrections = _corrections(session, record_id, current, _parsed(changes, current))
    if not corrections:
        raise BadInput(
            f"nothing was changed: record {record_id} has "
            + ("this value" if len(changes) == 1 else "these values")
            + " already."
        )
    _write(act, record_id, corrections, how)
    done = tuple(correction.change for correction in corrections)
    act.finish(
        {
            "provider_id": record_id,
            "changes": [
                {"field": change.field, "old": change.old, "new": change.new} for change in done
            ],
            "verified_how": how,
        }
    )
    outcome = recheck.recheck(session, record_id, before)
    act_as(session, act.user.id)
    item = lock(session, item_id)
    closed = tuple(sorted({*outcome.closed, *outcome.cured} - {item_id}))
    cured = item.cured_at is not None
    opened = tuple(outcome.opened)
    return FieldUpdateResult(
        item.state, done, cured, closed, opened, _message(item_id, done, cured, closed, opened)
    )


def _check_names(changes: Mapping[str, str | None]) -> None:
    if not changes:
        raise BadInput("no field was given; name at least one with its new value.")
    unknown = sorted(name for name in changes if name not in BY_NAME)
    if unknown:
        raise BadInput(
            f"there is no field {', '.join(repr(name[:60]) for name in unknown[:5])}; fields are "
            "called as `workqueue show` prints them, such as practice_phone."
        )


def _locked_record(session: Session, record_id: int) -> dict[str, Any]:
    table = Base.metadata.tables["individual_providers"]
    row = session.execute(select(table).where(table.c.id == record_id).with_for_update()).one()
    return dict(row._mapping)


def _parsed(
    changes: Mapping[str, str | None], current: Mapping[str, Any]
) -> dict[str, str | date | None]:
    values: dict[str, str | date | None] = {
        name: parse(BY_NAME[name], text)
        for name, text in changes.items()
        if name.endswith("_country")
    }
    for name, text in changes.items():
        if name not in values:
            country = f"{name.split('_', 1)[0]}_country"
            said = values.get(country, current.get(country))
            values[name] = parse(BY_NAME[name], text, domestic=said in _DOMESTIC)
    return values


def _corrections(
    session: Session,
    record_id: int,
    current: Mapping[str, Any],
    values: Mapping[str, str | date | None],
) -> list[_Correction]:
    live = {
        row.field: row
        for row in session.execute(
            select(
                ProviderOverride.field,
                ProviderOverride.replaced_value,
                ProviderOverride.current_source_value,
            ).where(
                ProviderOverride.provider_id == record_id,
                ProviderOverride.field.in_(list(values)),
                ProviderOverride.withdrawn_at.is_(None),
            )
        )
    }
    found = []
    for name, value in values.items():
        override = live.get(name)
        contradicted = (
            override is not None and override.replaced_value != override.current_source_value
        )
        if value == current[name] and not contradicted:
            continue
        source_value = override.current_source_value if override else as_text(current[name])
        change = Change(name, as_text(current[name]), as_text(value))
        found.append(_Correction(change, value, source_value))
    return found


def _write(act: Act, record_id: int, corrections: list[_Correction], how: str) -> None:
    names = [correction.change.field for correction in corrections]
    act.session.execute(
        update(ProviderOverride)
        .where(
            ProviderOverride.provider_id == record_id,
            ProviderOverride.field.in_(names),
            ProviderOverride.withdrawn_at.is_(None),
        )
        .values(withdrawn_at=func.clock_timestamp(), withdrawn_by=act.user.id)
        .execution_options(synchronize_session=False)
    )
    # Writing the source's own value takes the correction back: nothing lies on top any more.
    overrides = [
        {
            "provider_id": record_id,
            "field": correction.change.field,
            "value": correction.change.new,
            "replaced_value": correction.source_value,
            "current_source_value": correction.source_value,
            "work_item_id": act.item.id,
            "user_id": act.user.id,
            "verified_how": how,
        }
        for correction in corrections
        if correction.change.new != correction.source_value
    ]
    if overrides:
        act.session.execute(insert(ProviderOverride), overrides)
    table = Base.metadata.tables["individual_providers"]
    act.session.execute(
        update(table)
        .where(table.c.id == record_id)
        .values({correction.change.field: correction.value for correction in corrections})
    )


def _earlier(act: Act, request_id: UUID) -> FieldUpdateResult:
    payload = act.earlier_payload(request_id)
    done = tuple(Change(**change) for change in payload["changes"])
    cured = act.item.cured_at is not None
    return FieldUpdateResult(
        act.item.state, done, cured, (), (), _message(act.item.id, done, cured, (), ())
    )


def _message(
    item_id: int,
    changes: tuple[Change, ...],
    cured: bool,
    closed: tuple[int, ...],
    opened: tuple[int, ...],
) -> str:
    said = "; ".join(_in_words(change) for change in changes)
    said += (
        f". The problem is cured: resolve item {item_id} to confirm, or release it."
        if cured
        else f". The problem of item {item_id} is not cured yet."
    )
    if closed:
        said += f" Cured as well: {_items(closed)}."
    if opened:
        said += f" The correction brings up a new problem: {_items(opened)}."
    return said


def _in_words(change: Change) -> str:
    label = BY_NAME[change.field].label
    if change.old == change.new:
        return f"{label}: {_shown(change.new)} confirmed against the source"
    return f"{label}: {_shown(change.old)} is now {_shown(change.new)}"


def _shown(value: str | None) -> str:
    return "blank" if value is None else repr(value)


def _items(ids: tuple[int, ...]) -> str:
    return ("item " if len(ids) == 1 else "items ") + ", ".join(str(number) for number in ids)
