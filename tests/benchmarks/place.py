"""Where the benchmarks run: a private server, generated files, databases, and how they report.

The server has the settings that users get, fsync included. Databases are made once and copied for
each measurement. Whatever runs for the figures runs in a process of its own, so that its memory
is its own; with `--home DIR` server and databases stay for the next run.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import pickle
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Self

import psycopg2

from workqueue import embedded
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.lifecycle import Kind

AS_OF = date(2026, 6, 1)
SEED = 1
ACTOR = Actor("cli:benchmark", Kind.LOCAL, "cli:benchmark")
FILES = Path(tempfile.gettempdir()) / "workqueue-benchmark-files"
_ROOT = Path(__file__).absolute().parents[2]
_SCHEMA = _ROOT / "migrations" / "versions"


@dataclass(frozen=True)
class Figure:
    """One figure; `at_most` and `at_least` are what it aims at, if anything."""

    name: str
    value: float
    unit: str = ""
    at_most: float | None = None
    at_least: float | None = None

    def under(self, title: str) -> Self:
        """The same figure with `title` before its name."""
        return replace(self, name=f"{title}: {self.name}")

    def line(self) -> str:
        """The figure for people, with its aim and whether it is met."""
        text = f"{self.name:58} {_number(self.value):>10} {self.unit:9}"
        for sign, aim in (("<=", self.at_most), (">=", self.at_least)):
            if aim is not None:
                met = self.value <= aim if sign == "<=" else self.value >= aim
                text += f" {sign} {_number(aim):6} {'met' if met else 'MISSED'}"
        return text.rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


@dataclass(frozen=True)
class Step:
    """What `measured` saw: the answer, seconds of the call, and the process's peak memory in MB."""

    value: object
    seconds: float
    peak_mb: float


def measured(act: Callable[..., object], *given: object) -> Step:
    """Call `act` in a fresh process; its imports are part of its memory, not of its seconds."""
    module = act.__module__
    if module == "__main__":
        # A script that runs as a module: elsewhere it has its own name.
        module = sys.modules["__main__"].__spec__.name  # type: ignore[union-attr]
    done = subprocess.run(
        [sys.executable, "-m", "tests.benchmarks.child"],
        input=pickle.dumps((module, act.__name__, given)),
        stdout=subprocess.PIPE,
        check=True,
        cwd=_ROOT,
    )
    step: Step = pickle.loads(done.stdout)  # noqa: S301 - from our own child
    return step


def answer() -> None:
    """Do in a fresh process what `measured` asks for."""
    module, name, given = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
    act = getattr(importlib.import_module(module), name)
    begun = time.perf_counter()
    value = act(*given)
    step = Step(value, time.perf_counter() - begun, _peak_mb())
    sys.stdout.buffer.write(pickle.dumps(step))


def _peak_mb() -> float:
    # Not getrusage: its peak includes that of the parent, with whose memory a child begins.
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise LookupError("this system does not tell a process's peak memory")


def median(values: Sequence[float]) -> float:
    """The median; here so that each script says it the same way."""
    return statistics.median(values)


def provider_file(rows: int) -> Path:
    """A generated file of `rows` rows with all columns, kept in the temp folder for next time."""
    from workqueue import demo  # noqa: PLC0415 - no part of what is measured

    FILES.mkdir(exist_ok=True)
    path = FILES / f"npidata_pfile_20260501-20260601_{rows}_{SEED}.csv"
    if not path.exists():
        demo.generate(path, rows=rows, seed=SEED, as_of=AS_OF)
    return path


