"""The desk's way into the data layer: what a session reads and does, as plain functions.

Each call is one short transaction; nothing is kept between calls. The data layer checks every
right itself: nothing here protects anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from dashboard.acts import ACTS, Done, Request, Viewer
from dashboard.view import View
from workqueue import accounts, inbox, verbs
from workqueue.accounts import Actor, UserRow
from workqueue.database import Database
from workqueue.dossier import Dossier, Named, dossier, records_called
from workqueue.errors import (
    BadInput,
    HeldByAnother,
    IllegalTransition,
    NothingToClaim,
    StaleVersion,
)
from workqueue.fields import BY_NAME
from workqueue.inbox import Choices, Count, InboxRow, Order, Page
from workqueue.lifecycle import DUTIES, Duty, Status, Verb
from workqueue.settings import Settings
from workqueue.values import parse

COUNTED: Final = 10_000
_TRIES: Final = 50
_DOMESTIC: Final = frozenset({None, "US", "USA", "UNITED STATES"})


@dataclass(frozen=True)
class Listing:
    """A page of the inbox and how many items match, counted up to 10,000."""

    page: Page
    count: Count
    view: View


@dataclass(frozen=True)
class Opened:
    """An item with its record, and what the viewer may do with it at this moment.

    `left` is the time that the viewer's own claim still has, None where it is not theirs.
    """

    dossier: Dossier
    allowed: frozenset[Verb]
    mine: bool
    left: timedelta | None


@dataclass(frozen=True)
class First:
    """What a page shows first, read before it is made, so that it comes with its rows."""

    query: str
    user: UserRow
    choices: Choices
    listing: Listing
    opened: Opened | None


class Door:
    """The data layer for one viewer. `read_only`: on the analyst's connection."""

    def __init__(
        self, database: Database, actor: Actor, settings: Settings, *, read_only: bool = False
    ) -> None:
        self.database = database
        self.actor = actor
        self.settings = settings
        self.read_only = read_only

    @property
    def lease(self) -> timedelta:
        """How long a claim lasts."""
        return timedelta(minutes=self.settings.lease_minutes)

    def user(self) -> UserRow:
        """The viewer as of now. Raises NoSuchUser, UserDisabled or LoginEnded."""
        return self.database.run(lambda session: accounts.acting(session, self.actor))

    def choices(self) -> Choices:
        """What the filters offer."""
        with self.database.snapshot() as session:
            return inbox.choices(session)

    def listing(self, view: View) -> Listing:
        """The page of a view. Raises BadInput or NoSuchUser for a filter that means nothing."""
        wanted = view.filter(self.actor.username)
        with self.database.snapshot() as session:
            page = inbox.page(
                session,
                wanted,
                size=self.settings.page_size,
                order=view.order,
                after=view.after,
                before=view.before,
                last=view.last,
            )
            return Listing(page, inbox.count(session, wanted, cap=COUNTED), view)

    def first(self, query: str) -> First:
        """All that the page of a link shows first. Raises a Refusal where a part is missing."""
        view, _ = View.parse(query)
        opened = self.item(view.item) if view.item is not None else None
        return First(query, self.user(), self.choices(), self.listing(view), opened)

    def rows(self, ids: Sequence[int]) -> tuple[InboxRow, ...]:
        """The present lines of some items."""
        with self.database.snapshot() as session:
            return inbox.rows(session, ids)

    def matching(self, view: View, ids: Sequence[int]) -> set[int]:
        """Which of the items belong to the view now."""
        with self.database.snapshot() as session:
            return inbox.matching(session, view.filter(self.actor.username), ids)

    def item(self, item_id: int) -> Opened:
        """One item and what the viewer may do with it. Raises NoSuchItem."""
        with self.database.snapshot() as session:
            found = dossier(session, item_id)
            if self.read_only:
                return Opened(found, frozenset(), mine=False, left=None)
            allowed = verbs.allowed(session, self.actor, item_id)
        item = found.item
        # Only whoever holds an item under a live claim may resolve it.
        mine = Verb.RESOLVE in allowed
        left = None
        if mine and item.lease_expires_at is not None:
            left = max(item.lease_expires_at - datetime.now(UTC), timedelta(0))
        return Opened(found, allowed, mine, left)

    def records_called(self, number: str) -> tuple[Named, ...]:
        """The records that have this number or this NPI."""
        return self.database.run(lambda session: records_called(session, number))

    def take_next(self, view: View, request_id: UUID) -> int:
        """Claim the next item of the view that nobody holds. Raises NothingToClaim."""
        wanted = view.first_page(item=None)
        plain = View(queue_types=wanted.queue_types, rule=wanted.rule, order=wanted.order)
        if wanted == plain and wanted.order is Order.PRIORITY:
            return verbs.claim_next_at_once(
                self.database,
                actor=self.actor,
                lease=self.lease,
                queue_types=wanted.queue_types or None,
                rule_ids=(wanted.rule,) if wanted.rule else None,
                request_id=request_id,
            ).id
        return self._next_of(wanted, request_id)

    def _next_of(self, view: View, request_id: UUID) -> int:
        # The queue's own statement narrows by type and rule only; any other filter is walked.
        open_ones = view.first_page(statuses=(Status.OPEN.value,))
        with self.database.snapshot() as session:
            found = inbox.page(
                session,
                open_ones.filter(self.actor.username),
                size=_TRIES,
                order=open_ones.order,
            )
        for row in found.rows:
            if row.cured:
                continue
            try:
                self._claim(row.id, row.version, request_id)
            except (HeldByAnother, IllegalTransition, StaleVersion):
                continue
            return row.id
        raise NothingToClaim("nothing in this view waits for a reviewer; change the filter.")

    def _claim(self, item_id: int, version: int | None, request_id: UUID) -> None:
        self.database.run(
            lambda session: verbs.claim(
                session,
                item_id,
                actor=self.actor,
                lease=self.lease,
                expected_version=version,
                request_id=request_id,
            )
        )

    def stay(self) -> None:
        """Note that the viewer's login session is in use."""
        login = self.actor.login
        if login is not None:
            self.database.run(lambda session: accounts.touch(session, login))

    def renew(self, item_id: int) -> timedelta:
        """Extend the viewer's claim; how long it lasts from now. Raises where it is not theirs."""
        self.stay()
        self.database.run(
            lambda session: verbs.renew(session, item_id, actor=self.actor, lease=self.lease)
        )
        return self.lease

    def act(self, request: Request) -> Done:
        """Do what was asked for. Raises the Refusal of the verb; nothing was changed then."""
        viewer = Viewer(self.actor, self.lease)
        return self.database.run(lambda session: ACTS[request.verb](session, viewer, request))

    def may_export(self, user: UserRow) -> bool:
        """Whether the viewer's role includes exports."""
        return not self.read_only and Duty.EXPORT in DUTIES[user.role]


def fault(field_name: str, text: str, *, country: str | None = None) -> str | None:
    """What is wrong with a typed value, in words; None where it can be saved."""
    try:
        parse(BY_NAME[field_name], text, domestic=country in _DOMESTIC)
    except BadInput as refusal:
        return str(refusal)
    return None
