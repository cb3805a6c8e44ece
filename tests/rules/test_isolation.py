"""A rule that fails, takes too long or lacks its list: named, while the others go on."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from tests.rules.records import AS_OF, COLUMN_SETS, table
from workqueue.rules import (
    RULES,
    Evaluation,
    Limits,
    References,
    Rule,
    RuleFailed,
    evaluate,
    evaluate_each,
    rule,
)
from workqueue.rules.batch import FEW
from workqueue.rules.rule import Check, Group

GOOD = rule("PHONE_INVALID")
ENDLESS = "(SELECT sum(a.range * b.range % 7) FROM range(1000000) a, range(1000000) b) > 0"


def _rule(expression: str, **more: Any) -> Rule:
    check = Check(expression, ("npi",), ("npi",))
    return replace(GOOD, id="OWN_TRIED", checks=(check,), **more)


def _asked(*rules: Rule, rows: int = FEW + 1, **more: Any) -> Evaluation:
    records = table(*[{"practice_phone": "1", "npi": "12345X7890"}] * rows)
    given = {"column_sets": COLUMN_SETS, "as_of": AS_OF, "references": References(), **more}
    return evaluate_each(records, rules=rules, **given)


@pytest.mark.parametrize("rows", [1, FEW + 1])
@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("length(npi) // (length(npi) - 10) > 1", "division by zero"),
        ("CAST(npi AS BIGINT) > 5", "could not convert string '12345X7890'"),
        ("nonesuch IS NULL", "nonesuch"),
        ("npi IS NULL AND AND", "syntax error"),
        (r"regexp_matches(npi, '(1)\1')", "invalid escape sequence"),
        ("CAST(length(npi) AS TINYINT) * CAST(99 AS TINYINT) > 1", "too large"),
    ],
)
def test_a_failing_rule_is_named_and_the_others_go_on(
    expression: str, said: str, rows: int
) -> None:
    """Each kind of failure is told in words; the rule beside it finds what it always finds."""
    done = _asked(GOOD, _rule(expression), rows=rows)
    assert said in done.failed["OWN_TRIED"]
    assert done.findings["rule_id"].to_pylist() == ["PHONE_INVALID"] * rows
    assert done.unanswered == {"OWN_TRIED"}
    assert done.seconds["PHONE_INVALID"] > 0


def test_every_rule_is_answered_beside_a_failing_one() -> None:
    """Asked one by one the whole catalogue gives the findings of the one pass."""
    whole = _asked(*RULES)
    apart = _asked(*RULES, _rule("CAST(npi AS BIGINT) > 5"))
    assert whole.failed == {}
    assert apart.findings.equals(whole.findings)
    assert whole.findings.num_rows > FEW


def test_an_endless_rule_is_stopped() -> None:
    """A rule beyond the limit of time is stopped and named; its engine answers on."""
    done = _asked(GOOD, _rule(ENDLESS), seconds=0.5)
    assert done.failed == {"OWN_TRIED": "took longer than 0.5 s and was stopped."}
    assert done.findings.num_rows == FEW + 1
    assert _asked(GOOD).failed == {}


def test_a_rule_beyond_its_memory_is_named() -> None:
    """A rule that wants more memory than there is fails alone."""
    greedy = "(SELECT count(DISTINCT range) FROM range(50000000)) > length(npi)"
    done = _asked(GOOD, _rule(greedy), limits=Limits(threads=1, memory_mb=200, spill_mb=0))
    assert done.failed == {"OWN_TRIED": "needs more memory than 200 MB."}
    assert done.findings.num_rows == FEW + 1


def test_a_failing_group_is_named() -> None:
    """A rule about groups fails for itself too."""
    key = (("npi", "CAST(npi AS BIGINT)"),)
    broken = Group(key, "npi IS NOT NULL", "id", ("npi",), (("npi", "npi"),))
    done = _asked(GOOD, replace(rule("NPI_DUPLICATE"), group=broken), rule("LICENSE_SHARED"))
    assert list(done.failed) == ["NPI_DUPLICATE"]
    assert done.findings.num_rows == FEW + 1


def test_a_priority_beyond_1_to_5_fails_its_rule() -> None:
    """No item could have such a priority, so that the rule is refused instead of the run."""
    nine = _rule("npi IS NOT NULL", priority_expression="9")
    done = _asked(GOOD, nine, _rule("npi IS NOT NULL"), rows=2)
    assert done.failed["OWN_TRIED"] == (
        "priority_expression gives 9 for record 1; a priority is 1 to 5."
    )


def test_a_rule_without_its_list_is_off() -> None:
    """A rule that needs a list says so and finds nothing until the list is there."""
    needing = replace(GOOD, needs="licence-required")
    done = _asked(needing, rule("NPI_CHECK_DIGIT"))
    assert done.off["PHONE_INVALID"].startswith("needs the list licence-required")
    assert set(done.findings["rule_id"].to_pylist()) == {"NPI_CHECK_DIGIT"}
    there = _asked(needing, references=References.from_pairs([]))
    assert there.off == {}
    assert there.findings.num_rows == FEW + 1


def test_the_thin_door_raises() -> None:
    """Where one asks for findings alone, a failing rule is raised in words."""
    with pytest.raises(RuleFailed, match="OWN_TRIED a cast failed"):
        evaluate(
            pa.concat_tables([table({"npi": "x"})]),
            column_sets=COLUMN_SETS,
            as_of=AS_OF,
            references=References(),
            rules=[_rule("CAST(npi AS BIGINT) > 5")],
        )
