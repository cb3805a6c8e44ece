"""What the queue refuses, in words.

A refusal names what was asked, why it cannot be done, and what to do next. The class docstring is
the default message, so that a bare ``raise NoSuchUser`` still tells a person something useful.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Denial:
    """Who was denied what: `asked` in JSON's types, `via` how the actor came in."""

    username: str
    via: str
    asked: Mapping[str, Any]


class Refusal(Exception):
    """The request was refused and nothing was changed.

    `denial` is set where somebody wanted what they have no right to: `Database.run` keeps it.
    """

    denial: Denial | None = None

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class WrongSetting(Refusal):
    """A setting has a value that cannot be used; correct the environment variable."""


class DatabaseUnavailable(Refusal):
    """The database cannot be reached; run `workqueue doctor` to see what is wrong."""


class SchemaOutdated(Refusal):
    """The database has an older schema than this version of WorkQueue; run `workqueue migrate`."""


class BadInput(Refusal):
    """A value cannot be used; correct it and try again."""


class TooLong(BadInput):
    """The text is longer than the limit; shorten it."""


class NoSuchItem(Refusal):
    """There is no such work item; `workqueue inbox` lists the items there are."""


class NoSuchUser(Refusal):
    """There is no such user; `workqueue user list` lists them, `workqueue user add` adds one."""


class NoSuchRule(Refusal):
    """There is no such rule; `workqueue rules` lists them."""


class NoSuchProvider(Refusal):
    """There is no such provider record."""


class UserDisabled(Refusal):
    """The user is disabled and may not act; a manager can enable the account again."""


class LoginEnded(Refusal):
    """Your login has ended; sign in again. Nothing was saved."""


class WrongPassword(Refusal):
    """Name and password do not match."""


class TooManyTries(Refusal):
    """There were too many wrong passwords; wait a little and try again."""


class LinkSpent(Refusal):
    """The link was used already, or is too old; ask an admin for a new one."""


class NotAllowed(Refusal):
    """The role does not include this; ask somebody whose role does."""


class IllegalTransition(Refusal):
    """The item's status does not allow this."""


class StaleVersion(Refusal):
    """The item has changed since it was read; read it again and repeat what still applies."""


class HeldByAnother(Refusal):
    """Somebody else holds the item; wait for the release, or take another item."""


class LeaseExpired(Refusal):
    """The lease on the item has ended; claim it again and repeat the act."""


class NothingToClaim(Refusal):
    """No item is waiting that matches."""


class RequestReused(Refusal):
    """The request id was used before for something else; use a new one for a new act."""


class TriedTooOften(Refusal):
    """The database kept refusing because of other work going on; nothing changed, try again."""
