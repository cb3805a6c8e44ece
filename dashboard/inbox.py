"""The inbox: search, one page of items in a Tabulator, and the pager. Holds one page only."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import pandas as pd
import panel as pn
import param

from dashboard.door import COUNTED
from dashboard.look import css
from dashboard.markup import markup
from dashboard.state import State
from dashboard.wording import DASH, ORDER, STATUS, age
from workqueue.inbox import InboxRow, Order
from workqueue.lifecycle import Status

_TITLES: Final = {
    "pri": "Pri",
    "item": "Item",
    "provider": "Provider",
    "problem": "Problem",
    "state": "State",
    "age": "Age",
    "status": "Status",
}
_WIDTHS: Final = {"pri": 52, "item": 76, "state": 58, "age": 60, "status": 128}
# Which column goes first where there is no room (the highest), and the least width of each.
_NARROW: Final = {
    "pri": (0, 52),
    "item": (4, 76),
    "provider": (0, 190),
    "problem": (0, 190),
    "state": (3, 58),
    "age": (2, 60),
    "status": (1, 128),
}
_STATUS: Final = {**STATUS, Status.IN_PROGRESS.value: "In progress"}
_SORTS: Final = {
    "pri": (Order.PRIORITY, Order.PRIORITY_REVERSED),
    "age": (Order.OLDEST, Order.NEWEST),
}


class Inbox(pn.viewable.Viewer):
    """The list of work items of the view."""

    def __init__(self, state: State, *, served: bool = True, **params: Any) -> None:
        super().__init__(**params)
        self._state = state
        self._served = served
        control = [css("controls")]
        self.search = pn.widgets.TextInput(
            label="Search",
            placeholder="Name or NPI",
            css_classes=["wq-search"],
            stylesheets=control,
            width=210,
            margin=0,
        )
        self.order = pn.widgets.Select(
            label="Order",
            options={words: order for order, words in ORDER.items()},
            css_classes=["wq-order"],
            stylesheets=control,
            width=150,
            margin=0,
        )
        self.next_item = pn.widgets.Button(
            visible=not state.door.read_only,
            label="Next item\u2002N",
            color="primary",
            stylesheets=control,
            css_classes=["wq-next"],
            margin=0,
        )
        self.tools = pn.pane.HTML("", stylesheets=[css("bar")], css_classes=["wq-tools"], margin=0)
        self.table = pn.widgets.Tabulator(
            _frame((), {}, None),
            show_index=False,
            disabled=True,
            selectable=1,
            sortable=False,
            titles=_TITLES,
            widths=_WIDTHS,
            text_align={"pri": "left", "item": "right", "age": "right"},
            header_align={"item": "right", "age": "right"},
            layout="fit_columns",
            theme="simple",
            stylesheets=[css("table")],
            css_classes=["wq-table"],
            sizing_mode="stretch_width",
            margin=0,
            configuration={
                "columnDefaults": {"resizable": False},
                "placeholder": "",
                "movableColumns": False,
                "renderVertical": "basic",
                # Where there is no room for all, the columns of least use go first.
                "responsiveLayout": "hide",
                "columns": [
                    {"field": name, "responsive": rank, "minWidth": width}
                    for name, (rank, width) in _NARROW.items()
                ],
            },
        )
        self.nothing = pn.pane.HTML(
            "", stylesheets=[css("bar")], sizing_mode="stretch_width", margin=0, visible=False
        )
        self.foot = pn.pane.HTML("", stylesheets=[css("bar")], css_classes=["wq-foot"], margin=0)
        self._turns = {
            way: pn.widgets.Button(
                label=name, stylesheets=control, css_classes=["wq-turn"], margin=0, disabled=True
            )
            for way, name in (
                ("first", "« First"),
                ("previous", "‹ Prev"),
                ("next", "Next ›"),
                ("last", "Last »"),
            )
        }
        self._act()
        self._watch()

    def _act(self) -> None:
        state = self._state
        self.search.param.watch(self._search, "value")
        self.order.param.watch(self._order, "value")
        self.next_item.on_click(lambda _event: state.take_next())
        for way, button in self._turns.items():
            button.on_click(partial(self._turn, way))

    def _search(self, event: param.parameterized.Event) -> None:
        self._state.search(event.new)
        # Where it was refused, the box says again what the list shows.
        self.search.value = self._state.view.text or ""

    def _turn(self, way: str, _event: param.parameterized.Event) -> None:
        self._state.turn(way)

    def _watch(self) -> None:
        state = self._state
        state.param.watch(self._show_rows, ["rows", "marks"])
        state.param.watch(self._show_place, ["listing", "fresh", "first"])
        state.param.watch(self._show_view, ["view", "user"])
        state.param.watch(self._select, ["view"])

    def sort(self, column: str) -> None:
        """Order by a column, or the other way round where it is ordered by it already."""
        orders = _SORTS.get(column)
        if orders:
            self._state.look(order=orders[self._state.view.order is orders[0]])

    def _order(self, event: param.parameterized.Event) -> None:
        if event.new is not self._state.view.order:
            self._state.look(order=event.new)

    def _show_rows(self, *_events: param.parameterized.Event) -> None:
        me = self._state.door.actor.username
        self.table.value = _frame(self._state.rows, self._state.marks, me)
        self._select()

    def _select(self, *_events: param.parameterized.Event) -> None:
        ids = [row.id for row in self._state.rows]
        item = self._state.view.item
        self.table.selection = [ids.index(item)] if item in ids else []

    def _show_place(self, *_events: param.parameterized.Event) -> None:
        listing, rows, first = self._state.listing, self._state.rows, self._state.first
        if listing is None:
            return
        count = listing.count
        total = f"more than {COUNTED:,}" if count.capped else f"{count.value:,}"
        said = ""
        if rows and first:
            said = f"{first:,} to {first + len(rows) - 1:,} of {total}"
        elif rows:
            said = f"{len(rows)} of {total}"
        self.foot.object = markup("foot", said=said, fresh=self._state.fresh, empty=not rows)
        self.nothing.object = markup("nothing", narrowed=self._state.view.narrowed)
        self.nothing.visible = not rows
        self.table.visible = bool(rows)
        for way, button in self._turns.items():
            back = way in {"first", "previous"}
            button.disabled = not (listing.page.has_previous if back else listing.page.has_next)

    def _show_view(self, *_events: param.parameterized.Event) -> None:
        view, user = self._state.view, self._state.user
        self.search.value = view.text or ""
        self.order.value = view.order
        self.table.titles = {**_TITLES, **_arrow(view.order)}
        self.tools.object = markup(
            "tools",
            chips=self._state.chips(),
            export=view.first_page(item=None).query()
            if user is not None and self._served and self._state.door.may_export(user)
            else None,
        )

    def __panel__(self) -> pn.viewable.Viewable:
        layout = [css("layout")]
        return pn.Column(
            pn.Row(
                self.search,
                self.tools,
                self.order,
                self.next_item,
                css_classes=["wq-bar"],
                stylesheets=layout,
                sizing_mode="stretch_width",
                margin=0,
            ),
            pn.Column(
                self.table,
                self.nothing,
                css_classes=["wq-rows"],
                stylesheets=layout,
                sizing_mode="stretch_width",
                margin=0,
            ),
            pn.Row(
                self.foot,
                *self._turns.values(),
                css_classes=["wq-pager"],
                stylesheets=layout,
                sizing_mode="stretch_width",
                margin=0,
            ),
            css_classes=["wq-inbox"],
            stylesheets=layout,
            sizing_mode="stretch_width",
            margin=0,
        )


def _frame(rows: tuple[InboxRow, ...], marks: Any, me: str | None) -> pd.DataFrame:
    now = datetime.now(UTC)
    lines = [
        (
            f"P{row.priority}",
            str(row.id),
            row.provider,
            row.title,
            row.state or DASH,
            age(row.created_at, now),
            marks.get(row.id) or _standing(row, me),
        )
        for row in rows
    ]
    return pd.DataFrame(lines, columns=list(_TITLES), dtype=object)


def _arrow(order: Order) -> dict[str, str]:
    # In which column the order is seen, and which way round.
    column = "pri" if order in _SORTS["pri"] else "age"
    falls = order in {Order.PRIORITY_REVERSED, Order.OLDEST}
    return {column: f"{_TITLES[column]} {'▾' if falls else '▴'}"}


def _standing(row: InboxRow, me: str | None) -> str:
    who = "you" if row.assigned_to == me else row.assigned_to
    said = "Cured" if row.cured else _STATUS[row.status]
    return f"{said}, {who}" if who else said
