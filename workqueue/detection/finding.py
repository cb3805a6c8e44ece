"""The findings of a run: of all records, or of those in scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.detection.fetch import Snapshot
from workqueue.rules import RULES, References, Rule, evaluate


def find(
    snapshot: Snapshot,
    *,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    rules: Sequence[Rule] = RULES,
) -> pa.Table:
    """The findings of `rules` that count: of groups those all of whose members are in scope."""

    def ask(records: pa.Table, asked: Sequence[Rule]) -> pa.Table:
        return evaluate(
            records, column_sets=column_sets, as_of=as_of, references=references, rules=asked
        )

    changes = snapshot.changes
    if changes is None:
        return ask(snapshot.records, rules)
    found = ask(snapshot.records, [each for each in rules if each.id not in changes.anew])
    whole = pc.is_in(found["fingerprint"], value_set=changes.whole)
    found = found.filter(pc.or_(pc.is_null(found["members"]), whole))
    if changes.everything is None:
        return found
    anew = ask(changes.everything, [each for each in rules if each.id in changes.anew])
    return pa.concat_tables([found, anew])
