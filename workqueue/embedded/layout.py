"""The home folder: what lies where in it, who may enter, and the two locks."""

from __future__ import annotations

import fcntl
import os
import re
import stat
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from workqueue.embedded.programs import ServerUser, account_name
from workqueue.embedded.refusals import HomeBusy, HomeUnusable

PORT = 5432
SOCKET_FILE = f".s.PGSQL.{PORT}"
SOCKET_PATH_LIMIT = 103 if sys.platform == "darwin" else 107
"""Bytes in the path of a unix socket: the size of sun_path less the closing NUL."""

GATE, LEASE = "gate.lock", "lease.lock"
LOCKS = {GATE, LEASE}
GATE_SECONDS = 180.0
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Layout:
    """The paths within one home folder.

    In root's home only `data`, `log` and `run` are the server user's; what WorkQueue itself writes
    stays root's, out of the server's reach.
    """

    home: Path

    @classmethod
    def of(cls, home: Path) -> Layout:
        """The layout of a home folder, whether it exists or not; links are resolved."""
        return cls(home.expanduser().resolve())

    @property
    def data(self) -> Path:
        """PostgreSQL's data folder; its file PG_VERSION pins the major version."""
        return self.home / "postgres"

    @property
    def log(self) -> Path:
        """The folder of the server's logs, one a weekday."""
        return self.home / "log"

    @property
    def run(self) -> Path:
        """The folder of the socket, where its path is short enough."""
        return self.home / "run"

    @property
    def settings(self) -> Path:
        """The server's configuration, written anew at each start."""
        return self.home / "postgres.conf"

    @property
    def hba(self) -> Path:
        """Who may connect and how."""
        return self.home / "pg_hba.conf"

    @property
    def passwords(self) -> Path:
        """Passwords of the roles, a JSON object by role name, readable by the owner only."""
        return self.home / "passwords.json"

    @property
    def socket_note(self) -> Path:
        """Names the short folder that holds the socket when `run` is too long."""
        return self.home / "socket-folder"


def make_home(layout: Layout, user: ServerUser) -> None:
    """Make the home folder where it is missing. Raises HomeUnusable or OSError."""
    home = layout.home
    if re.search(r'[\x00-\x1f\x7f"$`\\]', str(home)):
        raise HomeUnusable(
            f"the home folder {str(home)!r} has a character in its name that PostgreSQL's pg_ctl "
            "cannot take; set WORKQUEUE_HOME to a plainer name."
        )
    if home.exists() and not home.is_dir():
        raise HomeUnusable(f"{home} is not a folder; set WORKQUEUE_HOME to one of your own.")
    missing = [folder for folder in (home, *home.parents) if not folder.exists()]
    for folder in reversed(missing):
        folder.mkdir(exist_ok=True)
        folder.chmod(0o755 if user.switched else 0o700)


def prepare(layout: Layout, user: ServerUser) -> None:
    """Check the home folder and make the server's folders in it; call it within the gate.

    Raises HomeUnusable or OSError.
    """
    home = layout.home
    if user.switched and {path.name for path in home.iterdir()} <= LOCKS and _is_ours(home):
        # A new folder given to WorkQueue, such as one by mktemp: let the server pass through.
        home.chmod(stat.S_IMODE(home.stat().st_mode) | 0o011)
    _check_home(home, user)
    if layout.data.exists() and layout.data.stat().st_uid != user.uid:
        raise HomeUnusable(
            f"the data in {layout.data} belongs to {account_name(layout.data.stat().st_uid)}, not "
            f"to {user.name}; run as that user, or set WORKQUEUE_HOME to a folder of your own."
        )
    for folder in (layout.log, layout.run):
        if not folder.exists():
            give_folder(folder, user)


def _is_ours(folder: Path) -> bool:
    return folder.stat().st_uid == os.geteuid()


def _check_home(home: Path, user: ServerUser) -> None:
    if home.stat().st_mode & stat.S_IWOTH:
        raise HomeUnusable(
            f"everybody may write in {home}, so nothing is safe there; `chmod o-w` it, or set "
            "WORKQUEUE_HOME to a folder of your own."
        )
    closed = closed_to(home, user)
    if closed is not None:
        raise HomeUnusable(
            f"the server runs as {user.name}, who may not pass through {closed}; set "
            "WORKQUEUE_HOME to a folder that is not inside a private one, or `chmod o+x` it."
        )


