"""Names that rule expressions may use beside the fields, and the SQL words they may use.

A derived column is worked out once per record, however many rules ask for it.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from workqueue.fields import SLOTS
from workqueue.rules.credentials import JUDGED

_ABROAD = "{0}_country IS NOT NULL AND upper({0}_country) NOT IN ('US', 'USA', 'UNITED STATES')"


def _over_slots(text: str, between: str) -> str:
    return between.join(f"({text.replace('{n}', str(number))})" for number in range(1, SLOTS + 1))


def _digits(phone: str) -> str:
    """Digits only, without an extension and without the country code 1."""
    return (
        f"CASE WHEN regexp_matches({phone}, '^[0-9]{{10}}$') THEN {phone} ELSE "
        f"regexp_replace(regexp_replace({phone}, '[xX#].*$|[^0-9]', '', 'g'), "
        "'^1([0-9]{10})$', '\\1') END"
    )


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
        "practice_phone_digits": _digits("practice_phone"),
        "practice_fax_digits": _digits("practice_fax"),
        # Bases, ships and hospitals of the federal government take a licence of any state.
        "practice_federal": (
            "coalesce(upper(practice_state), '') IN ('AA', 'AE', 'AP') OR coalesce(regexp_matches("
            "practice_address_1 || ' ' || coalesce(practice_address_2, '') || ' ' || "
            "coalesce(practice_city, ''), '(?i)\\b(AFB|AIR FORCE|ARMY|NAVAL|NAVY|MILITARY|"
            "VETERANS?|VAMC|VA (MED|HOSP|CLINIC|CBOC)|FORT|FT|USN?H|NIH|INDIAN HEALTH|IHS)\\b'), "
            "FALSE)"
        ),
        "taxonomies": _over_slots("CASE WHEN taxonomy_code_{n} IS NULL THEN 0 ELSE 1 END", " + "),
        "primaries": _over_slots("CASE WHEN taxonomy_primary_{n} = 'Y' THEN 1 ELSE 0 END", " + "),
        # Is any licence of the practice's state, and does any slot ask for one at all?
        "licensed_here": _over_slots(
            "coalesce(upper(license_state_{n}) = upper(practice_state), FALSE)", " OR "
        ),
        "license_placed": _over_slots("license_state_{n} IS NOT NULL", " OR "),
        "license_unplaced": _over_slots(
            "license_number_{n} IS NOT NULL AND license_state_{n} IS NULL", " OR "
        ),
        "license_needed": _over_slots("coalesce(license_required_{n}, FALSE)", " OR "),
        # Does any slot have a taxonomy that the credential fits, or one that nothing is known of?
        "credential_fits": _over_slots(
            "coalesce(strpos(credential_professions, '|' || license_family_{n} || '|') > 0 OR "
            f"strpos('|{'|'.join(JUDGED)}|', '|' || license_family_{{n}} || '|') = 0, FALSE)",
            " OR ",
        ),
        # Does any slot have a taxonomy for individuals, by the list?
        "individual_listed": _over_slots("coalesce(taxonomy_individual_{n}, FALSE)", " OR "),
    }
)

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
        "Neg",
        "Not",
        "Null",
        "Nullif",
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
