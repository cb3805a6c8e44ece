"""The one place that turns a Filter into SQL; pages, counts, ids, frames and exports share it.

Items are read in the order (priority, created_at, id). An OR over statuses or rules would make
PostgreSQL sort everything that matches; instead each combination is a branch of a UNION ALL that
an index delivers in order, and a page takes only its size from each. Branches never overlap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import product
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    any_,
    collate,
    false,
    func,
    literal,
    literal_column,
    or_,
    select,
    union,
)
from sqlalchemy.orm import Session

from workqueue.errors import BadInput, NoSuchUser
from workqueue.inbox.filter import NOBODY, Filter
from workqueue.lifecycle import Status
from workqueue.models import (
    NAME_SEARCH,
    IndividualProvider,
    QueueType,
    Rule,
    User,
    WorkItem,
    WorkItemProvider,
)

# So many names are all told; of more, those that look alike.
_FEW: Final = 5
ITEMS: Final = WorkItem.__table__.c
PROVIDERS: Final = IndividualProvider.__table__.c
KEY: Final = (ITEMS.priority, ITEMS.created_at, ITEMS.id)
MAX_BRANCHES: Final = 48
FEW: Final = 6_000


@dataclass(frozen=True)
class Branch:
    """One conjunction of a filter; `joined` when it speaks about the lead record too."""

    conditions: tuple[ColumnElement[bool], ...]
    joined: bool

    def select(self, *columns: Any) -> Select[Any]:
        """SELECT of `columns` from the items of this branch, and their lead records if needed."""
        chosen = select(*columns).select_from(WorkItem.__table__)
        if self.joined:
            chosen = chosen.join(IndividualProvider.__table__, PROVIDERS.id == ITEMS.provider_id)
        return chosen.where(*self.conditions)


def branches(session: Session, wanted: Filter) -> list[Branch]:
    """The filter as branches that together hold each matching item once.

    Raises NoSuchUser for an unknown username, and BadInput for an unknown rule or queue type.
    """
    about_lead = _about_lead(wanted)
    if about_lead and _few(session, about_lead):
        # So few items that finding them all and sorting them is quickest; the same below.
        leads = select(PROVIDERS.id).where(*about_lead).correlate(None).scalar_subquery()
        return [_whole(session, wanted, [ITEMS.provider_id == any_(func.array(leads))], False)]
    if wanted.npi is not None or wanted.provider_id is not None:
        return [whole(session, wanted)]
    heads, common = _heads(session, wanted), _common(session, wanted)
    return [
        Branch((*head, *kind, *common, *about_lead), joined=bool(about_lead))
        for head, kind in product(heads, _kinds(wanted, len(heads)))
    ]


def whole(session: Session, wanted: Filter) -> Branch:
    """The filter as one branch, for reading all of it in no particular order. Raises as above."""
    about_lead = _about_lead(wanted)
    return _whole(session, wanted, about_lead, bool(about_lead))


def _whole(
    session: Session, wanted: Filter, about_lead: list[ColumnElement[bool]], joined: bool
) -> Branch:
    heads = [and_(*head) for head in _heads(session, wanted)]
    either = [or_(*heads)] if wanted.statuses else []
    (kind,) = _kinds(wanted, MAX_BRANCHES + 1)
    return Branch((*either, *kind, *_common(session, wanted), *about_lead), joined)


def _heads(session: Session, wanted: Filter) -> list[list[ColumnElement[bool]]]:
    heads = [[ITEMS.status == status] for status in wanted.statuses or tuple(Status)]
    if wanted.include_mine and wanted.statuses and Status.IN_PROGRESS not in wanted.statuses:
        mine = _held_by(session, wanted.include_mine)
        heads.append([ITEMS.status == Status.IN_PROGRESS.value, mine])
    return heads


def _common(session: Session, wanted: Filter) -> list[ColumnElement[bool]]:
    _check_known(session, Rule.id, wanted.rule_ids, "rule")
    _check_known(session, QueueType.code, wanted.queue_types, "queue type")
    return [*_about_item(wanted), *_assigned(session, wanted)]


def _few(session: Session, about_lead: Sequence[ColumnElement[bool]]) -> bool:
    # PostgreSQL cannot know how many items rare records have among the first of the order, and
    # would walk through the whole of it; so it counts the records first, as far as needed.
    some = select(literal(1)).select_from(IndividualProvider.__table__).where(*about_lead)
    found = session.scalar(select(func.count()).select_from(some.limit(FEW + 1).subquery()))
    return (found or 0) <= FEW


def _kinds(wanted: Filter, heads: int) -> list[list[ColumnElement[bool]]]:
    # Rules and queue types as branches of their own where there are few, as IN where many.
    rules: list[list[ColumnElement[bool]]] = [[ITEMS.rule_id == rule] for rule in wanted.rule_ids]
    types: list[list[ColumnElement[bool]]] = [
        [ITEMS.queue_type == code] for code in wanted.queue_types
    ]
    if rules and heads * len(rules) > MAX_BRANCHES:
        rules = [[ITEMS.rule_id.in_(wanted.rule_ids)]]
    if types and heads * max(len(rules), 1) * len(types) > MAX_BRANCHES:
        types = [[ITEMS.queue_type.in_(wanted.queue_types)]]
    return [[*rule, *kind] for rule, kind in product(rules or [[]], types or [[]])]


def _about_item(wanted: Filter) -> list[ColumnElement[bool]]:
    said: list[ColumnElement[bool]] = []
    if wanted.priorities:
        said.append(_one_of(ITEMS.priority, wanted.priorities))
    if wanted.created_since is not None:
        said.append(ITEMS.created_at >= wanted.created_since)
    if wanted.created_before is not None:
        said.append(ITEMS.created_at < wanted.created_before)
    if wanted.provider_id is not None:
        said.append(_concerns("id", wanted.provider_id))
    if wanted.npi is not None:
        said.append(_concerns("npi", wanted.npi))
    return said


def _one_of(column: ColumnElement[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    return column == values[0] if len(values) == 1 else column.in_(values)


def _concerns(column: str, value: Any) -> ColumnElement[bool]:
    # Aliases, so that the tables are not taken for those of the query around it.
    record, item = IndividualProvider.__table__.alias(), WorkItem.__table__.alias()
    member = WorkItemProvider.__table__.alias()
    records = select(record.c.id).where(record.c[column] == value)
    return ITEMS.id.in_(
        union(
            select(item.c.id).where(item.c.provider_id.in_(records)),
            select(member.c.work_item_id).where(
                member.c.provider_id.in_(records), member.c.left_at.is_(None)
            ),
        )
    )


def _assigned(session: Session, wanted: Filter) -> list[ColumnElement[bool]]:
    if wanted.assignee is None:
        return []
    if wanted.assignee == NOBODY:
        return [ITEMS.assigned_to.is_(None)]
    return [_held_by(session, wanted.assignee)]


def _about_lead(wanted: Filter) -> list[ColumnElement[bool]]:
    said: list[ColumnElement[bool]] = []
    if wanted.states:
        said.append(_one_of(PROVIDERS.practice_state, wanted.states))
    if wanted.text is None:
        return said
    if wanted.text.isascii() and wanted.text.isdigit():
        return [*said, PROVIDERS.npi.like(f"{wanted.text}%")]
    words = [_escaped(word) for word in wanted.text.split()]
    name: ColumnElement[str] = literal_column(f"({NAME_SEARCH})")
    if max(map(len, wanted.text.split())) < 3:
        said.append(name.like(_upper(f"{words.pop(0)}%")))
    return [*said, *(name.like(_upper(f"%{word}%")) for word in words)]


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _upper(pattern: str) -> ColumnElement[str]:
    # By the database, in the collation of the name columns: both sides change the same letters.
    return func.upper(collate(literal(pattern), "C"))


def _held_by(session: Session, username: str) -> ColumnElement[bool]:
    # The number, not a subquery: PostgreSQL then knows how many items the user has.
    found = session.scalar(select(User.id).where(User.username == username))
    if found is not None:
        return ITEMS.assigned_to == found
    if ":" in username:
        # A local account such as cli:osuser has no row before its first act, and holds nothing.
        return false()
    raise NoSuchUser(f"there is no user {username!r}; was the name mistyped?")


def _check_known(session: Session, column: Any, asked: Sequence[str], what: str) -> None:
    if not asked:
        return
    known = set(session.scalars(select(column)))
    unknown = [each for each in asked if each not in known]
    if unknown:
        raise BadInput(f"there is no {what} {unknown[0]!r:.60}; {_instead(unknown[0], known)}")


def _instead(asked: str, known: set[str]) -> str:
    if not known:
        return "there is none yet: run `workqueue detect` first."
    if len(known) <= _FEW:
        return f"there is: {', '.join(sorted(known))}."
    near = get_close_matches(asked, sorted(known), n=3, cutoff=0.5)
    return f"did you mean {' or '.join(near)}?" if near else "nothing is called like that."
