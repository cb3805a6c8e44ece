"""Starting, stopping and finding the server of one data folder. Call all of it within the gate."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workqueue.embedded.cluster import LINES_SHOWN, SUPERUSER, read_passwords
from workqueue.embedded.layout import POLL_SECONDS, PORT, SOCKET_FILE, Layout, socket_folder
from workqueue.embedded.programs import Programs
from workqueue.embedded.refusals import (
    HomeFull,
    HomeUnusable,
    ServerNotStarted,
    ServerNotStopped,
    home_full,
)
from workqueue.embedded.tuning import write_settings

START_SECONDS = 120
STOP_SECONDS = 120
START_LOG = "start.log"
# The server itself overwrites last week's log only if it runs through midnight.
LOG_SECONDS = 6 * 24 * 3600
ORPHAN_SECONDS = 5.0
READY = "ready"
# A server may be killed while it starts; a fault that lasts shows itself three times in a second.
ATTEMPTS = 3
# What a start says while a killed server's last processes are still on their way out.
PASSING = ("shared memory block", "lock file")
CLIENTS_SQL = """\
SELECT count(*) FROM pg_stat_activity
WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"""
PROC = Path("/proc")
PROC_IS_THERE = (PROC / "self" / "cmdline").exists()


@dataclass(frozen=True)
class Postmaster:
    """A live server, as its postmaster.pid tells: state "ready", "starting" or "stopping"."""

    pid: int
    socket: Path
    state: str

    @property
    def usable(self) -> bool:
        """Whether it takes connections; a cleaner may have removed the socket under a server."""
        return self.state == READY and (self.socket / SOCKET_FILE).exists()


def postmaster(layout: Layout) -> Postmaster | None:
    """The live server of the data folder, or None. Needs no lock."""
    pid = _noted_pid(layout)
    if pid is None or not _is_server(pid, layout):
        return None
    lines = [*_pid_file(layout), *[""] * 8]
    return Postmaster(pid, Path(lines[4]), lines[7] or "starting")


def _pid_file(layout: Layout) -> list[str]:
    # Pid, data folder, start, port, socket folder, address, shared memory, state.
    try:
        text = (layout.data / "postmaster.pid").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return []
    return [line.strip() for line in text.splitlines()]


def _noted_pid(layout: Layout) -> int | None:
    first = next(iter(_pid_file(layout)), "")
    return int(first) if first.isdigit() else None


def _is_server(pid: int, layout: Layout) -> bool:
    # A number alone proves nothing: it may be a zombie's, or another program's after a restart.
    if not _exists(pid):
        return False
    if not PROC_IS_THERE:
        return True
    command = _command(pid)
    if b"-D" not in command[:-1]:
        return False
    try:
        return layout.data.samefile(os.fsdecode(command[command.index(b"-D") + 1]))
    except OSError:
        # The folder was moved under its server: the number in it still tells whose it is.
        return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _command(pid: int) -> list[bytes]:
    # Empty for a zombie and for a process that is gone.
    try:
        return (PROC / str(pid) / "cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def cluster_name(layout: Layout) -> str:
    """The name that every process of this server shows in its title."""
    return "workqueue-" + hashlib.sha256(os.fsencode(layout.data)).hexdigest()[:12]


def _orphans(layout: Layout) -> Iterator[int]:
    # Backends that outlive a killed postmaster keep its shared memory and block the next start.
    title = f"postgres: {cluster_name(layout)}:".encode()
    if PROC_IS_THERE:
        for entry in PROC.iterdir():
            if entry.name.isdigit() and b"\0".join(_command(int(entry.name))).startswith(title):
                yield int(entry.name)


def ensure_up(layout: Layout, programs: Programs, options: Mapping[str, str]) -> Postmaster:
    """The running server, started where it is down.

    Raises ServerNotStarted with the last lines of the log, or HomeFull.
    """
    deadline = time.monotonic() + START_SECONDS
    attempt = 0
    while True:
        attempt += 1
        found = _settled(layout, deadline)
        if found is not None and found.usable:
            return found
        if found is not None:
            stop(layout, programs)
        _clear_dead(layout)
        began = time.time()
        said = _start(layout, programs, options)
        found = postmaster(layout)
        if found is not None and found.usable:
            return found
        log = log_tail(layout, began) or said
        passing = found is not None or any(sign in log for sign in PASSING)
        if time.monotonic() > deadline or (attempt >= ATTEMPTS and not passing):
            raise _not_started(layout, log)
        time.sleep(POLL_SECONDS)


def _not_started(layout: Layout, log: str) -> HomeFull | ServerNotStarted:
    if os.strerror(errno.ENOSPC) in log:
        return home_full(layout.home)
    return ServerNotStarted(
        f"the embedded PostgreSQL did not start; its log in {layout.log} ends with:\n{log}"
    )


def _settled(layout: Layout, deadline: float) -> Postmaster | None:
    # A start or stop whose process was killed goes on by itself; wait for its end.
    while True:
        found = postmaster(layout)
        if found is None or found.state == READY:
            return found
        if time.monotonic() > deadline:
            raise ServerNotStarted(
                f"the embedded PostgreSQL is still {found.state} after {START_SECONDS} seconds; "
                f"try again later. Its log in {layout.log} ends with:\n{log_tail(layout, 0.0)}"
            )
        time.sleep(POLL_SECONDS)


def _clear_dead(layout: Layout) -> None:
    deadline = time.monotonic() + ORPHAN_SECONDS
    while orphans := list(_orphans(layout)):
        if time.monotonic() > deadline:
            for pid in orphans:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        time.sleep(POLL_SECONDS)
    # PostgreSQL clears its own, except where the number in it is alive again as another's.
    noted = _noted_pid(layout)
    if PROC_IS_THERE and noted is not None and _exists(noted):
        (layout.data / "postmaster.pid").unlink()


def _start(layout: Layout, programs: Programs, options: Mapping[str, str]) -> str:
    socket = socket_folder(layout, programs.user)
    for left in (SOCKET_FILE, f"{SOCKET_FILE}.lock"):
        (socket / left).unlink(missing_ok=True)
    write_settings(layout, programs.user, socket, cluster_name(layout), options)
    for log in layout.log.glob("*.log"):
        if log.name == START_LOG or log.stat().st_mtime < time.time() - LOG_SECONDS:
            log.unlink(missing_ok=True)
    done = programs.run(
        "pg_ctl", "start", "-D", layout.data, "-s", "-w", "-t", str(START_SECONDS),
        "-l", layout.log / START_LOG, "-o", f'-c config_file="{layout.settings}"',
    )  # fmt: skip
    return (done.stderr + done.stdout).strip()


def stop(layout: Layout, programs: Programs) -> None:
    """Stop the server, breaking off what it does. Raises ServerNotStopped after STOP_SECONDS."""
    programs.run(
        "pg_ctl", "stop", "-D", layout.data, "-s", "-w", "-t", str(STOP_SECONDS), "-m", "fast"
    )
    if postmaster(layout) is not None:
        raise ServerNotStopped


def clients(layout: Layout, programs: Programs, socket: Path) -> int:
    """How many clients are connected; 0 where the server does not say."""
    try:
        password = read_passwords(layout)[SUPERUSER]
    except HomeUnusable:
        return 0
    done = programs.run(
        "psql", "-XAtqw", "-h", socket, "-p", str(PORT), "-U", SUPERUSER, "-d", SUPERUSER,
        "-c", CLIENTS_SQL, extra={"PGPASSWORD": password, "PGCONNECT_TIMEOUT": "5"},
    )  # fmt: skip
    return int(done.stdout) if done.returncode == 0 else 0


def newest_log(layout: Layout) -> Path:
    """The log written last, or the folder of the logs where there is none."""
    logs = list(layout.log.glob("*.log"))
    return max(logs, key=lambda path: path.stat().st_mtime, default=layout.log)


def log_tail(layout: Layout, since: float) -> str:
    """The last lines of each log touched since a POSIX time."""
    lines: list[str] = []
    for path in sorted(layout.log.glob("*.log")):
        if path.stat().st_mtime >= since - 1:
            text = path.read_text(encoding="utf-8", errors="replace")
            lines += text.splitlines()[-LINES_SHOWN:]
    return "\n".join(lines)
