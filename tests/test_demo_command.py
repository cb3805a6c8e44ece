"""`workqueue demo`, the end of `make demo`: a queue full of work, on a desk that lets one in."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.command import PROGRAM, answer
from tests.dashboard.place import Visitor, free_port
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


def start(environment: dict[str, str]) -> tuple[subprocess.Popen[str], list[str]]:
    """A demo that serves; what it has printed."""
    demo = subprocess.Popen(
        [PROGRAM, "demo", "--rows", "1500"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    assert demo.stdout is not None
    for line in demo.stdout:
        said.append(line)
        if "Ctrl-C stops it" in line:
            break
    return demo, said


def finish(demo: subprocess.Popen[str]) -> None:
    """Press Ctrl-C, and see it end in order."""
    demo.send_signal(signal.SIGINT)
    rest, _ = demo.communicate(timeout=60)
    assert demo.returncode == 0, rest
    assert "Traceback" not in rest


def test_demo_twice(clean_environment: dict[str, str]) -> None:
    """The demo lets a reviewer and a manager in by links; a second start finds its data."""
    port = free_port()
    environment = {**clean_environment, "WORKQUEUE_PORT": str(port)}
    home = Path(clean_environment["WORKQUEUE_HOME"] + "-demo")
    for round_ in (1, 2):
        began = time.monotonic()
        demo, said = start(environment)
        told = "".join(said)
        assert ("there already" in told) == (round_ == 2)
        if round_ == 2:
            assert time.monotonic() - began < 30
        links = dict(re.findall(r"sign in once as (\w+): http://localhost:\d+(/\S+)", told))
        assert set(links) == {"rosa", "mona"}
        for name, link in links.items():
            visitor = Visitor(f"http://localhost:{port}")
            assert f"Sign in as {name}" in visitor.ask(link).text
            token = link.partition("token=")[2]
            assert visitor.ask("/link", {"token": token}).status == 303
            assert visitor.ask("/queue").status == 200
        finish(demo)
        assert not embedded.status(home).running
    looked = answer({**clean_environment, "WORKQUEUE_HOME": str(home)}, "inbox", "--limit", 0)
    assert looked["total"] == len(looked["items"]) > 100


def test_the_demo_leaves_the_server_to_others(clean_environment: dict[str, str]) -> None:
    """Ctrl-C does not stop the PostgreSQL that somebody else uses; the last one out does."""
    home = Path(clean_environment["WORKQUEUE_HOME"] + "-demo")
    demo, _ = start({**clean_environment, "WORKQUEUE_PORT": str(free_port())})
    with embedded.acquire(home):
        finish(demo)
        assert embedded.status(home).running
    assert not embedded.status(home).running


def test_interrupted_demo_leaves_nothing_running(clean_environment: dict[str, str]) -> None:
    """Ctrl-C ends the demo in words and stops the PostgreSQL that it started."""
    demo = subprocess.Popen(
        [PROGRAM, "demo", "--rows", "30000", "--no-serve"],
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
