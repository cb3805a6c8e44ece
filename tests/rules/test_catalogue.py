"""The catalogue: stable ids, words for people, and SQL that means the same in Spark."""

from __future__ import annotations

import pytest
import sqlglot
from sqlglot import exp

from tests.rules.cases import HITS, LISTS
from tests.rules.records import AS_OF, found, table
from workqueue.fields import BY_NAME, SLOTS
from workqueue.rules import RETIRED, RULES, catalogue_table, rule, words
from workqueue.rules.columns import DERIVED, VOCABULARY
from workqueue.rules.families import FAMILIES, family
from workqueue.rules.rule import Rule

ISSUED = {
    *("NPI_MISSING", "NPI_CHECK_DIGIT", "NPI_DUPLICATE", "NAME_LAST_MISSING"),
    *("NAME_FIRST_MISSING", "NAME_SUSPICIOUS", "TAXONOMY_MISSING", "LICENSE_MISSING"),
    *("LICENSE_SHARED", "ADDR_PRACTICE_MISSING", "PO_BOX_PRACTICE", "STATE_INVALID"),
    *("ZIP_INVALID", "PHONE_MISSING", "PHONE_INVALID", "DATE_FUTURE", "DATE_ORDER"),
    *("RECORD_STALE", "SOURCE_CONFLICT"),
}


def _expressions() -> list[tuple[str, str]]:
    texts = [(one.id, text) for one in RULES for text in one.expressions()]
    texts += DERIVED.items()
    codes = ", ".join(f"taxonomy_code_{number}" for number in range(1, SLOTS + 1))
    return [
        (
            name,
            text.replace("{n}", "3")
            .replace("{m}", "2")
            .replace("{taxonomy_codes}", codes)
            .replace("{tomorrow}", "DATE '2026-07-02'")
            .replace("{five_years_ago}", "DATE '2021-07-01'")
            .replace("{ten_years_ago}", "DATE '2016-07-01'"),
        )
        for name, text in texts
    ]


def test_no_id_is_ever_lost() -> None:
    """Every id that was issued is a rule or listed as retired, once."""
    ids = [one.id for one in (*RULES, *RETIRED)]
    assert len(ids) == len(set(ids))
    assert set(ids) >= ISSUED
    assert all(rule(one) for one in ids)
    with pytest.raises(KeyError):
        rule("NO_SUCH_RULE")


@pytest.mark.parametrize("one", RULES, ids=lambda one: one.id)
def test_a_rule_is_complete(one: Rule) -> None:
    """A rule has its words, a priority of 1 to 5, and either checks or a group."""
    assert one.title
    assert one.exit_condition.endswith(".")
    assert one.source
    assert 1 <= one.priority <= 5
    assert one.checks or one.group
    assert bool(one.says_of_group) == bool(one.checks and one.group)
    assert one.queue_type in {"VALIDATION_FLAG", "MISSING_DATA", "DUPLICATE_CHECK"}
    assert one.queue_type != "DUPLICATE_CHECK" or one.grouped
    assert one.attribute in BY_NAME or one.attribute == "contradicted"


@pytest.mark.parametrize(("name", "text"), _expressions())
def test_an_expression_keeps_to_the_vocabulary(name: str, text: str) -> None:
    """Every node of every expression's tree is on the list, and Spark SQL can be written of it."""
    tree = sqlglot.parse_one(text, read="duckdb")
    assert {type(node).__name__ for node in tree.walk()} <= VOCABULARY, name
    assert not list(tree.find_all(exp.Anonymous)), name
    (spark,) = sqlglot.transpile(
        text, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE
    )
    assert sqlglot.parse_one(spark, read="spark")


def test_the_vocabulary_refuses_what_spark_would_misread() -> None:
    """Functions and operators that pass through unchanged are not on the list."""
    for text in ("regexp_full_match(npi, 'a')", "list_sum([1])", "npi[1:5]", "a && b"):
        tree = sqlglot.parse_one(text, read="duckdb")
        assert not {type(node).__name__ for node in tree.walk()} <= VOCABULARY, text


@pytest.mark.parametrize(
    ("rule_id", "change", "said"),
    [
        (
            "PHONE_INVALID",
            {"practice_phone": "308865251"},
            "Practice phone is not a US number: 308865251 (9 digits)",
        ),
        (
            "NPI_CHECK_DIGIT",
            {"npi": "1234567890"},
            "NPI 1234567890 cannot be right: its check digit is wrong",
        ),
        (
            "STATE_INVALID",
            {"mailing_state": "QQ"},
            "This is no postal code of a US state or territory: mailing state QQ",
        ),
        (
            "LICENSE_MISSING",
            {"license_number_1": None},
            "Taxonomy 207R00000X needs a licence, and slot 1 has no licence number",
        ),
        (
            "SOURCE_CONFLICT",
            {"contradicted": "practice_phone,npi"},
            "The source now says something else than the correction of: practice phone, NPI",
        ),
    ],
)
def test_a_finding_says_what_is_wrong(rule_id: str, change: dict[str, str], said: str) -> None:
    """The sentence names the value and why it is wrong."""
    (finding,) = found(table(change), rules=[rule(rule_id)])
    assert words(rule_id, finding["evidence"]) == said


def test_a_group_says_who_is_in_it() -> None:
    """The sentence of a group has its key, its size and the first names."""
    (finding,) = found(table(*[{}] * 7))
    assert words("NPI_DUPLICATE", finding["evidence"]) == (
        "NPI 1234567893 is in 7 records of NPPES: "
        + "; ".join(["RIVERA, ANNA"] * 5)
        + " and 2 more"
    )


@pytest.mark.parametrize(("rule_id", "change"), HITS, ids=str)
def test_no_sentence_has_a_gap(rule_id: str, change: dict[str, str]) -> None:
    """Every value that a sentence asks for is in the evidence."""
    day = change.get("as_of", AS_OF)
    only = [rule(rule_id)]
    (finding,) = found(table(change), rules=only, references=LISTS, as_of=day)
    said = words(rule_id, finding["evidence"])
    assert "?" not in said.replace("K12?34", "")
    assert "{" not in words(rule_id, finding["evidence"])


def test_words_for_older_evidence_still_come_out() -> None:
    """Evidence of an older version of the rule leaves a question mark, not an error."""
    assert words("PHONE_INVALID", {}) == "Practice phone is not a US number: ? (?)"
    assert words("LICENSE_SHARED", {}).startswith("? ? licence ?")


def test_the_documentation_lists_every_rule() -> None:
    """The table has a line for each rule with its id and priority."""
    lines = catalogue_table().splitlines()
    assert [line.split(" | ")[0].lstrip("| ") for line in lines[2:]] == [one.id for one in RULES]


@pytest.mark.parametrize(
    ("code", "name", "required"),
    [
        ("207RC0000X", "physician", True),
        (" 2084p0800x ", "physician", True),
        ("1041C0700X", "social worker", True),
        ("104100000X", "social worker", False),
        ("103TS0200X", "psychologist", False),
        ("103TC0700X", "psychologist", True),
        ("1223G0001X", "dentist", True),
        ("390200000X", "student", False),
        ("171M00000X", "171M", False),
        ("", "", False),
    ],
)
def test_the_longest_prefix_names_the_family(code: str, name: str, required: bool) -> None:
    """A subfamily may differ from its family; a code outside the table needs no licence."""
    assert family(code)[1:] == (name, required)


def test_no_prefix_is_listed_twice() -> None:
    """The table has one line per prefix."""
    prefixes = [one.prefix for one in FAMILIES]
    assert len(prefixes) == len(set(prefixes))
