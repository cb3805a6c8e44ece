"""Rules about what else the record says of the person: credential, sex, standing."""

from __future__ import annotations

from typing import Final

from workqueue.rules.references import LEIE
from workqueue.rules.rule import MISSING_DATA, VALIDATION_FLAG, Check, Rule, missing

# As a whole word. GROUP, CENTER and the like are surnames as well; PA, PC, MD and CO are initials,
# states or degrees: they count only where they end the name as the form of a company does.
_COMPANY: Final = (
    r"(?i)\b(LLC|L[.]L[.]C|INC|PLLC|P[.]L[.]L[.]C|LLP|CORPORATION|INCORPORATED|CLINICS?|"
    r"HOSPITALS?|PHARMACY|ASSOCIATES|HEALTHCARE|MEDICAL (GROUP|CENTER|CLINIC|ASSOC|CORP)|"
    r"DENTAL (GROUP|CENTER|CARE|OFFICE)|FAMILY PRACTICE|HEALTH (SYSTEM|SERVICES|CENTER))\b"
    r"|[ ,](P[.]C|P[.]A|LTD|CORP)[.]?$"
)
_FORM: Final = r"(?i)[ ,]+(LLC|L[.]L[.]C|INC|PLLC|P[.]L[.]L[.]C|LLP|P[.]C|P[.]A|LTD|CORP)[.]?$"

PERSON: Final[tuple[Rule, ...]] = (
    Rule(
        id="NAME_ORG_IN_PERSON",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=3,
        attribute="last_name",
        title="Name is an organisation's",
        says="This looks like an organisation, not a person: {values}",
        exit_condition="First and last name have no word that only organisations have.",
        source="NPPES has individuals and organisations apart (45 CFR 162.406)",
        checks=tuple(
            Check(f"regexp_matches({name}, '{_COMPANY}')", (name,), (name,))
            for name in ("last_name", "first_name")
        ),
        suggests=(
            (
                "last_name",
                f"CASE WHEN regexp_matches(last_name, '{_FORM}') AND NOT "
                f"regexp_matches(regexp_replace(last_name, '{_FORM}', ''), '{_COMPANY}') "
                f"THEN regexp_replace(last_name, '{_FORM}', '') END",
            ),
        ),
    ),
    Rule(
        id="CREDENTIAL_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=3,
        attribute="credential",
        title="Credential is missing",
        says="The record has no credential, and its taxonomy {taxonomy_code_1} needs a licence",
        exit_condition="The record has a credential, or slot 1 no taxonomy that needs a licence.",
        source="Practice of directory clean-up; asked where the profession is licensed",
        checks=(
            Check(
                "credential IS NULL AND license_required_1",
                ("credential", "taxonomy_code_1"),
                ("credential", "taxonomy_code_1"),
            ),
        ),
        suggests=(("credential", "usual_credential_1"),),
    ),
    Rule(
        id="CREDENTIAL_TAXONOMY",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=3,
        attribute="credential",
        title="Credential and specialty do not go together",
        says="Credential {credential} does not go with taxonomy {taxonomy_code_1} or any other",
        exit_condition="One of the taxonomies is of a profession that the credential stands for.",
        source="Table of letters in workqueue.rules.credentials; unknown letters say nothing",
        checks=(
            Check(
                "credential_professions IS NOT NULL AND taxonomies > 0 AND NOT credential_fits",
                ("credential", "taxonomy_code_1"),
                ("credential", "taxonomy_code_1"),
            ),
        ),
    ),
    Rule(
        id="SEX_MISSING",
        version=1,
        queue_type=MISSING_DATA,
        priority=4,
        attribute="sex",
        title="Sex is missing",
        says="The record has no sex code",
        exit_condition="The record has a sex code.",
        source="NPPES asks for it (form CMS-10114, section 2A); U and X are answers",
        checks=missing("sex"),
    ),
    Rule(
        id="SOLE_PROPRIETOR_UNKNOWN",
        version=1,
        queue_type=MISSING_DATA,
        priority=5,
        attribute="sole_proprietor",
        title="Sole proprietor is not answered",
        says="Whether the provider is a sole proprietor is not answered: {sole_proprietor}",
        exit_condition="The record says yes or no.",
        source="NPPES asks for it (form CMS-10114, section 2A); X stands for not answered",
        checks=(
            Check(
                "sole_proprietor IS NULL OR sole_proprietor NOT IN ('Y', 'N')",
                ("sole_proprietor",),
                ("sole_proprietor",),
            ),
        ),
    ),
    Rule(
        id="EXCLUDED_LEIE",
        version=1,
        queue_type=VALIDATION_FLAG,
        priority=1,
        attribute="npi",
        title="Provider is on the OIG exclusion list",
        says="On the OIG exclusion list by {exclusion_by}: {exclusion}",
        exit_condition="No exclusion in the current list fits the record.",
        source=(
            "42 USC 1320a-7; the OIG's List of Excluded Individuals/Entities. Where an exclusion "
            "has no NPI, last name, first name and the state of an address decide"
        ),
        checks=(
            Check(
                "exclusion IS NOT NULL",
                ("last_name",),
                ("exclusion", "exclusion_by", "npi", "last_name", "first_name", "middle_name"),
            ),
        ),
        # Without an NPI it may be a namesake.
        priority_expression=(
            "CASE exclusion_by WHEN 'the NPI' THEN 1 WHEN 'full name and state' THEN 2 ELSE 3 END"
        ),
        needs=LEIE,
    ),
)
