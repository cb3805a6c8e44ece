"""Who the page session is of whose code runs now."""

from __future__ import annotations

from typing import Any

import panel as pn

from dashboard.login.registry import REGISTRY
from workqueue.accounts import Actor


def first_shown() -> Any:
    """What the present page shows first, as its request has read it; None where it has not."""
    document = pn.state.curdoc
    context = document.session_context if document is not None else None
    return REGISTRY.first_of(str(context.id)) if context is not None else None


def current_actor() -> Actor | None:
    """The signed-in user of the present page session; None where nobody has signed in for it."""
    document = pn.state.curdoc
    context = document.session_context if document is not None else None
    if document is None or context is None:
        return None
    session_id = str(context.id)
    actor = REGISTRY.actor_of(session_id)
    if actor is not None:
        REGISTRY.keep_page(session_id)
        document.on_session_destroyed(lambda _context: REGISTRY.forget_page(session_id))
    return actor
