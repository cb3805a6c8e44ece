"""The vocabulary at run time: what is refused, where, and with what instead."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workqueue.fields import SLOTS
from workqueue.rules import RULES
from workqueue.rules.columns import VOCABULARY
from workqueue.rules.vocabulary import columns_in, faults

ALLOWED = (
    "npi IS NULL",
    "NOT regexp_matches(practice_phone_digits, '(?i)^[2-9]') AND NOT practice_abroad",
    "coalesce(upper(sex), '') NOT IN ('M', 'F', 'X', 'U')",
    "last_update_date < DATE '2020-01-01' OR last_update_date >= {tomorrow}",
    "TRY_CAST(substr(npi, 2, 8) AS BIGINT) // nullif(length(npi), 0) % 7 = -1",
    "CASE WHEN source = 'NPPES' THEN length(npi) ELSE 10 END BETWEEN 1 AND 9",
    "replace(regexp_replace(last_name, '[0-9]', '', 'g'), ' ', '') || 'x' <> last_name || 'x'",
    "strpos(credential, 'M') > 0 AND npi = '~ -- not a comment'",
    "coalesce({taxonomy_codes}) IS NULL",
)

REFUSED = (
    ("npi IS NULL AND lower(last_name) = 'x'", 17, "write upper(…)"),
    ("trim(npi) = ''", 1, "values come without blanks"),
    ("npi LIKE '1%'", 1, "write regexp_matches(field, '…')"),
    ("npi ~ '1'", 5, "~ is not on the list; write regexp_matches"),
    ("regexp_full_match(npi, '1')", 1, "'^(…)$'"),
    ("regexp_matches(npi, 'a', 'i')", 1, "flags are lost in Spark"),
    ("regexp_replace(npi, 'a', 'b') = npi", 1, "needs 'g'"),
    (r"regexp_replace(npi, '(a)', '\1', 'g') = npi", 1, "cannot speak of what was matched"),
    ("list_sum([1, 2]) > 2", 1, "LIST_SUM"),
    ("npi[1:5] = '12345'", 1, "write substr(text, from, length)"),
    ("npi IN (SELECT npi FROM records)", 1, "one record at a time"),
    ("count(*) > 1", 1, "one record at a time"),
    ("row_number() OVER () > 1", 1, "one record at a time"),
    ("EXISTS (SELECT 1)", 1, "one record at a time"),
    ("error('x') IS NULL", 1, "functions are coalesce"),
    ("read_csv('secret') IS NULL", 1, "functions are coalesce"),
    ("getenv('HOME') IS NULL", 1, "functions are coalesce"),
    ("current_date > last_update_date", 1, "{five_years_ago}"),
    ("length(npi) / 2 > 5", 1, "write a // nullif(b, 0)"),
    ("length(npi) // length(sex) > 1", 1, "may be 0; write nullif"),
    ("length(npi) % 0 = 1", 1, "may be 0"),
    ("CAST(npi AS DOUBLE) > 1", 1, "the type DOUBLE is not on the list"),
    ("practice_fx IS NULL", 1, "near are practice_fax"),
    ("NPI IS NULL", 1, "near are npi"),
    ("records.npi IS NULL", 9, "there is no field records.npi"),
    ("id > 5", 1, "there is no field id"),
    ("column_set_id > 5", 1, "there is no field column_set_id"),
    ("last_update_date < {yesterday}", 20, "{yesterday} means nothing; there are {tomorrow}"),
    ("license_number_{n} IS NULL", 16, "needs `slots = true`"),
    ("license_number_{m} IS NULL", 16, "{m} means nothing"),
    ("npi IS NULL -- always", 13, "a comment is not part"),
    ("npi IS /* x */ NULL", 8, "a comment is not part"),
    ("npi IS NULL; DROP TABLE x", 1, "must be one expression"),
    ("", 1, "must be one expression"),
    ("npi IS NULL) OR (TRUE", 12, "syntax error at ')'"),
    ("npi = 'a", 1, "cannot be read"),
    ("npi IS NULL AND", 13, "syntax error"),
    ("npi = $1", 8, "not on the list"),
    ("npi = ?", 7, "not on the list"),
    ("npi = E'a'", 1, "write a plain text"),
)


@pytest.mark.parametrize("text", ALLOWED)
def test_the_vocabulary_is_enough(text: str) -> None:
    """What rules say every day has no fault."""
    assert faults(text) == ()


@pytest.mark.parametrize(("text", "column", "said"), REFUSED, ids=lambda one: str(one)[:30])
def test_what_is_not_on_the_list_is_refused(text: str, column: int, said: str) -> None:
    """The word at fault is named with its place and with what may be written instead."""
    found = faults(text)
    assert any(said in fault.words for fault in found), found
    assert {fault.line for fault in found} == {1}
    if column > 1:
        assert column in {fault.column for fault in found}, found


def test_every_fault_is_told_with_its_line() -> None:
    """Two faults on two lines are both told, each in its place."""
    found = faults("nix IS NULL\n  OR lower(npi) = 'a'")
    assert [(fault.line, fault.column) for fault in found] == [(1, 1), (2, 6)]


def test_columns_are_told_in_order() -> None:
    """The columns of an expression, once each, with {n} as written and without placeholders."""
    text = "license_state_{n} IS NULL AND upper(npi) = npi AND last_update_date > {tomorrow}"
    assert columns_in(text) == ("license_state_{n}", "npi", "last_update_date")


def test_slots_may_be_spoken_of_where_they_are_asked() -> None:
    """With slots an expression has {n}; a slot of its number is a field like others."""
    assert faults("license_number_{n} IS NULL AND license_required_{n}", slots=True) == ()
    assert faults(f"license_number_{SLOTS} IS NULL") == ()


def test_the_rules_of_the_catalogue_pass_their_own_check() -> None:
    """What is asked of operators is true of the rules that come with WorkQueue."""
    assert {"RegexpLike", "Nullif"} <= VOCABULARY
    simple = {"NPI_MISSING", "NAME_LAST_MISSING", "DATE_FUTURE", "RECORD_STALE", "PHONE_MISSING"}
    texts = [(one.id, text) for one in RULES if one.id in simple for text in one.expressions()]
    assert len(texts) >= len(simple)
    assert [(rule_id, faults(text)) for rule_id, text in texts if faults(text)] == []


def test_sqlglot_is_imported_where_rules_are_checked_only() -> None:
    """The desk, the commands and a detection without own rules do without it."""
    text = (
        "import sys, workqueue.detection, workqueue.verbs, workqueue.dossier, workqueue.cli.main; "
        "assert 'sqlglot' not in sys.modules; "
        "from workqueue.rules.vocabulary import faults; faults('npi IS NULL'); "
        "assert 'sqlglot' in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
