"""The SQL texts of an evaluation, made from the rules.

Two kinds: one scan that asks every record rule of every record, and for the records that a rule
hit, their evidence; those about groups are in `grouping`. All read `records`: a registered table,
or for a few records one parameter that holds them as JSON, so that the plan can be kept and used
again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from workqueue.fields import BY_NAME, SLOTS, Form
from workqueue.rules.columns import DERIVED
from workqueue.rules.marks import MARKS, sources_of
from workqueue.rules.rule import Check, Rule

# Texts kept: making them anew would be a tenth of the re-check of one record.
KEPT: Final = 256

_NAME = re.compile(r"[a-z][a-z_0-9]*")
_TAXONOMIES = tuple(f"taxonomy_code_{number}" for number in range(1, SLOTS + 1))
TOLD = ("npi", "last_name", "first_name")
OWN = (
    *("source", "column_set_id", "contradicted"),
    *("nppes_status", "nppes_deactivated_on", "nppes_replacement"),
)
_SPOKEN_OF = frozenset((*BY_NAME, *DERIVED, *MARKS, *OWN))


@dataclass(frozen=True)
class Scope:
    """What the texts depend on beside the rules.

    `filled` are the columns of the table that hold a value in at least one record;
    `column_sets` are the ids that occur in it with their field names. `few` records come as JSON.
    """

    filled: frozenset[str]
    column_sets: tuple[tuple[int, frozenset[str]], ...]
    as_of: date
    few: bool = False

    def known(self, fields: Iterable[str]) -> str | None:
        """SQL for "all of `fields` are known": "" where they always are, None where never."""
        needed = frozenset(fields)
        ids = sorted(key for key, names in self.column_sets if needed <= names)
        if len(ids) == len(self.column_sets):
            return ""
        return f"column_set_id IN ({', '.join(map(str, ids))}) AND " if ids else None


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def days(as_of: date) -> dict[str, date]:
    """The days that the placeholders of the clock stand for; see CLOCK."""
    return {
        # One day is left for time zones.
        "{tomorrow}": as_of + timedelta(days=1),
        "{five_years_ago}": _years_before(as_of, 5),
        "{ten_years_ago}": _years_before(as_of, 10),
    }


CLOCK: Final = frozenset(days(date(2000, 1, 1)))
"""The placeholders whose meaning depends on the day."""


def dated(text: str, scope: Scope) -> str:
    """`text` with the placeholders that are the same for every record put in."""
    meanings = {
        **{name: _day(day) for name, day in days(scope.as_of).items()},
        "{taxonomy_codes}": ", ".join(
            ["NULL", *(name for name in _TAXONOMIES if name in scope.filled)]
        ),
    }
    for name, meaning in meanings.items():
        text = text.replace(name, meaning)
    return text


def _day(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def names_in(texts: Iterable[str]) -> frozenset[str]:
    """The fields, derived columns and own columns that SQL `texts` speak of, and their sources."""
    found = {name for text in texts for name in _NAME.findall(text)}
    for derived, expression in DERIVED.items():
        if derived in found:
            found.update(_NAME.findall(expression))
    return frozenset(found & _SPOKEN_OF)


def names_of(rules: Iterable[Rule]) -> frozenset[str]:
    """The columns that `rules` ask for, out of those that records come with."""
    texts = ["source column_set_id", DERIVED["deactivated"]]
    for rule in rules:
        texts += rule.expressions()
        for check in rule.checks:
            texts += (*check.fields, *check.shows)
        texts += (name for name, _ in rule.suggests)
        if rule.group is not None:
            texts += (*rule.group.fields, *TOLD, *(one.shows for one in rule.group.compare))
    texts = [slot(text, number) for text in texts for number in range(1, SLOTS + 1)]
    texts = [text.replace("{taxonomy_codes}", " ".join(_TAXONOMIES)) for text in texts]
    names = names_in(texts)
    return (names | sources_of(names)) - set(DERIVED) - set(MARKS)


def _kind(name: str) -> str:
    if name in BY_NAME:
        return "DATE" if BY_NAME[name].form is Form.DATE else "VARCHAR"
    if name in MARKS:
        return MARKS[name].kind
    return {"id": "BIGINT", "column_set_id": "INTEGER"}.get(name, "VARCHAR")


def base(texts: Iterable[str], scope: Scope) -> str:
    """WITH clause giving `base`: the columns that `texts` speak of, clean, and derived ones."""
    names = names_in(texts)
    given = sorted((names - set(DERIVED)) & scope.filled)
    clean = ["id"]
    for name in given:
        is_text = name in BY_NAME and BY_NAME[name].form is not Form.DATE
        clean.append(f"nullif(trim({name}), '') AS {name}" if is_text else name)
    for name in sorted(names - set(DERIVED) - scope.filled):
        clean.append(f"CAST(NULL AS {_kind(name)}) AS {name}")
    derived = [f"{DERIVED[name]} AS {name}" for name in DERIVED if name in names]
    records = ""
    if scope.few:
        kinds = json.dumps([{name: _kind(name) for name in ("id", *given)}])
        records = (
            "records AS (SELECT unnest(from_json(CAST($1 AS VARCHAR), "
            f"'{kinds}'), recursive := true)), "
        )
    return (
        f"WITH {records}clean AS (SELECT {', '.join(clean)} FROM records), "
        f"base AS (SELECT {', '.join(['*', *derived])} FROM clean) "
    )


def live(fields: tuple[str, ...], scope: Scope) -> str | None:
    """(id, source, fields) of the live records that have `fields`, or None where none has them."""
    known = scope.known(fields)
    if known is None:
        return None
    text = f"SELECT id, source, {', '.join(fields)} FROM base WHERE {known}NOT deactivated"
    return base((text,), scope) + text


def slot(text: str, number: int) -> str:
    """`text` of one slot."""
    return text.replace("{n}", str(number))


def conditions(rule: Rule, scope: Scope) -> list[tuple[str, tuple[str, ...]]]:
    """(condition, fields to show) for each check, and each slot that holds something.

    Empty where none of the records has the fields that the rule needs.
    """
    return [found for check in rule.checks for found in _check(check, scope)]


def _check(
    check: Check, scope: Scope, only: int | None = None
) -> list[tuple[str, tuple[str, ...]]]:
    """As `conditions`, for one check; of the slots `only` one where that is given."""
    found = []
    for number in (only or 0,) if only or not check.slots else range(1, SLOTS + 1):
        fields = tuple(slot(name, number) for name in check.fields)
        known = scope.known(fields)
        if known is None or (check.slots and fields[0] not in scope.filled):
            continue
        expression = dated(_before(slot(check.expression, number), number, scope), scope)
        if not expression:
            continue
        shows = tuple(slot(name, number) for name in check.shows)
        found.append((f"({known}({expression}))", shows))
    return found


def _before(expression: str, number: int, scope: Scope) -> str:
    """`expression` for any of the slots before that one, "" where there is none."""
    if "{m}" not in expression:
        return expression
    earlier = (
        expression.replace("{m}", str(place))
        for place in range(1, number)
        if f"taxonomy_code_{place}" in scope.filled
    )
    return " OR ".join(f"({text})" for text in earlier)


@lru_cache(KEPT)
def scan(rules: tuple[Rule, ...], scope: Scope) -> tuple[tuple[Rule, ...], str]:
    """The rules that can be asked, and the text that asks them.

    One row per record: id, is it live, then whether each of those rules hits, NULL for no.
    """
    asked = {}
    for each in rules:
        found = conditions(each, scope)
        if found:
            asked[each] = " OR ".join(condition for condition, _ in found)
    hits = [f"{text} AS hit_{place}" for place, text in enumerate(asked.values())]
    columns = ", ".join(["id", "NOT deactivated AS live", *hits])
    return tuple(
        asked
    ), f"{base(('deactivated', *asked.values()), scope)}SELECT {columns} FROM base"


@lru_cache(KEPT)
def evidence(rule: Rule, scope: Scope) -> str:
    """(id, priority, evidence) of records that `rule` is known to hit."""
    found = conditions(rule, scope)
    shown: dict[str, list[str]] = {}
    for condition, names in found:
        for name in names:
            shown.setdefault(name, []).append(condition)
    parts = [
        _json_pair(name, when if len(when) < len(found) else [])
        for name, when in sorted(shown.items())
    ]
    text = f"'\"values\":{{' || concat_ws(',', {', '.join(parts)}) || '}}}}'"
    text = f"{_suggested(rule, scope)}{text}"
    if rule.reason is not None:
        text = f"'{{\"reason\":' || CAST(to_json({rule.reason}) AS VARCHAR) || ',' || {text}"
    else:
        text = f"'{{' || {text}"
    priority = dated(rule.priority_expression or str(rule.priority), scope)
    columns = f"CAST({priority} AS TINYINT) AS priority, {text} AS evidence"
    return f"{base((columns,), scope)}SELECT id, {columns} FROM base"


def _suggested(rule: Rule, scope: Scope) -> str:
    """The part of the evidence that holds the suggested values, with a || behind it; or ""."""
    offers = []
    for name, text in sorted(rule.suggests):
        of_slots = rule.slots and "{n}" in name
        for number in range(1, SLOTS + 1) if of_slots else (0,):
            field = slot(name, number)
            wanted = f"({dated(slot(text, number), scope)})"
            found = [f"{wanted} <> coalesce({field}, '')"]
            if of_slots:
                checks = [_check(check, scope, number) for check in rule.checks]
                hits = [condition for check in checks for condition, _ in check]
                if not hits:
                    continue
                found.append(f"({' OR '.join(hits)})")
            pair = f"'\"{field}\":' || CAST(to_json({wanted}) AS VARCHAR)"
            offers.append(f"CASE WHEN {' AND '.join(found)} THEN {pair} END")
    if not offers:
        return ""
    listed = f"nullif(concat_ws(',', {', '.join(offers)}), '')"
    return f"coalesce('\"suggested\":{{' || {listed} || '}},', '') || "


def _json_pair(name: str, when: list[str]) -> str:
    pair = f"'\"{name}\":' || coalesce(CAST(to_json({name}) AS VARCHAR), 'null')"
    return f"CASE WHEN {' OR '.join(when)} THEN {pair} END" if when else pair
