"""Rules across the sources of one provider: NPPES, directories of one's own, licence boards."""

from __future__ import annotations

from typing import Final

from workqueue.rules.identity import LUHN
from workqueue.rules.rule import VALIDATION_FLAG, Check, Comparison, Group, Rule

PHONE_NPIS: Final = 20
PHONE_STATES: Final = 3

_ACCENTED = "ÀÁÂÃÄÅÇÈÉÊËÌÍÎÏÑÒÓÔÕÖÙÚÛÜÝ"
_PLAIN = "AAAAAACEEEEIIIINOOOOOUUUUY"
_IN_CAPITALS = f"translate(upper({{0}}), '{_ACCENTED}', '{_PLAIN}')"
_LETTERS = "regexp_replace({0}, '[^A-Z]', '', 'g')"

# JR and MD are kept in fields of their own by some sources and behind the name by others.
_LAST_NAME = _LETTERS.format(
    f"regexp_replace({_IN_CAPITALS.format('last_name')}, "
    "'[ ,]+(JR|SR|II|III|IV|MD|DO)[.]?$', '', 'g')"
)
_FIRST_NAME = _LETTERS.format(_IN_CAPITALS.format("first_name"))
_FAX = (
    "regexp_replace(regexp_replace(practice_fax, '[xX#].*$|[^0-9]', '', 'g'), "
    "'^1([0-9]{10})$', '\\1')"
)
# Boards and directories write one licence as MD-012345 and as 12345.
_LICENSE = "regexp_replace(regexp_replace({0}, '[^0-9]', '', 'g'), '^0+', '')"


def _nonblank(value: str) -> str:
    return f"CASE WHEN {value} <> '' THEN {value} END"


_NAMES: Final = (
    Comparison("last_name", _nonblank(_LAST_NAME)),
    # An initial does not contradict a name.
    Comparison("first_name", f"CASE WHEN length({_FIRST_NAME}) > 1 THEN {_FIRST_NAME} END"),
)
_ATTRIBUTES: Final = (
    Comparison("sex", "CASE WHEN upper(sex) IN ('M', 'F') THEN upper(sex) END"),
    # The address itself is written in too many ways to be compared; its state and ZIP are not.
    Comparison("practice_state", "CASE WHEN NOT practice_abroad THEN upper(practice_state) END"),
    Comparison(
        "practice_zip",
        "CASE WHEN NOT practice_abroad AND regexp_matches(practice_zip, '^[0-9]{5}') "
        "THEN substr(practice_zip, 1, 5) END",
    ),
    Comparison(
        "practice_phone",
        "CASE WHEN length(practice_phone_digits) = 10 THEN practice_phone_digits END",
    ),
    Comparison("practice_fax", f"CASE WHEN length({_FAX}) = 10 THEN {_FAX} END"),
    # The first four characters are the classification; a finer one does not contradict it.
    Comparison(
        "taxonomy_code_{n}",
        "CASE WHEN length(taxonomy_code_{n}) >= 4 THEN upper(substr(taxonomy_code_{n}, 1, 4)) END",
        slots=True,
    ),
    Comparison(
        "license_number_{n}",
        _nonblank(_LICENSE.format("license_number_{n}")),
        about="upper(license_state_{n}) || ' ' || license_family_{n}",
        slots=True,
    ),
)


def _by_npi(compare: tuple[Comparison, ...]) -> Group:
    return Group(
        keys=(("npi", "npi"),),
        where="npi_number IS NOT NULL",
        differ="source",
        fields=("npi",),
        found_by=(("npi", "npi"),),
        compare=compare,
    )


SOURCES: Final[tuple[Rule, ...]] = (
    Rule(
        id="NPI_NOT_IN_NPPES",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=1,
        attribute="npi",
        title="NPI is not in NPPES",
        says="NPPES has no individual with NPI {npi}",
        exit_condition="NPPES has an individual with the NPI.",
        source=(
            "NPPES full file: it lists every NPI that is in force. Asked of other sources, once "
            "a full file is loaded; an NPI of an organisation is none of an individual"
        ),
        checks=(
            # Of a number that is none NPI_CHECK_DIGIT speaks.
            Check(
                "nppes_status = 'ABSENT' AND CASE WHEN npi_number IS NULL THEN FALSE "
                f"ELSE (24 + {LUHN}) % 10 = 0 END",
                ("npi",),
                ("npi",),
            ),
        ),
    ),
    Rule(
        id="NPI_DEACTIVATED_ACTIVE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=1,
        attribute="npi",
        title="NPI is deactivated, but the provider is listed",
        says="NPPES deactivated NPI {npi} on {nppes_deactivated_on}, but the record is active",
        exit_condition="The NPI is in force again, or the record has another or is deactivated.",
        source="NPPES full file and deactivation report. Asked of other sources than NPPES",
        checks=(Check("nppes_status = 'DEACTIVATED'", ("npi",), ("npi", "nppes_deactivated_on")),),
    ),
    Rule(
        id="NPI_REPLACED",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=1,
        attribute="npi",
        title="NPI was replaced by another",
        says="NPPES replaced NPI {npi} by {nppes_replacement}",
        exit_condition="The record has the NPI that replaced its own.",
        source="NPPES, field Replacement NPI. Asked of other sources than NPPES",
        checks=(
            Check(
                "nppes_replacement IS NOT NULL AND nppes_replacement <> npi",
                ("npi",),
                ("npi", "nppes_replacement"),
            ),
        ),
    ),
    Rule(
        id="NAME_CONFLICT",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="last_name",
        title="Sources disagree on the name",
        says="The sources of NPI {npi} disagree: {conflicts}",
        exit_condition=(
            "The sources have the same last and first name, apart from case, accents, punctuation, "
            "blanks, suffixes and initials."
        ),
        source="The NPI in several sources; an NPI identifies one person (45 CFR 162.406)",
        group=_by_npi(_NAMES),
    ),
    Rule(
        id="SOURCE_CONFLICT",
        version=2,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="contradicted",
        title="Sources disagree",
        says="The source now says something else than the correction of: {contradicted}",
        says_of_group="The sources of NPI {npi} disagree: {conflicts}",
        exit_condition=(
            "The sources agree on sex, state, ZIP, phone, fax, specialty and licence of the "
            "provider; a correction agrees with its source, or was made again since."
        ),
        source=(
            "The NPI in several sources. A correction stands until a person changes it; the "
            "source has changed since"
        ),
        checks=(Check("contradicted IS NOT NULL", (), ("contradicted",)),),
        group=_by_npi(_ATTRIBUTES),
    ),
    Rule(
        id="PHONE_OVERSHARED",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=4,
        attribute="practice_phone",
        title="One phone in many states",
        says="Phone {phone} is given for {count} records in several states: {members}",
        exit_condition=(
            f"The practice phone is that of fewer than {PHONE_NPIS} NPIs, or of fewer than "
            f"{PHONE_STATES} states."
        ),
        source="Practice of directory clean-up: a switchboard or a billing office, no practice",
        group=Group(
            keys=(("source", "source"), ("phone", "practice_phone")),
            where="regexp_matches(practice_phone, '^[2-9][0-9]{9}$') AND npi IS NOT NULL",
            differ="npi",
            fields=("practice_phone", "practice_state", "npi"),
            found_by=(("practice_phone", "phone"),),
            at_least=(("npi", PHONE_NPIS), ("upper(practice_state)", PHONE_STATES)),
        ),
    ),
)
