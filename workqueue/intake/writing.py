"""Write one block and say what became of its records."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pyarrow as pa

from workqueue.intake import store
from workqueue.intake.header import DEACTIVATION_FIELDS
from workqueue.intake.merging import merge
from workqueue.intake.normalise import Rows
from workqueue.intake.records import Block
from workqueue.intake.store import Cursor, Tally, Target


@dataclass(frozen=True)
class Part:
    """A block ready to be written."""

    block: Block
    rows: Rows


def write_block(cursor: Cursor, target: Target, part: Part, first: bool) -> Tally:
    """Write a block in the caller's transaction; `first`: the source has no records yet."""
    rows = part.rows
    rejects = [*part.block.rejects, *rows.rejects]
    tally = Tally(
        read=part.block.read,
        rejected=len(rejects),
        skipped=rows.skipped,
        normalised=dict(rows.normalised),
    )
    if first:
        store.add_new(cursor, target, rows.kept)
        tally.loaded = rows.kept.num_rows
    elif rows.kept.num_rows:
        found = store.find_known(cursor, target, rows.kept)
        new = [place for place, provider in found if provider is None]
        changed = [(place, provider) for place, provider in found if provider is not None]
        store.add_new(cursor, target, rows.kept.take(pa.array(new, pa.int64())))
        tally.loaded = len(new)
        tally.updated = len(merge(cursor, target, _paired(rows.kept, changed)))
        tally.unchanged = rows.kept.num_rows - tally.loaded - tally.updated
    if rows.deactivated.num_rows:
        _deactivate(cursor, target, rows.deactivated, tally)
    store.add_rejects(cursor, target, sorted(rejects, key=lambda reject: reject.line))
    return tally


def _paired(rows: pa.Table, pairs: list[tuple[int, int]]) -> pa.Table:
    places = pa.array([place for place, _ in pairs], pa.int64())
    providers = pa.array([provider for _, provider in pairs], pa.int64())
    return rows.take(places).append_column("provider_id", providers)


def _deactivate(cursor: Cursor, target: Target, rows: pa.Table, tally: Tally) -> None:
    """Set the deactivation of known providers; of unknown ones only the NPI is kept."""
    found = store.find_deactivated(cursor, target, rows)
    # A report may name one NPI twice: the later line counts.
    last = {provider: place for place, provider in found}
    fields = tuple(n for n in target.fields if n in DEACTIVATION_FIELDS and n != "npi")
    known = {place for place, _ in found}
    if target.by_npi:
        unknown = [place for place in range(rows.num_rows) if place not in known]
        store.add_deactivated(cursor, target, rows.take(pa.array(unknown, pa.int64())))
    changed = merge(
        cursor,
        replace(target, fields=fields),
        _paired(rows, [(place, provider) for provider, place in last.items()]),
        deactivation=True,
    )
    updated = {place for provider, place in last.items() if provider in changed}
    tally.updated += len(updated)
    tally.unchanged += len(known) - len(updated)
    tally.skipped += rows.num_rows - len(known)
