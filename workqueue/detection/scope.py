"""The scope of a run that looks at changes only: which records, and all members of their groups.

A record is in it that was written or corrected since the last run, that a rule about the clock
has come due for, about which a person has decided something, or of whose NPI NPPES has come to
say something else. Beside these stand the members of every group that they left or joined: the
trigger on `individual_providers` keeps the former keys. Whatever is in scope without need costs
time only; a finding on it is what it was.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Protocol

import pyarrow as pa

from workqueue.detection.basis import Basis
from workqueue.fields import BY_NAME, SLOTS, Form
from workqueue.rules import GroupKey, GroupKeys, Rule, group_keys, rule
from workqueue.rules.sql import CLOCK, days
from workqueue.verbs.reconcile import MACHINE_ACTS

# From this share of all records on, and not below this many, it is quicker to look at all.
_SHARE: Final = 0.1
_FEW: Final = 5_000
# Beyond it PostgreSQL's 32-bit numbers of transactions could be taken for later ones.
_OLDEST: Final = 2**30
# As dates are compared with the day: then only those between two days change their minds.
_COMPARED: Final = re.compile(r"\b([a-z][a-z_]*) *(?:<|<=|>|>=) *(\{[a-z_]+\})")


class Ask(Protocol):
    """The database at one moment."""

    def __call__(self, sql: str) -> pa.Table:
        """The answer to a question."""


@dataclass(frozen=True)
class Changed:
    """Ids of the records to look at anew, and former rows of those whose group keys changed."""

    ids: frozenset[int]
    former: pa.Table


def changed(ask: Ask, since: Basis, as_of: date, rules: Sequence[Rule]) -> Changed | None:
    """What has changed since the last run; None where all had better be looked at.

    `rules` are those that are not asked of every record anyway.
    """
    now = ask("SELECT CAST(CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS bigint)")
    if not 0 <= now.column(0)[0].as_py() - since.xmin < _OLDEST:
        return None
    age = ask(f"SELECT age(CAST('{since.xmin % 2**32}' AS xid))").column(0)[0].as_py()
    ids = _ids(ask(_WRITTEN.format(age=age, due=_due(since.as_of, as_of, rules))))
    if len(ids) > max(_FEW, _SHARE * since.records):
        return None
    ids |= _ids(ask(_TOUCHED.format(age=age, machine=text_array(sorted(MACHINE_ACTS)))))
    former = _former(ask(_FORMER.format(xmin=since.xmin)))
    npis = {npi for npi in former["npi"].to_pylist() if npi}
    npis |= set(ask(_DEACTIVATED.format(age=age)).column(0).to_pylist())
    return Changed(
        ids | _ids(ask(_TOLD_BY_NPPES.format(ids=array(ids), npis=text_array(npis)))), former
    )


def _ids(answer: pa.Table) -> frozenset[int]:
    return frozenset(answer.column(0).to_pylist())


_WRITTEN: Final = """
SELECT id FROM individual_providers WHERE age(xmin) <= {age}{due}
UNION SELECT provider_id FROM provider_overrides WHERE age(xmin) <= {age}
"""
# What a person has done with an item may be for a run to answer: close it, say, once it is free.
_TOUCHED: Final = """
WITH touched AS MATERIALIZED (
    SELECT item.id, item.provider_id FROM work_items item
    WHERE age(item.xmin) <= {age} AND item.version > 1 AND EXISTS (
        SELECT FROM work_actions act WHERE act.work_item_id = item.id AND act.seq = item.version
            AND act.action_type <> ALL({machine})))
SELECT provider_id FROM touched
UNION
SELECT member.provider_id FROM touched
JOIN work_item_providers member ON member.work_item_id = touched.id
"""
_FORMER: Final = """
SELECT source.name AS source, CAST(kept.former AS text) AS former
FROM provider_former_keys kept
JOIN sources source ON source.id = CAST(kept.former ->> 'source_id' AS smallint)
WHERE kept.xid >= {xmin}
"""
_DEACTIVATED: Final = "SELECT npi FROM nppes_deactivations WHERE age(xmin) <= {age}"
_TOLD_BY_NPPES: Final = """
WITH asked AS MATERIALIZED (
    SELECT npi FROM individual_providers WHERE id = ANY({ids}) AND npi IS NOT NULL
    UNION SELECT unnest({npis}))
