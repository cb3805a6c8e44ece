"""Files of own rules for tests: a good one to change, and validation scripts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from workqueue.own import Own, load
from workqueue.settings import Settings

KINDS = frozenset({"MISSING_DATA", "VALIDATION_FLAG", "DUPLICATE_CHECK"})

GOOD: dict[str, Any] = {
    "id": "OWN_FAX_MISSING",
    "queue_type": "MISSING_DATA",
    "priority": 4,
    "attribute": "practice_fax",
    "title": "Fax number is missing",
    "says": "The practice has a phone, {practice_phone}, and no fax",
    "exit_condition": "The record has a fax number.",
    "source": "Contract with the health plan, section 4",
    "expression": "practice_fax IS NULL AND practice_phone IS NOT NULL",
}

SCRIPT = """\
from workqueue.checks import Finding, validation

RULE = {
    "id": "OWN_ZIP_LOW", "queue_type": "VALIDATION_FLAG", "priority": 3,
    "attribute": "practice_zip", "title": "ZIP is low", "says": "ZIP {practice_zip} is low",
    "exit_condition": "The ZIP is 30000 or higher.", "source": "A script of ours",
}


@validation(fields=("practice_zip",), rules=[RULE])
def low(records):
BODY
"""
FINDS = """\
    for row in records.to_pylist():
        if row["practice_zip"] < "30000":
            yield Finding("OWN_ZIP_LOW", row["id"], {"practice_zip": row["practice_zip"]})
"""


def toml(**changes: Any) -> str:
    """The good file with `changes`; None leaves a key out."""
    told = {**GOOD, **changes}
    lines = (f"{key} = {_value(value)}" for key, value in told.items() if value is not None)
    return "# A rule of ours.\n" + "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return "'''" + value + "'''" if "'" in value else f"'{value}'"
    if isinstance(value, dict):
        pairs = (f"'{name}' = {_value(one)}" for name, one in value.items())
        return "{" + ", ".join(pairs) + "}"
    return repr(value)


def script(body: str = FINDS) -> str:
    """A validation script whose function has `body`, indented by four."""
    return SCRIPT.replace("BODY", body)


def write(folder: Path, **files: str) -> Path:
    """`files` by stem into `folder`: what speaks of @validation is a script, else TOML."""
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    for stem, text in files.items():
        path = folder / f"{stem}{'.py' if 'import ' in text else '.toml'}"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
    return folder


def read(folder: Path | None, seconds: float = 20.0) -> Own:
    """The rules of the folder, with the queue types that there are from the start."""
    return load(folder, KINDS, seconds)


def settings(folder: Path | None, seconds: int = 60) -> Settings:
    """Settings that name the folder of own rules."""
    return Settings.model_construct(rules=folder, rule_seconds=seconds)
