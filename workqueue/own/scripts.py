"""Validation scripts: rules in Python, run in a process of their own that can take nothing down.

A script is an entry point of the group `workqueue.checks`, or a .py file among the rules. It is
imported, described and run in a child process with a limit of time and of memory; what it does
wrong, and how it ends, is told in words.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from workqueue.own.form import Faulty, Kinds, described
from workqueue.rules import FINDINGS, Rule, RuleFailed
from workqueue.rules.definition import content_version

GROUP: Final = "workqueue.checks"
ENTRY: Final = "entry point "
_MEMORY_MB: Final = 4096
_TELLING: Final = 30.0
# What a script has no need of: addresses with passwords, the key of page sessions.
_SECRET: Final = ("WORKQUEUE_", "PG")


@dataclass(frozen=True)
class Script:
    """A script that has told its rules: `origin` for people, `target` as the child imports it."""

    origin: str
    target: str
    fields: tuple[str, ...]
    rules: tuple[Rule, ...]


def targets() -> dict[str, str]:
    """The installed scripts: origin to `module:attribute`."""
    return {f"{ENTRY}{each.name}": each.value for each in entry_points(group=GROUP)}


def describe(origin: str, target: str, kinds: Kinds, seconds: float) -> Script:
    """What the script says of itself. Raises Faulty."""
    with tempfile.TemporaryDirectory(prefix="workqueue-script-") as folder:
        try:
            told = _child("describe", target, Path(folder), min(seconds, _TELLING))
        except RuleFailed as failure:
            raise Faulty((f"{origin}: the script {failure}",)) from None
    rules: list[Rule] = []
    faults: list[str] = []
    for each in told["rules"]:
        try:
            rule = described(origin, each, told["fields"], kinds)
            rules.append(replace(rule, version=content_version(told["digest"])))
        except Faulty as faulty:
            faults += faulty.faults
    if faults:
        raise Faulty(tuple(faults))
    return Script(origin, target, tuple(told["fields"]), tuple(rules))


def findings(script: Script, records: pa.Table, seconds: float) -> pa.Table:
    """What the script finds in `records`, as a table of schema rules.FINDINGS.

    `records` has id, source and the fields of the script. Raises RuleFailed.
    """
    with tempfile.TemporaryDirectory(prefix="workqueue-script-") as name:
        folder = Path(name)
        with (
            pa.OSFile(str(folder / "records.arrow"), "wb") as sink,
            pa.ipc.new_file(sink, records.schema) as writer,
        ):
            writer.write_table(records)
        priorities = {rule.id: rule.priority for rule in script.rules}
        (folder / "rules.json").write_text(json.dumps(priorities), encoding="utf-8")
        _child("run", script.target, folder, seconds)
        with (folder / "findings.jsonl").open(encoding="utf-8") as lines:
            found = [json.loads(line) for line in lines]
    # In the order in which expressions find: by rule, then by record.
    places = {rule.id: place for place, rule in enumerate(script.rules)}
    found.sort(key=lambda one: (places[one[0]], one[1]))
    return _table(found)


def _table(found: Sequence[Sequence[Any]]) -> pa.Table:
    return pa.table(
        [
            pa.array([one[0] for one in found], pa.string()),
            pa.array([f"{one[0]}:{one[1]}" for one in found], pa.string()),
            pa.array([one[1] for one in found], pa.int64()),
            pa.array([one[2] for one in found], pa.int8()),
            pa.array([one[3] for one in found], pa.string()),
            pa.nulls(len(found), FINDINGS.field("members").type),
        ],
        schema=FINDINGS,
    )


def _child(mode: str, target: str, folder: Path, seconds: float) -> dict[str, Any]:
    """What the child process answers. Raises RuleFailed for every other way in which it ends."""
    kept = {name: said for name, said in os.environ.items() if not name.startswith(_SECRET)}
    command = [sys.executable, "-P", "-m", "workqueue.checks.child", mode, target, str(folder)]
    process = subprocess.Popen(
        [*command, str(_MEMORY_MB)],
        env=kept,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        status = process.wait(seconds)
    except subprocess.TimeoutExpired:
        raise RuleFailed(f"took longer than {seconds:g} s and was stopped.") from None
    finally:
        # With whatever it has started itself.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    answer = folder / "answer.json"
    if status < 0:
        raise RuleFailed(f"was ended by {signal.Signals(-status).name}.")
    if not answer.is_file():
        raise RuleFailed(f"ended its process with status {status}, without an answer.")
    told: dict[str, Any] = json.loads(answer.read_text(encoding="utf-8"))
    if "error" in told:
        raise RuleFailed(told["error"])
    return told
