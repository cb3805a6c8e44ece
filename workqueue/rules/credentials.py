"""Which professions the letters behind a name stand for.

A short table of our own, from the letters that state boards and professional schools give out.
Degrees that belong to no one profession (PHD, MS, MPH, BSN) say nothing and are left out.
"""

from __future__ import annotations

import re
from functools import lru_cache
from types import MappingProxyType
from typing import Final

_NURSES: Final = (
    "registered nurse",
    "nurse practitioner",
    "clinical nurse specialist",
    "nurse anesthetist",
    "nurse midwife",
)
_THERAPISTS: Final = ("counselor", "marriage and family therapist", "social worker", "psychologist")

_LETTERS: Final[dict[tuple[str, ...], str]] = {
    # Oral surgeons are listed among the physicians, and many of them are both.
    ("physician",): "MD DO MBBS MBCHB",
    ("dentist", "physician"): "DDS DMD BDS",
    ("optometrist",): "OD",
    ("chiropractor",): "DC",
    ("podiatrist",): "DPM",
    ("pharmacist",): "PHARMD RPH BSPHARM",
    ("physician assistant",): "PA PAC RPA RPAC",
    ("physical therapist",): "PT DPT MPT MSPT RPT",
    ("occupational therapist",): "OT OTR OTRL OTD MOT",
    ("respiratory therapist",): "RRT CRT",
    ("audiologist", "speech-language pathologist"): "AUD CCCA CCCSLP SLP",
    ("psychologist", *_THERAPISTS): "PSYD",
    ("social worker", *_THERAPISTS): "LCSW LICSW LMSW MSW LISW LCSWR",
    ("counselor", *_THERAPISTS): "LPC LPCC LMHC LCPC LMFT MFT",
    ("dental hygienist", "dental therapist"): "RDH",
    ("practical nurse",): "LPN LVN",
    _NURSES: "RN NP FNP FNPC FNPBC ANP CRNP ARNP APRN APN CNP CNS PNP PMHNP CRNA CNM DNP MSN BSN",
}
_MEANING: Final = MappingProxyType(
    {
        letters: frozenset(
            family for families, known in _LETTERS.items() if letters in known.split()
            for family in families
        )
        for text in _LETTERS.values()
        for letters in text.split()
    }
)  # fmt: skip

JUDGED: Final = tuple(sorted({family for families in _LETTERS for family in families}))
"""Families of taxonomies whose letters are known. Of others nothing is said."""

# Letters that nobody of that family can be without, and that leave no choice.
USUAL: Final = MappingProxyType(
    {
        "chiropractor": "DC",
        "nurse anesthetist": "CRNA",
        "nurse midwife": "CNM",
        "optometrist": "OD",
        "physician assistant": "PA",
        "podiatrist": "DPM",
    }
)


@lru_cache(16_384)
def professions(credential: str) -> str | None:
    """The families that the letters fit, as |one|two|; None where any of them is not known.

    M.D., M. D. and MD are the same, and so are PHARM D and PHARMD.
    """
    parts = [re.sub("[^A-Z]", "", part) for part in re.split("[,;/&]", credential.upper())]
    whole = [part for part in parts if part]
    if not whole or any(part not in _MEANING for part in whole):
        return None
    return f"|{'|'.join(sorted(frozenset().union(*(_MEANING[part] for part in whole))))}|"
