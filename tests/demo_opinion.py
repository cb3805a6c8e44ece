"""What is wrong in a generated file, worked out from the file alone, row by row.

A third opinion beside the generator's truth and the rules, in plain Python: it shares code with
neither.
"""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime
from pathlib import Path

import zipcodes
from stdnum import luhn

from workqueue.demo.taxonomy_list import write_taxonomy_list

Row = dict[str, str]
Broken = set[tuple[int, str, str]]

LAST, FIRST = "Provider Last Name (Legal Name)", "Provider First Name"
PRACTICE = "Provider Business Practice Location Address "
LINE_1 = "Provider First Line Business Practice Location Address"
CODE, LICENSE = "Healthcare Provider Taxonomy Code_", "Provider License Number_"
LICENSE_STATE = "Provider License Number State Code_"
PRIMARY = "Healthcare Provider Primary Taxonomy Switch_"
ENUMERATED, UPDATED = "Provider Enumeration Date", "Last Update Date"
SLOTS = range(1, 16)
STATE_CODES = (
    "AL AK AZ AR CA CO CT DE DC FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ "
    "NM NY NC ND OH OK OR PA RI SC SD TN TX UT VT VA WA WV WI WY "
    "PR GU VI AS MP FM MH PW AA AE AP"
)
STATES = set(STATE_CODES.split())
NEEDS_LICENSE = re.compile("207|208|1223|122300|163W|363L|364S|3675|1835|111N|152W|213E")
FORM = re.compile("[0-9A-Z]{9}X")
COMPANY = re.compile(
    r"\b(L\.?L\.?C|INC|PLLC|P\.C|GROUP|CLINIC|HOSPITAL|CENTER|PHARMACY|ASSOCIATES)\b"
)
# Letters that a specialty's credential must have one of, by the start of the code.
SIGNED = {
    "20": "M.?D|D.?O|MBBS",
    "12": "D.?D.?S|D.?M.?D",
    "18": r"PHARM|R\.?PH",
    "11": r"D\.?C",
    "15": r"O\.?D",
    "21": r"DPM|D\.P\.M",
}
WORDS = {"PENDING", "N/A", "NONE", "APPLIED FOR", "SEE ATTACHED", "TBD", "UNKNOWN", "XXXXX"}
LONG = {"FT": "FORT ", "ST": "SAINT ", "MT": "MOUNT "}
NO_STREET = {"NONE", "N/A", "UNKNOWN", "TEST", "TBD", "XXXX", "SAME", "NA", "NO ADDRESS", "..."}
NO_STREET |= {"SAME AS ABOVE", "UNKNOWN ADDRESS"}


def day(text: str) -> date:
    """A date as CMS writes it."""
    return datetime.strptime(text, "%m/%d/%Y").date()  # noqa: DTZ007 - a calendar day


def name_looks_wrong(row: Row) -> bool:
    """Digits, stand-ins, one letter again and again; a last name of one letter."""
    names = (row[LAST], row[FIRST])
    return len(row[LAST]) == 1 or any(
        re.search(r"\d", name) or name in {"TEST", "UNKNOWN"} or re.fullmatch(r"(.)\1{2,}", name)
        for name in names
    )


def phone_looks_wrong(phone: str) -> bool:
    """No number of the North American plan."""
    if not re.fullmatch(r"[2-9]\d\d[2-9]\d{6}", phone) or phone[1:3] == "11" or phone[4:6] == "11":
        return True
    return phone[3:8] == "55501" or len(set(phone)) == 1


def _place_of(row: Row) -> set[str]:
    """Which of state and city the ZIP contradicts; where it is in no register, none."""
    state, code = row[PRACTICE + "State Name"], row[PRACTICE + "Postal Code"]
    if state not in STATES or not re.fullmatch(r"\d{5}(\d{4})?", code):
        return set()
    known = zipcodes.matching(code[:5])
    if known and all(one["state"] != state for one in known):
        return {"ZIP_STATE_MISMATCH"}
    cities = {_long(name) for one in known for name in (one["city"], *one["acceptable_cities"])}
    differs = _long(row[PRACTICE + "City Name"]) not in cities
    return {"ZIP_CITY_MISMATCH"} if known and differs else set()


