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
from workqueue.demo.defects import plant_defects
from workqueue.demo.doubles import DUPLICATE, STRANGERS, plant_doubles, plant_strangers
from workqueue.demo.exclusions import EXCLUDED, Lines, plant_excluded, strangers, write_exclusions
from workqueue.demo.groups import GroupPlanter, Pool
from workqueue.demo.lookalikes import LOOKALIKES, plant_lookalikes
from workqueue.demo.plan import HIGHEST_SCALE, draw_plan
from workqueue.demo.planting import Planting
from workqueue.demo.sheet import NEAR, TRUTH, Sheet
from workqueue.demo.telephones import plant_telephones
from workqueue.errors import BadInput

CHUNK_ROWS = 50_000
EARLIEST_AS_OF = date(2025, 1, 1)


@dataclass(frozen=True)
class DemoFile:
    """A written file: where it is and what was planted.

    ``rows`` counts all rows below the header, ``individuals`` those of entity type 1, ``defects``
    the records that break each rule, by rule id.
    """

    path: Path
    rows: int
    individuals: int
    defects: dict[str, int]

    @property
    def truth(self) -> Path:
        """What is wrong in the file."""
        return beside(self.path, "truth")

    @property
    def near(self) -> Path:
        """What only seems to be wrong in it."""
        return beside(self.path, "near")

    @property
    def leie(self) -> Path:
        """The list of excluded people that goes with the NPPES file."""
        return beside(self.path, "leie")


def beside(path: Path, kind: str) -> Path:
    """The place of what goes with a file."""
    return path.with_name(f"{path.name}.{kind}.csv")


def check_request(rows: int, as_of: date, defect_scale: float) -> None:
    """Refuse what cannot be generated (BadInput)."""
    if not 0 <= rows <= people.MOST_ROWS:
        raise BadInput(f"{rows:,} rows cannot be generated; ask for 0 to {people.MOST_ROWS:,}.")
    if as_of < EARLIEST_AS_OF:
        raise BadInput(
            f"The day {as_of} is too early: clean records carry a certification, which NPPES asks "
            f"for since 2020, and are up to five years old. Choose {EARLIEST_AS_OF} or later."
        )
    if not 0 <= defect_scale <= HIGHEST_SCALE:
        raise BadInput(f"A defect scale of {defect_scale} does not work; choose 0 to 3.")


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


def write_truth(out: Path, parts: list[pa.Table]) -> dict[str, int]:
    """Write what was planted beside the file, in its order, and count it by rule."""
    truth = pa.concat_tables([TRUTH.empty_table(), *parts])
    truth = truth.sort_by([("line", "ascending"), ("rule_id", "ascending")])
    with whole_file(beside(out, "truth")) as partial:
        pacsv.write_csv(truth, str(partial), pacsv.WriteOptions(quoting_style="needed"))
    return dict(sorted(Counter(truth["rule_id"].to_pylist()).items()))


def write_near(made: DemoFile, parts: list[pa.Table]) -> None:
    """Write the near misses beside the file, in its order."""
    near = pa.concat_tables([NEAR.empty_table(), *parts])
    near = near.sort_by([("line", "ascending"), ("kind", "ascending")])
    with whole_file(made.near) as partial:
        pacsv.write_csv(near, str(partial), pacsv.WriteOptions(quoting_style="needed"))


def _able(clean: people.People) -> dict[str, set[int]]:
    """The rows that may get a defect, for the defects that not every row may get."""
    licensed, two, signed, civil = (
        set(np.flatnonzero(trait & clean.plain).tolist())
        for trait in (clean.licensed, clean.two, clean.signed, clean.civil)
    )
    of_license = dict.fromkeys(
        (
            *("LICENSE_MISSING", "LICENSE_STATE_MISSING", "LICENSE_FORMAT", "CREDENTIAL_TAXONOMY"),
            *("TAXONOMY_RETIRED", "TAXONOMY_NON_INDIVIDUAL", "TAXONOMY_REPEATED"),
        ),
        licensed,
    )
    return of_license | {
        "CREDENTIAL_MISSING": signed,
        "TAXONOMY_PRIMARY_MANY": two,
        "LICENSE_NO_PRACTICE_STATE": licensed & civil,
        "ZIP_STATE_MISMATCH": civil,
        "ZIP_CITY_MISMATCH": civil,
    }


