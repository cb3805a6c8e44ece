"""Names that rule expressions may use beside the fields, and the SQL words they may use.

A derived column is worked out once per record, however many rules ask for it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

_ABROAD = "{0}_country IS NOT NULL AND upper({0}_country) NOT IN ('US', 'USA', 'UNITED STATES')"

DERIVED: Final = MappingProxyType(
    {
        "deactivated": (
            "deactivation_date IS NOT NULL AND "
            "(reactivation_date IS NULL OR reactivation_date < deactivation_date)"
        ),
        # The ten digits as a number, NULL where they do not have the form of an NPI.
        "npi_number": (
            "CASE WHEN regexp_matches(npi, '^[12][0-9]{9}$') THEN TRY_CAST(npi AS BIGINT) END"
        ),
        "practice_abroad": _ABROAD.format("practice"),
        "mailing_abroad": _ABROAD.format("mailing"),
        # The freely associated states are in the US postal system but not in the North American
        # plan of telephone numbers; forces abroad may give a number with another country's code.
        "practice_in_free_state": "coalesce(upper(practice_state), '') IN ('FM', 'MH', 'PW')",
        "practice_of_forces": "coalesce(upper(practice_state), '') IN ('AA', 'AE', 'AP')",
        # Digits only, without an extension and without the country code 1.
        "practice_phone_digits": (
            "CASE WHEN regexp_matches(practice_phone, '^[0-9]{10}$') THEN practice_phone ELSE "
            "regexp_replace(regexp_replace(practice_phone, '[xX#].*$|[^0-9]', '', 'g'), "
            "'^1([0-9]{10})$', '\\1') END"
        ),
    }
)

SLOT_DERIVED: Final = ("license_required_{n}", "license_family_{n}")
"""Per slot, from `references`: does the taxonomy need a licence (boolean), and which family it is
of (text). NULL where the slot has no taxonomy."""

VOCABULARY: Final = frozenset(
    {
        "Add",
        "And",
        "Between",
        "Boolean",
        "Case",
        "Cast",
        "Coalesce",
        "Column",
        "DPipe",
        "DataType",
        "EQ",
        "GT",
        "GTE",
        "Identifier",
        "If",
        "In",
        "IntDiv",
        "Is",
        "LT",
        "LTE",
        "Length",
        "Literal",
        "Mod",
        "Mul",
        "NEQ",
        "Not",
        "Null",
        "Or",
        "Paren",
        "RegexpLike",
        "RegexpReplace",
        "Replace",
        "StrPosition",
        "Substring",
        "Translate",
        "TryCast",
        "Upper",
    }
)
"""Kinds of node that an expression's syntax tree may have, by sqlglot's names. Each means the same
in DuckDB and in Spark; a test walks every expression."""
