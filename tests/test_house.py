"""The house itself: one door for writing, files of one thing, no work left lying around."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted((ROOT / "workqueue").rglob("*.py"))
WRITES_ITEMS = re.compile(
    r"(?i)\b(?:UPDATE|INSERT\s+INTO|DELETE\s+FROM)\s+work_(?:items|actions|item_providers)\b"
    r"|\b(?:insert|update|delete)\(\s*(?:WorkItem|WorkAction|WorkItemProvider)\b"
    r"|\.status\s*=[^=]"
)


def name(path: Path) -> str:
    """The path below the checkout, for the test's name."""
    return str(path.relative_to(ROOT))


def test_only_verbs_write_items_and_actions() -> None:
    """No statement outside verbs/ changes a work item, its members or its history."""
    writing = {name(path) for path in SOURCES if WRITES_ITEMS.search(path.read_text())}
    assert writing
    assert {path for path in writing if not path.startswith("workqueue/verbs/")} == set()


@pytest.mark.parametrize("path", SOURCES, ids=name)
def test_a_file_is_one_thing(path: Path) -> None:
    """No source file is longer than some 300 lines, and each says what it is."""
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 320
    assert text.startswith('"""')


def test_nothing_is_left_undone() -> None:
    """No TODO, no FIXME, no stub that raises NotImplementedError."""
    left = re.compile(r"\b(?:TODO|FIXME)\b|raise NotImplementedError")
    assert [name(path) for path in SOURCES if left.search(path.read_text())] == []
