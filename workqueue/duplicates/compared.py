"""What is compared of a record: its values made alike, and the keys by which pairs are sought.

A value is turned into what stays the same however it is written: capitals without marks, the
digits of a telephone number, house number and street. A key that more than `CROWD` records have
in common is no way to find a pair (a hospital's switchboard, JOHN SMITH in a large state): it is
left out, and the model remembers it, so that a later run leaves it out too.
"""

from __future__ import annotations

from typing import Final

import duckdb
import pyarrow as pa

from workqueue.duplicates.nicknames import FORMAL
from workqueue.fields import BY_NAME, SLOTS, Form

CROWD: Final = 100

_PLAIN: Final = (
    *("npi", "last_name", "first_name", "middle_name", "name_suffix", "credential"),
    *("other_last_name", "sex", "practice_address_1", "practice_state", "practice_zip"),
    *("practice_phone", "enumeration_date", "deactivation_date", "reactivation_date"),
)
_SLOTTED: Final = ("taxonomy_code", "license_number", "license_state")
FIELDS: Final = _PLAIN + tuple(
    f"{name}_{number}" for number in range(1, SLOTS + 1) for name in _SLOTTED
)
"""The fields that the comparison needs; a column that the records lack counts as blank."""

KEYS: Final = {
    "key_names_state": "names || ' ' || state",
    "key_names_code": "names || ' ' || code",
    "key_names_middle": "names || ' ' || middle",
    "key_phone_last": "phone || ' ' || last_name",
    "key_phone_first": "phone || ' ' || formal",
    "key_place_last": "address || ' ' || last_name",
    "key_place_first": "address || ' ' || formal",
    "key_zip_last": "zip5 || ' ' || code || ' ' || last_name",
    "key_zip_first": "zip5 || ' ' || code || ' ' || formal",
    "key_license_low": "licenses[1]",
    "key_license_high": "licenses[-1]",
    "key_former": "other_last_name || ' ' || formal || ' ' || state",
    "key_present": "last_name || ' ' || formal || ' ' || state",
}
"""Keys of the blocking rules; NULL where a part is. `names` is last and first name in either
order, the first by its formal form."""

COUNTED: Final = ("last_name", "first_name", "code", "phone", "address")
"""Values whose frequency counts: SMITH says less than a surname in a million."""

_DIRECTION: Final = "(?:(?:N|S|E|W|NE|NW|SE|SW|NORTH|SOUTH|EAST|WEST) )?"
_HOUSE: Final = f"'^([0-9]+[A-Z]?) {_DIRECTION}[A-Z0-9]+'"
_NUMBER: Final = "ltrim(regexp_replace(upper(license_number_{n}), '[^A-Z0-9]', '', 'g'), '0')"
_BOARD: Final = "upper(license_state_{n}) || ':' || left(taxonomy_code_{n}, 4)"


def _letters(value: str) -> str:
    return f"nullif(regexp_replace(upper(strip_accents({value})), '[^A-Z]', '', 'g'), '')"


def _listed(expression: str, slots: list[int]) -> str:
    """The distinct values of `expression` over the slots, sorted; an empty list for none."""
    each = ", ".join(expression.replace("{n}", str(number)) for number in slots)
    return f"list_sort(list_distinct([{each}]))" if slots else "CAST([] AS VARCHAR[])"


def _numbered(slots: list[int], what: str) -> str:
    return _listed(f"CASE WHEN regexp_matches({_NUMBER}, '[1-9]') THEN {what} END", slots)


def _alike(coded: list[int], licensed: list[int]) -> str:
    """The values made alike; `coded` and `licensed` are the slots that hold anything."""
    digits = "right(regexp_replace(practice_phone, '[^0-9]', '', 'g'), 10)"
    return f"""
SELECT id, nullif(trim(npi), '') AS npi,
    {_letters("last_name")} AS last_name,
    list_filter(string_split_regex(upper(strip_accents(last_name)), '[^A-Z]+'),
        lambda part: length(part) >= 4) AS last_parts,
    {_letters("regexp_extract(trim(first_name), '^[^ ]+')")} AS first_name,
    {_letters("concat(regexp_extract(trim(first_name), ' .+$'), middle_name)")} AS middle,
    {_letters("other_last_name")} AS other_last_name,
    replace(replace({_letters("name_suffix")}, 'SENIOR', 'SR'), 'JUNIOR', 'JR') AS suffix,
    {_letters("credential")} AS credential,
    CASE WHEN upper(sex) IN ('M', 'F') THEN upper(sex) END AS sex,
    upper(nullif(trim(practice_state), '')) AS state,
    nullif(regexp_extract(practice_zip, '^[0-9]{{5}}'), '') AS zip5,
    CASE WHEN regexp_matches({digits}, '^[2-9][0-9]{{9}}$') THEN {digits} END AS phone,
    nullif(trim(regexp_replace(upper(practice_address_1), '[^A-Z0-9 ]', '', 'g')), '') AS street,
    enumeration_date AS enumerated,
    {_listed("upper(nullif(trim(taxonomy_code_{n}), ''))", coded)} AS codes,
    {_numbered(licensed, f"upper(license_state_{{n}}) || ':' || {_NUMBER}")} AS licenses,
    {_numbered(licensed, _BOARD)} AS boards
FROM given
WHERE deactivation_date IS NULL OR reactivation_date >= deactivation_date
"""


_MADE: Final = f"""
SELECT named.*, least(last_name, formal) || ' ' || greatest(last_name, formal) AS names
FROM (
    SELECT alike.* EXCLUDE (street), coalesce(npi, 'none of ' || id) AS npi_key,
        codes[1] AS code,
        list_distinct(list_transform(codes, lambda code: left(code, 4))) AS families,
        coalesce(formals, [first_name]) AS formals, coalesce(formals[1], first_name) AS formal,
        coalesce(nullif(regexp_extract(street, {_HOUSE}), ''), street) || ' ' || zip5 AS address
    FROM alike LEFT JOIN nickname ON nickname.form = alike.first_name
) named
"""


def make(connection: duckdb.DuckDBPyConnection, records: pa.Table) -> None:
    """Make the table `made` of `records` (id and FIELDS): the values made alike, in any order.

    Deactivated records take no part.
    """
    filled = {name for name in records.column_names if records[name].null_count < len(records)}
    given = ", ".join(
        name if name in filled else f"CAST(NULL AS {_kind(name)}) AS {name}" for name in FIELDS
    )
    coded, licensed = (
        [number for number in range(1, SLOTS + 1) if f"{name}_{number}" in filled]
        for name in ("taxonomy_code", "license_number")
    )
    forms = {"form": list(FORMAL), "formals": [list(names) for names in FORMAL.values()]}
    connection.register("records", records)
    connection.register("nickname", pa.table(forms))
    connection.execute(
        f"CREATE OR REPLACE TABLE made AS WITH given AS (SELECT id, {given} FROM records), "
        f"alike AS ({_alike(coded, licensed)}) {_MADE}"
    )
    connection.unregister("records")
    connection.unregister("nickname")


def _kind(name: str) -> str:
    return "DATE" if BY_NAME[name].form is Form.DATE else "VARCHAR"
