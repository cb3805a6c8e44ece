"""What a complete run leaves for the next one, so that it need look at changes only.

A record that was written since the snapshot of the last run says so itself, by the transaction
that PostgreSQL keeps with each row (xmin): nothing is logged, a load is no slower for it, and no
crash can lose it. A transaction that was under way at that moment counts as one since.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Final, Self

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from workqueue.models import DetectionRun, ReferenceList
from workqueue.rules import Rule
from workqueue.rules.columns import DERIVED
from workqueue.rules.families import FAMILIES
from workqueue.verbs import knowledge

# Restored into another server, the numbers of transactions mean nothing.
_PLACE: Final = text("SELECT CAST(system_identifier AS text) FROM pg_control_system()")


@dataclass(frozen=True)
class Basis:
    """What a run went by.

    `place` is the server, `as_of` the day, `rules` a stamp of each rule's text by id, `lists` a
    stamp of all that rules refer to, `records` how many records there were at the last full run.
    `xmin` is pg_snapshot_xmin of the run's snapshot; 0 while there is none yet.
    """

    place: str
    as_of: date
    rules: Mapping[str, str]
    lists: str
    xmin: int = 0
    records: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The same in JSON's types."""
        return {**asdict(self), "as_of": self.as_of.isoformat()}

    @classmethod
    def from_dict(cls, told: Mapping[str, Any]) -> Self:
        """What `as_dict` gave."""
        return cls(**{**told, "as_of": date.fromisoformat(told["as_of"])})


@dataclass(frozen=True)
class Look:
    """What a run looks at.

    `since` is what the last complete run went by; None: every record is looked at by every rule.
    `anew` are the ids of rules that are asked of every record all the same, `gone` those of rules
    that are none any more.
    """

    since: Basis | None
    anew: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()


def basis(session: Session, rules: Sequence[Rule], as_of: date) -> Basis:
    """What a run goes by that begins now."""
    return Basis(
        place=session.scalar(_PLACE) or "",
        as_of=as_of,
        rules={rule.id: _stamp(repr(rule)) for rule in rules},
        lists=_stamp(repr(_referred_to(session))),
    )


def _referred_to(session: Session) -> tuple[Any, ...]:
    current = select(ReferenceList.id).where(ReferenceList.superseded_at.is_(None))
    return (
        *sorted(session.scalars(current)),
        session.scalar(text(f"SELECT {knowledge.NPPES_COMPLETE}")),
        sorted(DERIVED.items()),
        FAMILIES,
    )


def _stamp(said: str) -> str:
    return hashlib.md5(said.encode(), usedforsecurity=False).hexdigest()


def _last(session: Session) -> Basis | None:
    """What the last complete run went by; None where there was none, or it kept nothing."""
    kept = session.scalar(
        select(DetectionRun.basis)
        .where(DetectionRun.status == "DONE")
        .order_by(DetectionRun.id.desc())
        .limit(1)
    )
    return Basis.from_dict(kept) if kept else None


# Such as a rule whose items a broken run could not close.
_RETIRED: Final = text("""
SELECT id FROM rules rule WHERE retired_at IS NOT NULL AND EXISTS (
    SELECT FROM work_items item WHERE item.rule_id = rule.id AND item.status IN ('OPEN'))
""")


def look(session: Session, now: Basis, anew: frozenset[str] = frozenset()) -> Look:
    """What there is to look at since the last complete run, for one that goes by `now`.

    `anew` are rules that are asked of every record whatever has changed.
    """
    last = _last(session)
    if last is None or (last.place, last.lists) != (now.place, now.lists):
        return Look(None)
    return Look(
        last,
        anew=anew | {key for key, said in now.rules.items() if last.rules.get(key) != said},
        gone=frozenset(session.scalars(_RETIRED)) | (last.rules.keys() - now.rules.keys()),
    )
