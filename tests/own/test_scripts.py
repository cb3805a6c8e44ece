"""Validation scripts: what they find, and every way in which one can go wrong."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from tests.own.files import read, script, toml, write
from workqueue import own
from workqueue.rules import FINDINGS, RuleFailed, words

RECORDS = pa.table(
    {"id": [7, 3, 5], "source": ["A"] * 3, "practice_zip": ["62701", "10001", "20002"]},
)
YIELD = '    yield Finding("OWN_ZIP_LOW", {0})\n'


def _findings(tmp_path: Path, body: str, seconds: float = 20.0) -> pa.Table:
    mine = read(write(tmp_path / "rules", low=script(body)))
    assert mine.broken == {}
    return own.findings(mine.scripts[0], RECORDS, seconds)


def test_a_script_finds(tmp_path: Path) -> None:
    """Its findings have the schema of all findings, in order, with words of their own."""
    mine = read(write(tmp_path / "rules", low=script(), fax=toml()))
    assert [rule.id for rule in mine.all] == ["OWN_FAX_MISSING", "OWN_ZIP_LOW"]
    found = own.findings(mine.scripts[0], RECORDS, 20.0)
    assert found.schema == FINDINGS
    assert found["fingerprint"].to_pylist() == ["OWN_ZIP_LOW:3", "OWN_ZIP_LOW:5"]
    assert found["priority"].to_pylist() == [3, 3]
    assert found["evidence"][0].as_py() == '{"values":{"practice_zip":"10001"}}'
    rule = mine.scripts[0].rules[0]
    assert words(rule.id, {"values": {"practice_zip": "10001"}}, rule) == "ZIP 10001 is low"


def test_a_script_that_finds_nothing(tmp_path: Path) -> None:
    """No findings is an answer, given by yield or by an empty list."""
    assert _findings(tmp_path, "    yield from ()\n").num_rows == 0
    assert _findings(tmp_path, "    return []\n").num_rows == 0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("    raise KeyError('zip')\n    yield\n", "raised KeyError: 'zip' (low.py line 12)"),
        ("    import sys\n    sys.exit(3)\n", "called sys.exit(3)"),
        ("    import os\n    os._exit(3)\n", "ended its process with status 3, without an answer"),
        ("    import os\n    os._exit(0)\n", "ended its process with status 0, without an answer"),
        ("    import ctypes\n    ctypes.string_at(0)\n", "was ended by SIGSEGV"),
        ("    import os\n    os.abort()\n", "was ended by SIGABRT"),
        ("    return 5\n", "gave int instead of findings; use yield"),
        ("    yield 5\n", "yielded a int as finding 1; yield Finding(…)"),
        ('    yield Finding("OWN_OTHER", 3)\n', "is of rule 'OWN_OTHER'; it told of OWN_ZIP_LOW"),
        (YIELD.format("4"), "about record 4, which it was not asked about"),
        (YIELD.format("'3'"), "about record '3', which it was not asked about"),
        (YIELD.format("True"), "about record True"),
        (YIELD.format("3") * 2, "finding 2 is the second of OWN_ZIP_LOW about record 3"),
        (YIELD.format("3, {}, 9"), "finding 1 has priority 9; a priority is 1 to 5"),
        (YIELD.format("3, [1]"), "has values that are no mapping of names"),
        (YIELD.format("3, {1: 2}"), "has values that are no mapping of names"),
        (YIELD.format("3, {'a': float('nan')}"), "has a value that cannot be kept"),
        (YIELD.format("3, {'a': [1]}"), "list is neither text, number, date nor nothing"),
        (YIELD.format("3, {'a': chr(0)}"), "NUL"),
        (YIELD.format("3, {'a': chr(0xD800)}"), "has a value that cannot be kept"),
        (YIELD.format("3, {'a': 'x' * 30000}"), "values of more than 20000 characters"),
        ("    x = [bytes(10**9) for _ in range(9)]\n    yield\n", "needs more memory than 4096 MB"),
    ],
    ids=lambda one: str(one).strip()[:40],
)
def test_a_script_that_goes_wrong_is_named(tmp_path: Path, body: str, said: str) -> None:
    """However a script ends, the run goes on and says what happened."""
    with pytest.raises(RuleFailed) as failed:
        _findings(tmp_path, body)
    assert said in str(failed.value)


def test_an_endless_script_is_stopped_with_what_it_started(tmp_path: Path) -> None:
    """A script beyond its time is killed, and so is a process that it has started."""
    mark = tmp_path / "pid"
    body = (
        "    import subprocess, pathlib\n"
        f"    child = subprocess.Popen([{sys.executable!r}, '-c', 'import time; time.sleep(60)'])\n"
        f"    pathlib.Path({str(mark)!r}).write_text(str(child.pid))\n"
        "    while True:\n        pass\n"
    )
    start = time.monotonic()
    with pytest.raises(RuleFailed, match=r"took longer than 3 s and was stopped"):
        _findings(tmp_path, body, seconds=3)
    assert time.monotonic() - start < 20
    child = int(mark.read_text())
    for _ in range(50):
        state = Path(f"/proc/{child}/stat")
        if not state.exists() or state.read_text().split()[2] in "ZX":
            break
        time.sleep(0.1)
    else:
        pytest.fail("the process that the script started is still there")


def test_a_script_does_not_see_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses of the database and the key of the desk are kept from it."""
    monkeypatch.setenv("WORKQUEUE_OWNER_URL", "postgresql://owner:hunter2@db/x")
    monkeypatch.setenv("PGPASSWORD", "hunter2")
    body = (
        "    import os\n"
        "    if any('hunter2' in value for value in os.environ.values()):\n"
        "        raise ValueError('seen')\n    yield from ()\n"
    )
    assert _findings(tmp_path, body).num_rows == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import nonesuch\n", "raised ModuleNotFoundError: No module named 'nonesuch'"),
        ("import sys\nsys.exit()\n", "called sys.exit(None)"),
        ("import os\nos.kill(os.getpid(), 11)\n", "was ended by SIGSEGV"),
        ("import os\n", "has 0 functions marked with @validation, not one"),
        ("import os\ndef f(:\n", "raised SyntaxError"),
        ("import time\nwhile True:\n    time.sleep(1)\n", "took longer than 2 s"),
        (script().replace('"OWN_ZIP_LOW", "queue', '"ZIP_LOW", "queue'), "id must be OWN_"),
        (script().replace('"priority": 3', '"priority": 0'), "priority must be 1"),
        (script().replace("{practice_zip} is", "{npi} is"), "says speaks of {npi}"),
        (script().replace('"VALIDATION_FLAG"', '"CALLS"'), "there is no queue type 'CALLS'"),
        (script().replace('fields=("practice_zip",)', "fields=()"), "must name the fields"),
        (script().replace('fields=("practice_zip",)', 'fields=("zip",)'), "which is no field"),
        (script().replace('"source": "A script of ours",', ""), "source is missing"),
    ],
    ids=lambda one: str(one).strip()[-40:],
)
def test_a_script_that_cannot_be_read_is_named(tmp_path: Path, text: str, said: str) -> None:
    """What is wrong with a script's import or with its rules is told; other rules are read."""
    mine = read(write(tmp_path / "rules", low=text, fax=toml()), seconds=2.0)
    assert said in mine.broken["low.py"]
    assert [rule.id for rule in mine.all] == ["OWN_FAX_MISSING"]