@dataclass
class Place:
    """A server and its databases."""

    lease: embedded.Lease
    _copies: int = field(default=0)

    def url(self, role: str, name: str) -> str:
        """The SQLAlchemy address of database `name` under `role` (superuser, owner, app)."""
        url: str = getattr(self.lease.urls, role)
        return url.replace("/workqueue?", f"/{name}?")

    def libpq(self, role: str, name: str) -> str:
        """The same as a libpq address."""
        return self.url(role, name).replace("postgresql+psycopg2://", "postgresql://")

    def ask(self, statement: str, name: str = "postgres") -> list[tuple[object, ...]]:
        """Run one statement as the superuser, outside a transaction, and return its rows."""
        connection = psycopg2.connect(self.libpq("superuser", name))
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def made(self, kind: str, fill: Callable[[str], None], template: str = "template0") -> str:
        """The name of the database of this kind; `fill` is called with it if it is new."""
        schema = hashlib.sha256(
            b"".join(path.read_bytes() for path in sorted(_SCHEMA.glob("*.py")))
        )
        name = f"{kind}_{schema.hexdigest()[:8]}"
        if not self.ask(f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):
            self._create("making", template)
            fill("making")
            self.ask("VACUUM ANALYZE", "making")
            self.ask(f"ALTER DATABASE making RENAME TO {name}")
        return name

    def _create(self, name: str, template: str) -> None:
        self.ask(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.ask(
            f"CREATE DATABASE {name} OWNER workqueue_owner TEMPLATE {template} ENCODING 'UTF8'"
            " STRATEGY FILE_COPY"
        )

    @contextmanager
    def copy(self, template: str) -> Iterator[str]:
        """The name of a copy of a database, dropped afterwards; written out before it is given."""
        self._copies += 1
        name = f"copy_{self._copies}"
        self._create(name, template)
        self.ask("CHECKPOINT")
        try:
            yield name
        finally:
            self.ask(f"DROP DATABASE {name} WITH (FORCE)")

    def empty(self) -> str:
        """A migrated database without rows."""
        return self.made("empty", self._migrate)

    def _migrate(self, name: str) -> None:
        from workqueue import provision  # noqa: PLC0415 - no part of what is measured

        self.ask("ALTER SCHEMA public OWNER TO workqueue_owner", name)
        self.ask("REVOKE ALL ON SCHEMA public FROM PUBLIC", name)
        self.ask("GRANT USAGE ON SCHEMA public TO workqueue_app, workqueue_analyst", name)
        with Database(self.url("owner", name)) as owner:
            provision.migrate(owner)

    def loaded(self, rows: int) -> str:
        """A database with a generated file of `rows` rows loaded."""
        from tests.benchmarks.load_speed import load_file  # noqa: PLC0415 - it imports this

        def fill(name: str) -> None:
            measured(load_file, self.url("app", name), provider_file(rows))

        return self.made(f"loaded_{rows}", fill, self.empty())

    def detected(self, rows: int) -> str:
        """The same after a run of detection."""
        from tests.benchmarks.detection_speed import run_detection  # noqa: PLC0415 - as above

        def fill(name: str) -> None:
            measured(run_detection, self.url("app", name))

        return self.made(f"detected_{rows}", fill, self.loaded(rows))

    def filled(self, rows: int) -> str:
        """A database with `rows` providers, as many items, and their actions."""
        from tests.benchmarks import million  # noqa: PLC0415 - as above

        def fill(name: str) -> None:
            with Database(self.url("superuser", name)) as superuser:
                million.populate(superuser, rows)

        return self.made(f"filled_{rows}", fill, self.empty())


@contextmanager
def open_place(home: Path | None = None) -> Iterator[Place]:
    """A server in `home`, or in a temporary one that is removed afterwards."""
    chosen = home or Path(tempfile.mkdtemp(prefix="wqbench-"))
    chosen.mkdir(exist_ok=True)
    # The server's user must be able to pass.
    chosen.chmod(0o755)
    try:
        with embedded.acquire(chosen) as lease:
            yield Place(lease)
    finally:
        if home is None:
            shutil.rmtree(chosen, ignore_errors=True)


def load_average() -> str:
    """The machine's load, for the reader to judge the figures by."""
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def run(measure: Callable[[Place, int], list[Figure]], said: str | None) -> None:
    """The command line of a script: measure, print the figures, and what the machine was doing."""
    parser = argparse.ArgumentParser(
        description=said, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--home", type=Path, help="keep server and databases here")
    asked = parser.parse_args()
    with open_place(asked.home) as place:
        report(measure, place, asked.rows)


def report(measure: Callable[[Place, int], list[Figure]], place: Place, rows: int) -> list[Figure]:
    """Measure and print."""
    before = load_average()
    figures = measure(place, rows)
    print(
        f"\n{rows:,} rows, {os.cpu_count()} processors; load {before} before, "
        f"{load_average()} after"
    )
    for figure in figures:
        print(figure.line(), flush=True)
    return figures
