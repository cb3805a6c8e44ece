"""The findings of a run: of all records, or of those in scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.detection.asking import Asked, answers
from workqueue.detection.fetch import Snapshot
from workqueue.rules import Evaluation, References


def find(
    snapshot: Snapshot,
    asked: Asked,
    *,
    column_sets: Mapping[int, frozenset[str]],
    as_of: date,
    references: References,
) -> Evaluation:
    """The findings that count: of groups those all of whose members are in scope."""

    def ask(records: pa.Table, some: Asked) -> Evaluation:
        return answers(records, some, column_sets=column_sets, as_of=as_of, references=references)

    changes = snapshot.changes
    if changes is None:
        return ask(snapshot.records, asked)
    rest = tuple(each for each in asked.rules if each.id not in changes.anew)
    done = ask(snapshot.records, replace(asked, rules=rest))
    found = done.findings
    whole = pc.is_in(found["fingerprint"], value_set=changes.whole)
    found = found.filter(pc.or_(pc.is_null(found["members"]), whole))
    if changes.everything is None:
        return replace(done, findings=found)
    anew = tuple(each for each in asked.rules if each.id in changes.anew)
    of_all = ask(changes.everything, replace(asked, rules=anew))
    return Evaluation(
        pa.concat_tables([found, of_all.findings]),
        failed={**done.failed, **of_all.failed},
        off={**done.off, **of_all.off},
        seconds={**done.seconds, **of_all.seconds},
    )