def closed_to(path: Path, user: ServerUser) -> Path | None:
    """The first folder on the way to `path`, itself included, through which `user` may not pass."""
    for folder in (*reversed(path.parents), path):
        found = folder.stat()
        if found.st_uid == user.uid:
            needed = stat.S_IXUSR
        elif found.st_gid == user.gid:
            needed = stat.S_IXGRP
        else:
            needed = stat.S_IXOTH
        if user.switched and not found.st_mode & needed:
            return folder
    return None


def give_folder(folder: Path, user: ServerUser) -> None:
    """Make a private folder of the server user's."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if user.switched:
        os.chown(folder, user.uid, user.gid)


def socket_folder(layout: Layout, user: ServerUser) -> Path:
    """The folder for the socket: `run`, or a short private one under the temporary folder.

    A short one has a random name, noted in the home folder, and is used again only while it is
    still a real folder of the server user's that nobody else may enter: whoever else writes in
    the temporary folder can neither guess the name nor put something else in its place.
    """
    if _fits(layout.run):
        return layout.run
    if layout.socket_note.exists():
        noted = Path(layout.socket_note.read_text(encoding="utf-8"))
        if _is_private(noted, user):
            return noted
    usual = Path("/tmp")  # noqa: S108 - checked below, and only a random folder in it is used
    for parent in dict.fromkeys((Path(tempfile.gettempdir()).resolve(), usual.resolve())):
        mode = parent.stat().st_mode
        guarded = mode & stat.S_ISVTX or not mode & stat.S_IWOTH
        if guarded and _fits(parent / "workqueue-12345678") and closed_to(parent, user) is None:
            folder = Path(tempfile.mkdtemp(prefix="workqueue-", dir=parent))
            give_folder(folder, user)
            write_private(layout.socket_note, str(folder))
            return folder
    raise HomeUnusable(
        f"the path of {layout.home} is too long for a socket ({SOCKET_PATH_LIMIT} bytes) and no "
        "safe temporary folder was found; set WORKQUEUE_HOME to a shorter one."
    )


def _fits(folder: Path) -> bool:
    # libpq reads a comma in a host as the start of the next host.
    path = os.fsencode(folder / SOCKET_FILE)
    return len(path) <= SOCKET_PATH_LIMIT and b"," not in path


def _is_private(folder: Path, user: ServerUser) -> bool:
    try:
        found = folder.lstat()
    except OSError:
        return False
    private = stat.S_ISDIR(found.st_mode) and stat.S_IMODE(found.st_mode) == 0o700
    return private and found.st_uid == user.uid


def write_private(path: Path, text: str, mode: int = 0o600) -> None:
    """Replace a file as a whole: a crash leaves the old text or the new, never a part."""
    number, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchmod(file.fileno(), mode)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except OSError:
        Path(name).unlink()
        raise


def _open_lock(path: Path) -> int:
    # Python's descriptors close on exec, so that the server never inherits a lock.
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _try_lock(number: int, kind: int) -> bool:
    try:
        fcntl.flock(number, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def gate(layout: Layout) -> Iterator[None]:
    """Hold the lock under which alone the server is made, started or stopped.

    Waits at most GATE_SECONDS, then raises HomeBusy.
    """
    number = _open_lock(layout.home / GATE)
    try:
        deadline = time.monotonic() + GATE_SECONDS
        while not _try_lock(number, fcntl.LOCK_EX):
            if time.monotonic() > deadline:
                raise HomeBusy
            time.sleep(POLL_SECONDS)
        yield
    finally:
        os.close(number)


def share_lease(layout: Layout) -> int:
    """Lock the server as one of its users, until the descriptor closes or the process ends.

    Call it within the gate: there nobody else holds the lock exclusively.
    """
    number = _open_lock(layout.home / LEASE)
    fcntl.flock(number, fcntl.LOCK_SH)
    return number


def nobody_uses(layout: Layout) -> bool:
    """Whether no process holds the server's lease. Call it within the gate."""
    number = _open_lock(layout.home / LEASE)
    try:
        return _try_lock(number, fcntl.LOCK_EX)
    finally:
        os.close(number)
