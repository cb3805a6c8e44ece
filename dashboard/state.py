"""The state of one session, without Panel: what is shown, what is typed, what is under way.

Viewers watch its params and call its methods; it is their only door to the data layer.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from uuid import uuid4

from dashboard.acts import Done, Request
from dashboard.door import Opened
from dashboard.others import Others
from dashboard.shown import Conflict, Notice
from dashboard.wording import sentence, told
from workqueue.dossier import Named
from workqueue.errors import (
    HeldByAnother,
    IllegalTransition,
    LeaseExpired,
    NothingToClaim,
    Refusal,
    StaleVersion,
)
from workqueue.lifecycle import CLOSED, Status, Verb

# A second click of a double click must not act on the item that came up meanwhile.
SETTLING_SECONDS: Final = 0.4
_LOST: Final = (StaleVersion, LeaseExpired, HeldByAnother, IllegalTransition)


class State(Others):
    """What one session shows and does. Everything is set on the event loop, never in a thread."""

    def take_next(self) -> None:
        """Claim the next item of the view and open it."""
        if self.busy:
            return
        view, request_id = self.view, uuid4()
        self.busy = True

        self._ask(lambda: self.door.take_next(view, request_id), self._taken, self._not_done)

    def _taken(self, item_id: int) -> None:
        self.busy = False
        self._moved_on = (time.monotonic(), self._last)
        self.open(item_id)
        self._refresh_rows()

    def claim(self) -> None:
        """Take the open item."""
        self._act(Verb.CLAIM)

    def save(self, *, resolve: bool = False) -> None:
        """Save the corrections typed; with `resolve`, also close the item where they cure it."""
        changes = self.draft.changes(self.fields())
        if not changes:
            if resolve:
                self.decide(Verb.RESOLVE)
            else:
                self._comment_or_say()
            return
        details: dict[str, Any] = {"changes": changes, "verified_how": self.draft.verified.strip()}
        self._act(
            Verb.FIELD_UPDATE,
            details,
            then=self._resolve_if_cured if resolve else self._comment_too,
        )

    def _comment_or_say(self) -> None:
        if self.draft.comment.strip():
            self.comment()
        else:
            self.notice = Notice("warn", told("nothing_typed"))

    def comment(self) -> None:
        """Add the comment typed to the item's history."""
        self._act(Verb.COMMENT, {"text": self.draft.comment}, then=self._saved)

    def decide(self, verb: Verb) -> None:
        """Resolve, reject, release or reopen, with what is typed as the note or reason."""
        texts = {
            Verb.RESOLVE: {"note": self.draft.comment},
            Verb.REJECT: {"reason": self.draft.comment},
            Verb.REOPEN: {"reason": self.draft.comment},
        }
        if verb in {Verb.REJECT, Verb.REOPEN} and not self.draft.comment.strip():
            self.notice = Notice("warn", told("reason_needed", verb=verb))
            return
        unsaved = self.draft.changes(self.fields())
        if unsaved and verb in {Verb.RESOLVE, Verb.REJECT, Verb.RELEASE}:
            self.notice = Notice("warn", told("unsaved"))
            return
        self._act(verb, texts.get(verb, {}), then=self._went_on)

    def look_up(self, number: str) -> None:
        """See whose record is meant by the number typed as a duplicate's."""
        if not number.strip():
            self._asked["called"] += 1
            self.called = None
            return

        def found(records: tuple[Named, ...]) -> None:
            self.called = records

        self._ask(lambda: self.door.records_called(number), found, kind="called")

    def mark_duplicate(self) -> None:
        """Say that the record is the same as the one whose number or NPI is typed."""
        if self.busy:
            return
        number = self.draft.duplicate_of
        self.busy = True

        def found(records: tuple[Named, ...]) -> None:
            self.busy, self.called = False, records
            if len(records) != 1:
                key = "record_many" if records else "record_needed"
                self.notice = Notice("warn", told(key))
                return
            details = {"of_provider_id": records[0].provider_id, "note": self.draft.comment}
            self._act(Verb.MARK_DUPLICATE, details, then=self._saved)

        self._ask(lambda: self.door.records_called(number), found, self._not_done)

    def assign(self, username: str) -> None:
        """Give the open item to somebody."""
        self._act(Verb.ASSIGN, {"to": username}, then=self._saved)

    def set_priority(self, priority: int) -> None:
        """Change the priority of the open item."""
        self._act(Verb.SET_PRIORITY, {"priority": priority}, then=self._saved)

    def active(self) -> None:
        """The viewer is at work: the login stays, and so does the claim on the open item."""
        opened = self.opened
        if opened is None or not opened.mine:
            self._ask(self.door.stay, lambda _nothing: None)
            return
        item_id = opened.dossier.item.id

        def renewed(left: Any) -> None:
            if self.opened is not None and self.opened.dossier.item.id == item_id:
                self.opened = replace(self.opened, left=left)

        self._ask(lambda: self.door.renew(item_id), renewed, lambda _error: self._read_item())

    def lapsed(self) -> None:
        """The viewer's claim has ended by the browser's clock: look, and say so."""
        if self.opened is not None and self.opened.mine:
            self.notice = Notice("warn", told("claim_ended"))
            self._read_item()
            self._refresh_rows()

    def explain(self, verb: Verb) -> None:
        """Say why `verb` is not possible with the open item now."""
        if self.opened is not None:
            item = self.opened.dossier.item
            self.notice = Notice(
                "warn", told("not_now", verb=verb, id=item.id, why=self._why(verb))
            )

    def _why(self, verb: Verb) -> str:
        if self.opened is None:
            return ""
        item, mine = self.opened.dossier.item, self.opened.mine
        if item.status in CLOSED:
            return told("closed", status=item.status.lower())
        if verb is Verb.CLAIM and mine:
            return told("yours")
        if item.status == Status.IN_PROGRESS and not mine:
            return told("held", who=item.assigned_to)
        return told("claim_first")

    def _second_click(self, verb: Verb) -> bool:
        # Of a double click, whose first has brought up another item meanwhile.
        moved, last = self._moved_on
        return verb is last and time.monotonic() < moved + SETTLING_SECONDS

    def _act(
        self,
        verb: Verb,
        details: Mapping[str, Any] | None = None,
        then: Callable[[Done], None] | None = None,
    ) -> None:
        opened = self.opened
        if opened is None or self.busy or self._second_click(verb):
            return
        item = opened.dossier.item
        # What the viewer did a moment ago has not been read back yet.
        version = max(item.version, self._reached.get(item.id, 0))
        request = Request(verb, item.id, version, self._request_id, details or {})
        self.busy, self._last = True, verb

        def done(outcome: Done) -> None:
            self.busy = False
            self._reached = {outcome.item_id: outcome.version}
            self._request_id = uuid4()
            self.conflict = None
            kind = "warn" if outcome.cured is False else "good"
            self.notice = Notice(kind, outcome.words)
            (then or self._stay)(outcome)

        self._ask(lambda: self.door.act(request), done, self._not_done)

    def _stay(self, outcome: Done) -> None:
        del outcome
        self._read_item()
        self._refresh_rows()

    def _saved(self, outcome: Done) -> None:
        emptied: dict[str, Any] = {"comment": ""}
        if outcome.verb is Verb.FIELD_UPDATE:
            emptied = {"values": {}, "verified": ""}
        elif outcome.verb is Verb.MARK_DUPLICATE:
            emptied["duplicate_of"] = ""
        self.draft.param.update(**emptied)
        self._stay(outcome)

    def _comment_too(self, outcome: Done) -> None:
        self.draft.param.update(values={}, verified="")
        if self.draft.comment.strip():
            self._after(outcome, Verb.COMMENT, {"text": self.draft.comment}, self._saved)
        else:
            self._stay(outcome)

    def _resolve_if_cured(self, outcome: Done) -> None:
        self.draft.param.update(values={}, verified="")
        if outcome.cured:
            self._after(outcome, Verb.RESOLVE, {"note": self.draft.comment}, self._went_on)
        else:
            self._stay(outcome)

    def _after(
        self,
        first: Done,
        verb: Verb,
        details: Mapping[str, Any],
        then: Callable[[Done], None],
    ) -> None:
        # A second act on the same item, which the first one has just brought up to date.
        request = Request(verb, first.item_id, None, uuid4(), details)
        self.busy, self._last = True, verb

        def done(second: Done) -> None:
            self.busy = False
            self._reached = {second.item_id: second.version}
            kind = "warn" if first.cured is False else "good"
            said = first.words.split(". ")[0] + "." if verb is Verb.RESOLVE else first.words
            self.notice = Notice(kind, f"{said} {second.words}")
            then(second)

        self._ask(lambda: self.door.act(request), done, self._not_done)

    def _went_on(self, outcome: Done) -> None:
        if outcome.verb is Verb.RELEASE:
            # A release takes no text: what is typed stays.
            if self.draft.comment.strip():
                self.notice = Notice("warn", f"{outcome.words} {told('comment_stays')}")
            self._stay(outcome)
            return
        self.draft.load(None)
        self._drafts.pop(outcome.item_id, None)
        self._refresh_rows()
        if outcome.verb in {Verb.RESOLVE, Verb.REJECT}:
            view, request_id = self.view, uuid4()
            self._ask(
                lambda: self.door.take_next(view, request_id),
                self._taken,
                self._nothing_next,
            )
        else:
            self._read_item()

    def _nothing_next(self, error: Exception) -> None:
        if not isinstance(error, NothingToClaim):
            self._failed(error)
            return
        words = self.notice.words if self.notice else ""
        self.notice = Notice("good", f"{words} {told('nothing_left')}".strip())
        self._read_item()

    def _not_done(self, error: Exception) -> None:
        self.busy = False
        self._request_id = uuid4()
        if isinstance(error, _LOST) and self.opened is not None and self.draft.typed:
            self._too_late(error)
        elif isinstance(error, _LOST) and self.opened is not None:
            self.notice = Notice("bad", str(error))
            self._read_item()
            self._refresh_rows()
        else:
            self._failed(error)

    def _too_late(self, error: Refusal) -> None:
        before = self.fields()
        item_id = self.view.item
        typed = dict(self.draft.values)
        if item_id is None:
            return

        def compared(found: Opened) -> None:
            self.opened = found
            now = self.fields()
            lines = tuple(
                (now[name].label, before[name].value, now[name].value, text)
                for name, text in typed.items()
                if name in now and name in before
            )
            self.conflict = Conflict(sentence(str(error)), lines)
            self._refresh_rows()

        self._ask(lambda: self.door.item(item_id), compared, self._failed, kind="item")
