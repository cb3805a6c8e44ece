"""The findings of a run: of all records, or of those in scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.detection.fetch import Snapshot
from workqueue.rules import Evaluation, References, Rule, evaluate_each


def find(  # noqa: PLR0913 - as evaluate_each
    snapshot: Snapshot,
    rules: Sequence[Rule],
    *,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    seconds: float,
) -> Evaluation:
    """The findings of `rules` that count: of groups those all of whose members are in scope."""

    def ask(records: pa.Table, asked: Sequence[Rule]) -> Evaluation:
        return evaluate_each(
            records,
            column_sets=column_sets,
            as_of=as_of,
            references=references,
            rules=asked,
            seconds=seconds,
        )

    changes = snapshot.changes
    if changes is None:
        return ask(snapshot.records, rules)
    done = ask(snapshot.records, [each for each in rules if each.id not in changes.anew])
    found = done.findings
    whole = pc.is_in(found["fingerprint"], value_set=changes.whole)
    found = found.filter(pc.or_(pc.is_null(found["members"]), whole))
    if changes.everything is None:
        return Evaluation(found, done.failed, done.off, done.seconds)
    anew = ask(changes.everything, [each for each in rules if each.id in changes.anew])
    return Evaluation(
        pa.concat_tables([found, anew.findings]),
        {**done.failed, **anew.failed},
        {**done.off, **anew.off},
        {**done.seconds, **anew.seconds},
    )


def seen_by_scripts(snapshot: Snapshot) -> pa.Table:
    """All records: what a script finds in some of them may depend on others."""
    if snapshot.changes is None or snapshot.changes.everything is None:
        return snapshot.records
    return snapshot.changes.everything
