"""The re-check of one record after an edit: the same rules, on the record and its groups only.

A group may be one that the record has just left or just joined, so both its former and its
present keys count; the other members are fetched by index.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

import pyarrow as pa
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from workqueue.errors import NoSuchProvider
from workqueue.fields import BY_NAME, Form
from workqueue.rules import (
    RULES,
    GroupKeys,
    Limits,
    Rule,
    evaluate_each,
    group_keys,
    key_of,
    postal,
)
from workqueue.rules.references import keys_of
from workqueue.verbs import knowledge
from workqueue.verbs.members_by_key import Sharing, sharing
from workqueue.verbs.reconcile import OfRecords, befallen_items, reconcile

# A handful of records: more threads would only get in the way of other sessions.
_LIMITS: Final = Limits(threads=1, memory_mb=256, spill_mb=0)
# A group of more is left to the next run of detection: nobody waits for it after an edit.
_CROWD: Final = 200

_SELECT: Final = f"""
SELECT p.id, s.name AS source, p.column_set_id, c.contradicted,
       {", ".join(f"n.{name}" for name in knowledge.NPPES_COLUMNS)}, FIELDS_OF_THE_RULES
FROM individual_providers p JOIN sources s ON s.id = p.source_id
LEFT JOIN ({knowledge.CONTRADICTED.format(which="AND provider_id = ANY(:ids)")}) c
    ON c.provider_id = p.id
LEFT JOIN ({knowledge.NPPES_SAYS.format(which="AND own.id = ANY(:ids)")}) n
    ON n.provider_id = p.id
WHERE p.id = ANY(:ids) ORDER BY p.id
"""

# The groups that the record is known to belong to, whatever its values say by now. What only a
# comparison with all other records can tell (`Rule.by_comparison`) has no key: it is left to the
# next run of detection.
_ITS_GROUPS: Final = text("""
SELECT item.rule_id, item.fingerprint, item.evidence
FROM work_item_providers member JOIN work_items item ON item.id = member.work_item_id
WHERE member.provider_id = :provider_id AND member.left_at IS NULL
""")

# Two edits that touch one group wait for each other here; else neither would see the other's.
_TAKE_TURNS: Final = text("""
SELECT pg_advisory_xact_lock(key) FROM (
    SELECT DISTINCT hashtextextended(unnest(CAST(:keys AS text[])), 0) AS key ORDER BY key
) keys
""")


@dataclass(frozen=True)
class Outcome:
    """Ids of the items that the re-check opened, closed, and so on; each ascending.

    `cured` are items that somebody holds or has reopened: marked as cured, not closed; `reopened`
    were closed by the machine and are open again; `recurred` had been cured and are not any more.
    """

    opened: tuple[int, ...] = ()
    closed: tuple[int, ...] = ()
    cured: tuple[int, ...] = ()
    refreshed: tuple[int, ...] = ()
    reopened: tuple[int, ...] = ()
    recurred: tuple[int, ...] = ()


def make_ready() -> None:
    """Load what the first re-check of a process would have to wait for."""
    postal.place("10001")


def groups_of(session: Session, provider_id: int) -> GroupKeys:
    """The keys of the groups that the record belongs to now; ask it before an edit."""
    record = _records(session, [provider_id])
    return group_keys(record, column_sets=knowledge.column_sets(session), limits=_LIMITS)


def recheck(
    session: Session, provider_id: int, before: GroupKeys, *, as_of: date | None = None
) -> Outcome:
    """Ask the rules of the record and of its groups, and bring their items into line.

    `before` is `groups_of` from before the edit; `as_of` a day in UTC, by default today. Runs in
    the caller's transaction, writes as the system and gives the transaction back to who was
    acting. Own rules are asked as the last detection knew them; a rule that fails, lacks its list
    or is a script's leaves its items as they are. Raises NoSuchProvider.
    """
    known = knowledge.column_sets(session)
    rules = (*RULES, *(rule for rule in knowledge.own_rules(session) if rule.checks))
    record = _records(session, [provider_id], rules)
    its_groups = [
        key_of(row.rule_id, row.evidence)
        for row in session.execute(_ITS_GROUPS, {"provider_id": provider_id})
    ]
    keys = (
        before
        | group_keys(record, column_sets=known, limits=_LIMITS)
        | {key for key in its_groups if key is not None}
    )
    found = _shared(session, keys)
    keys -= found.crowds
    others = sorted(found.ids - {provider_id})
    together = record
    if others:
        together = pa.concat_tables([record, _records(session, others, rules)])
    spoken_of = {key for row in together.to_pylist() for key in keys_of(row)}
    done = evaluate_each(
        together,
        column_sets=known,
        as_of=as_of or datetime.now(UTC).date(),
        references=knowledge.references(session, spoken_of),
        rules=rules,
        groups={key.rule_id for key in found.full},
        limits=_LIMITS,
        seconds=None,
    )
    whole = frozenset(key.fingerprint for key in keys)
    reconcile(
        session,
        _of_record(done.findings, provider_id, whole),
        scope=OfRecords(
            providers=frozenset({provider_id}),
            groups=whole,
            rules=frozenset(rule.id for rule in rules) - done.unanswered,
        ),
    )
    ids = befallen_items(session)
    ids["opened"] = ids.pop("new", ())
    return Outcome(**ids)


def _records(session: Session, ids: list[int], rules: tuple[Rule, ...] = RULES) -> pa.Table:
    statement, schema = _reading(rules)
    rows = session.execute(statement, {"ids": ids}).mappings().all()
    if len(rows) != len(ids):
        raise NoSuchProvider(f"there is no provider record {ids[0]}.")
    return pa.Table.from_pylist([dict(row) for row in rows], schema=schema)


@lru_cache(8)
def _reading(rules: tuple[Rule, ...]) -> tuple[TextClause, pa.Schema]:
    """The statement that reads records for `rules`, and the schema of its answer."""
    fields = knowledge.fields_needed(rules)
    kinds = (pa.date32() if BY_NAME[name].form is Form.DATE else pa.string() for name in fields)
    schema = pa.schema(
        [
            ("id", pa.int64()),
            ("source", pa.string()),
            ("column_set_id", pa.int32()),
            *((name, pa.string()) for name in ("contradicted", *knowledge.NPPES_COLUMNS)),
            *zip(fields, kinds, strict=True),
        ]
    )
    return text(
        _SELECT.replace("FIELDS_OF_THE_RULES", ", ".join(f"p.{name}" for name in fields))
    ), schema


def _shared(session: Session, keys: GroupKeys) -> Sharing:
    """The records that share one of the keys, waiting for edits that touch the same groups."""
    names = {" ".join((*columns, *values)) for columns, values in (key.lookup() for key in keys)}
    session.execute(_TAKE_TURNS, {"keys": sorted(names)})
    return sharing(session, keys, crowd=_CROWD)


def _of_record(findings: pa.Table, provider_id: int, whole: frozenset[str]) -> pa.Table:
    """Findings on the record, and on those groups all of whose members were asked."""
    wanted = [
        lead == provider_id if members is None else fingerprint in whole
        for lead, members, fingerprint in zip(
            *(findings[name].to_pylist() for name in ("provider_id", "members", "fingerprint")),
            strict=True,
        )
    ]
    return findings.filter(pa.array(wanted, pa.bool_()))
