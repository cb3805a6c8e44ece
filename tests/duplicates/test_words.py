"""An item about duplicates in words: the finding, the dossier, the terminal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.command import run as command
from tests.detection.records import change
from tests.duplicates.people import again, found, person, search
from tests.factories import make_providers
from workqueue.database import Database
from workqueue.dossier import dossier
from workqueue.duplicates.findings import probability


def loaded(database: Database, *records: dict[str, Any]) -> list[int]:
    """Records with the line of a file that each came from; their ids in order."""
    with database.transaction() as session:
        ids = make_providers(session, len(records))
    for number, record in zip(ids, records, strict=True):
        change(database, number, **record)
    return ids


def test_dossier_tells_the_weight_of_each_attribute(database: Database) -> None:
    """The inspector is given the pairs, each attribute with both values and its weight."""
    ids = loaded(database, *(person(n) for n in range(6)), again(2, first_name="XIO"))
    search(database)
    with database.transaction() as session:
        told = dossier(session, found(database)[0].id)
    (pair,) = told.pairs
    assert (pair.left_id, pair.right_id) == (ids[2], ids[6])
    by_name = {one.attribute: one for one in pair.agreements}
    assert (by_name["First name"].left, by_name["First name"].right) == ("XIOMARA", "XIO")
    assert by_name["First name"].says == "different"
    assert by_name["First name"].weight < 0 < by_name["Licence"].weight
    total = pair.start + sum(one.weight for one in pair.agreements)
    assert round(total, 1) == pair.weight
    assert told.item.finding.startswith("2 records look like one person (over 99.99 %, ")
    assert "CASTELLANOS, XIOMARA; CASTELLANOS, XIO" in told.item.finding


def test_other_items_have_no_pairs(database: Database) -> None:
    """A finding of a rule about one record is told as before."""
    loaded(database, person(1, practice_phone="123"))
    search(database)
    with database.transaction() as session:
        assert dossier(session, 1).pairs == ()


def test_show_prints_the_weights(database: Database, environment: dict[str, str]) -> None:
    """`workqueue show` has a line for each attribute, and `detect --no-duplicates` leaves all."""
    loaded(database, *(person(n) for n in range(6)), again(2))
    search(database)
    said = command(environment, "show", found(database)[0].id).stdout
    assert "the same number" in said
    assert "any two records" in said
    command(environment, "detect", "--no-duplicates")
    assert [item.status for item in found(database)] == ["OPEN"]


@pytest.mark.parametrize(
    ("weight", "said"), [(0.0, "50 %"), (-3.0, "11.11 %"), (8.0, "99.61 %"), (40.0, "over 99.99 %")]
)
def test_probability_in_words(weight: float, said: str) -> None:
    """Bits are odds in powers of two; nothing is called certain."""
    assert probability(weight) == said
