"""The form of a rule's file: TOML in, a Rule out, or everything that is wrong with it at once."""

from __future__ import annotations

import difflib
import re
import string
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workqueue.fields import BY_NAME
from workqueue.rules import RETIRED, RULES, Rule, binding, definition, vocabulary
from workqueue.rules.columns import DERIVED
from workqueue.rules.marks import MARKS, Mark, sources_of
from workqueue.rules.rule import Check
from workqueue.rules.sql import names_in

PREFIX: Final = "OWN_"
_ID = re.compile(rf"{PREFIX}[A-Z0-9_]{{1,50}}")
_TAKEN: Final = frozenset(rule.id for rule in (*RULES, *RETIRED))
_TEXTS: Final = {"title": 80, "says": 500, "exit_condition": 500, "source": 500}
_WORDED: Final = ("id", "queue_type", "priority", "attribute", *_TEXTS)
_NEEDED: Final = (*_WORDED, "expression")
_MORE: Final = ("shows", "priority_expression", "suggests", "slots")
_EXPRESSION_LIMIT: Final = 8000
# Where these are not known of a record it counts as a live one in the United States.
_ASSUMED: Final = frozenset(
    {
        *("deactivated", "practice_abroad", "mailing_abroad"),
        *("practice_in_free_state", "practice_of_forces", "practice_federal"),
    }
)

Kinds = frozenset[str]


class Faulty(Exception):
    """A file that is no rule; `faults` are all reasons, each with file and line."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("; ".join(faults))
        self.faults = faults


@dataclass(frozen=True)
class _File:
    """A file's name, its text, and what is in it."""

    name: str
    text: str
    told: Mapping[str, Any]

    def at(self, key: str, words: str) -> str:
        """`words` about `key`, with file and line."""
        found = re.search(rf"(?m)^[ \t]*[\"']?{re.escape(key)}[\"']?[ \t]*=", self.text)
        line = f" line {self.text.count(chr(10), 0, found.start()) + 1}" if found else ""
        return f"{self.name}{line}: {words}"


def read(name: str, text: str, kinds: Kinds) -> Rule:
    """The rule that the TOML `text` of file `name` says; `kinds` are the queue types there are.

    Raises Faulty.
    """
    try:
        told = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Faulty((f"{name}: this is not TOML: {error}",)) from None
    file = _File(name, text, told)
    faults = tuple(_faults(file, kinds))
    if faults:
        raise Faulty(faults)
    rule = definition.stamped(_rule(told))
    if said := binding.refused(rule):
        raise Faulty((file.at("expression", f"expression {_short(told['expression'])}: {said}"),))
    return rule


def _rule(told: Mapping[str, Any]) -> Rule:
    slots = told.get("slots", False)
    asked = vocabulary.columns_in(told["expression"])
    check = Check(told["expression"], _fields(asked), tuple(told.get("shows") or asked), slots)
    return Rule(
        **{key: told[key] for key in _WORDED},
        version=0,
        checks=(check,),
        priority_expression=told.get("priority_expression"),
        suggests=tuple(told.get("suggests", {}).items()),
        needs=_needs(asked),
    )


def _fields(columns: tuple[str, ...]) -> tuple[str, ...]:
    """The fields that must be known of a record, out of `columns` and what those are made of."""
    fields: dict[str, None] = {}
    for name in columns:
        if name in DERIVED and name not in _ASSUMED:
            names = names_in((DERIVED[name],))
            fields.update(dict.fromkeys(sorted((names | sources_of(names)) & BY_NAME.keys())))
        elif mark := _mark(name):
            sources = mark.sources[:1]
            fields[f"{sources[0].removesuffix('_1')}_{{n}}" if "{n}" in name else sources[0]] = None
        elif name not in DERIVED and name not in {"source", "contradicted"}:
            fields[name] = None
    return tuple(fields)


def _needs(columns: tuple[str, ...]) -> str | None:
    """The reference list without which one of `columns` says nothing."""
    marks = (_mark(name) for name in columns)
    return next((mark.needs for mark in marks if mark and mark.needs), None)


def _mark(name: str) -> Mark | None:
    return MARKS.get(name.replace("{n}", "1"))


def described(name: str, told: Mapping[str, Any], fields: Sequence[str], kinds: Kinds) -> Rule:
    """The rule that validation script `name` tells of itself. Raises Faulty.

    `fields` are what the script asks for: `says` may speak of those.
    """
    file = _File(name, "", told)
    faults = [*_wrong_keys(file, _WORDED, ()), *_wrong_values(file, kinds)]
    if isinstance(told.get("says"), str):
        said = _wrong_braces(told["says"], {*fields, "values"})
        faults += [file.at("says", words) for words in said]
    if faults:
        raise Faulty(tuple(faults))
    return Rule(**told, version=0)


def _faults(file: _File, kinds: Kinds) -> Iterator[str]:
    yield from _wrong_keys(file, _NEEDED, _MORE)
    yield from _wrong_values(file, kinds)
    yield from _wrong_expressions(file)


def _wrong_keys(file: _File, needed: tuple[str, ...], more: tuple[str, ...]) -> Iterator[str]:
    known = (*needed, *more)
    for key in sorted(file.told.keys() - set(known)):
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"a rule has {', '.join(known)}."
        yield file.at(key, f"{key!r:.60} is not part of a rule; {hint}")
    missing = [key for key in needed if key not in file.told]
    if missing:
        yield f"{file.name}: {', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing."


