"""The desk inline in a Jupyter notebook."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cache
from typing import Literal

import panel as pn

from dashboard.desk import Desk
from dashboard.door import Door
from dashboard.running import at_once
from dashboard.state import State
from workqueue import accounts
from workqueue.database import Database, open_database
from workqueue.feed import Change, Feed
from workqueue.provision import require_current
from workqueue.settings import Settings


def open_desk(role: Literal["app", "analyst"] = "app") -> Desk:
    """A new desk, to be shown by the cell that it is the value of.

    It acts as the local user (`jupyter:` and the name of the operating system's account); with
    `role="analyst"` it only shows, without notes and comments. Works without a network. Raises
    SchemaOutdated and DatabaseUnavailable.
    """
    pn.extension("tabulator", inline=True, notifications=False)
    database = _database(role)
    require_current(database)
    actor = accounts.local("jupyter")
    door = Door(database, actor, Settings.read(), read_only=role == "analyst")
    state = State(door, at_once)
    desk = Desk(state, served=False)
    state.start()
    _follow(database, state)
    return desk


@cache
def _database(role: Literal["app", "analyst"]) -> Database:
    return open_database(Settings.read(), role=role)


@cache
def _feed(database: Database) -> Feed:
    made = Feed(database)
    made.start()
    return made


def _follow(database: Database, state: State) -> None:
    # Changes are told on the kernel's loop, between cells; a plain script has none.
    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        return

    def heard(changes: Sequence[Change] | None) -> None:
        loop.call_soon_threadsafe(state.heard, changes)

    _feed(database).subscribe(heard)