def _long(city: str) -> str:
    return re.sub("^(FT|ST|MT) ", lambda short: LONG[short[1]], city.upper())


def breaks_place(row: Row) -> set[str]:
    """Rules about the practice that the row breaks."""
    if row[PRACTICE + "Country Code (If outside U.S.)"] != "US":
        return set()
    zip_code, line = row[PRACTICE + "Postal Code"], row[LINE_1]
    phone, fax = row[PRACTICE + "Telephone Number"], row[PRACTICE + "Fax Number"]
    checks = {
        "ADDR_PRACTICE_MISSING": not line,
        "ADDR_SUSPICIOUS": line in NO_STREET,
        "PO_BOX_PRACTICE": bool(re.match(r"(P\.? ?O\.? ?BOX|POST OFFICE BOX|POB) #?\d", line)),
        "STATE_INVALID": row[PRACTICE + "State Name"] not in STATES,
        "ZIP_INVALID": not re.fullmatch(r"\d{5}(\d{4})?", zip_code) or zip_code[:5] == "00000",
        "PHONE_MISSING": not phone,
        "PHONE_INVALID": bool(phone) and phone_looks_wrong(phone),
        "FAX_INVALID": bool(fax) and phone_looks_wrong(fax),
        "FAX_EQUALS_PHONE": bool(fax) and fax == phone,
    }
    broken = {rule for rule, is_broken in checks.items() if is_broken}
    return broken if "ZIP_INVALID" in broken else broken | _place_of(row)


def breaks_licensing(row: Row, codes: dict[str, Row]) -> set[str]:
    """Rules about taxonomies and licences that the row breaks."""
    filled = [n for n in SLOTS if row[f"{CODE}{n}"]]
    held = [n for n in filled if row[f"{LICENSE}{n}"]]
    written = [row[f"{CODE}{n}"] for n in filled]
    known = [codes[row[f"{CODE}{n}"]] for n in filled if row[f"{CODE}{n}"] in codes]
    state = row[PRACTICE + "State Name"]
    primaries = [row[f"{PRIMARY}{n}"] for n in filled].count("Y")
    slots = [(row[f"{CODE}{n}"], row[f"{LICENSE}{n}"], row[f"{LICENSE_STATE}{n}"]) for n in filled]
    numbers = [row[f"{LICENSE}{n}"] for n in held]
    boards = {row[f"{LICENSE_STATE}{n}"] for n in held} - {""}
    at_home = state in STATES - {"AA", "AE", "AP"} and _in_us(row)
    checks = {
        "TAXONOMY_MISSING": not filled,
        "TAXONOMY_FORMAT": not all(FORM.fullmatch(code) for code in written),
        "TAXONOMY_INVALID": any(FORM.fullmatch(code) and code not in codes for code in written),
        "TAXONOMY_RETIRED": any(one["Deactivation Date"] for one in known),
        "TAXONOMY_NON_INDIVIDUAL": bool(known)
        and all(one["Section"] == "Non-Individual" for one in known),
        "TAXONOMY_PRIMARY_NONE": bool(filled) and primaries == 0,
        "TAXONOMY_PRIMARY_MANY": primaries > 1,
        "TAXONOMY_REPEATED": len(slots) > len(set(slots)),
        "LICENSE_MISSING": any(NEEDS_LICENSE.match(c) and not number for c, number, _ in slots),
        "LICENSE_STATE_MISSING": any(not row[f"{LICENSE_STATE}{n}"] for n in held),
        "LICENSE_FORMAT": any(n in WORDS or not re.search("[1-9]", n) for n in numbers),
        "LICENSE_NO_PRACTICE_STATE": bool(boards) and at_home and state not in boards,
    }
    return {rule for rule, broken in checks.items() if broken}


def _in_us(row: Row) -> bool:
    return row[PRACTICE + "Country Code (If outside U.S.)"] == "US"


