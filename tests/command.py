"""Running the installed `workqueue` command as a user would, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROGRAM = Path(sys.executable).with_name("workqueue")


def run(
    environment: Mapping[str, str], *arguments: object, check: bool = True
) -> subprocess.CompletedProcess[str]:
    """The command with its exit status and what it printed; `check`: it must succeed."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        env=dict(environment),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr + done.stdout
    if check:
        assert done.returncode == 0, done.stderr + done.stdout
    return done


def answer(environment: Mapping[str, str], *arguments: object) -> dict[str, Any]:
    """The one JSON object that the command prints with --json."""
    done = run(environment, *arguments, "--json")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
