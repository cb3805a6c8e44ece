"""A search around what changed finds what a full search finds there."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.duplicates.people import again, person
from workqueue.duplicates import FIELDS, Found, Known, Model, compared, find
from workqueue.fields import BY_NAME, Form

_SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        *(
            (name, pa.date32() if BY_NAME[name].form is Form.DATE else pa.string())
            for name in FIELDS
        ),
    ]
)
_CHANGED_FIELDS = ("last_name", "first_name", "middle_name", "practice_phone", "license_number_1")


def table(rows: dict[int, dict[str, Any]]) -> pa.Table:
    """Records by id, as a search takes them."""
    told = [
        {name: row.get(name) for name in FIELDS} | {"id": number} for number, row in rows.items()
    ]
    return pa.Table.from_pylist(told, schema=_SCHEMA)


def people(seed: int, count: int) -> dict[int, dict[str, Any]]:
    """`count` records of the twelve people, so that most of them have several."""
    rng = Random(seed)
    rows = {}
    for number in range(1, count + 1):
        row = again(rng.randrange(12)) if number > 8 else person(number)
        if rng.random() < 0.5:
            row["practice_phone"] = "2125550000"
        if rng.random() < 0.3:
            row["license_number_1"] = None
        rows[number] = row
    return rows


def items_of(found: Found) -> list[Known]:
    """Open items, as a run with these findings would have left them."""
    return [
        Known(
            item_id=place,
            fingerprint=row["fingerprint"],
            digests={
                int(record): digest
                for record, digest in json.loads(row["evidence"])["compared"].items()
            },
            newest=True,
            live=True,
            decided=False,
            rejected=False,
        )
        for place, row in enumerate(found.findings.to_pylist(), 1)
    ]


def told(found: Found, among: frozenset[int] | None = None) -> dict[str, Any]:
    """The findings by fingerprint, or those that have a member `among` some ids."""
    return {
        row["fingerprint"]: row
        for row in found.findings.to_pylist()
        if among is None or not among.isdisjoint(row["members"])
    }


def shuffled(
    rows: dict[int, dict[str, Any]], rng: Random
) -> tuple[dict[int, dict[str, Any]], frozenset[int]]:
    """The records after some changes, and the ids that changed, came or went."""
    after = {number: dict(row) for number, row in rows.items()}
    changed = set()
    for _ in range(rng.randrange(1, 6)):
        number = rng.choice(sorted(after))
        kind = rng.random()
        if kind < 0.2:
            number = max(rows) + len(changed) + 1
            after[number] = again(rng.randrange(12))
        elif kind < 0.35:
            del after[number]
        else:
            name = rng.choice(_CHANGED_FIELDS)
            after[number][name] = rng.choice([person(rng.randrange(12))[name], None])
        changed.add(number)
    return after, frozenset(changed)


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(seed=st.integers(0, 10_000))
def test_incremental_equals_full(seed: int) -> None:
    """After random changes, what is found around them is what a full search finds there."""
    rng = Random(seed)
    rows = people(seed, 24)
    first = find(table(rows), model=None)
    known = items_of(first)
    after, changed = shuffled(rows, rng)
    full = find(table(after), model=first.model, known=known)
    part = find(table(after), model=first.model, known=known, changed=changed)
    assert part.asked is not None
    assert told(part) == told(full, part.asked)
    # And elsewhere nothing has changed.
    before = {
        name: row for name, row in told(first).items() if part.asked.isdisjoint(row["members"])
    }
    assert before == {name: row for name, row in told(full).items() if name not in told(part)}


def test_same_records_same_findings() -> None:
    """Two searches with one model give the same findings, to the last digit of the weights."""
    rows = table(people(7, 40))
    first = find(rows, model=None)
    assert find(rows, model=first.model).findings.equals(first.findings)
    assert first.findings.num_rows > 3


def test_crowded_keys_are_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key that too many records share finds no pairs, in a full search and around a change."""
    monkeypatch.setattr("workqueue.duplicates.model.CROWD", 3)
    rows = {number: again(2) for number in range(1, 4)}
    first = find(table(rows), model=None)
    assert first.findings.num_rows == 1
    assert first.model.crowded == frozenset()
    rows[4] = again(2)
    full = find(table(rows), model=first.model)
    part = find(table(rows), model=first.model, changed=frozenset({4}))
    assert full.findings.num_rows == 0
    assert part.model.crowded == full.model.crowded
    assert ("key_license_low", "NY:A551182") in full.model.crowded
    assert part.asked == frozenset({1, 2, 3, 4})
    assert part.findings.num_rows == 0


def test_frequencies_are_those_of_the_model() -> None:
    """Records that come later do not change the weight of a pair that stays as it is."""
    rows = people(3, 30)
    first = find(table(rows), model=None)
    (pair, *_) = json.loads(first.findings["evidence"][0].as_py())["pairs"]
    for number in range(100, 160):
        rows[number] = person(1, last_name=rows[pair["a"]]["last_name"], first_name=f"N{number}")
    again_found = find(table(rows), model=first.model)
    pairs = [
        one
        for evidence in again_found.findings["evidence"].to_pylist()
        for one in json.loads(evidence)["pairs"]
    ]
    assert pair in pairs


def test_blank_records_are_nobody() -> None:
    """Records without names, place and licence have nothing in common to be one person by."""
    rows = {number: {"npi": None} for number in range(1, 9)}
    assert find(table(rows), model=None).findings.num_rows == 0
    assert find(table({}), model=None).findings.num_rows == 0


def test_fields_are_known() -> None:
    """What is compared are fields of the catalogue."""
    assert set(compared.FIELDS) <= set(BY_NAME)
    assert isinstance(find(table(people(1, 9)), model=None).model, Model)
