"""A partial extract of a directory of one's own, about the same people as the NPPES file."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa

from workqueue.demo import columns, people
from workqueue.demo.disagreements import REPLACED, Part, plant_disagreements
from workqueue.demo.draws import Ints, Rows, digits, joined
from workqueue.demo.nppes_file import (
    CHUNK_ROWS,
    DemoFile,
    as_table,
    check_request,
    csv_writer,
    whole_file,
    write_near,
    write_truth,
)
from workqueue.demo.sheet import Sheet

SOURCE_KEY = "Source Key"
OWN_HEADER = (
    SOURCE_KEY,
    columns.NPI,
    columns.LAST_NAME,
    columns.FIRST_NAME,
    columns.MIDDLE_NAME,
    columns.LINE_1,
    columns.LINE_2,
    columns.CITY,
    columns.STATE,
    columns.ZIP,
    columns.COUNTRY,
    columns.PHONE,
    columns.TAXONOMY,
    columns.LICENSE,
    columns.LICENSE_STATE,
)
MISSING_RATE = 0.03
GONE_RATE = 0.20  # of the deactivated NPIs, those that the directory still lists


def generate_own_source(  # noqa: PLR0913 - all but the first are keywords
    out: Path,
    *,
    rows: int,
    seed: int = 1,
    as_of: date,
    defect_scale: float = 1.0,
    nppes: DemoFile | None = None,
    progress: Callable[[int], None] | None = None,
) -> DemoFile:
    """Write a partial extract of up to ``rows`` people to ``out`` and its truth beside it.

    Alone, row n describes the same person as row n of ``generate`` with the same seed, where that
    row is an individual; about 3 % of the rows, times ``defect_scale``, have no NPI (NPI_MISSING),
    and nothing else is wrong. Beside the file ``nppes``, which must be of the same seed and day,
    the rows are people about whom nothing is wrong there, as many as there are; then the two also
    contradict each other (see ``disagreements``). The truth is as for ``generate``; DUPLICATE,
    SOURCE_CONFLICT and NAME_CONFLICT have the NPI of the NPPES record as their key. Arguments and
    refusals are as for ``generate``.
    """
    check_request(rows, as_of, defect_scale)
    truths: list[pa.Table] = []
    near: list[pa.Table] = []
    written = 0
    with whole_file(out) as partial, csv_writer(partial, OWN_HEADER) as writer:
        for part in _parts(seed, rows, as_of, nppes):
            sheet = part.sheet
            sheet.first_line = written + 2
            written += sheet.size
            rng = Random(f"own {seed} {part.start}")  # noqa: S311 - it has to repeat itself
            if nppes is None:
                _leave_out_npis(sheet, rng, MISSING_RATE * defect_scale)
            else:
                plant_disagreements(part, rng, defect_scale)
            writer.write_table(as_table(sheet.columns, OWN_HEADER, sheet.size))
            truths.append(sheet.truth())
            near.append(sheet.near_misses())
            if progress is not None:
                progress(written)
    made = DemoFile(out, written, written, write_truth(out, truths))
    write_near(made, near)
    return made


def _leave_out_npis(sheet: Sheet, rng: Random, share: float) -> None:
    without = [row for row in range(sheet.size) if rng.random() < share]
    sheet.blank(without, columns.NPI)
    for row in without:
        sheet.found(row, "NPI_MISSING")


def _parts(seed: int, rows: int, as_of: date, nppes: DemoFile | None) -> Iterator[Part]:
    """Clean rows, chunk by chunk."""
    bad, replaced = _not_clean(nppes) if nppes is not None else (frozenset(), frozenset())
    world = rows if nppes is None else nppes.rows
    left = rows
    for start in range(0, world, CHUNK_ROWS):
        numbers = np.arange(start, min(start + CHUNK_ROWS, world), dtype=np.uint64)
        places = np.arange(len(numbers))
        if nppes is not None:
            places = _chosen(seed, numbers, bad)[:left]
        left -= len(places)
        if len(places):
            yield _part(seed, numbers, places, as_of, replaced)


def _not_clean(nppes: DemoFile) -> tuple[frozenset[int], frozenset[int]]:
    """Rows that are not as they are made, and those of them whose NPI is only replaced."""
    bad: set[int] = set()
    replaced: set[int] = set()
    for path in (nppes.truth, nppes.near):
        with path.open(newline="", encoding="utf-8") as lines:
            for noted in csv.DictReader(lines):
                row = int(noted["line"]) - 2
                (replaced if noted.get("kind") == REPLACED else bad).add(row)
    return frozenset(bad), frozenset(replaced - bad)


def _chosen(seed: int, numbers: Rows, bad: frozenset[int]) -> Ints:
    """The places of people who are clean in the NPPES file, and of some deactivated NPIs."""
    kind = people.kinds(seed, numbers)
    rng = Random(f"gone {seed} {int(numbers[0])}")  # noqa: S311 - it has to repeat itself
    gone = np.array([rng.random() < GONE_RATE for _ in numbers]) & (kind == people.GONE)
    clean = np.array([int(number) not in bad for number in numbers])
    return np.flatnonzero(((kind == people.PERSON) & clean) | gone)


def _part(seed: int, numbers: Rows, places: Ints, as_of: date, replaced: frozenset[int]) -> Part:
    """The rows at the places; all are built, since a row may refer to the one before it."""
    clean = people.build(seed, numbers, as_of, only_individuals=True)
    values = {name: column.take(pa.array(places)) for name, column in clean.columns.items()}
    chosen = numbers[places]
    values[SOURCE_KEY] = joined("D", digits(chosen.astype(np.int64) + 1, 8))
    return Part(
        int(numbers[0]),
        Sheet(values, first_line=2),
        plain=frozenset(np.flatnonzero(clean.plain[places]).tolist()),
        gone=frozenset(np.flatnonzero(people.kinds(seed, chosen) == people.GONE).tolist()),
        replaced=frozenset(n for n, number in enumerate(chosen) if int(number) in replaced),
    )
