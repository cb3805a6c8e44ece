"""The README: its commands run as written, and its tables say what the code says."""

from __future__ import annotations

import re
import shlex
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.command import PROGRAM, answer
from tests.readme_sections import SECTIONS, pattern
from workqueue import demo
from workqueue.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Sets up a server of one's own; test_provision does that with real roles.
ELSEWHERE = ("workqueue migrate --provision",)


def commands() -> list[str]:
    """The README's indented `workqueue` lines without their remarks, in order."""
    lines = re.findall(r"^    (workqueue .*)$", README, flags=re.MULTILINE)
    return [line.split("  #")[0].rstrip() for line in lines]


def test_commands_of_the_readme_run(environment: dict[str, str], tmp_path: Path) -> None:
    """Every command of the README succeeds, in the order in which a newcomer types them."""
    today = datetime.now(UTC).date()
    demo.generate(tmp_path / "npidata_pfile.csv", rows=400, seed=3, as_of=today)
    demo.generate_own_source(tmp_path / "clinic.csv", rows=50, seed=3, as_of=today)
    item = "42"
    ran = 0
    for line in commands():
        if line.startswith(ELSEWHERE):
            continue
        words = [item if word == "42" else word for word in shlex.split(line)[1:]]
        if words[0] == "claim-next":
            item = str(answer(environment, *words)["id"])
            ran += 1
            continue
        done = subprocess.run(
            [PROGRAM, *words],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        ran += 1
    assert ran >= 12


def test_every_setting_is_in_the_readme() -> None:
    """The table of settings names each environment variable with its default."""
    for field in Settings.model_fields.values():
        row = re.search(rf"^\| `{field.validation_alias}` \| (.+?) \|", README, re.MULTILINE)
        assert row, field.validation_alias
        if isinstance(field.default, int):
            assert row[1] == str(field.default)


COMMANDS = sorted(set(re.findall(r"^\| `([a-z][a-z-]*)", README, re.MULTILINE)))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_table_has_help(command: str) -> None:
    """Each command that the README's table names exists and explains itself."""
    done = subprocess.run([PROGRAM, command, "--help"], capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "Usage" in done.stdout


@pytest.mark.parametrize("name", SECTIONS)
def test_generated_parts_are_up_to_date(name: str) -> None:
    """States, rights and rules in the README are those of the code (`make docs` renews them)."""
    written = pattern(name).search(README)
    assert written
    assert written[2] == SECTIONS[name]()
