"""The 330 columns of an NPPES V2 file in the order in which CMS publishes them."""

from __future__ import annotations

_START = (
    "NPI",
    "Entity Type Code",
    "Replacement NPI",
    "Employer Identification Number (EIN)",
    "Provider Organization Name (Legal Business Name)",
    "Provider Last Name (Legal Name)",
    "Provider First Name",
    "Provider Middle Name",
    "Provider Name Prefix Text",
    "Provider Name Suffix Text",
    "Provider Credential Text",
    "Provider Other Organization Name",
    "Provider Other Organization Name Type Code",
    "Provider Other Last Name",
    "Provider Other First Name",
    "Provider Other Middle Name",
    "Provider Other Name Prefix Text",
    "Provider Other Name Suffix Text",
    "Provider Other Credential Text",
    "Provider Other Last Name Type Code",
)


def _address(kind: str) -> tuple[str, ...]:
    return (
        f"Provider First Line Business {kind} Address",
        f"Provider Second Line Business {kind} Address",
        f"Provider Business {kind} Address City Name",
        f"Provider Business {kind} Address State Name",
        f"Provider Business {kind} Address Postal Code",
        f"Provider Business {kind} Address Country Code (If outside U.S.)",
        f"Provider Business {kind} Address Telephone Number",
        f"Provider Business {kind} Address Fax Number",
    )


MAILING = _address("Mailing")
PRACTICE = _address("Practice Location")

_MIDDLE = (
    "Provider Enumeration Date",
    "Last Update Date",
    "NPI Deactivation Reason Code",
    "NPI Deactivation Date",
    "NPI Reactivation Date",
    "Provider Sex Code",
    "Authorized Official Last Name",
    "Authorized Official First Name",
    "Authorized Official Middle Name",
    "Authorized Official Title or Position",
    "Authorized Official Telephone Number",
)


def taxonomy_slot(slot: int) -> tuple[str, str, str, str]:
    """Columns of one of the 15 taxonomy slots (from 1): code, licence, state, primary switch."""
    return (
        f"Healthcare Provider Taxonomy Code_{slot}",
        f"Provider License Number_{slot}",
        f"Provider License Number State Code_{slot}",
        f"Healthcare Provider Primary Taxonomy Switch_{slot}",
    )


def identifier_slot(slot: int) -> tuple[str, str, str, str]:
    """Columns of one of the 50 other-identifier slots (from 1): number, type, state, issuer."""
    return (
        f"Other Provider Identifier_{slot}",
        f"Other Provider Identifier Type Code_{slot}",
        f"Other Provider Identifier State_{slot}",
        f"Other Provider Identifier Issuer_{slot}",
    )


_END = (
    "Is Sole Proprietor",
    "Is Organization Subpart",
    "Parent Organization LBN",
    "Parent Organization TIN",
    "Authorized Official Name Prefix Text",
    "Authorized Official Name Suffix Text",
    "Authorized Official Credential Text",
    *(f"Healthcare Provider Taxonomy Group_{slot}" for slot in range(1, 16)),
    "Certification Date",
)

HEADER: tuple[str, ...] = (
    *_START,
    *MAILING,
    *PRACTICE,
    *_MIDDLE,
    *(column for slot in range(1, 16) for column in taxonomy_slot(slot)),
    *(column for slot in range(1, 51) for column in identifier_slot(slot)),
    *_END,
)

NPI = "NPI"
ENTITY_TYPE = "Entity Type Code"
LAST_NAME = "Provider Last Name (Legal Name)"
FIRST_NAME = "Provider First Name"
MIDDLE_NAME = "Provider Middle Name"
PREFIX = "Provider Name Prefix Text"
SUFFIX = "Provider Name Suffix Text"
CREDENTIAL = "Provider Credential Text"
SEX = "Provider Sex Code"
SOLE_PROPRIETOR = "Is Sole Proprietor"
REPLACEMENT_NPI = "Replacement NPI"
OTHER_LAST_NAME = "Provider Other Last Name"
ENUMERATED = "Provider Enumeration Date"
UPDATED = "Last Update Date"
CERTIFIED = "Certification Date"
DEACTIVATED = "NPI Deactivation Date"
REACTIVATED = "NPI Reactivation Date"
LINE_1, LINE_2, CITY, STATE, ZIP, COUNTRY, PHONE, FAX = PRACTICE
TAXONOMY, LICENSE, LICENSE_STATE, PRIMARY = taxonomy_slot(1)
SECOND_TAXONOMY, SECOND_LICENSE, SECOND_LICENSE_STATE, SECOND_PRIMARY = taxonomy_slot(2)
