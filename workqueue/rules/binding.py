"""Can DuckDB make sense of a rule? Asked of no records at all, so that only the text is judged."""

from __future__ import annotations

from datetime import date
from typing import Final

import pyarrow as pa

from workqueue.rules import sql
from workqueue.rules.batch import prepared
from workqueue.rules.engine import Limits
from workqueue.rules.isolation import RuleFailed, named
from workqueue.rules.references import References
from workqueue.rules.rule import Rule

_NOBODY: Final = pa.table({"id": pa.array([], pa.int64())})
_LIMITS: Final = Limits(threads=1, memory_mb=256, spill_mb=0)


def refused(rule: Rule) -> str | None:
    """Why DuckDB cannot ask `rule` about one record, in words; None where it can."""
    batch = prepared(_NOBODY, {}, date(2000, 1, 1), References(), _LIMITS)
    asked, question = sql.scan((rule,), batch.scope)
    if not asked:
        return "cannot be asked: it speaks of no field."
    try:
        with named(batch.limits, None):
            hits = batch.ask(question)
            batch.ask(sql.evidence(rule, batch.scope))
    except RuleFailed as failure:
        return str(failure)
    kind = hits.schema.types[2]
    return None if pa.types.is_boolean(kind) else f"is a {kind}, neither true nor false."
