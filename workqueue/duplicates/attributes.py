"""How two records are compared: attributes, levels of agreement, and the shipped parameters.

After Fellegi and Sunter: at each level `m` is how often records of one person agree so, `u` how
often those of two people do; log2(m / u) is the weight of the level, in bits. Levels are asked in
order, and the first that holds counts. Telephone, address and ZIP are ONE attribute: apart they
would count the same thing three times. The shipped `m` and `u` serve where there are too few
records to learn from, and wherever the data at hand shows nothing of a level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Level:
    """One grade of agreement: the words for it, the SQL on both sides, m, u, and what counts.

    `counted` is a column with the number of records that share the value: a rare one says more,
    but no more than a share of `rarest` would.
    A `given` level keeps the shipped m and u: learning cannot tell father and son at one practice
    from one person, and takes what tells them apart for chance.
    """

    says: str
    condition: str
    m: float
    u: float
    counted: str | None = None
    rarest: float = 0.0
    given: bool = False


@dataclass(frozen=True)
class Attribute:
    """One attribute with its levels, strongest first; `blank` is when it cannot be compared.

    `shows` are the columns that tell a person what was compared.
    """

    name: str
    label: str
    blank: str
    levels: tuple[Level, ...]
    shows: tuple[str, ...]


def _blank(*columns: str) -> str:
    return " OR ".join(f"{column}_l IS NULL OR {column}_r IS NULL" for column in columns)


def _same(column: str) -> str:
    return f"{column}_l = {column}_r"


_SWAPPED = "last_name_l = first_name_r AND first_name_l = last_name_r"


def _typo(column: str) -> str:
    left, right = f"{column}_l", f"{column}_r"
    shorter = f"least(length({left}), length({right}))"
    return f"({shorter} >= 4 AND damerau_levenshtein({left}, {right}) = 1)"


def _similar(column: str, least: float) -> str:
    # In a fixed order: the measure of (a, b) need not be that of (b, a), to the last digit.
    pair = f"least({column}_l, {column}_r), greatest({column}_l, {column}_r)"
    return f"jaro_winkler_similarity({pair}) >= {least}"


_OTHER_NAME = (
    "suffix_l IS DISTINCT FROM suffix_r OR left(formals_l[1], 1) <> left(formals_r[1], 1) "
    f"OR NOT {_similar('last_name', 0.88)}"
)


def _initial(column: str) -> str:
    shorter = f"least(length({column}_l), length({column}_r))"
    return f"left({column}_l, 1) = left({column}_r, 1) AND {shorter} = 1"


ATTRIBUTES: Final = (
    Attribute(
        "last_name",
        "Last name",
        _blank("last_name"),
        (
            Level("the same", _same("last_name"), 0.85, 0.003, "last_name_count"),
            Level(
                "the same as a former name",
                "last_name_l = other_last_name_r OR other_last_name_l = last_name_r",
                0.02,
                0.0002,
            ),
            Level("first and last name swapped", _SWAPPED, 0.01, 0.00001),
            Level(
                "one letter differs",
                f"{_typo('last_name')} OR {_similar('last_name', 0.95)}",
                0.06,
                0.002,
            ),
            Level(
                "one part of a double name",
                "list_has_any(last_parts_l, last_parts_r)",
                0.01,
                0.0005,
            ),
            Level("similar", _similar("last_name", 0.88), 0.01, 0.006),
            Level("different", "ELSE", 0.04, 0.988),
        ),
        ("last_name",),
    ),
    Attribute(
        "first_name",
        "First name",
        f"({_blank('first_name')}) OR ({_SWAPPED})",
        (
            Level("the same", _same("first_name"), 0.75, 0.007, "first_name_count"),
            Level("a short form", "list_has_any(formals_l, formals_r)", 0.07, 0.002),
            Level(
                "one letter differs",
                f"{_typo('first_name')} OR {_similar('first_name', 0.93)}",
                0.06,
                0.003,
            ),
            Level(
                "the initial only",
                _initial("first_name"),
                0.04,
                0.0005,
            ),
            Level(
                "the other's middle name",
                "first_name_l = middle_r OR middle_l = first_name_r",
                0.02,
                0.002,
            ),
            Level("different", "ELSE", 0.06, 0.985),
        ),
        ("first_name",),
    ),
    Attribute(
        "middle",
        "Middle name",
        _blank("middle"),
        (
            Level(
                "the same",
                "middle_l = middle_r AND length(middle_l) > 1",
                0.35,
                0.006,
            ),
            Level(
                "the initial",
                _initial("middle"),
                0.57,
                0.055,
            ),
            Level("different", "ELSE", 0.08, 0.939),
        ),
        ("middle",),
    ),
    Attribute(
        "suffix",
        "Suffix",
        "suffix_l IS NULL AND suffix_r IS NULL",
        (
            Level("the same", _same("suffix"), 0.55, 0.02),
            Level(
                "in one record only", "suffix_l IS NULL OR suffix_r IS NULL", 0.12, 0.96, given=True
            ),
            Level("different", "ELSE", 0.002, 0.02, given=True),
        ),
        ("suffix",),
    ),
    Attribute(
        "practice",
        "Practice",
        "coalesce(phone_l, address_l, state_l) IS NULL "
        "OR coalesce(phone_r, address_r, state_r) IS NULL",
        (
            Level(
                "the same telephone and address",
                "phone_l = phone_r AND address_l = address_r",
                0.55,
                0.00002,
                "place_count",
            ),
            Level(
                "the same telephone or address",
                "phone_l = phone_r OR address_l = address_r",
                0.15,
                0.00002,
                "place_count",
            ),
            Level("the same ZIP", _same("zip5"), 0.05, 0.0015),
            Level("the same state", _same("state"), 0.15, 0.045),
            Level("elsewhere", "ELSE", 0.10, 0.9534),
        ),
        ("phone", "address", "state"),
    ),
    Attribute(
        "profession",
        "Profession",
        "len(codes_l) = 0 OR len(codes_r) = 0",
        (
            # However rare a specialty is, those who share a practice often share it too.
            Level(
                "the same specialty",
                "list_has_any(codes_l, codes_r)",
                0.85,
                0.025,
                "code_count",
                rarest=0.01,
            ),
            Level("the same profession", "list_has_any(families_l, families_r)", 0.08, 0.05),
            Level("different", "ELSE", 0.07, 0.925),
        ),
        ("codes",),
    ),
    Attribute(
        "license",
        "Licence",
        "len(licenses_l) = 0 OR len(licenses_r) = 0",
        (
            Level("the same number", "list_has_any(licenses_l, licenses_r)", 0.72, 0.000002),
            Level(
                "one character differs",
                "damerau_levenshtein(licenses_l[1], licenses_r[1]) = 1",
                0.05,
                0.00001,
            ),
            # Father and son, or colleagues, in one profession at one practice have all else in
            # common. Here and below u is that of people of one profession in one state: nearly
            # all differ so.
            Level(
                "different numbers of one board, and another name",
                f"list_has_any(boards_l, boards_r) AND ({_OTHER_NAME})",
                0.002,
                0.95,
                given=True,
            ),
            Level(
                "different numbers of one board",
                "list_has_any(boards_l, boards_r)",
                0.02,
                0.95,
                given=True,
            ),
            Level("of different boards", "ELSE", 0.15, 0.988),
        ),
        ("licenses",),
    ),
    Attribute(
        "enumerated",
        "Enumerated",
        _blank("enumerated"),
        (
            # Practices have their people enumerated together, a great many on the first day.
            Level("the same day", _same("enumerated"), 0.1, 0.03, given=True),
            Level("the same year", "year(enumerated_l) = year(enumerated_r)", 0.15, 0.06),
            Level("in different years", "ELSE", 0.75, 0.94),
        ),
        ("enumerated",),
    ),
    Attribute(
        "sex",
        "Sex",
        _blank("sex"),
        (
            Level("the same", _same("sex"), 0.99, 0.53),
            Level("different", "ELSE", 0.01, 0.47),
        ),
        ("sex",),
    ),
    Attribute(
        "credential",
        "Credential",
        _blank("credential"),
        (
            Level("the same", _same("credential"), 0.8, 0.08),
            Level(
                "one within the other",
                "contains(credential_l, credential_r) OR contains(credential_r, credential_l)",
                0.12,
                0.05,
            ),
            Level("different", "ELSE", 0.08, 0.87),
        ),
        ("credential",),
    ),
)
