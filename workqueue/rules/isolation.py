"""One rule's failure is its own: limits of time, and what went wrong in words.

A question that fails, needs more memory than there is, or takes too long raises RuleFailed; the
engine is fit for the next question afterwards.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from workqueue.errors import Refusal
from workqueue.rules.engine import Limits, engine, forget

SECONDS: Final = 60.0
"""How long one rule may take by default, whatever the number of records."""


class RuleFailed(Refusal):
    """A rule could not be asked; its expression or its data is at fault."""


@dataclass(frozen=True)
class Evaluation:
    """Findings of the rules that could be asked (schema FINDINGS), and what became of the others.

    `failed` and `off` tell by rule id, in words, why there is no answer: a rule that failed or took
    too long, and one whose reference list is missing. `seconds` are what each of the other rules
    took; the one pass over the records is shared out equally.
    """

    findings: pa.Table
    failed: dict[str, str] = field(default_factory=dict)
    off: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def unanswered(self) -> frozenset[str]:
        """Ids of the rules whose items must be left as they are."""
        return frozenset((*self.failed, *self.off))


def why_off(needs: str) -> str:
    """Why a rule is off whose reference list `needs` was not loaded."""
    return f"needs the list {needs}: load it with `load-reference {needs} FILE`."


@contextmanager
def named(limits: Limits, seconds: float | None) -> Iterator[None]:
    """Turn what DuckDB refuses within the block into RuleFailed, and end it after `seconds`."""
    if seconds is None:
        with _in_words(limits):
            yield
        return
    asked = engine(limits)
    over = threading.Event()

    def end() -> None:
        over.set()
        asked.connection.interrupt()

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()
    try:
        with _in_words(limits):
            yield
    except duckdb.InterruptException:
        # Ctrl-C interrupts as well: that one is no rule's fault.
        if over.is_set():
            raise RuleFailed(f"took longer than {seconds:g} s and was stopped.") from None
        raise
    finally:
        timer.cancel()
        timer.join()


@contextmanager
def _in_words(limits: Limits) -> Iterator[None]:
    try:
        yield
    except duckdb.InterruptException:
        raise
    except duckdb.OutOfMemoryException:
        forget(limits)
        raise RuleFailed(f"needs more memory than {limits.memory_mb} MB.") from None
    except (duckdb.InternalException, duckdb.FatalException) as error:
        forget(limits)
        raise RuleFailed(f"broke the engine: {_first(error)}") from None
    except duckdb.Error as error:
        raise RuleFailed(_said(error)) from None


def _first(error: Exception) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".") + "."


def _said(error: duckdb.Error) -> str:
    first = _first(error).partition(": ")[2] or _first(error)
    if "Division by zero" in first:
        told = first.partition(" Use TRY")[0].rstrip(".").replace("Division", "division", 1)
        return f"{told}; write `// nullif(…, 0)`, which is unknown where the divisor is 0."
    if isinstance(error, duckdb.ConversionException):
        return f"a cast failed: {first[:1].lower()}{first[1:]} TRY_CAST gives NULL instead."
    if isinstance(error, duckdb.OutOfRangeException):
        return f"a number is too large: {first}"
    if isinstance(error, duckdb.ParserException):
        return f"syntax error: {first}"
    if isinstance(error, duckdb.BinderException):
        return f"cannot be asked: {first}"
    return first


def check_priorities(found: pa.Table) -> None:
    """Raise RuleFailed where a priority is not 1 to 5: no item could have it."""
    given = found["priority"]
    fit = pc.and_kleene(pc.greater_equal(given, 1), pc.less_equal(given, 5))
    wrong = found.filter(pc.invert(pc.fill_null(fit, fill_value=False)))
    if wrong.num_rows:
        first = wrong.slice(0, 1).to_pylist()[0]
        said = "nothing" if first["priority"] is None else first["priority"]
        raise RuleFailed(
            f"priority_expression gives {said} for record {first['id']}; a priority is 1 to 5."
        )
