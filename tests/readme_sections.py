"""The parts of the README that are generated from the code; `make docs` writes them.

A test compares them, so that the README cannot say what the code does not do.
"""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

from workqueue.lifecycle import RIGHTS, TRANSITIONS, Right, Role, Status, Verb
from workqueue.rules import catalogue_table

README = Path(__file__).resolve().parents[1] / "README.md"
_PEOPLE = (Role.REVIEWER, Role.LEAD, Role.MANAGER, Role.ADMIN, Role.ANALYST)


def _machine(verb: Verb) -> bool:
    return RIGHTS[Role.SYSTEM, verb] is Right.ALWAYS


def states() -> str:
    """The life of an item as a Mermaid diagram; what the machine does is in brackets."""
    moves: dict[tuple[Status, Status], list[str]] = defaultdict(list)
    for (before, verb), after in TRANSITIONS.items():
        if before is not after:
            moves[before, after].append(f"({verb})" if _machine(verb) else str(verb))
    arrows = [
        f"    {before} --> {after}: {', '.join(verbs)}" for (before, after), verbs in moves.items()
    ]
    return "\n".join(
        ["```mermaid", "stateDiagram-v2", "    [*] --> OPEN: (create)", *arrows, "```"]
    )


def rights() -> str:
    """Who may do what: a row for each verb of people, a column for each role."""
    lines = [
        "| | " + " | ".join(_PEOPLE) + " |",
        "|---|" + "---|" * len(_PEOPLE),
    ]
    words = {Right.ALWAYS: "yes", Right.IF_HELD: "if held", Right.NEVER: "no"}
    for verb in Verb:
        if not _machine(verb):
            cells = " | ".join(words[RIGHTS[role, verb]] for role in _PEOPLE)
            lines.append(f"| {verb} | {cells} |")
    return "\n".join(lines)


SECTIONS = {"states": states, "rights": rights, "rules": catalogue_table}


def pattern(name: str) -> re.Pattern[str]:
    """Finds a generated section between its two markers."""
    return re.compile(
        rf"(<!-- generated: {name} -->\n)(.*?)(\n<!-- end: {name} -->)", flags=re.DOTALL
    )


def main() -> None:
    """Write every section into the README."""
    said = README.read_text(encoding="utf-8")
    for name, section in SECTIONS.items():
        words = section()
        said = pattern(name).sub(lambda m, w=words: m[1] + w + m[3], said)  # type: ignore[misc]
    README.write_text(said, encoding="utf-8")


if __name__ == "__main__":
    main()
