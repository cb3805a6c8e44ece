"""Puts the guard and our pages into the server, before it is built.

Bokeh takes its addresses from two module-level lists; filling them is what makes `panel serve`
and `workqueue serve` the same.
"""

from __future__ import annotations

from typing import Any

from bokeh.server.urls import per_app_patterns, toplevel_patterns
from panel.io.server import DocHandler, WSHandler

from dashboard.login.export import ExportPage
from dashboard.login.guard import GuardedPage, GuardedSocket
from dashboard.login.handlers import (
    Health,
    ItemRedirect,
    LinkPage,
    LoginPage,
    LogoutPage,
    NotFound,
)

PAGES: list[tuple[str, type[Any]]] = [
    (r"/login", LoginPage),
    (r"/link", LinkPage),
    (r"/logout", LogoutPage),
    (r"/healthz", Health),
    (r"/queue/export", ExportPage),
    (r"/queue/([0-9]{1,19})", ItemRedirect),
]


def install() -> None:
    """Guard pages and websockets, and add our addresses. Again: nothing happens."""
    if any(handler is GuardedPage for _, handler, *_ in per_app_patterns):
        return
    guarded = {DocHandler: GuardedPage, WSHandler: GuardedSocket}
    # Without autoload.js and metadata: the desk is not embedded into other sites.
    per_app_patterns[:] = [
        (address, guarded[handler])
        for address, handler, *_ in per_app_patterns
        if handler in guarded
    ]
    toplevel_patterns[:0] = PAGES
    toplevel_patterns.append((r"/.*", NotFound))
