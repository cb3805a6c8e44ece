"""Where the sources of a provider disagree: each attribute with what each source says, and when."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from workqueue.dossier.parts import Disagreement, Side
from workqueue.models import IndividualProvider, IntakeRun, ProviderOverride, ProviderSource
from workqueue.rules import attribute_label

_RECORD: Final = IndividualProvider.__table__


def disagreements(session: Session, evidence: Mapping[str, Any]) -> tuple[Disagreement, ...]:
    """What the evidence of an item says of sources that contradict each other; else nothing.

    The date is read here and is no part of the evidence: a source that says the same again, later,
    changes nothing about the disagreement.
    """
    lines = evidence.get("conflicts", ())
    ids = sorted({side["id"] for line in lines for side in line["sides"]})
    if not ids:
        return ()
    told = _told(session, ids)
    corrected = _corrected(session, ids)
    return tuple(
        Disagreement(
            field=line["field"],
            label=attribute_label(line["field"]),
            about=line["about"],
            sides=tuple(
                Side(
                    provider_id=side["id"],
                    source=side["source"],
                    value=side["value"],
                    as_of=corrected.get((side["id"], line["field"])) or told.get(side["id"]),
                    corrected=(side["id"], line["field"]) in corrected,
                )
                for side in line["sides"]
            ),
        )
        for line in lines
    )


def _told(session: Session, ids: list[int]) -> dict[int, date | None]:
    """Since when the sources say it: the date that a record gives itself, or that of the file."""
    rows = session.execute(
        select(_RECORD.c.id, _RECORD.c.last_update_date, IntakeRun.started_at)
        .outerjoin(ProviderSource, ProviderSource.provider_id == _RECORD.c.id)
        .outerjoin(IntakeRun, IntakeRun.id == ProviderSource.run_id)
        .where(_RECORD.c.id.in_(ids))
    )
    return {
        row.id: row.last_update_date or (row.started_at.date() if row.started_at else None)
        for row in rows
    }


def _corrected(session: Session, ids: list[int]) -> dict[tuple[int, str], date]:
    rows = session.execute(
        select(
            ProviderOverride.provider_id, ProviderOverride.field, ProviderOverride.created_at
        ).where(ProviderOverride.provider_id.in_(ids), ProviderOverride.withdrawn_at.is_(None))
    )
    return {(row.provider_id, row.field): row.created_at.date() for row in rows}
