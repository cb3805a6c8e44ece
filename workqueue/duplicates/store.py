"""The model and the items in the database: what a search begins with, and what it leaves."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.orm import Session

from workqueue.duplicates.comparisons import shipped
from workqueue.duplicates.estimating import ENOUGH
from workqueue.duplicates.identity import PREFIX, Known
from workqueue.duplicates.model import Model
from workqueue.models import DuplicateModel

GOOD_FOR: Final = timedelta(days=90)
"""A model older than that is estimated again."""
MAY_GROW: Final = 0.2
"""So is one of which the number of records has changed by more than this share."""

# Another comparison, or other shipped parameters, and what was estimated is of no use any more.
EDITION: Final = hashlib.md5(
    json.dumps(shipped(0.5), sort_keys=True).encode(), usedforsecurity=False
).hexdigest()[:12]

_KNOWN: Final = text(f"""
SELECT item.id, item.fingerprint, item.status, item.evidence -> 'compared' AS compared,
       item.generation = max(item.generation) OVER (PARTITION BY item.fingerprint) AS newest,
       item.resolved_by IS NOT NULL AND closer.kind <> 'system' AS decided
FROM work_items item LEFT JOIN "user" closer ON closer.id = item.resolved_by
WHERE item.rule_id IN ('DUPLICATE_LIKELY', 'DUPLICATE_POSSIBLE')
  AND item.fingerprint LIKE '{PREFIX}%'
ORDER BY item.id
""")


@dataclass(frozen=True)
class Stored:
    """A model as it is kept, with its id."""

    id: int
    model: Model


def current(session: Session, records: int) -> Stored | None:
    """The model to compare `records` records with; None where one is to be estimated first."""
    row = session.execute(
        select(
            DuplicateModel,
            (DuplicateModel.made_at < func.now() - GOOD_FOR).label("old"),
        )
        .order_by(DuplicateModel.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or row.old:
        return None
    kept: DuplicateModel = row.DuplicateModel
    outgrown = abs(records - kept.records) > MAY_GROW * kept.records
    learns = not kept.learnt and records >= ENOUGH
    if kept.edition != EDITION or learns or (outgrown and records >= ENOUGH):
        return None
    return Stored(kept.id, _model(kept))


def _model(kept: DuplicateModel) -> Model:
    return Model(
        settings=kept.settings,
        records=kept.records,
        learnt=kept.learnt,
        frequencies=kept.frequencies,
        crowded=frozenset((key, value) for key, value in kept.crowded),
    )


def keep(session: Session, model: Model, before: Stored | None) -> None:
    """Keep `model`: a new one, or the one of `before` with the keys that are crowded by now."""
    crowds = [list(pair) for pair in sorted(model.crowded)]
    if before is None:
        values: dict[str, Any] = {
            "edition": EDITION,
            "records": model.records,
            "learnt": model.learnt,
            "settings": dict(model.settings),
            "frequencies": {name: dict(seen) for name, seen in model.frequencies.items()},
            "crowded": crowds,
        }
        session.execute(insert(DuplicateModel).values(values))
    elif model.crowded != before.model.crowded:
        session.execute(
            update(DuplicateModel).where(DuplicateModel.id == before.id).values(crowded=crowds)
        )


def known(session: Session) -> tuple[Known, ...]:
    """The items about groups that look like one person, oldest first."""
    return tuple(
        Known(
            item_id=row.id,
            fingerprint=row.fingerprint,
            digests={int(record): digest for record, digest in (row.compared or {}).items()},
            newest=row.newest,
            live=row.status in {"OPEN", "IN_PROGRESS"},
            decided=row.decided,
            rejected=row.status == "REJECTED",
        )
        for row in session.execute(_KNOWN)
    )
