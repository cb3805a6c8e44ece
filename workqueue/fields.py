"""The catalogue of provider attributes: one definition for columns, file headers and forms.

Names follow the NPPES data dissemination file (CMS, "NPPES Data Dissemination - Readme", file
version V2) in short snake_case form. The file has fifteen taxonomy slots; attributes of a slot
carry its number: `license_number_1` to `license_number_15`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

SLOTS: Final = 15


class Form(StrEnum):
    """What a value of the field looks like; decides normalising, validating and showing."""

    NPI = "npi"
    TEXT = "text"
    STATE = "state"
    ZIP = "zip"
    PHONE = "phone"
    DATE = "date"
    TAXONOMY = "taxonomy"
    CODE = "code"


@dataclass(frozen=True)
class Field:
    """One attribute of a provider.

    `headers` are the column names it goes by in files, compared without regard to case; the
    attribute's own name is accepted as well. `max_length` counts characters.
    """

    name: str
    headers: tuple[str, ...]
    label: str
    group: str
    form: Form = Form.TEXT
    max_length: int = 200


def _address(prefix: str, nppes: str, group: str) -> tuple[Field, ...]:
    def field(name: str, header: str, label: str, form: Form = Form.TEXT, top: int = 200) -> Field:
        return Field(f"{prefix}_{name}", (header.format(nppes),), label, group, form, top)

    return (
        field("address_1", "Provider First Line Business {} Address", "Address"),
        field("address_2", "Provider Second Line Business {} Address", "Address, second line"),
        field("city", "Provider Business {} Address City Name", "City"),
        field("state", "Provider Business {} Address State Name", "State", Form.STATE, 40),
        field("zip", "Provider Business {} Address Postal Code", "ZIP", Form.ZIP, 20),
        field(
            "country",
            "Provider Business {} Address Country Code (If outside U.S.)",
            "Country",
            Form.CODE,
            40,
        ),
        field("phone", "Provider Business {} Address Telephone Number", "Phone", Form.PHONE, 30),
        field("fax", "Provider Business {} Address Fax Number", "Fax", Form.PHONE, 30),
    )


def _slot(number: int) -> tuple[Field, ...]:
    group = "Licence and specialty"
    return (
        Field(
            f"taxonomy_code_{number}",
            (f"Healthcare Provider Taxonomy Code_{number}",),
            f"Taxonomy {number}",
            group,
            Form.TAXONOMY,
            20,
        ),
        Field(
            f"license_number_{number}",
            (f"Provider License Number_{number}",),
            f"Licence number {number}",
            group,
            Form.TEXT,
            40,
        ),
        Field(
            f"license_state_{number}",
            (f"Provider License Number State Code_{number}",),
            f"Licence state {number}",
            group,
            Form.STATE,
            40,
        ),
        Field(
            f"taxonomy_primary_{number}",
            (f"Healthcare Provider Primary Taxonomy Switch_{number}",),
            f"Primary {number}",
            group,
            Form.CODE,
            5,
        ),
    )


FIELDS: Final[tuple[Field, ...]] = (
    Field("npi", ("NPI",), "NPI", "Identity", Form.NPI, 20),
    Field("replacement_npi", ("Replacement NPI",), "Replacement NPI", "Identity", Form.NPI, 20),
    Field(
        "last_name",
        ("Provider Last Name (Legal Name)", "Provider Last Name"),
        "Last name",
        "Identity",
    ),
    Field("first_name", ("Provider First Name",), "First name", "Identity"),
    Field("middle_name", ("Provider Middle Name",), "Middle name", "Identity"),
    Field("name_prefix", ("Provider Name Prefix Text",), "Prefix", "Identity", max_length=40),
    Field("name_suffix", ("Provider Name Suffix Text",), "Suffix", "Identity", max_length=40),
    Field("credential", ("Provider Credential Text",), "Credential", "Identity", max_length=80),
    Field("other_last_name", ("Provider Other Last Name",), "Other last name", "Identity"),
    Field("other_first_name", ("Provider Other First Name",), "Other first name", "Identity"),
    Field("other_middle_name", ("Provider Other Middle Name",), "Other middle name", "Identity"),
    Field(
        "other_name_prefix",
        ("Provider Other Name Prefix Text",),
        "Other prefix",
        "Identity",
        max_length=40,
    ),
    Field(
        "other_name_suffix",
        ("Provider Other Name Suffix Text",),
        "Other suffix",
        "Identity",
        max_length=40,
    ),
    Field(
        "other_credential",
        ("Provider Other Credential Text",),
        "Other credential",
        "Identity",
        max_length=80,
    ),
    Field(
        "other_last_name_type",
        ("Provider Other Last Name Type Code",),
        "Other name type",
        "Identity",
        Form.CODE,
        10,
    ),
    Field("sex", ("Provider Sex Code", "Provider Gender Code"), "Sex", "Identity", Form.CODE, 10),
    *_address("practice", "Practice Location", "Practice"),
    *_address("mailing", "Mailing", "Mailing"),
    Field("enumeration_date", ("Provider Enumeration Date",), "Enumerated", "Dates", Form.DATE),
    Field("last_update_date", ("Last Update Date",), "Last update", "Dates", Form.DATE),
    Field("certification_date", ("Certification Date",), "Certification", "Dates", Form.DATE),
    Field(
        "deactivation_reason",
        ("NPI Deactivation Reason Code",),
        "Deactivation reason",
        "Dates",
        Form.CODE,
        10,
    ),
    Field(
        "deactivation_date",
        ("NPI Deactivation Date", "NPPES Deactivation Date"),
        "Deactivated",
        "Dates",
        Form.DATE,
    ),
    Field("reactivation_date", ("NPI Reactivation Date",), "Reactivated", "Dates", Form.DATE),
    Field("sole_proprietor", ("Is Sole Proprietor",), "Sole proprietor", "Identity", Form.CODE, 10),
    *(field for number in range(1, SLOTS + 1) for field in _slot(number)),
)

BY_NAME: Final = MappingProxyType({field.name: field for field in FIELDS})
GROUPS: Final = ("Identity", "Practice", "Licence and specialty", "Mailing", "Dates")

ENTITY_TYPE_HEADER: Final = "Entity Type Code"
SOURCE_KEY_HEADERS: Final = ("Source Key", "source_key", "Provider ID", "Record ID")


def full_name(
    last: str | None, first: str | None, middle: str | None, credential: str | None
) -> str:
    """A person's name as a line of a list: LAST, FIRST M, CRED; a dash for a missing part."""
    given = f"{first or '—'} {middle[0]}" if middle else first or "—"
    return ", ".join(part for part in (last or "—", given, credential) if part)