def _plant(here: Planting, clean: people.People, pool: Pool, scale: float) -> Lines:
    """Plant all that is wrong and all that only seems so; the lines about excluded people."""
    plain = np.flatnonzero(clean.plain).tolist()
    licensed = set(np.flatnonzero(clean.licensed & clean.plain).tolist())
    plan = draw_plan(here.rng, plain, _able(clean), scale)
    touched = {row for rows in plan.values() for row in rows}
    clean_rows = [row for row in plain if row not in touched]
    groups = GroupPlanter(here.sheet, pool, here.rng, clean_rows)
    groups.plant(plan, licensed)
    able = groups.able(licensed)
    plant_doubles(here.sheet, groups, here.rng, plan[DUPLICATE], able)
    plant_strangers(here.sheet, groups, here.rng, int(STRANGERS * len(plain)))
    plant_lookalikes(here, groups.spare(int(LOOKALIKES * len(plain))))
    if scale:
        plant_telephones(here, groups, len(clean_rows))
    excluded = plant_excluded(here, groups, plan[EXCLUDED])
    groups.renew_pool(licensed)
    plant_defects(here, plan)
    return excluded


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
    organisations and deactivated NPIs. About 17 % of the individuals get a defect, and 8 % are
    stale (more than five years without update, three in ten of them more than ten); both shares
    are multiplied by ``defect_scale`` (0 to 3). Every other row breaks no rule on the day
    ``as_of``, nor for half a year after: among them streets that resemble a post office box,
    licence numbers that repeat across states or professions, practices abroad, in US territories
    and at military post offices.

    The truth has one row per record and rule: ``line`` in the file (the header is line 1), ``npi``
    as it stands there, ``rule_id``, and ``group_key`` for the rules about several records: the NPI,
    or licence number, state and first four characters of the taxonomy joined by ``|``.
    ``progress`` is told how many rows are written so far. Raises BadInput for a request that
    cannot be met or a place that cannot be written.

    The rule of one person under two NPIs is called DUPLICATE; its key is the NPI of the entry that
    was there first. Beside the truth stand ``<out>.near.csv``, the clean records that were made to
    look wrong, with what they look like, and ``<out>.leie.csv``, a list of excluded people.
    """
    check_request(rows, as_of, defect_scale)
    pool = Pool()
    truths: list[pa.Table] = []
    near: list[pa.Table] = []
    excluded = strangers(Random(f"leie {seed}"), rows // 1_000)  # noqa: S311 - as below
    individuals = 0
    with whole_file(out) as partial, csv_writer(partial, columns.HEADER) as writer:
        for start in range(0, rows, CHUNK_ROWS):
            end = min(start + CHUNK_ROWS, rows)
            clean = people.build(seed, np.arange(start, end, dtype=np.uint64), as_of)
            sheet = Sheet(clean.columns, first_line=start + 2)
            rng = Random(f"{seed} {start}")  # noqa: S311 - it has to repeat itself
            excluded += _plant(Planting(sheet, rng, as_of), clean, pool, defect_scale)
            writer.write_table(as_table(sheet.columns, columns.HEADER, sheet.size))
            truths.append(sheet.truth())
            near.append(sheet.near_misses())
            individuals += int(clean.individual.sum())
            if progress is not None:
                progress(end)
    made = DemoFile(out, rows, individuals, write_truth(out, truths))
    write_near(made, near)
    with whole_file(made.leie) as partial:
        write_exclusions(partial, excluded)
    return made
