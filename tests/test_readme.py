"""The README: its commands run as written, and its tables say what the code says."""

from __future__ import annotations

import configparser
import re
import shlex
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.command import PROGRAM, answer
from tests.detection.records import add, clean
from tests.own.files import write
from tests.readme_sections import SECTIONS, pattern
from workqueue import demo
from workqueue.database import Database
from workqueue.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
# Run by other tests: a server of one's own (test_provision), the desk (tests/dashboard).
ELSEWHERE = ("workqueue migrate --provision", "workqueue serve")


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


def test_other_commands_are_run_by_tests() -> None:
    """Each command that is not ours is one that another test runs, or a target of the Makefile."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    inline = re.findall(r"`make ([a-z-]+)", README)
    for target in [*inline, *re.findall(r"^    make (\w+)", README, re.MULTILINE)]:
        assert re.search(rf"^{target}:", makefile, re.M), target
    served = (ROOT / "tests/dashboard/test_login_pages.py").read_text(encoding="utf-8")
    for command in re.findall(r"`(panel serve [^`]+)`", README):
        assert command in served
    for command in re.findall(r"`(pip wheel [^`]+)`", README):
        (recipe,) = [line for line in makefile.splitlines() if "pip wheel" in line]
        assert set(command.split()) <= set(recipe.split())
    lab = (ROOT / "tests/notebooks/test_jupyterlab.py").read_text(encoding="utf-8")
    assert re.findall(r"`(jupyter lab [^`]+)`", README) == re.findall('^LAB = "(.+)"', lab, re.M)
    for line in re.findall(r"^(from dashboard import .+|open_desk\(.*?\))", README, re.M):
        assert line in lab


def test_python_of_the_readme_runs(environment: dict[str, str]) -> None:
    """The lines about metrics work as they stand."""
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    (block,) = [each for each in blocks if "metrics" in each]
    exec(compile(block, "README.md", "exec"), {})  # noqa: S102 - our own page


def test_own_rules_of_the_readme_find(
    database: Database, environment: dict[str, str], tmp_path: Path
) -> None:
    """The file and the script of the README are read without a fault and find what they say."""
    (rule,) = re.findall(r"```toml\n(.*?)```", README, re.S)
    (script,) = re.findall(r"```python\n(# Validation script.*?)```", README, re.S)
    folder = write(tmp_path / "rules", fax=rule, repeated=script)
    add(
        database,
        clean(practice_fax="2175232345", practice_phone="2175232345", mailing_fax="2175232399"),
        clean(practice_zip="44444"),
    )
    told = environment | {"WORKQUEUE_RULES": str(folder)}
    assert answer(told, "rules")["broken"] == {}
    tried = answer(told, "rules", "test", "OWN_FAX_SAME")
    assert (tried["count"], tried["new"]) == (1, 1)
    assert tried["examples"][0]["words"].startswith("Fax and phone are both 2175232345")
    found = answer(told, "detect")
    assert (found["failed"], found["rules"]["OWN_FAX_SAME"]) == ({}, 1)
    assert found["rules"]["OWN_ZIP_REPEATED"] == 1


def test_pictures_are_there() -> None:
    """Every picture of the README is a PNG in the checkout."""
    pictures = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(pictures) == 3
    for picture in pictures:
        assert (ROOT / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_the_nginx_example_is_valid(tmp_path: Path) -> None:
    """Nginx itself finds nothing wrong with the example, but for the certificates."""
    (block,) = re.findall(r"```nginx\n(.*?)```", README, re.S)
    block = re.sub(r"(?m)^ *ssl_certificate.*$", "", block).replace("443 ssl", "8443")
    conf = tmp_path / "nginx.conf"
    conf.write_text(f"pid {tmp_path}/pid; events {{}}\nhttp {{ {block} }}")
    done = subprocess.run(
        ["nginx", "-t", "-c", str(conf)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", ["serve --production", "worker"])
def test_the_service_units_are_valid(command: str, tmp_path: Path) -> None:
    """Each unit runs a command that other tests run; systemd itself finds nothing wrong."""
    blocks = re.findall(r"```ini\n(.*?)```", README, re.S)
    assert len(blocks) == 2
    (block,) = [each for each in blocks if f"workqueue {command}\n" in each]
    unit = configparser.ConfigParser(interpolation=None)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string(block)
    program = shlex.split(unit["Service"]["ExecStart"])[0]
    assert program.endswith("/.venv/bin/workqueue")
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    service = tmp_path / "workqueue.service"
    service.write_text(
        block.replace(program, str(PROGRAM)).replace("User=workqueue", "User=daemon")
    )
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(service)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "workqueue.service" not in done.stderr, done.stderr


def test_every_setting_is_in_the_readme() -> None:
    """The table of settings names each environment variable with its default."""
    for field in Settings.model_fields.values():
        row = re.search(rf"^\| `{field.validation_alias}` \| (.+?) \|", README, re.MULTILINE)
        assert row, field.validation_alias
        if isinstance(field.default, int):
            assert row[1] == str(field.default).lower()


COMMANDS = sorted(set(re.findall(r"^\| `([a-z][a-z-]*)[ `]", README, re.MULTILINE)))


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
