"""The desk put together: one state, its Viewers, and the bridge to the browser."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import panel as pn
import param

from dashboard.action_form import ActionForm
from dashboard.bridge import Bridge
from dashboard.filters import Filters
from dashboard.inbox import Inbox
from dashboard.inspector import Inspector
from dashboard.look import css
from dashboard.markup import markup
from dashboard.state import State
from dashboard.wording import TITLE, Pages
from workqueue.lifecycle import Verb

_PRESSED: Final = {
    "c": Verb.CLAIM,
    "s": Verb.FIELD_UPDATE,
    "r": Verb.RESOLVE,
    "x": Verb.REJECT,
    "l": Verb.RELEASE,
    "o": Verb.REOPEN,
    "d": Verb.MARK_DUPLICATE,
}


class Desk(pn.viewable.Viewer):
    """Everything a person sees: filters, inbox, inspector with the action form."""

    filters_shown = param.Boolean(True, doc="Are the filters at the left shown?")

    def __init__(
        self, state: State, *, served: bool = True, pages: Pages = (), **params: Any
    ) -> None:
        super().__init__(**params)
        self.state = state
        self._pages = pages
        self.bridge = Bridge(
            served=served, stylesheets=[css("bridge")], css_classes=["wq-bridge"], margin=0
        )
        self.filters, self.inbox = Filters(state), Inbox(state, served=served)
        self.inspector, self.form = Inspector(state), ActionForm(state)
        self._said = 0
        self._following = False
        self.top = pn.pane.HTML(
            self._top(served),
            stylesheets=[css("bar")],
            css_classes=["wq-top"],
            sizing_mode="stretch_width",
            margin=0,
        )
        self._layout = self._laid_out(served)
        self.bridge.hear(self._heard)
        state.param.watch(self._show_url, "view")
        state.param.watch(self._show_title, ["opened"])
        state.param.watch(self._show_notice, "notice")
        state.param.watch(self._show_user, "user")
        state.draft.param.watch(self._show_typed, ["values", "comment", "duplicate_of"])
        state.param.watch(self._arrange, ["opened", "missing", "view"])
        self.param.watch(self._arrange, "filters_shown")
        self._arrange()

    def _laid_out(self, served: bool) -> pn.Column:
        sheets = (
            [css("layout")] if served else [css("tokens").replace(":root", ":host"), css("layout")]
        )
        side = pn.Column(
            self.inspector,
            self.form,
            css_classes=["wq-side"],
            stylesheets=[css("layout")],
            margin=0,
        )
        body = pn.Row(
            self.filters,
            self.inbox,
            side,
            css_classes=["wq-body"],
            stylesheets=[css("layout")],
            sizing_mode="stretch_width",
            margin=0,
        )
        self._body, self._side = body, side
        return pn.Column(
            self.top,
            body,
            self.bridge,
            css_classes=["wq-desk"] if served else ["wq-desk", "wq-inline"],
            stylesheets=sheets,
            sizing_mode="stretch_width",
            margin=0,
        )

    # ------------------------------------------------------------------ to the browser

    def _show_url(self, event: param.parameterized.Event) -> None:
        # What the browser's history asks for stands in its address already.
        if not self._following:
            self.bridge.send({"push": event.new.query()})

    def _follow(self, query: str) -> None:
        self._following = True
        try:
            self.state.follow(query)
        finally:
            self._following = False

    def _show_title(self, *_events: param.parameterized.Event) -> None:
        opened = self.state.opened
        left = opened.left.total_seconds() if opened and opened.mine and opened.left else None
        name = (
            f"{opened.dossier.item.id} {opened.dossier.item.provider} · {TITLE}"
            if opened
            else TITLE
        )
        self.bridge.param.update(title=name, left=left)

    def _show_notice(self, *_events: param.parameterized.Event) -> None:
        notice = self.state.notice
        self._said += 1
        self.bridge.notice = (
            {"kind": notice.kind, "words": notice.words, "number": self._said} if notice else {}
        )

    def _show_typed(self, *_events: param.parameterized.Event) -> None:
        self.bridge.typed = self.state.draft.typed

    def _show_user(self, *_events: param.parameterized.Event) -> None:
        self.top.object = self._top(self.bridge.served)

    def _top(self, served: bool) -> str:
        return markup(
            "top",
            user=self.state.user,
            served=served,
            read_only=self.state.door.read_only,
            here="queue",
            pages=self._pages,
        )

    def _arrange(self, *_events: param.parameterized.Event) -> None:
        filters = [] if self.filters_shown else ["no-filters"]
        item = ["has-item"] if self.state.opened is not None or self.state.missing else []
        self._body.css_classes = ["wq-body", *filters, *item]
        self._side.css_classes = ["wq-side", *item]
        self.filters.layout.visible = self.filters_shown

    # ------------------------------------------------------------------ from the browser

    def _heard(self, message: Mapping[str, Any]) -> None:
        answer = {
            "key": lambda: self._key(str(message.get("key", ""))),
            "open": lambda: self._open(message.get("id")),
            "edit": lambda: self._edit(str(message.get("field", ""))),
            "drop": lambda: self.state.drop(str(message.get("filter", ""))),
            "sort": lambda: self.inbox.sort(str(message.get("by", ""))),
            "do": lambda: self._do(str(message.get("what", ""))),
            "popstate": lambda: self._follow(str(message.get("query", ""))),
            "active": self.state.active,
            "lapsed": self.state.lapsed,
        }.get(str(message.get("type", "")))
        if answer is not None:
            answer()

    def _key(self, key: str) -> None:
        state = self.state
        acts = {
            "n": state.take_next,
            "j": lambda: state.step(1),
            "k": lambda: state.step(-1),
            "]": lambda: state.turn("next"),
            "[": lambda: state.turn("previous"),
            "u": state.refresh,
            "f": lambda: self._do("filters"),
            "Escape": lambda: state.open(None),
        }
        if key in acts:
            acts[key]()
        elif key in _PRESSED:
            self._press(_PRESSED[key])

    def _press(self, verb: Verb) -> None:
        if self.state.opened is None:
            return
        if verb in self.state.opened.allowed:
            self.form.press(verb)
            if verb is Verb.MARK_DUPLICATE:
                self.bridge.send({"focus": ".wq-duplicate >>> input"})
        else:
            self.state.explain(verb)

    def _open(self, item_id: object) -> None:
        if isinstance(item_id, int) and not isinstance(item_id, bool) and item_id > 0:
            self.state.open(item_id)

    def _edit(self, field: str) -> None:
        self.form.corrections.correct(field)
        self.bridge.send({"focus": f".wq-value.field-{field} >>> input"})

    def _do(self, what: str) -> None:
        acts = {
            "close": lambda: self.state.open(None),
            "clear": self.state.clear,
            "fresh": lambda: self.state.turn("first"),
            "filters": lambda: self.param.update(filters_shown=not self.filters_shown),
        }
        if what in acts:
            acts[what]()

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
