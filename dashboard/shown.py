"""What one session shows, without Panel: the view, its page of items, the open item, the news.

Work goes through `run`, which may use another thread, so every answer is checked against the
generation of its question: an answer that has been overtaken is dropped.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from uuid import uuid4

import param

from dashboard.door import Door, First, Listing, Opened
from dashboard.draft import Draft
from dashboard.running import Run
from dashboard.view import View
from dashboard.wording import GONE, LEFT_OUT, sentence, told
from workqueue.accounts import UserRow
from workqueue.dossier import FieldValue
from workqueue.errors import (
    BadInput,
    NoSuchItem,
    Refusal,
)
from workqueue.inbox import Choices, Filter
from workqueue.lifecycle import Verb

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Notice:
    """A line for the viewer; `kind` is good, warn or bad."""

    kind: str
    words: str

    def __post_init__(self) -> None:
        """Begin with a capital."""
        object.__setattr__(self, "words", sentence(self.words))


@dataclass(frozen=True)
class Conflict:
    """A save that came too late: why, and each typed value beside then and now."""

    words: str
    lines: tuple[tuple[str, str | None, str | None, str], ...]


class Shown(param.Parameterized):
    """What one session shows. Everything is set on the event loop, never in a thread."""

    view = param.ClassSelector(class_=View, default=View())
    user = param.ClassSelector(class_=UserRow, default=None)
    choices = param.ClassSelector(class_=Choices, default=None)
    listing = param.ClassSelector(class_=Listing, default=None)
    rows = param.ClassSelector(class_=tuple, default=())
    marks = param.Dict({}, doc="What happened to a row since it was listed")
    fresh = param.Integer(0, doc="Items that have come into the view and wait unseen")
    first = param.Integer(1, allow_None=True, doc="Number of the first row; None: open")
    opened = param.ClassSelector(class_=Opened, default=None)
    missing = param.String("", doc="Why the asked item is not shown")
    notice = param.ClassSelector(class_=Notice, default=None)
    conflict = param.ClassSelector(class_=Conflict, default=None)
    called = param.ClassSelector(class_=tuple, default=None, doc="Records of the number typed")
    busy = param.Boolean(False, doc="An act is under way")

    def __init__(self, door: Door, run: Run) -> None:
        super().__init__()
        self.door = door
        self.draft = Draft()
        self._run = run
        self._asked = {"list": 0, "item": 0, "called": 0}
        # Answers that were read before they are asked for: by the page's first request.
        self._given: dict[str, Any] = {}
        self._drafts: dict[int, dict[str, Any]] = {}
        self._request_id = uuid4()
        self._last: Verb | None = None
        self._moved_on: tuple[float, Verb | None] = (0.0, None)
        self._fresh_ids: set[int] = set()
        # The version that the viewer's own last act has brought its item to.
        self._reached: dict[int, int] = {}

    # ------------------------------------------------------------------ what is shown

    def start(self, query: str = "", first: First | None = None) -> None:
        """Load everything for the first time, as a link says; `first` has been read already."""
        if first is not None and first.query == query:
            self._given = {"list": first.listing, "item": first.opened}
            self.param.update(user=first.user, choices=first.choices)
            self.follow(query)
            return
        self.follow(query)
        self._ask(self.door.choices, lambda found: setattr(self, "choices", found))
        if not self.door.read_only:
            self._ask(self.door.user, lambda found: setattr(self, "user", found))

    def follow(self, query: str) -> None:
        """Show what a link says; parts of it that cannot be used are told and left out."""
        view, wrong = View.parse(query)
        if wrong:
            self.notice = Notice("warn", f"{LEFT_OUT} {' '.join(wrong)}")
        self._show(view)

    def look(self, **changes: Any) -> None:
        """Change the filter or the order, and show the first page of it."""
        self.notice = None
        self._show(self.view.first_page(**changes))

    def search(self, text: str) -> None:
        """Search for a name or an NPI; a text that cannot be searched for is told."""
        if text.strip() == (self.view.text or ""):
            return
        try:
            sought = Filter(text=text).text
        except BadInput as refusal:
            self.notice = Notice("warn", str(refusal))
            return
        self.look(text=sought)

    def chips(self) -> tuple[tuple[str, str], ...]:
        """What the view is filtered by beyond the default: a name for `drop`, and words."""
        view = self.view
        said = [("text", f"“{view.text}”")] if view.text else []
        said += [("rule", self._title(view.rule))] if view.rule else []
        said += [("assignee", told("held_by", who=view.assignee))] if view.assignee else []
        said += [("state", view.state)] if view.state else []
        return tuple(said)

    def _title(self, rule: str) -> str:
        rules = self.choices.rules if self.choices else ()
        return next((each.title for each in rules if each.id == rule), rule)

    def drop(self, name: str) -> None:
        """Take one condition out of the filter."""
        if name in dict(self.chips()):
            self.look(**{name: None})

    def clear(self) -> None:
        """Go back to the default filter."""
        self._show(self.view.cleared())

    def turn(self, way: str) -> None:
        """Turn to the first, previous, next or last page."""
        if self.listing is None:
            return
        page, rows, first = self.listing.page, len(self.rows), self.first
        start: int | None = 1
        view = self.view.first_page()
        if way == "next" and page.next:
            view, start = replace(view, after=page.next), first and first + rows
        elif way == "previous" and page.previous:
            size = self.door.settings.page_size
            view, start = replace(view, before=page.previous), first and max(1, first - size)
        elif way == "last":
            count = self.listing.count
            view = replace(view, last=True)
            start = None if count.capped else 0
        elif way != "first":
            return
        self._show(view, first=start)

    def refresh(self) -> None:
        """Show the same page as it is now."""
        self._list(self.view, self.first)

    def open(self, item_id: int | None) -> None:
        """Show an item, or none. What is typed about another one is kept."""
        if item_id == self.view.item and self.opened is not None:
            return
        self._keep_draft()
        self.view = replace(self.view, item=item_id)
        self._read_item()

    def step(self, by: int) -> None:
        """Open the row `by` places further down; at the end, turn the page."""
        ids = [row.id for row in self.rows]
        if not ids:
            return
        if self.view.item not in ids:
            self.open(ids[0 if by > 0 else -1])
            return
        place = ids.index(self.view.item) + by
        if 0 <= place < len(ids):
            self.open(ids[place])

    def _show(self, view: View, *, first: int | None = 1) -> None:
        item_changed = view.item != self.view.item
        if item_changed:
            self._keep_draft()
        self.view = view
        self._list(view, first)
        if item_changed or self.opened is None:
            self._read_item()

    def _list(self, view: View, first: int | None) -> None:
        def shown(listing: Listing) -> None:
            rows, count = listing.page.rows, listing.count
            start = count.value - len(rows) + 1 if first == 0 else first
            if not listing.page.has_previous:
                start = 1
            self._fresh_ids.clear()
            self.param.update(
                listing=listing, rows=rows, marks={}, fresh=0, first=start if rows else 1
            )

        def failed(error: Exception) -> None:
            plain = View(item=view.item, order=view.order)
            if not isinstance(error, Refusal) or view == plain:
                self._failed(error)
                return
            self.notice = Notice("warn", f"{error} The filter was cleared.")
            self._show(plain)

        self._ask(lambda: self.door.listing(view), shown, failed, kind="list")

    def _read_item(self) -> None:
        item_id = self.view.item
        self._asked["item"] += 1
        if item_id is None:
            self.param.update(opened=None, missing="", conflict=None)
            return

        def shown(found: Opened) -> None:
            if self.opened is None or self.opened.dossier.item.id != item_id:
                # Before the item is shown, so that its form never holds another one's texts.
                self._request_id = uuid4()
                self.draft.load(self._drafts.pop(item_id, None))
                self.conflict = None
            self._tell_if_taken(found)
            self.param.update(opened=found, missing="")

        def failed(error: Exception) -> None:
            if isinstance(error, NoSuchItem):
                self.param.update(opened=None, missing=GONE.format(id=item_id))
                return
            self._failed(error)

        self._ask(lambda: self.door.item(item_id), shown, failed, kind="item")

    def _tell_if_taken(self, found: Opened) -> None:
        # Whose claim somebody else has ended is told by whom: the form changes under their hands.
        before, newest = self.opened, found.dossier.history[:1]
        item = found.dossier.item
        if before is None or before.dossier.item.id != item.id or not before.mine or found.mine:
            return
        if newest and newest[0].who != self.door.actor.username:
            who = "the system" if newest[0].who == "system" else newest[0].who
            self.notice = Notice("warn", told("taken_away", who=who, id=item.id))

    def _keep_draft(self) -> None:
        if self.opened is None:
            return
        item_id = self.opened.dossier.item.id
        if self.draft.typed:
            self._drafts[item_id] = self.draft.texts()
        else:
            self._drafts.pop(item_id, None)

    def fields(self) -> dict[str, FieldValue]:
        """The attributes of the open item's record, by name."""
        if self.opened is None:
            return {}
        return {one.field: one for group in self.opened.dossier.groups for one in group.fields}

    # ------------------------------------------------------------------ how work is done

    def _ask(
        self,
        work: Callable[[], Any],
        then: Callable[[Any], None],
        failed: Callable[[Exception], None] | None = None,
        *,
        kind: str | None = None,
    ) -> None:
        # Answers of one kind count only while no later question of it has been asked.
        generation = 0
        if kind is not None:
            self._asked[kind] += 1
            generation = self._asked[kind]
            given = self._given.pop(kind, None)
            if given is not None:
                then(given)
                return

        def current() -> bool:
            return kind is None or self._asked[kind] == generation

        self._run(
            work,
            lambda answer: then(answer) if current() else None,
            lambda error: (failed or self._failed)(error) if current() else None,
        )

    def _failed(self, error: Exception) -> None:
        self.busy = False
        if isinstance(error, Refusal):
            self.notice = Notice("bad", str(error))
            return
        number = secrets.token_hex(4)
        log.error("error %s of %s", number, self.door.actor.username, exc_info=error)
        self.notice = Notice("bad", told("unforeseen", number=number))
