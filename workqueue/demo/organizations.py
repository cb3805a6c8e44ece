"""Organisation rows (entity type 2): they are in every published file, and a loader skips them."""

from __future__ import annotations

import numpy as np

from workqueue.demo import columns, names
from workqueue.demo.addresses import Columns
from workqueue.demo.columns import MAILING, PRACTICE
from workqueue.demo.draws import Draws, Weighted, joined, lookup, where

_BUSINESS = Weighted(
    [
        "FAMILY MEDICINE",
        "DENTAL",
        "PHARMACY",
        "PHYSICAL THERAPY",
        "HOME HEALTH",
        "MEDICAL CENTER",
        "PEDIATRICS",
        "CHIROPRACTIC",
        "EYE CARE",
        "BEHAVIORAL HEALTH",
        "IMAGING",
        "SURGERY CENTER",
        "MEDICAL SUPPLY",
    ]
)
_CODES = [
    "261QP2300X",
    "261QD0000X",
    "3336C0003X",
    "261QP2000X",
    "251E00000X",
    "282N00000X",
    "261QM1300X",
    "111N00000X",
    "152W00000X",
    "251S00000X",
    "261QR0200X",
    "261QA1903X",
    "332B00000X",
]
_FORMS = Weighted([", INC", " LLC", ", PLLC", ", P.C.", " GROUP", ", PA", " ASSOCIATES"])
_TITLES = Weighted(["OWNER", "PRESIDENT", "CEO", "ADMINISTRATOR", "OFFICE MANAGER", "CFO"])

_SHARED = (
    *MAILING,
    *PRACTICE,
    columns.ENUMERATED,
    columns.UPDATED,
    columns.CERTIFIED,
)


def organization_columns(draws: Draws, people: Columns) -> Columns:
    """The same rows as organisations: place and dates of ``people``, names and codes their own."""
    constant = np.zeros(len(people[columns.CITY]), dtype=np.int64)
    business = draws.index("business", _BUSINESS)
    title = joined(
        people[columns.CITY],
        " ",
        _BUSINESS.values.take(business),
        draws.text("legal form", _FORMS),
    )
    family = joined(people[columns.LAST_NAME], " ", _BUSINESS.values.take(business))
    other = draws.share("other organisation name") < 0.12
    women = draws.share("official") < 0.45
    values = {name: people[name] for name in _SHARED}
    values |= {
        "Employer Identification Number (EIN)": lookup(["<UNAVAIL>"], constant),
        "Provider Organization Name (Legal Business Name)": title,
        "Provider Other Organization Name": where(other, family),
        "Provider Other Organization Name Type Code": where(other, lookup(["3"], constant)),
        "Authorized Official Last Name": names.last_names(draws, "official last name"),
        "Authorized Official First Name": names.first_names(draws, women, "official first name"),
        "Authorized Official Title or Position": draws.text("official title", _TITLES),
        "Authorized Official Telephone Number": people[columns.PHONE],
        "Is Organization Subpart": lookup(["N"], constant),
        columns.TAXONOMY: lookup(_CODES, business),
        columns.PRIMARY: lookup(["Y"], constant),
    }
    return values
