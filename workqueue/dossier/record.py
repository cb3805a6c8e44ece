"""The values of a record, each with where it comes from."""

from __future__ import annotations

import re
from typing import Any, Final

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from workqueue.dossier.parts import FieldGroup, FieldValue
from workqueue.fields import FIELDS, GROUPS, Field
from workqueue.models import (
    ColumnSet,
    IndividualProvider,
    IntakeRun,
    ProviderOverride,
    ProviderSource,
    Source,
    User,
)
from workqueue.received import as_text, source_value

_RECORD: Final = IndividualProvider.__table__
_SLOTTED: Final = re.compile(
    r"(?:taxonomy_code|license_number|license_state|taxonomy_primary)_(\d+)"
)


def field_groups(
    session: Session, provider_id: int, faulty: frozenset[str]
) -> tuple[FieldGroup, ...]:
    """Every attribute of a record, in the groups and the order of `workqueue.fields`.

    Empty taxonomy slots beyond the first are left out. `faulty` are the fields to mark.
    """
    record = session.execute(
        select(
            _RECORD,
            Source.name.label("source_name"),
            ColumnSet.fields.label("known"),
            ProviderSource.as_received,
            IntakeRun.started_at.label("as_of"),
        )
        .join(Source, Source.id == _RECORD.c.source_id)
        .join(ColumnSet, ColumnSet.id == _RECORD.c.column_set_id)
        .join(ProviderSource, ProviderSource.provider_id == _RECORD.c.id)
        .join(IntakeRun, IntakeRun.id == ProviderSource.run_id)
        .where(_RECORD.c.id == provider_id)
    ).one()
    live = {
        override.field: (override, username)
        for override, username in session.execute(
            select(ProviderOverride, User.username)
            .join(User, User.id == ProviderOverride.user_id)
            .where(
                ProviderOverride.provider_id == provider_id,
                ProviderOverride.withdrawn_at.is_(None),
            )
        )
    }
    values = [
        (field.group, _value(field, record, live.get(field.name), faulty=field.name in faulty))
        for field in FIELDS
    ]
    return tuple(
        FieldGroup(name, tuple(one for group, one in values if group == name and _wanted(one)))
        for name in GROUPS
    )


def _wanted(value: FieldValue) -> bool:
    # Of the fifteen taxonomy slots only the first is of interest while it is empty.
    slot = _SLOTTED.fullmatch(value.field)
    filled = value.value is not None or value.received is not None or value.faulty
    return filled or slot is None or slot[1] == "1"


def _value(
    field: Field, record: Row[Any], corrected: tuple[ProviderOverride, str] | None, *, faulty: bool
) -> FieldValue:
    override, corrected_by = corrected or (None, None)
    value = as_text(getattr(record, field.name))
    received = source_value(field.name, value, override, record.as_received)
    return FieldValue(
        field=field.name,
        label=field.label,
        value=value,
        known=field.name in record.known,
        source=record.source_name,
        received=received if received != value else None,
        as_of=record.as_of,
        corrected_by=corrected_by,
        corrected_at=override.created_at if override else None,
        verified_how=override.verified_how if override else None,
        contradicted=override is not None
        and override.current_source_value not in (override.replaced_value, override.value),
        faulty=faulty,
    )
