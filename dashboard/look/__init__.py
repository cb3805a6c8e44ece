"""How the desk looks: style sheets as text, since they are inlined and nothing is fetched."""

from __future__ import annotations

from functools import cache
from pathlib import Path

FOLDER = Path(__file__).resolve().parent


@cache
def css(*names: str) -> str:
    """The style sheets of these names, such as "tokens", one after the other."""
    return "\n".join((FOLDER / f"{name}.css").read_text(encoding="utf-8") for name in names)
