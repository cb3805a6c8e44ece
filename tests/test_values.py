"""What people may write into a field, and in which form it is kept."""

from __future__ import annotations

from datetime import date

import pytest
from stdnum import luhn

from workqueue.errors import BadInput, TooLong
from workqueue.fields import BY_NAME, FIELDS
from workqueue.values import as_text, free_text, parse, valid_npi


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("practice_phone", "(308) 865-2512", "3088652512"),
        ("practice_phone", "+1 308.865.2512", "3088652512"),
        ("practice_fax", "1-308-865-2512", "3088652512"),
        ("practice_zip", "68847-2944", "688472944"),
        ("practice_zip", " 68847 ", "68847"),
        ("practice_state", "ne", "NE"),
        ("license_state_3", "pr", "PR"),
        ("enumeration_date", "05/23/2005", date(2005, 5, 23)),
        ("enumeration_date", "2005-05-23", date(2005, 5, 23)),
        ("npi", "1234567893", "1234567893"),
        ("npi", "1234-567-893", "1234567893"),
        ("taxonomy_code_1", "207q00000x", "207Q00000X"),
        ("taxonomy_primary_15", "y", "Y"),
        ("sex", "x", "X"),
        ("mailing_country", "us", "US"),
        ("last_name", "  O'Brien-Łuczak ", "O'Brien-Łuczak"),
        ("last_name", "   ", None),
        ("last_name", None, None),
    ],
)
def test_a_value_is_kept_in_its_normal_form(
    field: str, typed: str | None, kept: str | date | None
) -> None:
    """Typed values end in the same form as loaded ones, and a blank as None."""
    assert parse(BY_NAME[field], typed) == kept


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("practice_phone", "865-2512", "ten digits"),
        ("practice_phone", "1234567890", "2 to 9"),
        ("practice_phone", "308-865-2512 x4", "no extension"),
        ("practice_zip", "6884", "5 or 9 digits"),
        ("practice_zip", "68847-29x4", "5 or 9 digits"),
        ("practice_state", "Nebraska", "two letters"),
        ("practice_state", "XX", "two letters"),
        ("enumeration_date", "02/30/2020", "YYYY-MM-DD"),
        ("enumeration_date", "23.05.2005", "YYYY-MM-DD"),
        ("enumeration_date", "0001-01-01", "between 1900 and 2100"),
        ("npi", "1234567890", "check digit"),
        ("npi", "3234567893", "first 1 or 2"),
        ("npi", "１２３４５６７８９３", "not an NPI"),
        ("taxonomy_code_1", "207Q00000Y", "ending in X"),
        ("taxonomy_primary_1", "maybe", "N, X, Y"),
        ("practice_country", "USA!", "two letters"),
        ("last_name", "A\x00B", "control"),
        ("last_name", "A\x1b[31m", "control"),
        ("last_name", "A\ud800", "control"),
        ("last_name", "two\nlines", "control"),
    ],
)
def test_a_value_that_is_not_well_formed_is_refused_in_words(
    field: str, typed: str, said: str
) -> None:
    """The refusal names the field by its label and says what would be right."""
    with pytest.raises(BadInput, match=said) as refused:
        parse(BY_NAME[field], typed)
    assert str(refused.value).startswith(f"{BY_NAME[field].label}: ")


@pytest.mark.parametrize(
    ("field", "typed", "kept"),
    [
        ("practice_state", "Ontario", "ONTARIO"),
        ("practice_zip", "k1a 0b1", "K1A 0B1"),
        ("practice_phone", "+44 20 7946 0018", "+44 20 7946 0018"),
    ],
)
def test_addresses_abroad_have_their_own_forms(field: str, typed: str, kept: str) -> None:
    """Outside the United States, states, postal codes and phones keep their form."""
    assert parse(BY_NAME[field], typed, domestic=False) == kept


@pytest.mark.parametrize("length", [201, 100_000_000])
def test_a_value_beyond_the_fields_length_is_refused(length: int) -> None:
    """A value that does not fit is refused at once, however long it is."""
    with pytest.raises(TooLong, match="at most 200"):
        parse(BY_NAME["last_name"], "x" * length)


def test_every_field_takes_a_blank() -> None:
    """Any field can be emptied."""
    assert {parse(field, " ") for field in FIELDS} == {None}


def test_the_check_digit_agrees_with_another_implementation() -> None:
    """All ten last digits of some hundred stems are judged as python-stdnum does."""
    for stem in range(100_000_000, 299_999_999, 1_999_999):
        for digit in range(10):
            npi = f"{stem}{digit}"
            assert valid_npi(npi) == luhn.is_valid("80840" + npi)


def test_dates_are_kept_as_iso_text_in_overrides() -> None:
    """`as_text` writes a date as YYYY-MM-DD and leaves text and None alone."""
    assert as_text(date(2005, 5, 23)) == "2005-05-23"
    assert as_text("NE") == "NE"
    assert as_text(None) is None


def test_a_note_keeps_its_lines() -> None:
    """Line ends become LF and the outside is trimmed; inside, lines and tabs stay."""
    assert free_text(" one\r\ntwo\tthree \n", "note") == "one\ntwo\tthree"


@pytest.mark.parametrize("text", ["nul \x00", "bell \x07", "surrogate \udfff", "lone \r end"])
def test_a_note_with_control_characters_is_refused(text: str) -> None:
    """NUL, control characters and lone surrogates are refused, saying so."""
    with pytest.raises(BadInput, match="remove it"):
        free_text(text, "note")


def test_a_note_of_a_hundred_megabytes_is_refused() -> None:
    """The limit of 10,000 characters is named."""
    with pytest.raises(TooLong, match="10,000"):
        free_text("x" * 100_000_000, "note")
    assert free_text("x" * 10_000, "note") == "x" * 10_000


def test_a_required_text_is_not_blank() -> None:
    """A reason of blanks is none."""
    with pytest.raises(BadInput, match="the reason is blank"):
        free_text(" \n ", "reason", required=True)
