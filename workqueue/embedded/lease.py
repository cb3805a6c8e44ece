"""Sharing one server among processes: a lease for each, and the last one out stops it."""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from urllib.parse import quote

from workqueue.embedded import cluster, server
from workqueue.embedded.layout import (
    PORT,
    Layout,
    gate,
    make_home,
    nobody_uses,
    prepare,
    share_lease,
)
from workqueue.embedded.programs import server_programs, server_user
from workqueue.embedded.refusals import HomeUnusable, in_words
from workqueue.errors import Refusal

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Urls:
    """SQLAlchemy addresses of the database, one for each role; they hold passwords."""

    superuser: str = field(repr=False)
    owner: str = field(repr=False)
    app: str = field(repr=False)
    analyst: str = field(repr=False)


@dataclass(frozen=True)
class Stopped:
    """Whether there was a server to stop, and how many clients it cut off. True if there was."""

    was_running: bool
    clients: int

    def __bool__(self) -> bool:
        return self.was_running


@dataclass(frozen=True)
class Status:
    """What is known of a home folder without starting anything.

    `major` is the version that made the data, None where there is none; `pid` and `socket` are
    None while the server is down; `log` is the newest log file or the folder for logs.
    """

    running: bool
    major: int | None
    pid: int | None
    data: Path
    socket: Path | None
    log: Path


class Lease:
    """The right to use the server of one home folder; get one by `acquire`.

    It ends with `release`, with the `with` block, or with the process, however that ends. A forked
    child shares it: the server stays for as long as either lives.
    """

    def __init__(self, layout: Layout, options: Mapping[str, str]) -> None:
        self._layout = layout
        self._options = dict(options)
        self._pid = os.getpid()
        self._lock: int | None = None
        self._socket = layout.run
        with gate(layout):
            self._lock = share_lease(layout)
            try:
                self._start()
            except BaseException:
                self._let_go()
                raise
        atexit.register(self._release_at_exit)

    @property
    def home(self) -> Path:
        """The home folder, links resolved."""
        return self._layout.home

    @property
    def urls(self) -> Urls:
        """The addresses as of the last start; `ensure_running` may renew them."""
        passwords = cluster.read_passwords(self._layout)
        host = quote(str(self._socket), safe="")

        def address(role: str) -> str:
            secret = quote(passwords[role], safe="")
            tail = f"{cluster.DATABASE}?host={host}&port={PORT}"
            return f"postgresql+psycopg2://{role}:{secret}@/{tail}"

        roles = (cluster.SUPERUSER, cluster.OWNER, cluster.APP, cluster.ANALYST)
        return Urls(*(address(role) for role in roles))

    def ensure_running(self) -> None:
        """Start the server again where it was killed or stopped by hand; cheap where it runs.

        Raises what `acquire` raises, and HomeUnusable after `release`.
        """
        if self._lock is None:
            raise HomeUnusable("the lease on the embedded PostgreSQL was released; acquire anew.")
        with in_words(self.home):
            found = server.postmaster(self._layout)
            if found is not None and found.usable:
                self._socket = found.socket
                return
            with gate(self._layout):
                self._start()

    def release(self) -> None:
        """Give the lease back; the last one out stops the server. Again: nothing happens."""
        if self._lock is None:
            return
        atexit.unregister(self._release_at_exit)
        if os.getpid() != self._pid or not self.home.exists():
            self._let_go()
            return
        with in_words(self.home):
            try:
                with gate(self._layout):
                    self._let_go()
                    if nobody_uses(self._layout) and server.postmaster(self._layout):
                        user = server_user(self._layout.data)
                        server.stop(self._layout, server_programs(self.home, user))
            finally:
                self._let_go()

    def __enter__(self) -> Lease:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _start(self) -> None:
        layout = self._layout
        user = server_user(layout.data)
        cluster.check_major(layout)
        prepare(layout, user)
        found = server.postmaster(layout)
        if found is None or not found.usable:
            programs = server_programs(layout.home, user)
            if found is None:
                durable = self._options.get("fsync") != "off"
                cluster.ensure(layout, programs, durable)
            found = server.ensure_up(layout, programs, self._options)
        self._socket = found.socket

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _release_at_exit(self) -> None:
        try:
            self.release()
        except Refusal as refusal:
            logger.warning("%s", refusal)


def acquire(home: Path, *, options: Mapping[str, str] | None = None) -> Lease:
    """A lease on the server of `home`, which is made and started where needed.

    `options` are further settings of PostgreSQL; they count only for the one who starts it.
    Raises subclasses of DatabaseUnavailable: NoServerPrograms, NoServerUser, WrongMajor,
    HomeUnusable, HomeFull, HomeBusy, ServerNotStarted; WrongSetting for an impossible option.
    """
    layout = Layout.of(home)
    with in_words(layout.home):
        make_home(layout, server_user())
        return Lease(layout, options or {})


def stop(home: Path) -> Stopped:
    """Stop the server of `home` by hand, even while others use it; they lose their connections.

    Raises ServerNotStopped, HomeBusy, HomeUnusable.
    """
    layout = Layout.of(home)
    with in_words(layout.home):
        if not layout.data.exists():
            return Stopped(was_running=False, clients=0)
        with gate(layout):
            found = server.postmaster(layout)
            if found is None:
                return Stopped(was_running=False, clients=0)
            programs = server_programs(layout.home, server_user(layout.data))
            clients = server.clients(layout, programs, found.socket)
            server.stop(layout, programs)
            return Stopped(was_running=True, clients=clients)


def status(home: Path) -> Status:
    """What is known of `home`; starts and changes nothing. Raises HomeUnusable."""
    layout = Layout.of(home)
    with in_words(layout.home):
        found = server.postmaster(layout)
        return Status(
            running=found is not None,
            major=cluster.major_of(layout.data),
            pid=found.pid if found else None,
            data=layout.data,
            socket=found.socket if found else None,
            log=server.newest_log(layout),
        )
