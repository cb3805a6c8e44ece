"""The child process of one validation script: imports it, asks it, writes down what it said.

Everything that the script gives is looked at here, so that what arrives in the parent is sound.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import json
import os
import resource
import sys
import traceback
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from workqueue.checks.writing import Finding, Validation, WrongFinding, evidence
from workqueue.fields import BY_NAME

_SHOWN: Final = 300


def main(mode: str, target: str, folder: Path, memory_mb: int) -> None:
    """Answer in `folder`: answer.json, and for a run findings.jsonl."""
    try:
        resource.setrlimit(resource.RLIMIT_DATA, (memory_mb << 20, memory_mb << 20))
        script, path = _loaded(target)
        answer = _described(script, path) if mode == "describe" else _run(script, folder)
    except MemoryError:
        answer = {"error": f"needs more memory than {memory_mb} MB."}
    except SystemExit as ended:
        answer = {"error": f"called sys.exit({ended.code!r:.60})."}
    except WrongFinding as wrong:
        answer = {"error": str(wrong)}
    except BaseException as error:
        answer = {"error": _in_words(error)}
    unfinished = folder / "answer.part"
    unfinished.write_text(json.dumps(answer), encoding="utf-8")
    unfinished.replace(folder / "answer.json")
    # Threads that the script left behind must not keep the process.
    os._exit(0)


def _in_words(error: BaseException) -> str:
    said = f"{type(error).__name__}: {error}".strip().partition("\n")[0][:_SHOWN]
    frames = [each for each in traceback.extract_tb(error.__traceback__) if _theirs(each.filename)]
    where = f" ({Path(frames[-1].filename).name} line {frames[-1].lineno})" if frames else ""
    return f"raised {said}{where}."


def _theirs(filename: str) -> bool:
    here = Path(__file__).parent
    return not filename.startswith("<") and Path(filename).parent != here


def _loaded(target: str) -> tuple[Validation, Path]:
    """The script behind `module:attribute` or a path, and the file of its text."""
    if target.endswith(".py"):
        spec = importlib.util.spec_from_file_location("own_validation", target)
        if spec is None or spec.loader is None:
            raise WrongFinding("cannot be imported.")
        module = importlib.util.module_from_spec(spec)
        sys.modules[spec.name] = module
        spec.loader.exec_module(module)
        found = [one for one in vars(module).values() if isinstance(one, Validation)]
        if len(found) != 1:
            raise WrongFinding(f"has {len(found)} functions marked with @validation, not one.")
        return found[0], Path(target)
    name, _, attribute = target.partition(":")
    script = getattr(importlib.import_module(name), attribute, None)
    if not isinstance(script, Validation):
        raise WrongFinding(f"is no function marked with @validation: {target}.")
    return script, Path(sys.modules[script.ask.__module__].__file__ or "")


def _described(script: Validation, path: Path) -> dict[str, Any]:
    unknown = [name for name in script.fields if name not in BY_NAME]
    if unknown:
        raise WrongFinding(f"asks for {unknown[0]!r:.60}, which is no field.")
    if not script.fields or not script.rules:
        raise WrongFinding("must name the fields that it asks for, and its rules.")
    text = path.read_bytes() if path.is_file() else b""
    digest = hashlib.sha256(text).hexdigest()
    return {"fields": script.fields, "rules": script.rules, "digest": digest}


def _run(script: Validation, folder: Path) -> dict[str, Any]:
    import pyarrow as pa  # noqa: PLC0415 - a third of a second that describing does not need

    records = pa.ipc.open_file(pa.memory_map(str(folder / "records.arrow"))).read_all()
    priorities: dict[str, int] = json.loads((folder / "rules.json").read_text(encoding="utf-8"))
    ids = frozenset(records["id"].to_pylist())
    yielded = script.ask(records)
    if not isinstance(yielded, Iterable):
        raise WrongFinding(f"gave {type(yielded).__name__} instead of findings; use yield.")
    with (folder / "findings.jsonl").open("w", encoding="utf-8") as out:
        for found in _sound(yielded, priorities, ids):
            out.write(json.dumps(found) + "\n")
    return {}


def _sound(
    yielded: Iterable[Any], priorities: dict[str, int], ids: frozenset[int]
) -> Iterator[tuple[str, int, int, str]]:
    """(rule, record, priority, evidence) of each finding. Raises WrongFinding for the first bad."""
    seen: set[tuple[str, int]] = set()
    for number, found in enumerate(yielded, 1):
        which = f"finding {number}"
        if not isinstance(found, Finding):
            raise WrongFinding(f"yielded a {type(found).__name__} as {which}; yield Finding(…).")
        if found.rule_id not in priorities:
            there = ", ".join(priorities)
            raise WrongFinding(f"{which} is of rule {found.rule_id!r:.60}; it told of {there}.")
        if type(found.provider_id) is not int or found.provider_id not in ids:
            raise WrongFinding(
                f"{which} is about record {found.provider_id!r:.60}, which it was not asked about."
            )
        if (found.rule_id, found.provider_id) in seen:
            raise WrongFinding(
                f"{which} is the second of {found.rule_id} about record {found.provider_id}."
            )
        seen.add((found.rule_id, found.provider_id))
        priority = priorities[found.rule_id] if found.priority is None else found.priority
        if type(priority) is not int or not 1 <= priority <= 5:
            raise WrongFinding(f"{which} has priority {priority!r:.60}; a priority is 1 to 5.")
        yield found.rule_id, found.provider_id, priority, evidence(found.values, which)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
