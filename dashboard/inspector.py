"""The inspector: the problem in words, the record in groups with its sources, the history."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import panel as pn
import param

from dashboard.door import Opened
from dashboard.look import css
from dashboard.markup import markup
from dashboard.state import State
from dashboard.wording import DASH, VERB, day, phone, sentence, zip_code
from workqueue.dossier import Disagreement, Entry, FieldGroup, FieldValue, Side
from workqueue.fields import BY_NAME, Form
from workqueue.lifecycle import Status, Verb

_FIRST_KEYS: Final = (
    ("N", "take the next item"),
    ("J K", "down, up"),
    ("/", "search"),
    ("?", "all keys"),
)
_STANDING: Final = {
    Status.OPEN.value: ("Open", "plain"),
    Status.RESOLVED.value: ("Resolved", "good"),
    Status.REJECTED.value: ("Rejected", "plain"),
}


@dataclass(frozen=True)
class Line:
    """One attribute as a line: its value as people read it, and where it comes from."""

    field: str
    label: str
    text: str
    faulty: bool
    origin: str
    remarks: tuple[str, ...]


@dataclass(frozen=True)
class Group:
    """Attributes under one heading."""

    name: str
    lines: tuple[Line, ...]


@dataclass(frozen=True)
class Sides:
    """What each source says of one attribute: for each, values with where they come from."""

    label: str
    cells: tuple[tuple[tuple[str, str], ...], ...]


@dataclass(frozen=True)
class Told:
    """One line of the history."""

    at: Any
    via: str
    who: str
    did: str
    words: str


class Inspector(pn.viewable.Viewer):
    """What is known of the open item."""

    def __init__(self, state: State, **params: Any) -> None:
        super().__init__(**params)
        self._state = state
        sheets = [css("inspector")]
        self.head = pn.pane.HTML(
            markup("empty", missing="", keys=_FIRST_KEYS),
            stylesheets=sheets,
            sizing_mode="stretch_width",
            css_classes=["wq-head"],
            margin=0,
        )
        self.record = pn.pane.HTML("", stylesheets=sheets, sizing_mode="stretch_width", margin=0)
        self._body = pn.Column(
            self.record,
            css_classes=["wq-record"],
            stylesheets=[css("layout")],
            sizing_mode="stretch_width",
            margin=0,
        )
        state.param.watch(self._show, ["opened", "missing"])

    def _show(self, *_events: param.parameterized.Event) -> None:
        found = self._state.opened
        if found is None:
            self.head.object = markup("empty", missing=self._state.missing, keys=_FIRST_KEYS)
            self.record.object = ""
            return
        head, record = _head(found), _record(found)
        # Unchanged text is not sent: nothing moves while somebody reads.
        if self.head.object != head:
            self.head.object = head
        if self.record.object != record:
            self.record.object = record

    def __panel__(self) -> pn.viewable.Viewable:
        return pn.Column(
            self.head,
            self._body,
            css_classes=["wq-inspector"],
            stylesheets=[css("layout")],
            sizing_mode="stretch_width",
            margin=0,
        )


def _head(found: Opened) -> str:
    item = found.dossier.item
    standing, tone = _standing(found)
    values = {one.field: one.value for group in found.dossier.groups for one in group.fields}
    place = ", ".join(part for part in (values.get("practice_city"), item.state) if part)
    code = values.get("taxonomy_code_1")
    return markup(
        "header",
        item=item,
        standing=standing,
        tone=tone,
        left=_minutes(found.left) if found.mine and found.left is not None else None,
        place=" · ".join(part for part in (code, place) if part),
        suggested=[(one.label, shown(one.field, one.value)) for one in item.suggested],
    )


def _minutes(left: timedelta) -> str:
    # Rounded up, as the browser does when it counts down.
    return f"{-(-left // timedelta(minutes=1))} min left"


def _standing(found: Opened) -> tuple[str, str]:
    item = found.dossier.item
    if item.status == Status.IN_PROGRESS:
        if found.mine:
            return "In progress · you", "mine"
        if item.lease_expires_at is not None and item.lease_expires_at <= datetime.now(UTC):
            return f"The claim of {item.assigned_to} has ended", "warn"
        return f"In progress · {item.assigned_to}", "warn"
    standing, tone = _STANDING[item.status]
    if item.status == Status.OPEN and item.assigned_to:
        return f"Open, reserved for {item.assigned_to}", tone
    return (f"{standing} · {item.resolved_by}" if item.resolved_by else standing), tone


def _record(found: Opened) -> str:
    dossier = found.dossier
    groups = [_group(group) for group in dossier.groups]
    # What the item is about comes first, and stays there once nothing is at fault any more.
    groups.sort(key=lambda group: not any(line.faulty for line in group.lines))
    if dossier.item.cured_at is not None:
        groups = [_faultless(group) for group in groups]
    return markup(
        "record",
        groups=[group for group in groups if group.lines],
        editable=Verb.FIELD_UPDATE in found.allowed,
        sources=_sources(dossier.disagreements),
        disagreements=[
            _sides(one, _sources(dossier.disagreements)) for one in dossier.disagreements
        ],
        members=dossier.members,
        others=dossier.other_items,
        history=[_told(entry) for entry in dossier.history],
    )


def _group(group: FieldGroup) -> Group:
    return Group(group.name, tuple(_line(one) for one in group.fields if _wanted(one)))


def _faultless(group: Group) -> Group:
    return Group(group.name, tuple(replace(line, faulty=False) for line in group.lines))


def _wanted(one: FieldValue) -> bool:
    return bool(one.faulty or one.value or one.received or one.corrected_by)


def shown(field: str, value: str | None) -> str:
    """A value as people read it; blank for none."""
    if value is None:
        return ""
    form = BY_NAME[field].form if field in BY_NAME else Form.TEXT
    if form is Form.PHONE:
        return phone(value)
    return zip_code(value) if form is Form.ZIP else value


def _line(one: FieldValue) -> Line:
    remarks = []
    if one.corrected_by:
        how = f", {one.verified_how}" if one.verified_how else ""
        remarks.append(f"corrected by {one.corrected_by} on {day(one.corrected_at)}{how}")
    if one.contradicted:
        remarks.append(f"the source now says {one.received or 'nothing'}")
    elif one.received is not None:
        remarks.append(f"received as {one.received or 'nothing'}")
    if not one.known:
        remarks.append("the source has no such column")
    return Line(
        one.field,
        one.label,
        shown(one.field, one.value),
        one.faulty,
        f"{one.source} · {day(one.as_of)}",
        tuple(remarks),
    )


def _sources(disagreements: tuple[Disagreement, ...]) -> list[str]:
    return sorted({side.source for one in disagreements for side in one.sides})


def _sides(one: Disagreement, sources: list[str]) -> Sides:
    label = sentence(f"{one.label}, {one.about}" if one.about else one.label)
    return Sides(
        label,
        tuple(
            tuple(
                (shown(one.field, side.value), _since(side))
                for side in one.sides
                if side.source == source
            )
            for source in sources
        ),
    )


def _since(side: Side) -> str:
    since = f"{side.as_of:%Y-%m-%d}" if side.as_of else ""
    return f"corrected {since}" if side.corrected else since


def _told(entry: Entry) -> Told:
    return Told(
        entry.at, entry.via, _who(entry), VERB.get(entry.action, entry.action), entry.words or ""
    )


def _who(entry: Entry) -> str:
    return "Detection" if entry.who == "system" else entry.who or DASH
