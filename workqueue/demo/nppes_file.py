"""Writes the file and its truth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from workqueue.demo import columns, people
from workqueue.demo.addresses import Columns
from workqueue.demo.defects import Planting, plant_defects
from workqueue.demo.groups import GroupPlanter, Pool
from workqueue.demo.plan import HIGHEST_SCALE, draw_plan
from workqueue.demo.sheet import TRUTH, Sheet
from workqueue.errors import BadInput

CHUNK_ROWS = 50_000
EARLIEST_AS_OF = date(2017, 1, 1)


@dataclass(frozen=True)
class DemoFile:
    """A written file: where it is, where its truth is, and what was planted.

    ``rows`` counts all rows below the header, ``individuals`` those of entity type 1, ``defects``
    the records that break each rule, by rule id.
    """

    path: Path
    truth: Path
    rows: int
    individuals: int
    defects: dict[str, int]


def check_request(rows: int, as_of: date, defect_scale: float) -> None:
    """Refuse what cannot be generated (BadInput)."""
    if not 0 <= rows <= people.MOST_ROWS:
        raise BadInput(f"{rows:,} rows cannot be generated; ask for 0 to {people.MOST_ROWS:,}.")
    if as_of < EARLIEST_AS_OF:
        raise BadInput(
            f"The day {as_of} is too early: records more than ten years old must fit between "
            f"{people.FIRST_DAY}, when NPIs began, and that day. Choose {EARLIEST_AS_OF} or later."
        )
    if not 0 <= defect_scale <= HIGHEST_SCALE:
        raise BadInput(f"A defect scale of {defect_scale} does not work; choose 0 to 5.")


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path to write to; it takes the real name only when all is written."""
    partial = path.with_name(path.name + ".partial")
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise BadInput(f"{path} cannot be written ({error}); choose another place.") from error
    finally:
        partial.unlink(missing_ok=True)


def csv_writer(path: Path, header: Sequence[str]) -> pacsv.CSVWriter:
    """A writer of text columns in the style of CMS: every value quoted, lines ended by LF."""
    schema = pa.schema([(name, pa.string()) for name in header])
    options = pacsv.WriteOptions(quoting_style="all_valid")
    return pacsv.CSVWriter(str(path), schema, write_options=options)


def as_table(values: Columns, header: Sequence[str], size: int) -> pa.Table:
    """The columns under the header; a column without values is empty text throughout."""
    empty = pa.array([""] * size, pa.string())
    return pa.table([values.get(name, empty) for name in header], names=list(header))


def write_truth(path: Path, parts: list[pa.Table]) -> dict[str, int]:
    """Write what was planted, in file order, and count it by rule."""
    truth = pa.concat_tables([TRUTH.empty_table(), *parts])
    truth = truth.sort_by([("line", "ascending"), ("rule_id", "ascending")])
    with whole_file(path) as partial:
        pacsv.write_csv(truth, str(partial), pacsv.WriteOptions(quoting_style="needed"))
    return dict(sorted(Counter(truth["rule_id"].to_pylist()).items()))


def _plant(here: Planting, clean: people.People, pool: Pool, scale: float) -> None:
    plain = np.flatnonzero(clean.plain).tolist()
    licensed = set(np.flatnonzero(clean.licensed & clean.plain).tolist())
    plan = draw_plan(here.rng, plain, licensed, scale)
    touched = {row for rows in plan.values() for row in rows}
    clean_rows = [row for row in plain if row not in touched]
    groups = GroupPlanter(here.sheet, pool, here.rng, clean_rows)
    groups.plant(plan, licensed)
    groups.renew_pool(licensed)
    plant_defects(here, plan)


def generate(  # noqa: PLR0913 - all but the first are keywords
    out: Path,
    *,
    rows: int,
    seed: int = 1,
    as_of: date,
    defect_scale: float = 1.0,
    progress: Callable[[int], None] | None = None,
) -> DemoFile:
    """Write an NPPES file of ``rows`` rows to ``out`` and its truth to ``<out>.truth.csv``.

    The same arguments give the same bytes. About 83 % of the rows are individuals, the rest
    organisations and deactivated NPIs. About 12 % of the individuals get a defect, and 8 % are
    stale (more than five years without update, three in ten of them more than ten); both shares
    are multiplied by ``defect_scale`` (0 to 5). Every other row breaks no rule on the day
    ``as_of``, nor for half a year after: among them streets that resemble a post office box,
    licence numbers that repeat across states or professions, practices abroad, in US territories
    and at military post offices.

    The truth has one row per record and rule: ``line`` in the file (the header is line 1), ``npi``
    as it stands there, ``rule_id``, and ``group_key`` for the rules about several records: the NPI,
    or licence number, state and first four characters of the taxonomy joined by ``|``.
    ``progress`` is told how many rows are written so far. Raises BadInput for a request that
    cannot be met or a place that cannot be written.
    """
    check_request(rows, as_of, defect_scale)
    pool = Pool()
    truths: list[pa.Table] = []
    individuals = 0
    with whole_file(out) as partial, csv_writer(partial, columns.HEADER) as writer:
        for start in range(0, rows, CHUNK_ROWS):
            end = min(start + CHUNK_ROWS, rows)
            clean = people.build(seed, np.arange(start, end, dtype=np.uint64), as_of)
            sheet = Sheet(clean.columns, first_line=start + 2)
            rng = Random(f"{seed} {start}")  # noqa: S311 - it has to repeat itself
            _plant(Planting(sheet, rng, as_of), clean, pool, defect_scale)
            writer.write_table(as_table(sheet.columns, columns.HEADER, sheet.size))
            truths.append(sheet.truth())
            individuals += int(clean.individual.sum())
            if progress is not None:
                progress(end)
    truth = out.with_name(out.name + ".truth.csv")
    return DemoFile(out, truth, rows, individuals, write_truth(truth, truths))
