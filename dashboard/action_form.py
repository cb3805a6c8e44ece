"""The action form: what the viewer may do with the open item, and the texts that it takes.

Buttons are shown by the same predicate that guards the verbs; a hidden button protects nothing.
"""

from __future__ import annotations

from functools import partial
from typing import Any, Final

import panel as pn
import param

from dashboard.corrections import Corrections
from dashboard.draft import VERIFIED
from dashboard.look import css
from dashboard.markup import markup
from dashboard.state import State
from dashboard.wording import PRIORITY, told
from workqueue.lifecycle import Status, Verb

_BUTTONS: Final = (
    (Verb.RESOLVE, "Save and resolve\u2002R", "primary"),
    (Verb.FIELD_UPDATE, "Save\u2002S", "default"),
    (Verb.CLAIM, "Claim\u2002C", "primary"),
    (Verb.REOPEN, "Reopen\u2002O", "default"),
    (Verb.COMMENT, "Comment", "default"),
    (Verb.REJECT, "Reject\u2002X", "default"),
    (Verb.RELEASE, "Release\u2002L", "default"),
    (Verb.MARK_DUPLICATE, "Duplicate\u2002D", "default"),
)


class ActionForm(pn.viewable.Viewer):
    """Fields to correct, how it was verified, a comment, and a button for each allowed act."""

    duplicating = param.Boolean(False, doc="Is the line for marking a duplicate shown?")

    def __init__(self, state: State, **params: Any) -> None:
        super().__init__(**params)
        self._state = state
        self._item: int | None = None
        control = [css("controls")]
        self.corrections = Corrections(state)
        self.verified = pn.widgets.Select(
            label="Verified by",
            options={"How was it verified? …": "", **{how: how for how in VERIFIED}},
            stylesheets=control,
            css_classes=["wq-line"],
            margin=0,
            sizing_mode="stretch_width",
        )
        self.comment = pn.widgets.TextAreaInput.from_param(
            state.draft.param.comment,
            description=None,
            label="Comment or reason",
            rows=2,
            max_length=10_000,
            stylesheets=control,
            css_classes=["wq-line", "wq-comment"],
            margin=0,
            sizing_mode="stretch_width",
        )
        self.duplicate_of = pn.widgets.TextInput.from_param(
            state.draft.param.duplicate_of,
            description=None,
            label="Same as record",
            placeholder="Number or NPI of the other record",
            stylesheets=control,
            css_classes=["wq-line", "wq-duplicate"],
            margin=0,
            sizing_mode="stretch_width",
        )
        self.called = pn.pane.HTML("", stylesheets=[css("bar")], margin=0, visible=False)
        self.members = pn.widgets.Select(
            label="Record of this group",
            options={"Choose a record …": ""},
            stylesheets=control,
            css_classes=["wq-line"],
            margin=0,
            sizing_mode="stretch_width",
        )
        self.assign = pn.widgets.Select(
            label="Assign to",
            options={"": ""},
            stylesheets=control,
            css_classes=["wq-line", "wq-short"],
            margin=0,
            width=200,
        )
        self.priority = pn.widgets.Select(
            label="Priority",
            options={words: n for n, words in PRIORITY.items()},
            stylesheets=control,
            css_classes=["wq-line", "wq-short"],
            margin=0,
            width=160,
        )
        self.buttons = {
            verb: pn.widgets.Button(
                label=name,
                color=kind,
                stylesheets=control,
                css_classes=["wq-act"],
                margin=0,
                visible=False,
            )
            for verb, name, kind in _BUTTONS
        }
        self.conflict = pn.pane.HTML("", stylesheets=[css("bar")], margin=0, visible=False)
        self.leads = pn.Row(
            self.assign,
            self.priority,
            css_classes=["wq-leads"],
            stylesheets=[css("layout")],
            margin=0,
            visible=False,
        )
        self._layout = self._laid_out()
        self._watch()

    def _watch(self) -> None:
        state = self._state
        state.param.watch(self._show, ["opened", "conflict", "busy", "choices"])
        state.param.watch(self._show_called, "called")
        self.duplicate_of.param.watch(self._look_up, "value_input")
        state.draft.param.watch(self._look_up, "duplicate_of")
        self.members.param.watch(self._choose_member, "value")
        self.verified.param.watch(self._choose_how, "value")
        state.draft.param.watch(self._show_how, "verified")
        self.assign.param.watch(self._assign, "value")
        self.priority.param.watch(self._set_priority, "value")
        for verb, button in self.buttons.items():
            button.on_click(partial(self._pressed, verb))

    # ------------------------------------------------------------------ what is done

    def _pressed(self, verb: Verb, _event: param.parameterized.Event) -> None:
        self.press(verb)

    def press(self, verb: Verb) -> None:
        """Do what the button of `verb` does."""
        state = self._state
        if verb is Verb.CLAIM:
            state.claim()
        elif verb is Verb.FIELD_UPDATE:
            if self.corrections.sound():
                state.save()
        elif verb is Verb.RESOLVE:
            if self.corrections.sound():
                state.save(resolve=True)
        elif verb is Verb.COMMENT:
            state.comment()
        elif verb is Verb.MARK_DUPLICATE:
            if self.duplicating and state.draft.duplicate_of.strip():
                state.mark_duplicate()
            else:
                self.duplicating = True
                self._show()
        else:
            state.decide(verb)

    def _choose_member(self, event: param.parameterized.Event) -> None:
        if event.new:
            self._state.draft.duplicate_of = str(event.new)

    def _look_up(self, event: param.parameterized.Event) -> None:
        self._state.look_up(event.new)

    def _choose_how(self, event: param.parameterized.Event) -> None:
        self._state.draft.verified = event.new

    def _show_how(self, event: param.parameterized.Event) -> None:
        self.verified.value = event.new

    def _assign(self, event: param.parameterized.Event) -> None:
        opened = self._state.opened
        holder = (opened.dossier.item.assigned_to or "") if opened else ""
        if event.new and event.new != holder:
            self._state.assign(event.new)
        elif holder and not event.new:
            # To take an item from its holder is a release; the list says again who it is.
            self.assign.value = holder

    def _set_priority(self, event: param.parameterized.Event) -> None:
        opened = self._state.opened
        if opened is not None and event.new != opened.dossier.item.priority:
            self._state.set_priority(event.new)

    # ------------------------------------------------------------------ what is shown

    def _show(self, *_events: param.parameterized.Event) -> None:
        opened = self._state.opened
        self._layout.visible = opened is not None and bool(opened.allowed)
        if opened is None:
            self._item = None
            return
        item = opened.dossier.item
        if item.id != self._item:
            self._item, self.duplicating = item.id, False
        editing = Verb.FIELD_UPDATE in opened.allowed
        self._offer_members()
        self._show_buttons(opened.allowed, editing)
        arranging = Verb.ASSIGN in opened.allowed
        self.leads.visible = arranging
        if arranging:
            self._offer_people(item.assigned_to or "", item.priority)
        conflict = self._state.conflict
        self.conflict.object = markup("conflict", conflict=conflict) if conflict else ""
        self.conflict.visible = conflict is not None
        self.comment.visible = Verb.COMMENT in opened.allowed
        self.verified.visible = editing

    def _offer_members(self) -> None:
        opened = self._state.opened
        members = (
            []
            if opened is None
            else [each for each in opened.dossier.members if not each.lead and each.left_at is None]
        )
        self.members.options = {"Choose a record …": ""} | {
            f"{each.provider_id}: {each.provider}, NPI {each.npi or 'none'}": str(each.provider_id)
            for each in members
        }
        able = opened is not None and Verb.MARK_DUPLICATE in opened.allowed
        self.members.visible = able and self.duplicating and bool(members)
        self.duplicate_of.visible = able and self.duplicating
        self._show_called()

    def _show_called(self, *_events: param.parameterized.Event) -> None:
        records = self._state.called
        self.called.visible = self.duplicate_of.visible and records is not None
        if records is not None:
            self.called.object = markup("called", records=records, otherwise=told("no_record"))

    def _show_buttons(self, allowed: frozenset[Verb], editing: bool) -> None:
        opened = self._state.opened
        closed = opened is not None and opened.dossier.item.status in {
            Status.RESOLVED.value,
            Status.REJECTED.value,
        }
        mine = opened is not None and opened.mine
        for verb, button in self.buttons.items():
            visible = verb in allowed
            if verb is Verb.CLAIM:
                visible = visible and not mine
            elif verb is Verb.COMMENT:
                # While the form is open, Save keeps a lone comment as well.
                visible = visible and not editing
            elif verb is Verb.REOPEN:
                visible = visible and closed
            button.visible = visible
            button.disabled = self._state.busy

    def _offer_people(self, holder: str, priority: int) -> None:
        choices = self._state.choices
        able = [each.username for each in choices.people if each.can_hold] if choices else []
        names = {name: name for name in dict.fromkeys([*able, holder]) if name}
        self.assign.options = {"Nobody": ""} | names
        self.assign.value = holder
        self.priority.value = priority

    def _laid_out(self) -> pn.Column:
        layout = [css("layout")]
        return pn.Column(
            self.conflict,
            *self.corrections.parts,
            self.verified,
            self.members,
            self.duplicate_of,
            self.called,
            self.comment,
            pn.Row(
                *self.buttons.values(),
                css_classes=["wq-buttons"],
                stylesheets=layout,
                margin=0,
                sizing_mode="stretch_width",
            ),
            self.leads,
            css_classes=["wq-form"],
            stylesheets=layout,
            visible=False,
            sizing_mode="stretch_width",
            margin=0,
        )

    def __panel__(self) -> pn.viewable.Viewable:
        return self._layout
