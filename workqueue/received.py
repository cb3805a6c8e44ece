"""READ: what the sources said of a record, now and before, without the corrections on top.

Nothing is stored twice for this: a record as received is its effective row, with the source's own
value back under each correction, and the raw text back where it was normalised.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.errors import NoSuchProvider
from workqueue.models import (
    ColumnSet,
    IndividualProvider,
    IntakeRun,
    ProviderOverride,
    ProviderSource,
    ProviderSourceHistory,
)


@dataclass(frozen=True)
class Change:
    """One file's change of a record: `former` holds what the source said until then.

    `changed_at` is UTC. Only fields that changed are in `former`, as text; None was blank.
    """

    changed_at: datetime
    run_id: int
    file_name: str
    former: Mapping[str, str | None]


def received(session: Session, provider_id: int) -> dict[str, str | None]:
    """What the source says of the record, as text by field; None is blank.

    A field that no file of the source had is absent: it is unknown, not blank. A date is
    YYYY-MM-DD, however the file wrote it. Raises NoSuchProvider.
    """
    found = session.execute(
        select(IndividualProvider, ColumnSet.fields, ProviderSource.as_received)
        .join(ColumnSet, ColumnSet.id == IndividualProvider.column_set_id)
        .join(ProviderSource, ProviderSource.provider_id == IndividualProvider.id)
        .where(IndividualProvider.id == provider_id)
    ).one_or_none()
    if found is None:
        raise NoSuchProvider(f"there is no provider record {provider_id}.")
    record, fields, raw = found
    corrected = {
        override.field: override
        for override in session.scalars(
            select(ProviderOverride).where(
                ProviderOverride.provider_id == provider_id,
                ProviderOverride.withdrawn_at.is_(None),
            )
        )
    }
    return {
        name: source_value(name, getattr(record, name), corrected.get(name), raw) for name in fields
    }


def source_value(
    field: str,
    value: str | date | None,
    override: ProviderOverride | None,
    as_received: Mapping[str, str | None] | None,
) -> str | None:
    """What the source says of one field, as text, given its effective `value`.

    `override` is its live correction, `as_received` the texts that were normalised on the way in.
    """
    said = override.current_source_value if override else as_text(value)
    return (as_received or {}).get(field, said)


def as_text(value: str | date | None) -> str | None:
    """A value of a record as text; a date as YYYY-MM-DD."""
    return value.isoformat() if isinstance(value, date) else value


def history(session: Session, provider_id: int) -> list[Change]:
    """What later files changed in the record, newest first."""
    rows = session.execute(
        select(
            ProviderSourceHistory.changed_at,
            ProviderSourceHistory.run_id,
            IntakeRun.file_name,
            ProviderSourceHistory.former,
        )
        .join(IntakeRun, IntakeRun.id == ProviderSourceHistory.run_id)
        .where(ProviderSourceHistory.provider_id == provider_id)
        .order_by(ProviderSourceHistory.id.desc())
    )
    return [
        Change(changed_at, run_id, file_name, _former(former))
        for changed_at, run_id, file_name, former in rows
    ]


def _former(former: dict[str, dict[str, str | None]]) -> dict[str, str | None]:
    raw = former.get("as_received", {})
    return {name: raw.get(name, value) for name, value in former["values"].items()}