def breaks_identity(row: Row) -> set[str]:
    """Rules about the person that the row breaks."""
    npi, code, signed = row["NPI"], row[f"{CODE}1"], row["Provider Credential Text"]
    wanted = SIGNED.get(code[:2])
    nurse = code[:2] in {"16", "36"}
    checks = {
        "NPI_CHECK_DIGIT": npi[0] not in "12" or not luhn.is_valid("80840" + npi),
        "NAME_LAST_MISSING": not row[LAST],
        "NAME_FIRST_MISSING": not row[FIRST],
        "NAME_SUSPICIOUS": name_looks_wrong(row),
        "NAME_ORG_IN_PERSON": bool(COMPANY.search(row[LAST])),
        "CREDENTIAL_MISSING": not signed and _has_profession(row),
        "CREDENTIAL_TAXONOMY": bool(signed)
        and (
            (wanted is not None and not re.search(rf"(^|[ ,])({wanted})", signed))
            or (nurse and bool(re.match(r"D\.?[DMCP]|O\.?D", signed)))
        ),
        "SEX_MISSING": not row["Provider Sex Code"],
        "SOLE_PROPRIETOR_UNKNOWN": row["Is Sole Proprietor"] not in {"Y", "N"},
    }
    return {rule for rule, broken in checks.items() if broken}


def _has_profession(row: Row) -> bool:
    return any(re.match("1[0-68]|2[0-3]|36", row[f"{CODE}{n}"]) for n in SLOTS)


def breaks_dates(row: Row, as_of: date) -> set[str]:
    """Rules about dates that the row breaks."""
    enumerated, updated = day(row[ENUMERATED]), day(row[UPDATED])
    checks = {
        "DATE_FUTURE": max(enumerated, updated) > as_of,
        "DATE_ORDER": updated < enumerated or enumerated < date(2005, 5, 23),
        "RECORD_STALE": updated < as_of.replace(year=as_of.year - 5),
        "CERTIFICATION_MISSING": updated.year >= 2020 and not row["Certification Date"],
    }
    return {rule for rule, broken in checks.items() if broken}


def taxonomy_codes(folder: Path) -> dict[str, Row]:
    """The generated list of taxonomy codes."""
    path = folder / "taxonomy.csv"
    write_taxonomy_list(path)
    with path.open(newline="", encoding="utf-8") as lines:
        return {row["Code"]: row for row in csv.DictReader(lines)}


def opinion(rows: Iterable[Row], as_of: date, codes: dict[str, Row]) -> Broken:
    """Every (line, rule, group key) of the file; without EXCLUDED_LEIE and DUPLICATE."""
    found: Broken = set()
    by_npi: dict[str, set[int]] = defaultdict(set)
    by_license: dict[str, set[tuple[int, str]]] = defaultdict(set)
    by_phone: dict[str, set[tuple[int, str, str]]] = defaultdict(set)
    for line, row in enumerate(rows, start=2):
        if row["Entity Type Code"] != "1":
            continue
        broken = breaks_identity(row) | breaks_place(row) | breaks_dates(row, as_of)
        found |= {(line, rule, "") for rule in broken | breaks_licensing(row, codes)}
        by_npi[row["NPI"]].add(line)
        phone = row[PRACTICE + "Telephone Number"]
        by_phone[phone].add((line, row["NPI"], row[PRACTICE + "State Name"]))
        for slot in SLOTS:
            number, state = row[f"{LICENSE}{slot}"], row[f"{LICENSE_STATE}{slot}"]
            if state and re.search("[1-9]", number):
                by_license[f"{number}|{state}|{row[f'{CODE}{slot}'][:4]}"].add((line, row["NPI"]))
    for npi, lines in by_npi.items():
        found |= {(line, "NPI_DUPLICATE", npi) for line in lines if len(lines) > 1}
    for key, holders in by_license.items():
        if len({npi for _, npi in holders}) > 1:
            found |= {(line, "LICENSE_SHARED", key) for line, _ in holders}
    for phone, users in by_phone.items():
        npis, states = {npi for _, npi, _ in users}, {state for _, _, state in users}
        if phone and len(npis) >= 20 and len(states) >= 3:
            found |= {(line, "PHONE_OVERSHARED", phone) for line, _, _ in users}
    return found
