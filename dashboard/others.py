"""What others do meanwhile: their changes to the rows and the item shown, and what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from dashboard.shown import Shown
from dashboard.wording import sentence
from workqueue.feed import Change
from workqueue.inbox import InboxRow
from workqueue.lifecycle import CLOSED, Status


class Others(Shown):
    """What one session shows, kept true while others work. Set on the event loop only."""

    def heard(self, changes: Sequence[Change] | None) -> None:
        """What has happened in the queue, by anybody; None: anything may have changed."""
        if changes is None:
            self._read_item()
            self._refresh_rows()
            return
        latest = {change.item_id: change for change in changes}
        listed = {row.id: row.version for row in self.rows}
        stale = [i for i, change in latest.items() if i in listed and change.seq > listed[i]]
        if stale:
            self._refresh_rows(latest)
        opened = self.opened.dossier.item if self.opened else None
        if opened and opened.id in latest and latest[opened.id].seq > opened.version:
            self._read_item()
        unseen = [i for i in latest if i not in listed and i not in self._fresh_ids]
        if unseen and self.listing is not None:
            self._look_for_fresh(unseen[:1000])

    def _look_for_fresh(self, ids: Sequence[int]) -> None:
        view = self.view

        def found(matching: set[int]) -> None:
            if view.first_page(item=None) == self.view.first_page(item=None):
                self._fresh_ids |= matching
                self.fresh = len(self._fresh_ids)

        self._ask(lambda: self.door.matching(view, ids), found)

    def _refresh_rows(self, latest: Mapping[int, Change] | None = None) -> None:
        ids = [row.id for row in self.rows]
        view = self.view
        if not ids:
            return

        def read() -> tuple[tuple[InboxRow, ...], set[int]]:
            return self.door.rows(ids), self.door.matching(view, ids)

        def shown(found: tuple[tuple[InboxRow, ...], set[int]]) -> None:
            now = {row.id: row for row in found[0]}
            if [row.id for row in self.rows] != ids:
                return
            marks = {i: self._mark(now[i], latest) for i in ids if i in now and i not in found[1]}
            self.param.update(rows=tuple(now.get(row.id, row) for row in self.rows), marks=marks)

        self._ask(read, shown)

    def _mark(self, row: InboxRow, latest: Mapping[int, Change] | None) -> str:
        change = (latest or {}).get(row.id)
        me = self.door.actor.username
        who = "you" if change is None or change.username == me else change.username
        if row.status in CLOSED:
            return sentence(f"{row.status.lower()} by {who}" if change else row.status.lower())
        if row.status == Status.IN_PROGRESS and row.assigned_to:
            return f"Taken by {'you' if row.assigned_to == me else row.assigned_to}"
        return "No longer in this view"
