"""What somebody with a login and Bokeh's own client can try: nothing changes beyond the role.

Widgets are no controls: whatever a page hides or disables can be clicked and overwritten from
outside. Each attempt here is made over the websocket, and the database is asked afterwards.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps

import panel.models.tabulator  # noqa: F401 - registers Panel's models
import pytest
from bokeh.client.session import ClientSession
from bokeh.document import Document
from bokeh.document.events import MessageSentEvent
from bokeh.events import ButtonClick, Event
from bokeh.model import Model
from bokeh.protocol.exceptions import ProtocolError
from panel.models.esm import DataEvent
from sqlalchemy import text
from tornado.httpclient import HTTPRequest

from dashboard.bridge import Bridge
from tests.dashboard.place import Served, Visitor
from workqueue import audit
from workqueue.database import Database

# Bokeh's client must know the models of the page: those of Panel, and of the desk's component.
Bridge().get_root()
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "\x00",
    "\ud800",
    "'; DROP TABLE work_items; --",
    "x" * 200_000,
    {"a": [1, 2, {"b": None}]},
    [1, "2", None],
    float("nan"),
    -1,
    None,
    True,
)


class Intruder(ClientSession):
    """Bokeh's client on the page of a visitor."""

    def __init__(self, place: Served, visitor: Visitor, path: str) -> None:
        self._page = visitor.page_token(path)
        address = place.base.replace("http", "ws", 1) + path + "/ws"
        super().__init__(websocket_url=address)

    @property
    def token(self) -> str:
        """The token of the page that was served."""
        return self._page


@contextmanager
def intruding(place: Served, path: str = "/queue") -> Iterator[tuple[ClientSession, Document]]:
    """A reviewer who may not assign, export, set priorities or detect, on one of the pages."""
    visitor = place.visitor("rob")
    session = Intruder(place, visitor, path)
    said = "; ".join(f"{name}={value}" for name, value in visitor.cookies.items())

    def with_cookies(url: str) -> HTTPRequest:
        return HTTPRequest(url, headers={"Cookie": said, "Origin": place.base})

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bokeh.client.connection.HTTPRequest", with_cookies)
        try:
            session.pull()
            # What the page asks for when it has been rendered.
            time.sleep(2)
            session.pull()
            yield session, session.document
        finally:
            session.close()


def apart(test: Callable[[Served], None]) -> Callable[[Served], None]:
    """Run a test in a thread of its own: Chromium's driver runs a loop in the tests' thread."""

    @wraps(test)
    def run(place: Served) -> None:
        with ThreadPoolExecutor(1) as thread:
            thread.submit(test, place).result()

    return run


HOSTILE_MESSAGES = (
    {"type": "open", "id": "1; DROP TABLE work_items"},
    {"type": "open", "id": 10**15},
    {"type": "open", "id": -1},
    {"type": "edit", "field": "__class__"},
    {"type": "drop", "filter": "statuses"},
    {"type": "sort", "by": None},
    {"type": "do", "what": "delete everything"},
    {"type": "popstate", "query": "item=" + "9" * 5000},
    {"type": {"a": 1}},
    {},
)


def trail(database: Database) -> dict[str, int]:
    with database.transaction() as session:
        rows = session.execute(
            text(
                "SELECT action_type || ' by ' || u.username AS what, count(*) AS n "
                'FROM work_actions a JOIN "user" u ON u.id = a.user_id GROUP BY 1'
            )
        )
        return {row.what: row.n for row in rows}


def named(document: Document, kind: str) -> list[Model]:
    return [each for each in document.models if type(each).__name__ == kind]


def happen(document: Document, event: Event) -> None:
    """Send an event of the browser to the server."""
    document.callbacks.trigger_on_change(MessageSentEvent(document, "bokeh_event", event))


@apart
def test_disabled_and_hidden_buttons(place: Served) -> None:
    """Every button is clicked, hidden and disabled ones too, with an item open that is not ours."""
    with intruding(place) as (session, document):
        before = trail(place.database)
        assert len(named(document, "Button")) > 10
        for button in named(document, "Button"):
            button.disabled = False
            button.visible = True
            happen(document, ButtonClick(button))
        for component in named(document, "ReactiveESM"):
            for key in "crsxlod":
                happen(document, DataEvent(component, {"type": "key", "key": key}))
            for message in HOSTILE_MESSAGES:
                happen(document, DataEvent(component, message))
        session.force_roundtrip()
        time.sleep(2)
        after = trail(place.database)
        new = {
            what: n - before.get(what, 0) for what, n in after.items() if n != before.get(what, 0)
        }
        # A reviewer may take the next item and decide on it; nothing else may come of it.
        assert set(new) <= {"claim by rob", "resolve by rob", "release by rob"}


@apart
def test_lists_offer_nothing_that_the_role_has_not(place: Served) -> None:
    """A reviewer who chooses in the hidden lists of leads changes neither holder nor priority."""
    with intruding(place) as (session, document):
        before = trail(place.database)
        choosers = [each for each in document.models if type(each).__name__.endswith("Select")]
        assert len(choosers) > 5
        for chooser in choosers:
            for value in ("lea", "rob", "P5 low", "ADMIN", "nobody"):
                chooser.options = [value, "x"]
                chooser.value = value
        session.force_roundtrip()
        time.sleep(1)
        new = {what for what, n in trail(place.database).items() if n != before.get(what, 0)}
        assert not {what for what in new if what.startswith(("assign", "set-priority"))}


@apart
def test_the_table_cannot_be_written(place: Served) -> None:
    """Overwriting the table's data and selection changes no item."""
    with intruding(place) as (session, document):
        with place.database.transaction() as asked:
            before = asked.execute(
                text("SELECT md5(string_agg(w::text, '|' ORDER BY id)) FROM work_items w")
            )
            digest = before.scalar()
        assert named(document, "ColumnDataSource")
        for source in named(document, "ColumnDataSource"):
            data = {name: list(values) for name, values in source.data.items()}
            if "item" in data:
                data["item"] = ["999999" for _ in data["item"]]
                data["status"] = ["Resolved" for _ in data["item"]]
            source.data = data
            source.selected.indices = [0, 1, 2, 5000]
        session.force_roundtrip()
        time.sleep(1)
        with place.database.transaction() as asked:
            again = asked.execute(
                text("SELECT md5(string_agg(w::text, '|' ORDER BY id)) FROM work_items w")
            )
            assert again.scalar() == digest


@apart
def test_forged_values_break_nothing(place: Served) -> None:
    """Hostile values in every property of every widget: no act by rob, no traceback, all serves."""
    with intruding(place) as (session, document):
        chance = random.Random(5)
        before = trail(place.database)
        tried = 0
        for model in list(document.models):
            for name in ("value", "value_input", "active", "text", "label", "options"):
                if name not in model.properties():
                    continue
                try:
                    setattr(model, name, chance.choice(HOSTILE))
                    tried += 1
                except (ValueError, TypeError, UnicodeError, ProtocolError, AttributeError):
                    continue
        assert tried > 10
        try:
            session.force_roundtrip()
        except (ProtocolError, RuntimeError, UnicodeError, ValueError):
            tried += 1
        time.sleep(1)
        new = {what for what, n in trail(place.database).items() if n != before.get(what, 0)}
        assert not {what for what in new if "rob" in what}
        assert place.visitor("ruth").ask("/queue").status == 200
        assert audit.verify(place.database).ok
        assert "Traceback" not in place.visitor("ruth").ask("/queue").text
