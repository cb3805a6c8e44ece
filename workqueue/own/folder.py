"""The operator's rules: the files of one folder, and the installed validation scripts.

All files are read and all faults told at once; a broken file stops no other.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from workqueue.own import scripts
from workqueue.own.form import Faulty, Kinds, read
from workqueue.own.scripts import ENTRY, Script
from workqueue.rules import Rule

_SIZE_LIMIT: Final = 65_536
UNSET: Final = "WORKQUEUE_RULES is not set for this process, so that its file was not read."


@dataclass(frozen=True)
class Own:
    """The operator's rules as they could be read.

    `rules` are expressions, `scripts` the validation scripts with theirs; `origins` tells by rule
    id the file or entry point, `broken` by origin what is wrong with it. `folder_fault` says why
    the folder as a whole was not read; "" where it was.
    """

    rules: tuple[Rule, ...] = ()
    scripts: tuple[Script, ...] = ()
    origins: Mapping[str, str] = field(default_factory=dict)
    broken: Mapping[str, str] = field(default_factory=dict)
    folder_fault: str = UNSET

    @property
    def all(self) -> tuple[Rule, ...]:
        """Every rule, those of scripts included."""
        return (*self.rules, *(rule for script in self.scripts for rule in script.rules))

    def why_missing(self, origin: str) -> str | None:
        """Why there is no rule of that origin; None where it was taken away on purpose."""
        if not origin.startswith(ENTRY) and self.folder_fault:
            return self.folder_fault
        return self.broken.get(origin)


def load(folder: Path | None, kinds: Kinds, seconds: float) -> Own:
    """Read the rules in `folder` and the installed scripts; `kinds` are the queue types there are.

    `seconds` limits how long a script may take to describe itself.
    """
    rules: dict[str, Rule] = {}
    found: dict[str, Script] = {}
    broken: dict[str, str] = {}
    files, folder_fault = _files(folder)
    for name, path in files.items():
        try:
            if path.suffix.lower() == ".toml":
                rules[name] = read(name, _text(name, path), kinds)
            else:
                _check_owner(name, path)
                found[name] = scripts.describe(name, str(path), kinds, seconds)
        except Faulty as faulty:
            broken[name] = " ".join(faulty.faults)
    for origin, target in sorted(scripts.targets().items()):
        try:
            found[origin] = scripts.describe(origin, target, kinds, seconds)
        except Faulty as faulty:
            broken[origin] = " ".join(faulty.faults)
    _refuse_twins(rules, found, broken)
    origins = {rule.id: name for name, rule in rules.items()}
    origins |= {rule.id: name for name, script in found.items() for rule in script.rules}
    return Own(tuple(rules.values()), tuple(found.values()), origins, broken, folder_fault)


def _files(folder: Path | None) -> tuple[dict[str, Path], str]:
    """The rule files by name, and why there are none."""
    if folder is None:
        return {}, UNSET
    try:
        paths = sorted(folder.iterdir())
    except OSError as error:
        reason = (error.strerror or "").lower()
        return {}, f"the folder of WORKQUEUE_RULES, {folder}, cannot be read: {reason}."
    return {
        path.name: path
        for path in paths
        if path.suffix.lower() in {".toml", ".py"} and not path.name.startswith((".", "_"))
    }, ""


def _text(name: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_SIZE_LIMIT + 1)
    except OSError as error:
        reason = (error.strerror or "").lower()
        raise Faulty((f"{name}: the file cannot be read: {reason}.",)) from None
    if len(data) > _SIZE_LIMIT:
        raise Faulty((f"{name}: the file is larger than {_SIZE_LIMIT} bytes.",))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Faulty((f"{name} line {line}: the file is not UTF-8.",)) from None


def _check_owner(name: str, path: Path) -> None:
    """A script runs as us, so that nobody else may be able to write it. Raises Faulty."""
    for one in (path, path.parent):
        told = one.stat()
        ours = told.st_uid in {0, os.geteuid()}
        if not ours or told.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
            raise Faulty(
                (
                    f"{name}: {one} can be written by others than its owner and root; a script "
                    "from there is not run.",
                )
            )


def _refuse_twins(rules: dict[str, Rule], found: dict[str, Script], broken: dict[str, str]) -> None:
    """Two files with one id are both refused: nobody could say which of them counts."""
    by_id: dict[str, list[str]] = {}
    for name, rule in rules.items():
        by_id.setdefault(rule.id, []).append(name)
    for name, script in found.items():
        for rule in script.rules:
            by_id.setdefault(rule.id, []).append(name)
    for rule_id, names in by_id.items():
        if len(names) > 1:
            for name in names:
                others = ", ".join(sorted({*names} - {name})) or "the same script"
                broken[name] = f"{name}: {rule_id} is also the id of a rule in {others}."
                rules.pop(name, None)
                found.pop(name, None)
