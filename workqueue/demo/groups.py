"""Defects that take two records: an NPI given twice, a licence under two NPIs.

The other record may stand anywhere earlier in the file, so a pool of clean rows is carried along.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

import pyarrow as pa

from workqueue.demo import columns
from workqueue.demo.addresses import Columns
from workqueue.demo.places import CITIES
from workqueue.demo.plan import Plan
from workqueue.demo.sheet import Sheet

POOL_ROWS = 2_000
TRIPLES = 0.15  # share of the groups that get a third member

_LICENSE_COLUMNS = (
    columns.TAXONOMY,
    columns.LICENSE,
    columns.LICENSE_STATE,
    columns.PRIMARY,
    columns.CREDENTIAL,
)
# What changes when somebody moves within a city; beyond it the licence would not follow.
_OF_THE_DOOR = (columns.LINE_1, columns.LINE_2, columns.PHONE, columns.FAX)
_PLACE = (columns.CITY, columns.STATE, columns.ZIP)
_PLACES: dict[str, list[tuple[str, str, str]]] = {}
for _city in CITIES:
    _PLACES.setdefault(_city.state, []).extend((*_city[:2], code) for code in _city.zips)
_SECOND_SLOT = columns.taxonomy_slot(2)


@dataclass
class Pool:
    """Clean rows already written: their values, their lines, and which carry a needed licence."""

    columns: Columns = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    licensed: list[bool] = field(default_factory=list)

    def keep(self, positions: list[int]) -> None:
        """Forget all rows but those at the positions."""
        self.columns = {k: v.take(pa.array(positions)) for k, v in self.columns.items()}
        self.lines = [self.lines[p] for p in positions]
        self.licensed = [self.licensed[p] for p in positions]

    def add(self, sheet: Sheet, rows: list[int], licensed: set[int]) -> None:
        """Remember rows of the sheet."""
        if not rows:
            return
        for name, values in sheet.columns.items():
            new = values.take(pa.array(rows))
            old = self.columns.get(name)
            self.columns[name] = new if old is None else pa.concat_arrays([old, new])
        self.lines += [sheet.first_line + row for row in rows]
        self.licensed += [row in licensed for row in rows]


class GroupPlanter:
    """Plants the group defects of one sheet.

    A lender is a clean record that another record is made to collide with. Positions below the
    sheet's size are its own rows, those above are rows of the pool.
    """

    def __init__(self, sheet: Sheet, pool: Pool, rng: Random, clean: list[int]) -> None:
        self._sheet = sheet
        self._rng = rng
        self._pool = pool
        self._here = clean.copy()
        self._before = [sheet.size + p for p in range(len(pool.lines))]
        rng.shuffle(self._here)
        rng.shuffle(self._before)

    def spare(self, count: int) -> list[int]:
        """Clean rows of the sheet that nobody else will use; fewer where few are left."""
        taken = self._here[len(self._here) - min(count, len(self._here)) :]
        del self._here[len(self._here) - len(taken) :]
        return sorted(taken)

    def records(self, lenders: list[int]) -> list[dict[str, str]]:
        """The lenders as records."""
        if not lenders:
            return []
        taken = {name: self.values(name, lenders) for name in self._sheet.columns}
        records: list[dict[str, str]] = pa.table(taken).to_pylist()
        return records

    def plant(self, plan: Plan, licensed: set[int]) -> None:
        """Plant both kinds of group; rows for which nobody is left to collide with stay clean."""
        self._duplicate_npi(plan["NPI_DUPLICATE"])
        self._share_license(plan["LICENSE_SHARED"], self.able(licensed))

    def able(self, licensed: set[int]) -> set[int]:
        """The lenders with one needed licence, here and in the pool."""
        size = self._sheet.size
        return licensed | {size + p for p, yes in enumerate(self._pool.licensed) if yes}

    def renew_pool(self, licensed: set[int]) -> None:
        """Drop lenders that were used from the pool and fill it up with clean rows from here."""
        size = self._sheet.size
        self._pool.keep([p - size for p in self._before[: POOL_ROWS // 2]])
        room = POOL_ROWS - len(self._pool.lines)
        self._pool.add(self._sheet, self._here[:room], licensed)

    def lenders(self, takers: list[int], able: set[int] | None) -> list[int]:
        """A lender for each taker; some lend twice. Shorter than ``takers`` if none is left."""
        wanted = round(len(takers) / (1 + TRIPLES)) or len(takers)
        lenders: list[int] = []
        for count, source in ((wanted // 2, self._before), (wanted, self._here)):
            fit = [p for p in source if able is None or p in able][: count - len(lenders)]
            lenders += fit
            used = set(fit)
            source[:] = [p for p in source if p not in used]
        return [lenders[n % len(lenders)] for n in range(len(takers))] if lenders else []

    def values(self, name: str, lenders: list[int]) -> pa.Array:
        """Values of the lenders, in the same order."""
        parts = [self._sheet.columns[name]]
        if self._pool.lines:
            parts.append(self._pool.columns[name])
        return pa.concat_arrays(parts).take(pa.array(lenders))

    def note(self, rule: str, takers: list[int], lenders: list[int], keys: list[str]) -> None:
        """Note that takers and lenders break the rule together."""
        sheet = self._sheet
        npis = self.values(columns.NPI, lenders).to_pylist()
        noted = set()
        for taker, lender, key, npi in zip(takers, lenders, keys, npis, strict=True):
            sheet.found(taker, rule, key)
            if lender < sheet.size:
                sheet.found(lender, rule, key)
            elif lender not in noted:
                noted.add(lender)
                line = self._pool.lines[lender - sheet.size]
                sheet.found_earlier(line, npi, rule, key)

    def _duplicate_npi(self, takers: list[int]) -> None:
        """Make each taker a second record of the lender: same person, often another practice."""
        sheet = self._sheet
        lenders = self.lenders(takers, None)
        takers = takers[: len(lenders)]
        moved = [self._rng.random() < 0.6 for _ in takers]
        stayed = [n for n, has_moved in enumerate(moved) if not has_moved]
        for name in list(sheet.columns):
            chosen = stayed if name in _OF_THE_DOOR else range(len(takers))
            rows = [takers[n] for n in chosen]
            if rows:
                sheet.put(name, rows, self.values(name, [lenders[n] for n in chosen]))
        sheet.blank([row for row in takers if self._rng.random() < 0.4], columns.MIDDLE_NAME)
        renamed = [row for row in takers if self._rng.random() < 0.1]
        doubled = [f"{sheet.read(columns.LAST_NAME, row)}-HOLLOWAY" for row in renamed]
        sheet.put(columns.LAST_NAME, renamed, doubled)
        if takers:
            keys = self.values(columns.NPI, lenders).to_pylist()
            self.note("NPI_DUPLICATE", takers, lenders, keys)

    def _share_license(self, takers: list[int], able: set[int]) -> None:
        """Give each taker, another person with an own NPI, the lender's specialty and licence."""
        lenders = self.lenders(takers, able)
        takers = takers[: len(lenders)]
        if not takers:
            return
        for name in _LICENSE_COLUMNS:
            self._sheet.put(name, takers, self.values(name, lenders))
        self._move_into_state(takers, lenders)
        self._sheet.blank(takers, columns.PREFIX, *_SECOND_SLOT)
        parts = (columns.LICENSE, columns.LICENSE_STATE, columns.TAXONOMY)
        number, state, code = (self.values(name, lenders).to_pylist() for name in parts)
        keys = [f"{n}|{s}|{c[:4]}" for n, s, c in zip(number, state, code, strict=True)]
        self.note("LICENSE_SHARED", takers, lenders, keys)

    def _move_into_state(self, takers: list[int], lenders: list[int]) -> None:
        """To some city of the lender's state, where the licence is good: no other rule breaks."""
        places = (self.values(name, lenders).to_pylist() for name in _PLACE)
        moved = [
            self._rng.choice(_PLACES.get(state, [(city, state, code)]))
            for city, state, code in zip(*places, strict=True)
        ]
        for name, values in zip(_PLACE, zip(*moved, strict=True), strict=True):
            self._sheet.put(name, takers, values)
