"""A partial extract of a directory of one's own, about the same people as the NPPES file."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa

from workqueue.demo import columns, people
from workqueue.demo.draws import digits, joined
from workqueue.demo.nppes_file import (
    CHUNK_ROWS,
    DemoFile,
    as_table,
    check_request,
    csv_writer,
    whole_file,
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


def generate_own_source(  # noqa: PLR0913 - all but the first are keywords
    out: Path,
    *,
    rows: int,
    seed: int = 1,
    as_of: date,
    defect_scale: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> DemoFile:
    """Write a partial extract of ``rows`` people to ``out`` and its truth beside it.

    Row n describes the same person as row n of ``generate`` with the same seed, where that row is
    an individual. About 3 % of the rows, times ``defect_scale``, have no NPI (NPI_MISSING); nothing
    else is wrong in them. Arguments, truth and refusals are as for ``generate``; the ``npi`` of the
    truth is empty.
    """
    check_request(rows, as_of, defect_scale)
    truths: list[pa.Table] = []
    with whole_file(out) as partial, csv_writer(partial, OWN_HEADER) as writer:
        for start in range(0, rows, CHUNK_ROWS):
            end = min(start + CHUNK_ROWS, rows)
            numbers = np.arange(start, end, dtype=np.uint64)
            clean = people.build(seed, numbers, as_of, only_individuals=True)
            sheet = Sheet(clean.columns, first_line=start + 2)
            sheet.columns[SOURCE_KEY] = joined("D", digits(numbers.astype(np.int64) + 1, 8))
            rng = Random(f"own {seed} {start}")  # noqa: S311 - it has to repeat itself
            without = [n for n in range(end - start) if rng.random() < MISSING_RATE * defect_scale]
            sheet.blank(without, columns.NPI)
            for row in without:
                sheet.found(row, "NPI_MISSING")
            writer.write_table(as_table(sheet.columns, OWN_HEADER, sheet.size))
            truths.append(sheet.truth())
            if progress is not None:
                progress(end)
    truth = out.with_name(out.name + ".truth.csv")
    return DemoFile(out, truth, rows, rows, write_truth(truth, truths))
