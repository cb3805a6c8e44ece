"""`workqueue demo`, the end of `make demo`: a queue full of work and one item walked through."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import PROGRAM, answer, run
from workqueue import embedded


@pytest.fixture
def clean_environment() -> Iterator[dict[str, str]]:
    """An environment with a WORKQUEUE_HOME of its own and no server address."""
    folder = Path(tempfile.mkdtemp(prefix="wqdemo-"))
    folder.chmod(0o755)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("WORKQUEUE_", "QUEUE_"))}
    yield {**kept, "WORKQUEUE_HOME": str(folder / "wq")}
    for home in folder.iterdir():
        embedded.stop(home)
    shutil.rmtree(folder, ignore_errors=True)


def test_demo_twice(clean_environment: dict[str, str]) -> None:
    """The demo walks an item to RESOLVED; a second start finds its data, and takes the next."""
    first = run(clean_environment, "demo", "--rows", 1500).stdout
    assert "RESOLVED" in first
    assert "unbroken" in first
    assert " 0 loaded" not in first
    second = run(clean_environment, "demo", "--rows", 1500).stdout
    assert " 0 loaded" in second
    assert "  0 new work items" in second
    assert "RESOLVED" in second
    home = Path(clean_environment["WORKQUEUE_HOME"] + "-demo")
    assert not embedded.status(home).running
    looked = answer({**clean_environment, "WORKQUEUE_HOME": str(home)}, "inbox", "--limit", 0)
    assert looked["total"] == len(looked["items"]) > 100


def test_interrupted_demo_leaves_nothing_running(clean_environment: dict[str, str]) -> None:
    """Ctrl-C ends the demo in words and stops the PostgreSQL that it started."""
    demo = subprocess.Popen(
        [PROGRAM, "demo", "--rows", "30000"],
        env=clean_environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    home = Path(clean_environment["WORKQUEUE_HOME"] + "-demo")
    deadline = time.monotonic() + 60
    while not embedded.status(home).running and time.monotonic() < deadline:
        time.sleep(0.05)
    assert embedded.status(home).running
    time.sleep(1.5)
    demo.send_signal(signal.SIGINT)
    _, said = demo.communicate(timeout=60)
    assert demo.returncode == 130
    assert "Traceback" not in said
    assert "interrupted" in said
    assert not embedded.status(home).running


def test_first_command_on_an_empty_home_just_works(clean_environment: dict[str, str]) -> None:
    """Without any set-up the inbox is there and empty, and doctor finds nothing wrong."""
    assert answer(clean_environment, "inbox") == {"total": 0, "items": []}
    assert answer(clean_environment, "doctor")["ok"] is True
    assert answer(clean_environment, "stop")["stopped"] is False
