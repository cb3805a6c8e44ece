"""What a load did, counted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class LoadReport:
    """The counts of a load over all its files, whole files even where a load was resumed.

    `loaded`, `updated`, `unchanged`, `rejected` and `skipped` add up to `read`. `normalised`
    counts values by kind: spreadsheet_number, zeros_restored, rewritten (capitals, digits of a
    phone), blanks_cut, unavailable, date_unreadable. `run_ids` are rows of intake_runs, and
    `resumed` is how many files were gone on with. `seconds` is wall time of this call.
    """

    read: int
    loaded: int
    updated: int
    unchanged: int
    rejected: int
    skipped: int
    normalised: dict[str, int]
    run_ids: tuple[int, ...]
    resumed: int
    seconds: float


@dataclass(frozen=True)
class ReferenceReport:
    """A reference list as it was loaded; `superseded` says that it replaced a former one."""

    name: str
    rows: int
    list_id: int
    superseded: bool
