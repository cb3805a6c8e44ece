"""The normal form of each kind of field as SQL, and what a change of it is counted as."""

from __future__ import annotations

from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from workqueue.fields import Field, Form

_BLANKS: Final = "' ' || chr(9) || chr(10) || chr(13) || chr(160)"
_OTHER_BLANKS: Final = (b"\t", b"\n", b"\r", "\u00a0".encode())
_FLOAT: Final = r"[0-9]+\.0+"
_DATES: Final = "['%m/%d/%Y', '%Y-%m-%d', '%Y-%m-%d %H:%M:%S']"
_CAPITALS: Final = frozenset({Form.STATE, Form.TAXONOMY, Form.CODE})


def trim(name: str, column: pa.ChunkedArray) -> str:
    """SQL: the text of a column without blanks at both ends."""
    # Cutting several kinds of blanks takes DuckDB five times as long as cutting spaces.
    for chunk in column.chunks:
        text = chunk.buffers()[2]
        if text is not None and any(mark in memoryview(text).tobytes() for mark in _OTHER_BLANKS):
            return f'trim("{name}", {_BLANKS})'
    return f'trim("{name}")'


def normal_form(field: Field, names: list[str], empty: set[str]) -> str:
    """SQL: the normal form of a field that is trimmed already."""
    text = f'"{field.name}"'
    if field.name in empty:
        return "NULL::DATE" if field.form is Form.DATE else "NULL::VARCHAR"
    if field.form is Form.DATE:
        read = f"try_strptime({text}, {_DATES})::DATE"
        return f"CASE WHEN year({read}) BETWEEN 1000 AND 9999 THEN {read} END"
    if field.form is Form.NPI:
        return _digits(text)
    if field.form in {Form.ZIP, Form.PHONE}:
        country = f"{field.name.rsplit('_', 1)[0]}_country"
        domestic = "true"
        if country in names and country not in empty:
            domestic = f"upper(coalesce({country}, 'US')) IN ('US', 'USA')"
        return _zip(text, domestic) if field.form is Form.ZIP else _phone(text, domestic)
    if field.form in _CAPITALS:
        # 1.0 in a column of codes is a spreadsheet's 1.
        return (
            f"CASE WHEN ends_with({text}, '.0') THEN regexp_replace({text}, '^([0-9]+)\\.0$',"
            f" '\\1') ELSE upper({text}) END"
        )
    return f"upper({text})" if field.name.startswith("license_number_") else text


def _digits(text: str) -> str:
    """SQL: a number's digits where a spreadsheet wrote it as a float, without losing one."""
    return (
        f"CASE WHEN ends_with({text}, '0') AND regexp_full_match({text}, '{_FLOAT}')"
        f" THEN split_part({text}, '.', 1)"
        f" WHEN regexp_full_match({text}, '[0-9]\\.[0-9]{{9}}[eE]\\+?0?9')"
        f" THEN {text}[1] || {text}[3:11] ELSE {text} END"
    )


def _zip(text: str, domestic: str) -> str:
    # A float has lost its leading zeros: 601.0 was 00601, 20109527.0 was 020109527.
    whole = f"split_part({text}, '.', 1)"
    return (
        f"CASE WHEN regexp_full_match({text}, '{_FLOAT}') THEN CASE"
        f" WHEN {domestic} AND length({whole}) BETWEEN 3 AND 5 THEN lpad({whole}, 5, '0')"
        f" WHEN {domestic} AND length({whole}) BETWEEN 7 AND 9 THEN lpad({whole}, 9, '0')"
        f" ELSE {whole} END"
        f" WHEN {domestic} AND regexp_full_match({text}, '[0-9]{{5}}[- ][0-9]{{4}}')"
        f" THEN {text}[1:5] || {text}[7:10]"
        f" ELSE upper({text}) END"
    )


def _phone(text: str, domestic: str) -> str:
    bare = f"regexp_replace({text}, '[-\\s().+/]', '', 'g')"
    return (
        f"CASE WHEN regexp_full_match({text}, '[0-9]{{10}}') THEN {text}"
        f" WHEN {text} IS NULL THEN NULL"
        f" WHEN regexp_full_match({text}, '[0-9]+\\.0+|[0-9]\\.[0-9]{{9}}[eE]\\+?0?9')"
        f" THEN {_digits(text)}"
        f" WHEN {domestic} AND regexp_full_match({bare}, '1?[0-9]{{10}}') THEN {bare}[-10:]"
        f" ELSE {text} END"
    )


def differs(raw: pa.ChunkedArray, normal: pa.ChunkedArray, form: Form) -> bool:
    """Whether normalising changed anything in a column that is worth a closer look."""
    if form is Form.DATE:
        return bool(raw.null_count != normal.null_count)
    if pc.any(pc.not_equal(raw, normal.cast(pa.string()))).as_py():
        return True
    # <UNAVAIL>, or nothing but blanks: the query that follows tells them apart.
    return bool(raw.null_count != normal.null_count)


def changed(field: Field) -> str:
    """SQL over n and r_: did normalising change more than blanks or the way of a date."""
    name, raw = f'"{field.name}"', f'"r_{field.name}"'
    written = f"trim({raw}, {_BLANKS}) <> ''"
    if field.form is Form.DATE:
        return f"({name} IS NULL AND {written})"
    return f"({raw} IS DISTINCT FROM {name} AND {written})"


def kinds_of_change(field: Field) -> list[tuple[str, str]]:
    """What a change of this field is counted as, each with its SQL test."""
    name, raw = f'"{field.name}"', f'"r_{field.name}"'
    bare = f"trim({raw}, {_BLANKS})"
    if field.form is Form.DATE:
        return [
            ("date_unreadable", f"{bare} <> '<UNAVAIL>'"),
            ("unavailable", f"{bare} = '<UNAVAIL>'"),
        ]
    floats = f"regexp_full_match({bare}, '[0-9]+\\.[0-9]+([eE]\\+?[0-9]+)?') AND {bare} <> {name}"
    kinds = [
        ("unavailable", f"{name} IS NULL"),
        ("spreadsheet_number", floats),
        ("blanks_cut", f"{bare} = {name}"),
        ("rewritten", f"{bare} <> {name} AND NOT ({floats})"),
    ]
    if field.form is Form.ZIP:
        longer = f"length({name}) > length(split_part({bare}, '.', 1))"
        kinds.append(("zeros_restored", f"{floats} AND {longer}"))
    return kinds
