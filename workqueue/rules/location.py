"""Rules about where the practice is."""

from __future__ import annotations

from typing import Final

from workqueue.rules.places import STATES
from workqueue.rules.rule import MISSING_DATA, VALIDATION_FLAG, Check, Rule

_IN_STATES: Final = "strpos('|" + "|".join(STATES) + "|', '|' || upper({0}_state) || '|')"
_ZIP_FORM: Final = "^[0-9]{5}(-?[0-9]{4})?$"
# ZIP codes whose routes cross the border of a state.
_BORDER: Final = (
    "'02861', '42223', '59221', '63673', '71749', '73949', '81137', '84536', '86044', '86515', "
    "'88063', '89439', '97635'"
)
_NOWHERE: Final = (
    "(?i)^(UNKNOWN|NONE|N/?A|TBD|TEST|NULL|ADDRESS|STREET|HOME|VARIOUS|CONFIDENTIAL|"
    "NO ADDRESS|NOT APPLICABLE|SAME( AS (ABOVE|MAILING|BILLING).*)?|X+|[.-]+)$|@|^[^A-Za-z]*$"
)
# The street is in the second line where the first is none.
_SECOND_LINE: Final = (
    "CASE WHEN regexp_matches(practice_address_2, '^[0-9]+[A-Za-z]? +[A-Za-z]') "
    "THEN practice_address_2 END"
)


def _invalid_state(place: str) -> Check:
    return Check(
        f"{place}_state IS NOT NULL AND NOT {place}_abroad AND {_IN_STATES.format(place)} = 0",
        (f"{place}_state",),
        (f"{place}_state",),
    )


LOCATION: Final[tuple[Rule, ...]] = (
    Rule(
        id="ADDR_PRACTICE_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=1,
        attribute="practice_address_1",
        title="Practice address is missing",
        says="The record has no practice address",
        exit_condition="The record has a practice address.",
        source="NPPES requires a practice location (form CMS-10114, section 3B)",
        checks=(
            Check(
                "practice_address_1 IS NULL AND practice_address_2 IS NULL",
                ("practice_address_1",),
                ("practice_address_1",),
            ),
        ),
    ),
    Rule(
        id="PO_BOX_PRACTICE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="practice_address_1",
        title="Practice address is a PO box",
        says="A practice cannot be in a PO box: {practice_address_1}",
        exit_condition="The practice address is a place that patients can go to.",
        source="NPPES refuses a PO box as practice location (form CMS-10114, section 3B)",
        checks=(
            Check(
                r"regexp_matches(practice_address_1, '(?i)^(P[ .]*O[ .]*B|P[ .]*O[ .]*(BOX|BX|"
                r"DRAWER)|POST(AL)? *OFFICE +(BOX|DRAWER)|APARTADO|BOX +[#]?[0-9]+)"
                r"([ .#0-9-]|$)')",
                ("practice_address_1",),
                ("practice_address_1",),
            ),
        ),
        suggests=(("practice_address_1", _SECOND_LINE),),
    ),
    Rule(
        id="STATE_INVALID",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="practice_state",
        title="State is not a US state",
        says="This is no postal code of a US state or territory: {values}",
        exit_condition="Practice and mailing state are postal codes of US states or territories.",
        source="USPS Publication 28, appendix B; not asked of addresses in another country",
        checks=(_invalid_state("practice"), _invalid_state("mailing")),
        suggests=(
            (
                "practice_state",
                f"CASE WHEN NOT practice_abroad AND {_IN_STATES.format('practice')} = 0 "
                "THEN zip_state END",
            ),
        ),
    ),
    Rule(
        id="ZIP_INVALID",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="practice_zip",
        title="ZIP is not a ZIP code",
        says="Practice ZIP is no US ZIP code: {practice_zip}",
        exit_condition="The practice ZIP has five or nine digits and does not begin with 000.",
        source="USPS Publication 28; not asked of addresses in another country",
        checks=(
            Check(
                "practice_zip IS NOT NULL AND NOT practice_abroad AND "
                f"(NOT regexp_matches(practice_zip, '{_ZIP_FORM}') "
                "OR substr(practice_zip, 1, 3) = '000')",
                ("practice_zip",),
                ("practice_zip",),
            ),
        ),
        suggests=(("practice_zip", "zip_of_city"),),
    ),
    Rule(
        id="ZIP_STATE_MISMATCH",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=2,
        attribute="practice_zip",
        title="ZIP is in another state",
        says="ZIP {practice_zip} is in {zip_state}, the practice's state is {practice_state}",
        exit_condition="The practice ZIP is one of the practice state.",
        source="USPS ZIP codes; those that cross the border of a state are left out",
        checks=(
            Check(
                "upper(practice_state) <> zip_state AND NOT practice_abroad "
                f"AND regexp_matches(practice_zip, '{_ZIP_FORM}') "
                f"AND {_IN_STATES.format('practice')} > 0 "
                f"AND substr(practice_zip, 1, 5) NOT IN ({_BORDER})",
                ("practice_zip", "practice_state"),
                ("practice_zip", "practice_state", "practice_city", "zip_state"),
            ),
        ),
        suggests=(
            (
                "practice_state",
                "CASE WHEN practice_city IS NOT NULL AND zip_in_city THEN zip_state END",
            ),
            ("practice_zip", "CASE WHEN NOT zip_in_city THEN zip_of_city END"),
        ),
    ),
    Rule(
        id="ZIP_CITY_MISMATCH",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=4,
        attribute="practice_zip",
        title="ZIP is of another city",
        says="ZIP {practice_zip} is {zip_city}, not {practice_city}",
        exit_condition="The practice city is one of the names that the ZIP goes by.",
        source="USPS ZIP codes with all their city names, short forms written out",
        checks=(
            Check(
                "NOT zip_in_city AND NOT practice_abroad AND upper(practice_state) = zip_state "
                f"AND regexp_matches(practice_zip, '{_ZIP_FORM}')",
                ("practice_zip", "practice_city", "practice_state"),
                ("practice_zip", "practice_city", "zip_city"),
            ),
        ),
        suggests=(
            ("practice_city", "CASE WHEN NOT city_in_state THEN zip_city END"),
            ("practice_zip", "zip_of_city"),
        ),
    ),
    Rule(
        id="ADDR_SUSPICIOUS",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=3,
        attribute="practice_address_1",
        title="Practice address does not look like one",
        says="This does not look like an address: {practice_address_1}",
        exit_condition=(
            "The practice address has letters, is no stand-in such as UNKNOWN or SAME, and no "
            "e-mail address."
        ),
        source="Practice of directory clean-up; names of buildings are addresses",
        checks=(
            Check(
                f"regexp_matches(practice_address_1, '{_NOWHERE}') AND NOT (regexp_matches("
                "practice_address_1, '^[0-9-]+$') AND "
                "coalesce(regexp_matches(practice_address_2, '[A-Za-z]'), FALSE))",
                ("practice_address_1", "practice_address_2"),
                ("practice_address_1",),
            ),
        ),
        suggests=(("practice_address_1", _SECOND_LINE),),
    ),
)
