"""Which kinds of provider need a licence, unless the operator loads a list of their own.

A short table of our own, written from the public Health Care Provider Taxonomy code set that CMS
uses in NPPES (45 CFR 162.1002; a code's first two characters are the type of provider, the next
two the classification) and from which professions every US state licenses. Where only some states
license a profession, or the employer's certificate stands in for a licence, it is not required, so
that nobody is sent after a licence that does not exist: dietitians, school psychologists and
school counsellors, addiction counsellors, assistants, technicians, students.

The family is also what keeps one number apart from another: boards number licences each for
themselves, so that nurse 12345 and dentist 12345 of one state have nothing in common.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple


class Family(NamedTuple):
    """Taxonomy codes that begin with `prefix`; the longest prefix that fits decides."""

    prefix: str
    name: str
    license_required: bool


FAMILIES: Final = (
    Family("101YM", "counselor", True),
    Family("101YP2", "counselor", True),
    Family("101Y", "counselor", False),
    Family("103T", "psychologist", True),
    Family("103TS", "psychologist", False),
    Family("103G", "psychologist", True),
    Family("1041", "social worker", False),
    Family("1041C", "social worker", True),
    Family("106H", "marriage and family therapist", True),
    Family("111N", "chiropractor", True),
    Family("1223", "dentist", True),
    Family("125Q", "dentist", True),
    Family("124Q", "dental hygienist", True),
    Family("125J", "dental therapist", True),
    Family("125K", "dental therapist", True),
    Family("133", "dietitian", False),
    Family("152W", "optometrist", True),
    Family("163W", "registered nurse", True),
    Family("164W", "practical nurse", True),
    Family("164X", "practical nurse", True),
    Family("174M", "veterinarian", True),
    Family("1835", "pharmacist", True),
    Family("202", "physician", True),
    Family("204", "physician", True),
    Family("207", "physician", True),
    Family("208", "physician", True),
    Family("209", "physician", True),
    Family("213E", "podiatrist", True),
    Family("2251", "physical therapist", True),
    Family("225X", "occupational therapist", True),
    Family("2278", "respiratory therapist", True),
    Family("2279", "respiratory therapist", True),
    Family("231H", "audiologist", True),
    Family("2376", "audiologist", True),
    Family("2377", "hearing instrument specialist", True),
    Family("235Z", "speech-language pathologist", True),
    Family("363A", "physician assistant", True),
    Family("363L", "nurse practitioner", True),
    Family("364S", "clinical nurse specialist", True),
    Family("3675", "nurse anesthetist", True),
    Family("367A", "nurse midwife", True),
    Family("390", "student", False),
)

_BY_PREFIX: Final = {family.prefix: family for family in FAMILIES}
_LONGEST: Final = max(map(len, _BY_PREFIX))


@lru_cache(maxsize=4096)
def family(code: str) -> Family:
    """The family of taxonomy `code`.

    A code outside the table is of the family of its classification, the code's first four
    characters, and needs no licence.
    """
    clean = code.strip().upper()
    for length in range(_LONGEST, 0, -1):
        found = _BY_PREFIX.get(clean[:length])
        if found is not None:
            return found
    return Family(clean[:4], clean[:4], license_required=False)
