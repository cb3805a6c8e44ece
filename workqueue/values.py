"""What people may write into a field: one `parse` for every form, and the limits of free text.

The result is in the same normal form as intake gives (phones and ZIP codes as digits, dates as
dates, codes in capitals), so that a typed value and a loaded value compare as equal. Whether a
well-formed value is also right is for the rules to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from types import MappingProxyType
from typing import Final

from workqueue.errors import BadInput, TooLong
from workqueue.fields import Field, Form

NOTE_LIMIT: Final = 10_000

# USPS Publication 28, appendix B: states, the District, territories, freely associated states
# and the three military codes.
_STATES = """
AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ
NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS FM GU MH MP PR PW VI AA
AE AP
"""
STATES: Final = frozenset(_STATES.split())

# Code sets of the NPPES data dissemination file; a field without an entry takes any short code.
_SETS: Final = MappingProxyType(
    {
        "sex": frozenset({"M", "F", "X", "U"}),
        "sole_proprietor": frozenset({"Y", "N", "X"}),
        "taxonomy_primary": frozenset({"Y", "N", "X"}),
        "other_last_name_type": frozenset({"1", "2", "3", "4", "5"}),
    }
)

_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# A note may have lines and tabs; nothing else that a terminal or a database stumbles over.
_CONTROL_IN_NOTE: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_PHONE_MARKS: Final = re.compile(r"[\s().\-/]")
_NANP: Final = re.compile(r"[2-9][0-9]{2}[2-9][0-9]{6}")
_FOREIGN_PHONE: Final = re.compile(r"\+?[0-9][0-9 ()./\-]{3,}")
_TAXONOMY: Final = re.compile(r"[0-9A-Z]{9}X")
_CODE: Final = re.compile(r"[0-9A-Z]+(?:[ .\-][0-9A-Z]+)*")
_US_DATE: Final = re.compile(r"([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_ISO_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def parse(field: Field, text: str | None, *, domestic: bool = True) -> str | date | None:
    """The value of `field` that `text` means; None for a blank.

    `domestic` says that the address is in the United States: outside, states, ZIP codes and
    phones are only checked for length and characters. Raises BadInput, or TooLong.
    """
    if text is None:
        return None
    if not isinstance(text, str):
        raise BadInput(f"{field.label}: a text is needed, not {type(text).__name__}.")
    # Before anything looks through it: the text may be a hundred megabytes.
    if len(text) > field.max_length + 100:
        raise TooLong(_too_long(field, len(text)))
    if _CONTROL.search(text):
        raise BadInput(
            f"{field.label}: the value holds a control or unprintable character; remove it."
        )
    trimmed = text.strip()
    if not trimmed:
        return None
    value = _PARSERS[field.form](field, trimmed, domestic)
    if isinstance(value, str) and len(value) > field.max_length:
        raise TooLong(_too_long(field, len(value)))
    return value


def as_text(value: str | date | None) -> str | None:
    """A value as overrides and action rows keep it: dates as YYYY-MM-DD."""
    return value.isoformat() if isinstance(value, date) else value


def valid_npi(text: str) -> bool:
    """Ten digits, the first 1 or 2, check digit by ISO 7812 with prefix 80840 (45 CFR 162.406)."""
    if not re.fullmatch(r"[12][0-9]{9}", text):
        return False
    # 24 is what the constant prefix 80840 adds to the sum.
    total = 24
    for position, character in enumerate(reversed(text)):
        digit = int(character) * (2 if position % 2 else 1)
        total += digit - 9 if digit > 9 else digit
    return total % 10 == 0


def free_text(text: str, what: str, *, limit: int = NOTE_LIMIT, required: bool = False) -> str:
    """A note, comment or reason as it is kept: trimmed, line ends as LF.

    Raises TooLong above `limit` characters, BadInput for NUL, control characters and lone
    surrogates, and for a blank where `required`.
    """
    if not isinstance(text, str):
        raise BadInput(f"the {what} must be a text.")
    if len(text) > limit:
        raise TooLong(
            f"the {what} has {len(text):,} characters; at most {limit:,} can be kept. Shorten it."
        )
    if _CONTROL_IN_NOTE.search(text.replace("\r\n", "\n")):
        raise BadInput(f"the {what} holds a NUL or control character; remove it.")
    said = text.replace("\r\n", "\n").strip()
    if required and not said:
        raise BadInput(f"the {what} is blank; say it in a few words.")
    return said


def _too_long(field: Field, length: int) -> str:
    return (
        f"{field.label}: {length:,} characters are too many, at most {field.max_length} can be "
        "kept. Shorten it."
    )


def _text(_field: Field, text: str, _domestic: bool) -> str:
    return text


def _npi(field: Field, text: str, _domestic: bool) -> str:
    digits = text.replace(" ", "").replace("-", "")
    if not valid_npi(digits):
        raise BadInput(
            f"{field.label}: {text!r} is not an NPI: ten digits, the first 1 or 2, with a check "
            "digit that fits. Compare it with the source."
        )
    return digits


def _state(field: Field, text: str, domestic: bool) -> str:
    code = text.upper()
    if domestic and code not in STATES:
        raise BadInput(
            f"{field.label}: {text!r} is not a US state or territory; give its two letters, "
            "such as NE."
        )
    return code


def _zip(field: Field, text: str, domestic: bool) -> str:
    if not domestic:
        return text.upper()
    digits = re.sub(r"[\s\-]", "", text)
    if not re.fullmatch(r"[0-9]{5}(?:[0-9]{4})?", digits):
        raise BadInput(f"{field.label}: {text!r} is not a ZIP code; give 5 or 9 digits.")
    return digits


def _phone(field: Field, text: str, domestic: bool) -> str:
    if not domestic:
        if not _FOREIGN_PHONE.fullmatch(text):
            raise BadInput(f"{field.label}: {text!r} is not a phone number; give its digits.")
        return text
    digits = _PHONE_MARKS.sub("", text).removeprefix("+")
    if len(digits) == 11:
        digits = digits.removeprefix("1")
    if not _NANP.fullmatch(digits):
        raise BadInput(
            f"{field.label}: {text!r} is not a US number; give ten digits, area code first, such "
            "as (308) 865-2512. Area code and exchange begin with 2 to 9; no extension."
        )
    return digits


def _date(field: Field, text: str, _domestic: bool) -> date:
    american = _US_DATE.fullmatch(text)
    try:
        if american:
            month, day, year = (int(part) for part in american.groups())
            value = date(year, month, day)
        elif _ISO_DATE.fullmatch(text):
            value = date.fromisoformat(text)
        else:
            raise ValueError
        if not 1900 <= value.year <= 2100:
            raise ValueError
    except ValueError:
        raise BadInput(
            f"{field.label}: {text!r} is not a date between 1900 and 2100; write YYYY-MM-DD or "
            "MM/DD/YYYY."
        ) from None
    return value


def _taxonomy(field: Field, text: str, _domestic: bool) -> str:
    code = text.upper()
    if not _TAXONOMY.fullmatch(code):
        raise BadInput(
            f"{field.label}: {text!r} is not a taxonomy code: ten characters ending in X, such as "
            "207Q00000X."
        )
    return code


def _code(field: Field, text: str, _domestic: bool) -> str:
    code = text.upper()
    if field.name.endswith("_country"):
        if not re.fullmatch(r"[A-Z]{2}", code):
            raise BadInput(f"{field.label}: {text!r} is not a country; give two letters, as in US.")
        return code
    known = _SETS.get(re.sub(r"_[0-9]+$", "", field.name))
    if known is not None and code not in known:
        raise BadInput(
            f"{field.label}: {text!r} is not one of {', '.join(sorted(known))}; give one of them."
        )
    if not _CODE.fullmatch(code):
        raise BadInput(f"{field.label}: {text!r} is not a code; use letters and digits.")
    return code


_PARSERS: Final = MappingProxyType[Form, Callable[[Field, str, bool], str | date]](
    {
        Form.NPI: _npi,
        Form.TEXT: _text,
        Form.STATE: _state,
        Form.ZIP: _zip,
        Form.PHONE: _phone,
        Form.DATE: _date,
        Form.TAXONOMY: _taxonomy,
        Form.CODE: _code,
    }
)
