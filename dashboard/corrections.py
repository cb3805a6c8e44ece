"""The fields to correct: an input for each that is at fault, and for any other on demand."""

from __future__ import annotations

from functools import partial
from typing import Final

import panel as pn
import param

from dashboard.door import fault
from dashboard.draft import MOST_FIELDS
from dashboard.inspector import shown
from dashboard.look import css
from dashboard.markup import markup
from dashboard.state import State
from workqueue.dossier import FieldValue
from workqueue.lifecycle import Verb

_OTHER: Final = "Another field …"


class Corrections:
    """Inputs in a fixed number, shown as far as they are needed, each with a line for its fault.

    They are made once: what is shown changes, the layout does not.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._names: list[str] = []
        self._item: int | None = None
        self._extra: str | None = None
        self._values = [self._value_input(place) for place in range(MOST_FIELDS)]
        self._faults = [
            pn.pane.HTML("", stylesheets=[css("bar")], margin=0, visible=False)
            for _ in range(MOST_FIELDS)
        ]
        self.other = pn.widgets.Select(
            label="Other field",
            options=[_OTHER],
            stylesheets=[css("controls")],
            css_classes=["wq-line", "wq-other"],
            margin=0,
            sizing_mode="stretch_width",
        )
        state.param.watch(self._show, "opened")
        state.draft.param.watch(self._show_values, "values")
        self.other.param.watch(self._choose_other, "value")

    @property
    def parts(self) -> list[pn.viewable.Viewable]:
        """The inputs with their faults, and the list of other fields."""
        lines = [part for pair in zip(self._values, self._faults, strict=True) for part in pair]
        return [*lines, self.other]

    def _value_input(self, place: int) -> pn.widgets.TextInput:
        made = pn.widgets.TextInput(
            label="",
            stylesheets=[css("controls")],
            css_classes=["wq-line", "wq-value"],
            margin=0,
            sizing_mode="stretch_width",
            visible=False,
        )
        made.param.watch(partial(self._typed, place), "value")
        return made

    def correct(self, field: str) -> None:
        """Offer an input for a field, beside those that are there."""
        if field in self._state.fields() and field not in self._names:
            self._extra = field
            self._show()

    def _typed(self, place: int, event: param.parameterized.Event) -> None:
        text = event.new
        if place >= len(self._names):
            return
        name = self._names[place]
        field = self._state.fields().get(name)
        values = {**self._state.draft.values}
        if field is not None and text.strip() == shown(name, field.value):
            values.pop(name, None)
        else:
            values[name] = text
        if values != self._state.draft.values:
            self._state.draft.values = values
        self._check(place)

    def _check(self, place: int) -> bool:
        name = self._names[place]
        text = self._state.draft.values.get(name)
        words = None
        if text is not None:
            country = f"{name.split('_', 1)[0]}_country"
            record = self._state.fields().get(country)
            words = fault(name, text, country=record.value if record else None)
        self._faults[place].object = markup("fault", words=words) if words else ""
        self._faults[place].visible = bool(words)
        return words is None

    def sound(self) -> bool:
        """Whether everything typed can be saved; shows what is wrong with each that cannot."""
        faultless = [self._check(place) for place in range(len(self._names))]
        return all(faultless)

    def _choose_other(self, event: param.parameterized.Event) -> None:
        by_label = {one.label: name for name, one in self._labelled().items()}
        if event.new in by_label:
            self.correct(by_label[event.new])
            self.other.value = _OTHER

    def _labelled(self) -> dict[str, FieldValue]:
        fields = self._state.fields()
        groups = self._state.opened.dossier.groups if self._state.opened else ()
        heading = {one.field: group.name for group in groups for one in group.fields}
        labels = [one.label for one in fields.values()]
        return {
            name: one
            if labels.count(one.label) == 1
            else FieldValue(**{**one.__dict__, "label": f"{one.label} ({heading[name]})"})
            for name, one in fields.items()
        }

    def _show(self, *_events: param.parameterized.Event) -> None:
        opened = self._state.opened
        item = opened.dossier.item.id if opened is not None else None
        if item != self._item:
            self._item, self._extra = item, None
        editing = opened is not None and Verb.FIELD_UPDATE in opened.allowed
        self.other.visible = editing
        self._offer(editing=editing)

    def _offer(self, *, editing: bool) -> None:
        labelled = self._labelled()
        typed = [name for name in self._state.draft.values if name in labelled]
        names = [name for name, one in labelled.items() if one.faulty and name != "npi"]
        names = list(dict.fromkeys([*typed, *names, *([self._extra] if self._extra else [])]))
        self._names = names[:MOST_FIELDS] if editing or typed else []
        if self._extra and self._extra not in self._names:
            self._names = [*self._names[: MOST_FIELDS - 1], self._extra]
        for place, widget in enumerate(self._values):
            used = place < len(self._names)
            if used:
                name = self._names[place]
                widget.label = labelled[name].label
                widget.css_classes = ["wq-line", "wq-value", f"field-{name}"]
            widget.visible = used
            self._faults[place].visible = used and self._faults[place].visible
        self.other.options = [_OTHER, *sorted(one.label for one in labelled.values())]
        self._show_values()

    def _show_values(self, *_events: param.parameterized.Event) -> None:
        fields = self._state.fields()
        for place, name in enumerate(self._names):
            field = fields.get(name)
            stands = shown(name, field.value) if field else ""
            self._values[place].value = self._state.draft.values.get(name, stands)
            self._check(place)
