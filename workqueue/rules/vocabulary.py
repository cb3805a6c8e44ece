"""Does an expression keep to the vocabulary? Asked of its syntax tree, before it is ever run.

sqlglot turns a text into Spark SQL without a word where it does not know a function, drops the
flags of a regular expression, and reads `~` as another kind of match. So what is not on the list
is refused, with what may be written instead.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from workqueue.fields import BY_NAME, SLOTS
from workqueue.rules.columns import DERIVED, VOCABULARY
from workqueue.rules.marks import MARKS

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

# sqlglot takes a quarter of a second to import: in the functions below, where rules are checked.

PLACEHOLDERS: Final = ("{tomorrow}", "{five_years_ago}", "{ten_years_ago}", "{taxonomy_codes}")
_BRACES = re.compile(r"\{([a-z_]*)\}")
_SLOTTED: Final = frozenset(
    name
    for name in (*BY_NAME, *MARKS)
    if re.search(r"_\d+$", name) and f"{name.rpartition('_')[0]}_{SLOTS}" in {*BY_NAME, *MARKS}
)
SLOT_COLUMNS: Final = frozenset(f"{name.rpartition('_')[0]}_{{n}}" for name in _SLOTTED)
COLUMNS: Final = frozenset((*BY_NAME, *DERIVED, *MARKS, "source", "contradicted"))
_TYPES: Final = frozenset({"BIGINT", "INT", "TEXT", "VARCHAR", "DATE", "BOOLEAN"})
_FUNCTIONS: Final = (
    "coalesce, length, nullif, regexp_matches, regexp_replace, replace, strpos, substr and upper"
)
_ONE_RECORD = "a rule sees one record at a time, without queries, windows and counts"
_INSTEAD: Final = MappingProxyType(
    {
        "Like": "regexp_matches(field, '…')",
        "ILike": "regexp_matches(field, '(?i)…')",
        "RegexpILike": "regexp_matches(field, '(?i)…')",
        "RegexpFullMatch": "regexp_matches(field, '^(…)$')",
        "Lower": "upper(…)",
        "Trim": "the field alone: values come without blanks around them",
        "Concat": "a || b",
        "ConcatWs": "a || ', ' || b",
        "Div": "a // nullif(b, 0)",
        "Bracket": "substr(text, from, length)",
        "Slice": "substr(text, from, length)",
        "Left": "substr(text, 1, length)",
        "Right": "substr(text, from, length)",
        "Contains": "strpos(text, part) > 0",
        "StartsWith": "substr(text, 1, length) = …",
        "EndsWith": "regexp_matches(field, '…$')",
        "NullSafeEQ": "coalesce(a, '') = coalesce(b, '')",
        "NullSafeNEQ": "coalesce(a, '') <> coalesce(b, '')",
        "CurrentDate": "{tomorrow}, {five_years_ago} or {ten_years_ago}",
        "CurrentTimestamp": "{tomorrow}, {five_years_ago} or {ten_years_ago}",
        "Interval": "{tomorrow}, {five_years_ago} or {ten_years_ago}",
        "ByteString": "a plain text, '…'",
        "RawString": "a plain text, '…'",
    }
)


@dataclass(frozen=True)
class Fault:
    """What is wrong, where in the expression (from 1), and what may be written instead."""

    line: int
    column: int
    words: str


def columns_in(text: str) -> tuple[str, ...]:
    """The columns that an expression without faults speaks of, in order, `{n}` as written."""
    from sqlglot import exp, parse_one  # noqa: PLC0415 - see above

    found = parse_one(_spelt(text), read="duckdb").find_all(exp.Column, bfs=False)
    names = [_as_written(column.name) for column in found]
    return tuple(dict.fromkeys(name for name in names if name in COLUMNS | SLOT_COLUMNS))


def faults(text: str, *, slots: bool = False) -> tuple[Fault, ...]:
    """Everything that keeps `text` from being an expression of a rule; empty where nothing does.

    With `slots` it may speak of a slot as `taxonomy_code_{n}`.
    """
    from sqlglot import parse, tokenize  # noqa: PLC0415 - see above
    from sqlglot.errors import ParseError, SqlglotError  # noqa: PLC0415

    spelt = _spelt(text)
    try:
        tokens = tokenize(spelt, read="duckdb")
        trees = parse(spelt, read="duckdb")
    except ParseError as error:
        told = error.errors[0] if error.errors else {}
        said = str(told.get("description") or error).replace(" for <class", "\n").splitlines()[0]
        word = str(told.get("highlight") or "")
        column = max(1, int(told.get("col") or 1) - len(word) + 1)
        words = f"syntax error at {_as_written(word)!r}: {said}."
        return (Fault(int(told.get("line") or 1), column, words),)
    except SqlglotError as error:
        return (Fault(1, 1, f"it cannot be read: {str(error).splitlines()[0]}."),)
    found = [*_wrong_braces(text, slots=slots), *_wrong_tokens(tokens, spelt)]
    if found:
        return tuple(found)
    if len(trees) != 1 or trees[0] is None:
        return (Fault(1, 1, "it must be one expression, neither none nor several."),)
    tree = trees[0]
    for node in tree.walk(bfs=False, prune=lambda one: bool(_wrong_node(one))):
        if (wrong := _wrong_node(node)) is not None:
            found.append(Fault(*_place(node, tokens), wrong))
    return tuple(found) or _untranslatable(tree)


def _spelt(text: str) -> str:
    """`text` with names of the same length in the place of braces, so that it can be parsed."""
    return _BRACES.sub(r"_\1_", text)


def _as_written(name: str) -> str:
    for braces in (*PLACEHOLDERS, "{n}"):
        name = name.replace(_spelt(braces), braces)
    return name


def _wrong_braces(text: str, *, slots: bool) -> Iterator[Fault]:
    for match in _BRACES.finditer(text):
        before = text[: match.start()]
        place = before.count("\n") + 1, match.start() - before.rfind("\n")
        if match[0] == "{n}" and not slots:
            yield Fault(*place, "{n}, the number of a slot, needs `slots = true`.")
        elif match[0] not in (*PLACEHOLDERS, "{n}"):
            known = ", ".join((*PLACEHOLDERS, "{n}"))
            yield Fault(*place, f"{match[0]} means nothing; there are {known}.")


def _wrong_tokens(tokens: list[Token], text: str) -> Iterator[Fault]:
    for token in tokens:
        for comment in token.comments:
            # Whatever is asked beside it in the same line would become part of the comment.
            before = text[: max(0, text.find(comment) - 2)]
            place = before.count("\n") + 1, len(before) - before.rfind("\n")
            words = "a comment is not part of an expression; write it above, after a #."
            yield Fault(*place, words)
        if token.token_type.name == "TILDE":
            yield Fault(token.line, token.col, "~ is not on the list; write regexp_matches(…).")


def _listed(node: exp.Expr) -> bool:
    return type(node).__name__ in VOCABULARY


def _wrong_node(node: exp.Expr) -> str | None:
    from sqlglot import exp  # noqa: PLC0415 - see above

    if not _listed(node):
        said = _as_written(node.sql("duckdb"))
        said = said if len(said) <= 60 else said[:57] + "…"
        return f"{said} is not on the list; {_advice(node)}."
    if isinstance(node, exp.Column):
        return _wrong_column(node)
    if isinstance(node, exp.DataType) and (node.this.name not in _TYPES or node.expressions):
        return f"the type {node.sql('duckdb')} is not on the list; it has {', '.join(_spoken())}."
    if isinstance(node, exp.RegexpLike) and node.args.get("flag"):
        return "flags are lost in Spark; write them into the pattern, as in '(?i)…'."
    if isinstance(node, exp.RegexpReplace):
        return _wrong_replacing(node)
    if isinstance(node, (exp.IntDiv, exp.Mod)) and not _never_zero(node.expression.unnest()):
        divisor = node.expression.sql("duckdb")
        return f"{divisor[:60]} may be 0; write nullif({divisor[:60]}, 0), unknown where it is."
    return None


def _spoken() -> list[str]:
    return sorted(_TYPES - {"TEXT"})


def _advice(node: exp.Expr) -> str:
    from sqlglot import exp  # noqa: PLC0415 - see above

    if instead := _INSTEAD.get(type(node).__name__):
        return f"write {instead}"
    if isinstance(node, (exp.Query, exp.Subquery, exp.Window, exp.AggFunc, exp.Exists)):
        return _ONE_RECORD
    if isinstance(node, exp.Func):
        return f"functions are {_FUNCTIONS}"
    return "README.md tells what an expression may be made of"


def _wrong_column(column: exp.Column) -> str | None:
    name = _as_written(column.sql("duckdb"))
    known = COLUMNS | SLOT_COLUMNS | set(PLACEHOLDERS)
    if name in known:
        return None
    near = difflib.get_close_matches(name.lower().strip('"'), sorted(known), n=3, cutoff=0.6)
    hint = f"; near are {', '.join(near)}" if near else "; fields are called as `show` prints them"
    return f"there is no field {name[:60]}{hint}."


def _never_zero(divisor: exp.Expr) -> bool:
    from sqlglot import exp  # noqa: PLC0415 - see above

    if isinstance(divisor, exp.Nullif):
        return str(divisor.expression) == "0"
    return bool(divisor.is_number and divisor.to_py() != 0)


def _wrong_replacing(node: exp.RegexpReplace) -> str | None:
    pattern, replacement = node.expression, node.args.get("replacement")
    flags = node.args.get("modifiers")
    anchored = pattern.is_string and pattern.name.startswith("^") and "|" not in pattern.name
    if (flags is None and not anchored) or (flags is not None and flags.name != "g"):
        return "regexp_replace needs 'g' as its fourth part: Spark replaces every match."
    if replacement is not None and re.search(r"[\\$]", replacement.name):
        return "a replacement cannot speak of what was matched: Spark writes that another way."
    return None


def _place(node: exp.Expr, tokens: list[Token]) -> tuple[int, int]:
    """Line and column of the word at fault, as far as the tree tells."""
    for one in node.walk(bfs=False):
        names = {name.upper() for name in getattr(one, "sql_names", list)()}
        names.add((one.name or "").upper())
        for token in tokens:
            if token.text.upper() in names - {""}:
                return token.line, token.col - len(token.text) + 1
    return 1, 1


def _untranslatable(tree: exp.Expr) -> tuple[Fault, ...]:
    """The text for Spark must be one that sqlglot can write without doubts, and read again."""
    from sqlglot import ErrorLevel, parse_one  # noqa: PLC0415 - see above
    from sqlglot.errors import SqlglotError  # noqa: PLC0415

    try:
        parse_one(tree.sql("spark", unsupported_level=ErrorLevel.RAISE), read="spark")
    except SqlglotError as error:
        return (Fault(1, 1, f"Spark SQL cannot say this: {str(error).splitlines()[0]}."),)
    return ()
