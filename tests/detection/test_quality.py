"""Detection on generated files, with an own directory and the reference lists beside NPPES."""

from __future__ import annotations

from datetime import date

import pytest

from tests import planted
from tests.conftest import LOCAL
from tests.planted import OWN, Score, Truth, World
from workqueue.database import Database
from workqueue.detection import detect
from workqueue.intake import load, load_reference
from workqueue.settings import Settings

DAY = date(2026, 6, 1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.made(tmp_path_factory.mktemp("world"), 8_000, 5, DAY)


@pytest.fixture
def filled(database: Database, world: World) -> Database:
    settings = Settings.read()
    load(database, [world.nppes.path], actor=LOCAL, settings=settings)
    load(database, [world.own.path], actor=LOCAL, settings=settings, source=OWN)
    load_reference(database, "taxonomy", world.taxonomy, actor=LOCAL)
    load_reference(database, "leie", world.nppes.leie, actor=LOCAL)
    return database


def test_every_rule_finds_what_was_planted_and_nothing_else(filled: Database, world: World) -> None:
    """Precision and recall of every deterministic rule are 1; what differs is named."""
    detect(filled, actor=LOCAL, as_of=DAY)
    truth, found = Truth.read(world), planted.seen(filled)
    scores = [one for one in planted.score(truth, found) if one.planted or one.false]
    wrong = {one.rule: (_told(truth, one)) for one in scores if one.missed or one.false}
    assert wrong == {}
    assert len(scores) > 35


def _told(truth: Truth, one: Score) -> list[str]:
    return [
        f"{said} {record}: {truth.about(record)}"
        for said, records in (("missed", one.missed), ("false", one.false))
        for record in records[:5]
    ]
