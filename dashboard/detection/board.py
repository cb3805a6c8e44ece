"""The Detection page put together: rules at the left, the run and what became of runs beside."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import panel as pn
import param

from dashboard.bridge import Bridge
from dashboard.detection.door import may_detect
from dashboard.detection.state import Detecting
from dashboard.look import css
from dashboard.markup import markup
from dashboard.wording import BRIDGE, DETECTION_KEYS, DETECTION_TITLE, Pages

_LOOK: Final = ("bar", "detection")


class Board(pn.viewable.Viewer):
    """Everything of the page. What its buttons ask for is checked in the data layer."""

    def __init__(self, state: Detecting, *, pages: Pages = (), **params: Any) -> None:
        super().__init__(**params)
        self.state = state
        self._pages = pages
        self._said = 0
        self.bridge = Bridge(
            keys=[list(each) for each in DETECTION_KEYS],
            words=dict(BRIDGE),
            title=DETECTION_TITLE,
            stylesheets=[css("bridge")],
            css_classes=["wq-bridge"],
            margin=0,
        )
        self.top, self.rules = _pane("wq-top"), _pane("wq-rules", "wq-region")
        self.run, self.past = _pane("wq-run"), _pane("wq-past", "wq-region")
        self.start = pn.widgets.Button(
            label="Run detection now\u2002D",
            color="primary",
            stylesheets=[css("controls")],
            css_classes=["wq-start", "solid"],
            margin=(4, 16, 14, 16),
        )
        self.start.on_click(lambda _event: state.ask_for_run())
        self._layout = self._laid_out()
        self.bridge.hear(self._heard)
        state.param.watch(self._show_top, "user")
        state.param.watch(self._show_run, ["standing", "user", "asking"])
        state.param.watch(self._show_rules, ["rules", "user", "trying"])
        state.param.watch(self._show_past, ["standing", "outcomes", "chosen", "trial", "trying"])
        state.param.watch(self._show_notice, "notice")
        for show in (self._show_top, self._show_run, self._show_rules, self._show_past):
            show()

    def _laid_out(self) -> pn.Column:
        look = [css("layout"), css("board")]
        side = pn.Column(
            self.run, self.start, self.past, css_classes=["wq-aside"], stylesheets=look, margin=0
        )
        body = pn.Row(
            self.rules,
            side,
            css_classes=["wq-board"],
            stylesheets=look,
            sizing_mode="stretch_width",
            margin=0,
        )
        return pn.Column(
            self.top,
            body,
            self.bridge,
            css_classes=["wq-desk"],
            stylesheets=look,
            sizing_mode="stretch_width",
            margin=0,
        )

    # ------------------------------------------------------------------ to the browser

    def _show_top(self, *_events: param.parameterized.Event) -> None:
        self.top.object = markup(
            "top",
            user=self.state.user,
            served=True,
            read_only=False,
            here="detection",
            pages=self._pages,
        )

    def _show_run(self, *_events: param.parameterized.Event) -> None:
        state = self.state
        self.start.disabled = state.asking or not may_detect(state.user)
        self.run.object = markup(
            "detection/run",
            standing=state.standing,
            reason=state.reason(),
            now=datetime.now(UTC),
        )

    def _show_rules(self, *_events: param.parameterized.Event) -> None:
        state = self.state
        listed = sorted(state.rules, key=lambda rule: (rule.priority, rule.id))
        self.rules.object = markup(
            "detection/rules", rules=listed, may_try=may_detect(state.user), trying=state.trying
        )

    def _show_past(self, *_events: param.parameterized.Event) -> None:
        state = self.state
        titles = {rule.id: rule.title for rule in state.rules}
        if state.trying or state.trial is not None:
            self.past.object = markup(
                "detection/trial", trying=state.trying, trial=state.trial, titles=titles
            )
            return
        newest = state.standing.newest if state.standing else None
        if state.chosen is not None and newest:
            chosen = next((run for run in newest if run.id == state.chosen), None)
            if chosen is not None:
                self.past.object = markup(
                    "detection/outcomes", run=chosen, outcomes=state.outcomes, titles=titles
                )
                return
        ended = newest and tuple(r for r in newest if r.finished_at is not None or r.silent)
        self.past.object = markup("detection/history", runs=ended)

    def _show_notice(self, *_events: param.parameterized.Event) -> None:
        notice = self.state.notice
        self._said += 1
        self.bridge.notice = (
            {"kind": notice.kind, "words": notice.words, "number": self._said} if notice else {}
        )

    # ------------------------------------------------------------------ from the browser

    def _heard(self, message: Mapping[str, Any]) -> None:
        kind = message.get("type")
        if kind == "active":
            self.state.active()
        elif kind == "key":
            self._key(message.get("key"))
        elif kind == "do":
            self._do(str(message.get("what", "")))

    def _key(self, key: object) -> None:
        if key == "d" and not self.start.disabled:
            self.state.ask_for_run()
        elif key == "Escape":
            self.state.close()

    def _do(self, what: str) -> None:
        act, _, about = what.partition(":")
        if act == "close":
            self.state.close()
        elif act == "try":
            self.state.try_rule(about)
        elif act == "run" and about.isascii() and about.isdigit() and len(about) < 19:
            self.state.choose(int(about))

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout


def _pane(*classes: str) -> pn.pane.HTML:
    return pn.pane.HTML(
        "",
        stylesheets=[css(*_LOOK)],
        css_classes=list(classes),
        sizing_mode="stretch_width",
        margin=0,
    )
