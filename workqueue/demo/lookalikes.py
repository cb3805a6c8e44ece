"""Records that only seem to be wrong: what a careless rule would take for a defect."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from workqueue.demo import columns
from workqueue.demo.planting import Planting, as_text
from workqueue.demo.taxonomy_list import ORGANIZATIONS
from workqueue.demo.variants import Record

LOOKALIKES = 0.02  # share of the individuals
_SEEMING_TEXT = """
TESTAROSSA TESTERMAN UNKEL DUMMETT FAKENHAM NULLMEYER NONEMAN SAMPLE NAMETH PLACE BLANK NG LY XU NA
INCE CLINE CORPUZ CENTERS MEDICI LABBE GROUPE HOSPEDALES PHARIS ASSOCIO COMPANION LEE"""
_DOUBLE_TEXT = """
SMITH-JONES|O'BRIEN-TAYLOR|DE LA O|ST. JOHN|VAN DER BERG|GARCIA LOPEZ|D'ANGELO|MC CABE|
DE LOS SANTOS|EL-KHOURY|VON TRAPP|SAINT-PIERRE"""
_STREETS_TEXT = """
12 BOX CANYON RD|9 POBLADO CT|4400 POST OAK BLVD|ONE HOSPITAL PLZ|7 NONESUCH RD|1 TESTWOOD DR|
88 NAVAJO WAY|MEDICAL ARTS BLDG 4|HIGHWAY 12 AND MAIN ST|2 UNKNOWN SOLDIER WAY|1000 SAMES RD|
300 BOXING BAY LN|15 P ST NW|21 OFFICE PARK DR|6 POST OFFICE SQ"""
_SEEMING = _SEEMING_TEXT.split()
_DOUBLE = _DOUBLE_TEXT.replace("\n", "").split("|")
_STREETS = _STREETS_TEXT.replace("\n", "").split("|")
_CREDENTIALS = {
    "1223S": ("MD, DDS", "DMD, MD", "DDS, MD"),
    "20": ("MBBS", "MD, PHARMD", "M.D., F.A.C.P.", "DO, MS", "MD, DDS", "MD JD"),
    "363L": ("DNP, FNP-BC", "MSN, APRN, FNP-C", "RN, MSN, CNP"),
    "1835": ("PHARMD, MBA", "R.PH., PHARMD"),
}


def _seeming_name(record: Record, rng: Random, _day: str) -> bool:
    record[columns.LAST_NAME] = rng.choice(_SEEMING)
    return True


def _double_name(record: Record, rng: Random, _day: str) -> bool:
    record[columns.LAST_NAME] = rng.choice(_DOUBLE)
    return True


def _by_middle_name(record: Record, _rng: Random, _day: str) -> bool:
    if len(record[columns.MIDDLE_NAME]) < 3:
        return False
    record[columns.FIRST_NAME] = record[columns.FIRST_NAME][0] + "."
    return True


def _street(record: Record, rng: Random, _day: str) -> bool:
    record[columns.LINE_1] = rng.choice(_STREETS)
    return True


def _credential(record: Record, rng: Random, _day: str) -> bool:
    for start, texts in _CREDENTIALS.items():
        if record[columns.TAXONOMY].startswith(start):
            record[columns.CREDENTIAL] = rng.choice(texts)
            return True
    return False


def _place_beside(record: Record, rng: Random, _day: str) -> bool:
    """The code of an organisation beside one's own."""
    if record[columns.SECOND_TAXONOMY]:
        return False
    record[columns.SECOND_TAXONOMY] = rng.choice(ORGANIZATIONS)
    record[columns.SECOND_PRIMARY] = "N"
    return True


def _license_form(record: Record, rng: Random, _day: str) -> bool:
    """Boards write numbers with blanks, dots and letters; the number itself stays one's own."""
    number = record[columns.LICENSE]
    if not number or record[columns.SECOND_TAXONOMY]:
        return False
    forms = (f"MD {number}", f"A-{number}", f"{number}.{rng.randrange(10, 99)}", f"{number} R")
    record[columns.LICENSE] = rng.choice(forms)
    return True


def _two_states(record: Record, _rng: Random, _day: str) -> bool:
    """The same taxonomy twice, licensed in two states, that of the practice second."""
    if not record[columns.LICENSE] or record[columns.SECOND_TAXONOMY]:
        return False
    first, second = columns.taxonomy_slot(1), columns.taxonomy_slot(2)
    record |= {there: record[here] for here, there in zip(first, second, strict=True)}
    record[columns.SECOND_PRIMARY] = "N"
    record[columns.LICENSE] += "T"
    record[columns.LICENSE_STATE] = "NM" if record[columns.LICENSE_STATE] != "NM" else "KS"
    return True


def _enumerated_today(record: Record, _rng: Random, day: str) -> bool:
    record |= dict.fromkeys((columns.ENUMERATED, columns.UPDATED, columns.CERTIFIED), day)
    return True


def _short_city(record: Record, _rng: Random, _day: str) -> bool:
    for long, short in (("FORT ", "FT "), ("SAINT ", "ST "), ("MOUNT ", "MT ")):
        if record[columns.CITY].startswith(long):
            record[columns.CITY] = record[columns.CITY].replace(long, short, 1)
            return True
    return False


def _replaced(record: Record, _rng: Random, _day: str) -> bool:
    """Another NPI stands for this one: nothing is wrong with NPPES, only with who uses this one."""
    number = record[columns.NPI]
    record[columns.REPLACEMENT_NPI] = with_check_digit(number[0] + number[8:0:-1])
    return record[columns.REPLACEMENT_NPI] != number


def with_check_digit(nine: str) -> str:
    """The NPI that begins with the nine digits."""
    total = 24
    for place, digit in enumerate(reversed(nine)):
        doubled = int(digit) * 2 if place % 2 == 0 else int(digit)
        total += doubled - 9 * (doubled > 9)
    return nine + str(-total % 10)


_FORMS: tuple[tuple[str, Callable[[Record, Random, str], bool]], ...] = (
    ("surname like a stand-in or a company", _seeming_name),
    ("double or composed surname", _double_name),
    ("goes by the middle name", _by_middle_name),
    ("street like a box or a stand-in", _street),
    ("two credentials", _credential),
    ("code of an organisation beside one's own", _place_beside),
    ("licence with blanks or dots", _license_form),
    ("one taxonomy licensed in two states", _two_states),
    ("enumerated and updated on the day", _enumerated_today),
    ("city written short", _short_city),
    ("replaced NPI", _replaced),
)


def plant_lookalikes(here: Planting, rows: list[int]) -> None:
    """Make each of the clean rows seem wrong in one way, and note which."""
    today = as_text(here.as_of)
    changed, written = [], []
    for row, record in zip(rows, here.sheet.records(rows), strict=True):
        record.setdefault(columns.REPLACEMENT_NPI, "")
        kind, change = here.rng.choice(_FORMS)
        if change(record, here.rng, today):
            changed.append(row)
            written.append(record)
            here.sheet.seems(row, kind)
    here.sheet.write(changed, written)
    numbers = [record[columns.REPLACEMENT_NPI] for record in written]
    here.sheet.put(columns.REPLACEMENT_NPI, changed, numbers)
