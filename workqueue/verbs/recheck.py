"""The re-check of one record after an edit: the same rules, on the record and its groups only.

A group may be one that the record has just left or just joined, so both its former and its
present keys count; the other members are fetched by index.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Final

import pyarrow as pa
from sqlalchemy import TextClause, text
from sqlalchemy.orm import Session

from workqueue.errors import NoSuchProvider
from workqueue.fields import BY_NAME, SLOTS, Form
from workqueue.rules import (
    RULES,
    Evaluation,
    GroupKeys,
    Limits,
    Rule,
    evaluate_each,
    group_keys,
)
from workqueue.rules.references import keys_of
from workqueue.verbs import knowledge
from workqueue.verbs.reconcile import OfRecords, befallen_items, reconcile

# A handful of records: more threads would only get in the way of other sessions.
_LIMITS: Final = Limits(threads=1, memory_mb=256, spill_mb=0)

_SELECT: Final = f"""
SELECT p.id, s.name AS source, p.column_set_id, c.contradicted, {{fields}}
FROM individual_providers p JOIN sources s ON s.id = p.source_id
LEFT JOIN ({knowledge.CONTRADICTED.format(which="AND provider_id = ANY(:ids)")}) c
    ON c.provider_id = p.id
WHERE p.id = ANY(:ids) ORDER BY p.id
"""

_SHARING: Final = text(
    " UNION ".join(
        (
            "SELECT id FROM individual_providers WHERE npi = ANY(:npis)",
            *(
                f"SELECT id FROM individual_providers WHERE license_number_{n} = ANY(:numbers) "
                f"AND license_state_{n} = ANY(:states)"
                for n in range(1, SLOTS + 1)
            ),
        )
    )
)

# The groups that the record is known to belong to, whatever its values say by now.
_ITS_GROUPS: Final = text("""
SELECT item.fingerprint, item.evidence -> 'key' AS key
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
    its_groups = session.execute(_ITS_GROUPS, {"provider_id": provider_id}).all()
    keys = _together(
        before,
        group_keys(record, column_sets=known, limits=_LIMITS),
        _keys_of(row.key or {} for row in its_groups),
    )
    others = _sharing(session, provider_id, keys)
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
        limits=_LIMITS,
        seconds=None,
    )
    reconcile(
        session,
        _found(provider_id, done, keys),
        scope=OfRecords(
            providers=frozenset({provider_id}),
            groups=frozenset(row.fingerprint for row in its_groups),
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
            ("contradicted", pa.string()),
            *zip(fields, kinds, strict=True),
        ]
    )
    return text(_SELECT.format(fields=", ".join(f"p.{name}" for name in fields))), schema


def _keys_of(keys: Iterable[dict[str, str]]) -> GroupKeys:
    told = list(keys)
    return GroupKeys(
        npis=frozenset(key["npi"] for key in told if "npi" in key),
        licenses=frozenset((key["number"], key["state"]) for key in told if "number" in key),
    )


def _together(*parts: GroupKeys) -> GroupKeys:
    return GroupKeys(
        npis=frozenset().union(*(part.npis for part in parts)),
        licenses=frozenset().union(*(part.licenses for part in parts)),
    )


def _sharing(session: Session, provider_id: int, keys: GroupKeys) -> list[int]:
    """Ids of the other records that share one of the keys, ascending."""
    names = [f"npi {npi}" for npi in keys.npis]
    names += [f"license {state} {number}" for number, state in keys.licenses]
    session.execute(_TAKE_TURNS, {"keys": names})
    found = session.scalars(
        _SHARING,
        {
            "npis": list(keys.npis),
            "numbers": [number for number, _ in keys.licenses],
            "states": sorted({state for _, state in keys.licenses}),
        },
    )
    return sorted(set(found) - {provider_id})


def _found(provider_id: int, done: Evaluation, keys: GroupKeys) -> pa.Table:
    """Findings on the record, and on those groups all of whose members were looked at."""
    findings = done.findings
    wanted = [
        lead == provider_id if members is None else _is_whole(evidence, keys)
        for lead, members, evidence in zip(
            *(findings[name].to_pylist() for name in ("provider_id", "members", "evidence")),
            strict=True,
        )
    ]
    return findings.filter(pa.array(wanted, pa.bool_()))


def _is_whole(evidence: str, keys: GroupKeys) -> bool:
    of_it = _keys_of([json.loads(evidence)["key"]])
    return of_it.npis <= keys.npis and of_it.licenses <= keys.licenses