SELECT own.id FROM asked JOIN individual_providers own USING (npi)
JOIN sources source ON source.id = own.source_id AND source.name <> 'NPPES'
"""


def ask_anew(rules: Iterable[Rule], last: date, as_of: date) -> frozenset[str]:
    """Ids of rules about the clock that cannot be asked by date alone, once the day has changed."""
    if last == as_of:
        return frozenset()
    return frozenset(
        each.id
        for each in rules
        for text in each.expressions()
        if sum(text.count(name) for name in CLOCK)
        > sum(_is_date(field) for field, _ in _COMPARED.findall(text))
    )


def _is_date(field: str) -> bool:
    return field in BY_NAME and BY_NAME[field].form is Form.DATE


def _due(last: date, as_of: date, rules: Iterable[Rule]) -> str:
    """Conditions for the records that a date in has come to mean something else for."""
    if last == as_of:
        return ""
    then, now = days(last), days(as_of)
    pairs = {
        pair for each in rules for text in each.expressions() for pair in _COMPARED.findall(text)
    }
    return "".join(
        f" OR {field} BETWEEN '{min(then[name], now[name])}' AND '{max(then[name], now[name])}'"
        for field, name in sorted(pairs)
    )


def _former(kept: pa.Table) -> pa.Table:
    """Former rows as records: their text fields, which are all that keys are made of."""
    names = [name for name, field in BY_NAME.items() if field.form is not Form.DATE]
    rows = [json.loads(row) for row in kept["former"].to_pylist()]
    columns: dict[str, Any] = {
        "id": pa.array([row["id"] for row in rows], pa.int64()),
        "column_set_id": pa.array([row["column_set_id"] for row in rows], pa.int32()),
        "source": kept["source"],
    }
    for name in names:
        columns[name] = pa.array([row.get(name) for row in rows], pa.string())
    return pa.table(columns)


@dataclass(frozen=True)
class Groups:
    """The groups that records in scope are or were in.

    `ids` are the members of those that are large enough to be findings, `full` their fingerprints.
    `whole` are the fingerprints of all: each member of theirs is in scope.
    """

    ids: frozenset[int]
    full: frozenset[str]
    whole: frozenset[str]


def groups(
    ask: Ask,
    records: pa.Table,
    former: pa.Table,
    column_sets: Mapping[int, frozenset[str]],
    rules: Sequence[Rule],
) -> Groups:
    """The groups that changed `records` are in by now, or were in by their `former` rows."""
    keys: GroupKeys = frozenset()
    for table in (records, former):
        if table.num_rows:
            keys |= group_keys(table, column_sets=column_sets, rules=rules)
    by_columns: dict[tuple[str, ...], dict[tuple[str, ...], list[GroupKey]]] = {}
    for key in keys:
        columns, values = key.lookup()
        by_columns.setdefault(columns, {}).setdefault(values, []).append(key)
    ids: set[int] = set()
    full: set[str] = set()
    for columns, wanted in by_columns.items():
        found = ask(_members_sql(columns, sorted(wanted)))
        places = [found[f"value_{at}"].to_pylist() for at in range(len(columns))]
        values_of = list(zip(*places, strict=True))
        counts = Counter(values_of)
        large = {
            values
            for values, sharing in wanted.items()
            if counts[values] >= min(_smallest(key) for key in sharing)
        }
        ids.update(
            number
            for number, values in zip(found["id"].to_pylist(), values_of, strict=True)
            if values in large
        )
        full.update(key.fingerprint for values in large for key in wanted[values])
    return Groups(frozenset(ids), frozenset(full), frozenset(key.fingerprint for key in keys))


def _smallest(key: GroupKey) -> int:
    group = rule(key.rule_id).group
    return group.smallest if group is not None else 2


def _members_sql(columns: tuple[str, ...], wanted: Sequence[tuple[str, ...]]) -> str:
    """Each record that has the wanted values together in a slot, once."""
    names = [f"value_{at}" for at in range(len(columns))]
    arrays = ", ".join(text_array([one[at] for one in wanted]) for at in range(len(columns)))
    told = ", ".join(names)
    selects = []
    for number in range(1, SLOTS + 1) if "{n}" in columns[0] else (0,):
        same = " AND ".join(
            f"p.{column.replace('{n}', str(number))} = {name}"
            for column, name in zip(columns, names, strict=True)
        )
        selects.append(f"SELECT p.id, {told} FROM wanted JOIN individual_providers p ON {same}")
    return (
        f"WITH wanted AS MATERIALIZED (SELECT * FROM unnest({arrays}) AS wanted ({told})) "
        + " UNION ".join(selects)
    )


def array(numbers: Iterable[int]) -> str:
    """Numbers as an array in SQL."""
    return f"CAST('{{{','.join(map(str, sorted(numbers)))}}}' AS bigint[])"


def text_array(texts: Iterable[str]) -> str:
    """Texts as an array in SQL, whatever they hold."""
    quoted = ('"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"' for text in texts)
    listed = ",".join(quoted).replace("'", "''")
    return f"CAST('{{{listed}}}' AS text[])"