def _wrong_values(file: _File, kinds: Kinds) -> Iterator[str]:
    for key, check in _CHECKS.items():
        if key in file.told and (said := check(file.told[key])):
            yield file.at(key, f"{key} {said}")
    kind = file.told.get("queue_type")
    if isinstance(kind, str) and kind not in kinds:
        there = ", ".join(sorted(kinds))
        yield file.at("queue_type", f"there is no queue type {kind!r:.60}; there are {there}.")


def _wrong_expressions(file: _File) -> Iterator[str]:
    told = file.told
    slots = told.get("slots") is True
    suggests = told.get("suggests")
    asked = [("expression", told.get("expression"), slots)]
    asked.append(("priority_expression", told.get("priority_expression"), False))
    if isinstance(suggests, dict):
        asked += [(key, text, slots) for key, text in suggests.items()]
    sound = True
    for key, text, slotted in asked:
        if not isinstance(text, str) or _wrong_sql(text):
            sound = sound and key != "expression"
            continue
        for fault in vocabulary.faults(text, slots=slotted):
            sound = False
            where = f"line {fault.line} column {fault.column}" if "\n" in text else ""
            where = where or f"column {fault.column}"
            yield file.at(key, f"{key} {_short(text)}, {where}: {fault.words}")
    if sound and _wrong_shows(told.get("shows", ["npi"])) is None:
        yield from _wrong_words(file, slots=slots)


def _wrong_words(file: _File, *, slots: bool) -> Iterator[str]:
    """`shows` must name columns, and `says` may speak of those only."""
    columns = vocabulary.COLUMNS | (vocabulary.SLOT_COLUMNS if slots else frozenset())
    asked = vocabulary.columns_in(file.told["expression"])
    shows = file.told.get("shows") or asked
    if not shows:
        yield file.at("expression", "the expression speaks of no field.")
        return
    for name in shows:
        if name not in columns:
            near = difflib.get_close_matches(name, sorted(columns), n=3)
            hint = f"; near are {', '.join(near)}" if near else ""
            yield file.at("shows", f"there is no field {name!r:.60}{hint}.")
    if slots and not any("{n}" in name for name in asked):
        yield file.at("slots", "with slots the expression must speak of {n}, as in taxonomy_{n}.")
    spoken = {name.removesuffix("_{n}") for name in shows if not slots or "{n}" in name}
    spoken |= {"n"} if slots else {"values"}
    says = file.told.get("says")
    if isinstance(says, str):
        yield from (file.at("says", said) for said in _wrong_braces(says, spoken))


def _wrong_braces(says: str, spoken: set[str]) -> Iterator[str]:
    try:
        parts = list(string.Formatter().parse(says))
    except ValueError as error:
        yield f"says cannot be read: {error}."
        return
    for _, name, form, conversion in parts:
        if name is not None and (name not in spoken or form or conversion):
            there = ", ".join(f"{{{one}}}" for one in sorted(spoken))
            yield f"says speaks of {{{name[:60]}}}; it may speak of {there}."


def _short(text: str) -> str:
    text = " ".join(text.split())
    return f"`{text if len(text) <= 60 else text[:57] + '…'}`"


def _wrong_id(value: object) -> str | None:
    if not isinstance(value, str) or not _ID.fullmatch(value):
        return f"must be {PREFIX} and up to 50 of A-Z, 0-9 and _, such as {PREFIX}FAX_MISSING."
    return "is that of a rule of WorkQueue's own." if value in _TAKEN else None


def _wrong_text(limit: int) -> Callable[[object], str | None]:
    def check(value: object) -> str | None:
        if not isinstance(value, str) or not value.strip():
            return "must be a text."
        if not value.isprintable():
            return "must be one line of plain text."
        return f"is longer than {limit} characters." if len(value) > limit else None

    return check


def _wrong_sql(value: object) -> str | None:
    if not isinstance(value, str):
        return "must be a text, one SQL expression."
    if not value.replace("\n", "").replace("\t", "").isprintable():
        return "has characters that cannot be printed."
    long = len(value) > _EXPRESSION_LIMIT
    return f"is longer than {_EXPRESSION_LIMIT} characters." if long else None


def _wrong_priority(value: object) -> str | None:
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= 5:
        return "must be 1 (high) to 5 (low)."
    return None


def _wrong_attribute(value: object) -> str | None:
    if isinstance(value, str) and (value in BY_NAME or value == "contradicted"):
        return None
    near = difflib.get_close_matches(str(value), sorted(BY_NAME), n=3)
    return "must be the name of a field" + (f"; near are {', '.join(near)}." if near else ".")


def _wrong_shows(value: object) -> str | None:
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return None
    return 'must be a list of field names, such as ["npi"].'


def _wrong_suggests(value: object) -> str | None:
    if not isinstance(value, dict) or not all(isinstance(one, str) for one in value.values()):
        return 'must be a table of fields and expressions, such as {practice_state = "…"}.'
    known = BY_NAME.keys() | vocabulary.SLOT_COLUMNS
    unknown = [name for name in value if name not in known]
    return f"speaks of {unknown[0]!r:.60}, which is no field." if unknown else None


def _wrong_slots(value: object) -> str | None:
    return None if isinstance(value, bool) else "must be true or false."


_CHECKS: Final[Mapping[str, Callable[[object], str | None]]] = {
    "id": _wrong_id,
    "queue_type": lambda value: None if isinstance(value, str) else "must be a text.",
    "priority": _wrong_priority,
    "attribute": _wrong_attribute,
    **{name: _wrong_text(limit) for name, limit in _TEXTS.items()},
    "expression": _wrong_sql,
    "priority_expression": _wrong_sql,
    "shows": _wrong_shows,
    "suggests": _wrong_suggests,
    "slots": _wrong_slots,
}
