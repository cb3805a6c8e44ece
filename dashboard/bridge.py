"""What only the browser can do: keys, the address bar, countdowns, short messages, clicks on text.

One component with one listener on the document. What it sends is a request of the person like any
click, and is checked in the same places.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import panel as pn
import param

from dashboard.look import css
from dashboard.wording import BRIDGE, KEYS


class Bridge(pn.custom.JSComponent):
    """The browser's side of a session. `served` is False in a notebook, whose page is not ours."""

    served = param.Boolean(True, doc="Whether the whole page, with its address, is the desk's")
    typed = param.Boolean(False, doc="Is there text that a reload would lose?")
    title = param.String("", doc="The page's title")
    notice = param.Dict({}, doc="kind, words, and a number that makes equal ones differ")
    left = param.Number(None, allow_None=True, doc="Seconds that the viewer's claim still has")
    keys = param.List([list(each) for each in KEYS], doc="Keys and what they do")
    words = param.Dict(dict(BRIDGE), doc="Texts of the component")

    _esm = Path(__file__).with_name("bridge.js")
    _stylesheets: ClassVar[list[str]] = [css("bridge")]

    def __init__(self, **params: Any) -> None:
        super().__init__(**params)
        self._heard: list[Callable[[Mapping[str, Any]], None]] = []

    def hear(self, callback: Callable[[Mapping[str, Any]], None]) -> None:
        """Have every message of the browser given to `callback`."""
        self._heard.append(callback)

    def send(self, command: Mapping[str, str]) -> None:
        """Have the browser do something: {"focus": selector}, or {"push": query} to its history."""
        self._send_msg(dict(command))

    def _handle_msg(self, data: Any) -> None:
        if isinstance(data, dict):
            for callback in self._heard:
                callback(data)
