"""The filter at the left: what the view is narrowed by. Each widget shows and sets one part."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import panel as pn
import param

from dashboard.look import css
from dashboard.markup import markup
from dashboard.state import State
from dashboard.view import ME
from dashboard.wording import PRIORITY, STATUS
from workqueue.inbox import NOBODY, Choices

_ANY: Final = ""
_PARTS: Final = ("statuses", "queue_types", "priorities", "rule", "assignee", "state")


class Filters(pn.viewable.Viewer):
    """Checkboxes for status, type and priority; lists for rule, holder and state."""

    def __init__(self, state: State, **params: Any) -> None:
        super().__init__(**params)
        self._state = state
        self._parts: dict[str, pn.widgets.CheckBoxGroup | pn.widgets.Select] = {
            "statuses": _boxes("Status", {words: code for code, words in STATUS.items()}),
            "queue_types": _boxes("Type", {}),
            "priorities": _boxes("Priority", {words: n for n, words in PRIORITY.items()}),
            "rule": _list("Problem", {"Any problem": _ANY}),
            "assignee": _list("Holder", {"Anybody": _ANY}),
            "state": _list("State", {"Any state": _ANY}),
        }
        self.clear = pn.widgets.Button(
            label="Clear the filter",
            stylesheets=[css("controls")],
            css_classes=["wq-clear"],
            margin=(4, 0),
            visible=False,
        )
        self.clear.on_click(lambda _event: state.clear())
        for name, widget in self._parts.items():
            widget.param.watch(partial(self._chosen, name), "value")
        self.layout = self._laid_out()
        state.param.watch(self._offer, "choices")
        state.param.watch(self._show, "view")
        self._show()

    def _chosen(self, name: str, event: param.parameterized.Event) -> None:
        chosen = tuple(event.new) if isinstance(event.new, list) else event.new or None
        if self._ordered(name, chosen) != self._ordered(name, getattr(self._state.view, name)):
            self._state.look(**{name: self._ordered(name, chosen)})

    def _ordered(self, name: str, chosen: Any) -> Any:
        # In the order of the options, so that one choice has one link.
        if not isinstance(chosen, tuple):
            return chosen
        return tuple(each for each in self._parts[name].options.values() if each in chosen)

    def _offer(self, *_events: param.parameterized.Event) -> None:
        choices = self._state.choices
        if choices is None:
            return
        self._parts["queue_types"].options = {each.label: each.code for each in choices.queue_types}
        self._parts["rule"].options = {"Any problem": _ANY} | _rules(choices)
        self._parts["assignee"].options = {"Anybody": _ANY, "Me": ME, "Nobody": NOBODY} | _people(
            choices
        )
        self._parts["state"].options = {"Any state": _ANY} | {s: s for s in choices.states}
        self._show()

    def _show(self, *_events: param.parameterized.Event) -> None:
        view = self._state.view
        for name in _PARTS:
            widget, value = self._parts[name], getattr(view, name)
            offered = set(widget.options.values())
            if isinstance(value, tuple):
                widget.value = [each for each in value if each in offered]
            elif value is None or value in offered:
                widget.value = value or _ANY
        self.clear.visible = view.narrowed

    @staticmethod
    def _headed(widget: pn.widgets.Widget) -> tuple[pn.viewable.Viewable, ...]:
        # Lists show their label, groups of checkboxes do not.
        if isinstance(widget, pn.widgets.Select):
            return (widget,)
        heading = pn.pane.HTML(
            markup("heading", words=widget.label), stylesheets=[css("bar")], margin=(0, 0, -8, 0)
        )
        return heading, widget

    def _laid_out(self) -> pn.Column:
        parts = [part for widget in self._parts.values() for part in self._headed(widget)]
        return pn.Column(
            *parts,
            self.clear,
            css_classes=["wq-filters"],
            stylesheets=[css("layout")],
            margin=0,
        )

    def __panel__(self) -> pn.viewable.Viewable:
        return self.layout


def _boxes(name: str, options: dict[str, Any]) -> pn.widgets.CheckBoxGroup:
    return pn.widgets.CheckBoxGroup(
        label=name,
        options=options,
        stylesheets=[css("controls")],
        css_classes=["wq-boxes"],
        margin=0,
        sizing_mode="stretch_width",
    )


def _list(name: str, options: dict[str, Any]) -> pn.widgets.Select:
    return pn.widgets.Select(
        label=name,
        options=options,
        stylesheets=[css("controls")],
        css_classes=["wq-list"],
        margin=0,
        sizing_mode="stretch_width",
    )


def _rules(choices: Choices) -> dict[str, str]:
    titles = [each.title for each in choices.rules]
    return {
        (each.title if titles.count(each.title) == 1 else f"{each.title} ({each.id})"): each.id
        for each in choices.rules
    }


def _people(choices: Choices) -> dict[str, str]:
    return {
        (
            f"{each.display_name} ({each.username})" if each.display_name else each.username
        ): each.username
        for each in choices.people
        if each.username not in {ME, NOBODY}
    }