@pytest.mark.parametrize("which", ["file", "folder"])
def test_a_script_that_others_may_write_is_not_run(tmp_path: Path, which: str) -> None:
    """Whoever may write a script runs as us: such a file is refused before it is imported."""
    folder = write(tmp_path / "rules", low=script())
    (folder if which == "folder" else folder / "low.py").chmod(0o777)
    assert "can be written by others" in read(folder).broken["low.py"]


def test_an_installed_script_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry point of the group workqueue.checks is a script; a broken one is named."""
    site = tmp_path / "site"
    (site / "low_zips-1.0.dist-info").mkdir(parents=True)
    (site / "low_zips.py").write_text(script(), encoding="utf-8")
    (site / "low_zips-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: low-zips\nVersion: 1.0\n", encoding="utf-8"
    )
    (site / "low_zips-1.0.dist-info" / "entry_points.txt").write_text(
        "[workqueue.checks]\nlow = low_zips:low\nlost = low_zips:lost\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(str(site))
    monkeypatch.setenv("PYTHONPATH", f"{site}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    mine = read(None)
    assert [rule.id for rule in mine.all] == ["OWN_ZIP_LOW"]
    assert mine.origins == {"OWN_ZIP_LOW": "entry point low"}
    assert "is no function marked with @validation" in mine.broken["entry point lost"]
    assert own.findings(mine.scripts[0], RECORDS, 20.0).num_rows == 2


def test_the_version_of_a_script_is_that_of_its_text(tmp_path: Path) -> None:
    """A changed line is another version."""
    first = read(write(tmp_path / "rules", low=script())).all[0].version
    again = read(write(tmp_path / "rules", low=script())).all[0].version
    other = read(write(tmp_path / "rules", low=script() + "# more\n")).all[0].version
    assert first == again != other
