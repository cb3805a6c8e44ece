"""The findings of a run: of all records, or of those in scope."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.detection.fetch import Snapshot
from workqueue.rules import RULES, SECONDS, Evaluation, References, Rule, evaluate_each


def find(  # noqa: PLR0913 - keyword-only, each a different kind of thing
    snapshot: Snapshot,
    *,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
    rules: Sequence[Rule] = RULES,
    seconds: float = SECONDS,
) -> Evaluation:
    """What `rules` find that counts: of groups those all of whose members are in scope."""

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
    whole = pc.is_in(found["fingerprint"], value_set=pa.array(sorted(changes.whole), pa.string()))
    found = found.filter(pc.or_(pc.is_null(found["members"]), whole))
    if changes.everything is None:
        return replace(done, findings=found)
    anew = ask(changes.everything, [each for each in rules if each.id in changes.anew])
    return Evaluation(
        pa.concat_tables([found, anew.findings]),
        failed=done.failed | anew.failed,
        off=done.off | anew.off,
        seconds=done.seconds | anew.seconds,
    )
