"""What a migration says, read from its file: its name begins with a number."""

from __future__ import annotations

import runpy
from pathlib import Path

_FILE = Path(__file__).parents[1] / "migrations" / "versions" / "0006_what_changed.py"


def kept_keys() -> frozenset[str]:
    """The columns whose change the trigger keeps the former row for."""
    return frozenset(runpy.run_path(str(_FILE))["KEYS"])
