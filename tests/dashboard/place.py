"""A served desk for tests: a filled database, people with passwords, a real server process."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

from workqueue import accounts, demo
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.detection import detect
from workqueue.intake import load
from workqueue.lifecycle import Kind, Role
from workqueue.settings import Settings

PASSWORD = "correct horse battery staple"
PEOPLE = {
    "ruth": Role.REVIEWER,
    "rob": Role.REVIEWER,
    "lea": Role.LEAD,
    "max": Role.MANAGER,
    "ann": Role.ANALYST,
    "ada": Role.ADMIN,
}
LOCAL = Actor("cli:tester", Kind.LOCAL, "cli:tester")


def fill(database: Database, folder: Path, rows: int = 1500) -> None:
    """Load and check generated providers, and add one person of each role."""
    file = folder / "npidata_pfile.csv"
    demo.generate(file, rows=rows, seed=11, as_of=datetime.now(UTC).date())
    load(database, [file], actor=LOCAL, settings=Settings.read())
    detect(database, actor=LOCAL, duplicates=False)
    with database.transaction() as session:
        for username, role in PEOPLE.items():
            user = accounts.add_user(session, username, role, actor=LOCAL)
            accounts.set_password(session, user.id, username, PASSWORD)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    text: str
    url: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


@dataclass
class Visitor:
    """A browser without a screen: keeps its cookies, follows no redirect."""

    base: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(
        self,
        path: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """GET `path`, or POST `form` to it."""
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        request = urllib.request.Request(self.base + path, data=data, headers=dict(headers or {}))
        if self.cookies:
            said = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            request.add_header("Cookie", said)
        opener = urllib.request.build_opener(_NoRedirect)
        try:
            response = opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            response = error
        with response:
            for line in response.headers.get_all("Set-Cookie", []):
                for name, morsel in SimpleCookie(line).items():
                    if morsel.value:
                        self.cookies[name] = morsel.value
                    else:
                        self.cookies.pop(name, None)
            text = response.read().decode("utf-8", "replace")
            return Answer(response.status, dict(response.headers), text, response.url)

    def sign_in(self, username: str, password: str = PASSWORD) -> Answer:
        """Send the login form."""
        return self.ask("/login", {"username": username, "password": password, "next": "/queue"})

    def page_token(self, path: str = "/queue") -> str:
        """The token of a new page of the server."""
        found = re.search(r'"token":"([^"]+)"', self.ask(path).text)
        assert found, "the page holds no token"
        return found[1]


@dataclass
class Served:
    """A running desk and the database behind it."""

    base: str
    database: Database
    log: Path
    environment: dict[str, str]

    def visitor(self, username: str | None = None) -> Visitor:
        """A new visitor, signed in as `username`."""
        made = Visitor(self.base)
        if username is not None:
            answer = made.sign_in(username)
            assert answer.status == 303, answer.text
        return made


@contextmanager
def served(
    environment: Mapping[str, str],
    database: Database,
    folder: Path,
    command: list[str] | None = None,
    ready: str = "/login",
    **more: str,
) -> Iterator[Served]:
    """Run the desk on a free port until the end of the block."""
    port = free_port()
    told = {**os.environ, **environment, "WORKQUEUE_PORT": str(port), **more}
    log = folder / f"desk-{port}.log"
    arguments = [
        part.replace("PORT", str(port)) for part in command or [sys.executable, "-m", "dashboard"]
    ]
    with log.open("w") as out:
        process = subprocess.Popen(arguments, env=told, stdout=out, stderr=subprocess.STDOUT)
    base = f"http://localhost:{port}"
    try:
        _wait(base + ready, process, log)
        yield Served(base, database, log, told)
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended: {log.read_text()}")
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the server does not answer: {log.read_text()}")
