"""One item as text for the terminal: the problem first, then the record, then the history."""

from __future__ import annotations

from collections.abc import Iterator

from rich.text import Text

from workqueue.cli.printing import Cell, out, print_line, print_table, printable, show
from workqueue.dossier import Dossier, FieldValue


def print_dossier(found: Dossier) -> None:
    """Print one item as a reviewer needs it."""
    item = found.item
    out.print(Text(f"{item.provider}   NPI {show(item.npi)}", style="bold"))
    holder = f", {item.assigned_to}" if item.assigned_to else ""
    print_line(
        f"item {item.id} · P{item.priority} · {item.queue_type} · {item.rule_id} · "
        f"{item.status}{holder} · version {item.version}"
    )
    gone = item.gone_since is not None
    out.print(Text(printable(item.finding), style="dim" if gone else "bold red"), soft_wrap=True)
    if gone:
        print_line(
            f"This no longer holds: the problem was seen gone at {show(item.gone_since)} UTC."
        )
    for offer in item.suggested:
        print_line(f"Suggested: {offer.label} {offer.value}")
    print_line(f"Closes when: {item.exit_condition}")
    if found.disagreements:
        print_line("\nWhat the sources say")
        print_table([Cell("attribute"), Cell("source"), Cell("value"), Cell("date")], _said(found))
    for group in found.groups:
        rows = [_field_row(value) for value in group.fields if _worth_showing(value)]
        if rows:
            print_line(f"\n{group.name}")
            print_table([Cell(""), Cell("field"), Cell("value"), Cell("source")], rows)
    if found.members:
        print_line("\nRecords of this group")
        print_table(
            [Cell("provider", right=True), Cell("NPI"), Cell("name"), Cell("state"), Cell("")],
            [
                [m.provider_id, m.npi, m.provider, m.state, "left" if m.left_at else "in it"]
                for m in found.members
            ],
        )
    if found.other_items:
        print_line("\nAlso open for this provider")
        print_table(
            [Cell("item", right=True), Cell("pri"), Cell("problem"), Cell("status")],
            [[o.id, f"P{o.priority}", o.title, o.status] for o in found.other_items],
        )
    print_line("\nHistory, newest first")
    print_table(
        [Cell("when (UTC)"), Cell("who"), Cell("via"), Cell("what")],
        [
            [e.at, e.who, e.via, f"{e.action}: {e.words}" if e.words else e.action]
            for e in found.history
        ],
    )


def _said(found: Dossier) -> list[list[object]]:
    return [
        [
            f"{one.label} ({one.about})" if one.about else one.label,
            f"{side.source}, corrected" if side.corrected else side.source,
            side.value,
            side.as_of,
        ]
        for one in found.disagreements
        for side in one.sides
    ]


def _worth_showing(value: FieldValue) -> bool:
    return bool(value.faulty or value.value or value.received or value.corrected_by)


def _field_row(value: FieldValue) -> list[object]:
    return ["!" if value.faulty else " ", value.field, value.value, "; ".join(_origin(value))]


def _origin(value: FieldValue) -> Iterator[str]:
    yield f"{value.source} {value.as_of:%Y-%m-%d}" if value.known else f"{value.source}: unknown"
    if value.corrected_by:
        how = f", {value.verified_how}" if value.verified_how else ""
        yield f"corrected by {value.corrected_by}{how}"
    if value.contradicted:
        yield f"the source now says {show(value.received)}"
    elif value.received is not None:
        yield f"received as {value.received}"
