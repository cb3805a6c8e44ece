"""A run that looks at changes only comes to what a full run comes to."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.conftest import LOCAL
from tests.detection.records import (
    PROVIDERS,
    TODAY,
    add,
    change,
    changed_by,
    clean,
    hold,
    items,
    members,
    npi,
    only,
    problems,
    run,
)
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.detection import DetectReport, asking, detect
from workqueue.detection import run as run_module
from workqueue.dossier import Disagreement, Side
from workqueue.dossier.disagreeing import disagreements
from workqueue.errors import Refusal
from workqueue.rules import RULES
from workqueue.verbs import field_update, reject, release, reopen, resolve

People = dict[str, Actor]

# Values that bring up, cure and change findings, and that make, change and part groups.
CHOICES: dict[str, list[Any]] = {
    "npi": [npi(1), npi(2), npi(3), npi(4), None],
    "replacement_npi": [None, None, None, npi(9)],
    "last_name": ["MARLOWE", "TEST", "O'HARA", "ohara", None],
    "first_name": ["PHILIPPA", "P", "PHIL", None],
    "practice_state": ["IL", "OH"],
    "practice_phone": ["2175232345", "2175232346", "5551234", None],
    "license_number_1": ["A1", "A2", None],
    "taxonomy_code_1": ["207Q00000X", "122300000X", None],
    "license_number_9": ["A1", "A2", None],
    "license_state_9": ["IL"],
    "taxonomy_code_9": ["207Q00000X", None],
    "last_update_date": [
        TODAY.replace(year=TODAY.year - 5),
        TODAY.replace(year=TODAY.year - 10) + timedelta(days=2),
        TODAY + timedelta(days=2),
        date(2025, 5, 1),
    ],
    "deactivation_date": [None, None, None, date(2026, 1, 1)],
}
SOURCES = ("NPPES", "NPPES", "CLINIC", "BOARD")


def full(database: Database, as_of: date = TODAY) -> DetectReport:
    """A run that looks at everything."""
    return detect(database, actor=LOCAL, as_of=as_of, full=True, duplicates=False)


def _tell_complete(database: Database) -> None:
    """Let a full file of NPPES have been loaded."""
    add(database, clean())
    with database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO intake_runs (source_id, kind, file_name, file_size, file_digest, "
                "status, next_offset, user_id, via, finished_at) SELECT source.id, 'providers', "
                "'npidata_pfile_20050523-20260208.csv', 1, 'x', 'DONE', 1, \"user\".id, 'test', "
                "now() FROM sources source, \"user\" WHERE name = 'NPPES' LIMIT 1"
            )
        )


def _random_record(rng: random.Random) -> dict[str, Any]:
    return clean(**{name: rng.choice(values) for name, values in CHOICES.items()})


class Story:
    """What befalls a database, step by step, at random."""

    def __init__(self, database: Database, who: Actor) -> None:
        self.database, self.who, self.rng = database, who, random.Random(1)
        self.day = TODAY
        self.ids: list[int] = []
        _tell_complete(database)
        for _ in range(8):
            self.load()
        run(database)

    def go(self, step: str) -> None:
        """Take a step; what a verb refuses does not happen."""
        try:
            getattr(self, step)()
        except Refusal:
            return

    def load(self) -> None:
        """Records come in."""
        source = self.rng.choice(SOURCES)
        records = [_random_record(self.rng) for _ in range(self.rng.randint(1, 3))]
        self.ids += add(self.database, *records, source=source)

    def edit(self) -> None:
        """A later file changes a record."""
        names = self.rng.sample(sorted(CHOICES), self.rng.randint(1, 3))
        values = {name: self.rng.choice(CHOICES[name]) for name in names}
        change(self.database, self.rng.choice(self.ids), **values)

    def edit_twice(self) -> None:
        """A record joins a group and leaves it again before anybody looks."""
        one = self.rng.choice(self.ids)
        for name in ("npi", "license_number_1"):
            for value in self.rng.sample(CHOICES[name], 2):
                change(self.database, one, **{name: value})

    def deactivate(self) -> None:
        """NPPES deactivates an NPI, whether it has told a record of it or not."""
        with self.database.transaction() as session:
            session.execute(
                text(
                    "INSERT INTO nppes_deactivations (npi, deactivation_date, run_id) "
                    "VALUES (:npi, '2026-01-01', 1) ON CONFLICT DO NOTHING"
                ),
                {"npi": self.rng.choice([npi(3), npi(4)])},
            )

    def decide(self) -> None:
        """Somebody holds an item and does something with it."""
        with self.database.transaction() as session:
            found = session.execute(text("SELECT id, status FROM work_items ORDER BY id")).all()
        if not found:
            return
        item, status = self.rng.choice(found)
        if status == "OPEN":
            hold(self.database, item, self.who)
            act = self.rng.choice((reject, resolve, release, None))
            if act is reject:
                self.database.run(lambda s: reject(s, item, actor=self.who, reason="it is so"))
            elif act is not None:
                self.database.run(lambda s: act(s, item, actor=self.who))
        elif status == "IN_PROGRESS":
            value = self.rng.choice(["2175232347", "2175232348"])
            self.database.run(
                lambda s: (
                    field_update(s, item, {"practice_phone": value}, actor=self.who)
                    if self.rng.random() < 0.5
                    else release(s, item, actor=self.who)
                )
            )
        else:
            self.database.run(lambda s: reopen(s, item, actor=self.who, reason="not done"))

    def pass_days(self) -> None:
        """Time goes by, and now and then a run is made for an earlier day."""
        self.day += timedelta(days=self.rng.choice((1, 2, 3, 400, -2)))


STEPS = (
    "load",
    "edit",
    "edit",
    "edit",
    "edit_twice",
    "deactivate",
    "decide",
    "decide",
    "pass_days",
)


ROUNDS = st.lists(st.sampled_from(STEPS), min_size=1, max_size=5)


@settings(
    max_examples=25,
    deadline=None,
    database=None,
    # One database for all examples: what holds has to hold from whatever has been left behind.
    phases=(Phase.generate,),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=ROUNDS, seed=st.integers(0, 2**32), version=st.booleans())
def test_same_as_a_full_run(
    database: Database, people: People, steps: list[str], seed: int, version: bool
) -> None:
    """Whatever happens in between, a full run finds nothing to do after one of changes."""
    story = STORIES.setdefault(id(database), Story(database, people["ruth"]))
    rng = story.rng = random.Random(seed)
    for step in steps:
        story.go(step)
    with pytest.MonkeyPatch.context() as patched:
        if version:
            one = rng.choice(RULES)
            rules = tuple(
                replace(rule, version=rule.version + 1) if rule is one else rule for rule in RULES
            )
            patched.setattr(asking, "RULES", rules)
        report = run(database, story.day)
        assert not report.full
        before = problems(database)
        assert changed_by(full(database, story.day)) == {}
        assert problems(database) == before


STORIES: dict[int, Story] = {}


def _uncommitted(database: Database) -> Any:
    connection = database.engine.connect()
    connection.execute(text("UPDATE individual_providers SET practice_phone = '1'"))
    return connection


def test_a_transaction_under_way_is_seen_once_it_has_ended(database: Database) -> None:
    """What was written before a run and committed after it is looked at by the next one."""
    add(database, clean())
    run(database)
    with _uncommitted(database) as writing:
        add(database, clean(practice_phone="2"))
        assert changed_by(run(database)) == {"new": 1}
        assert changed_by(run(database)) == {}
        writing.commit()
    report = run(database)
    assert changed_by(report) == {"new": 1}
    assert not report.full
    assert changed_by(full(database)) == {}


def test_nothing_new_is_nothing_to_look_at(database: Database) -> None:
    """A second run looks at no record, and a changed one is looked at alone."""
    first, *_ = add(database, clean(practice_phone="1"), clean(), clean())
    assert run(database).full
    assert run(database).looked_at == 0
    change(database, first, practice_phone="2")
    report = run(database)
    assert (report.looked_at, report.full) == (1, False)
    assert changed_by(report) == {"refreshed": 1}


def test_a_broken_run_is_made_good(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run that broke off had to look at is looked at by the next."""
    (provider,) = add(database, clean())
    run(database)
    change(database, provider, practice_phone="1")
    with monkeypatch.context() as patched:
        patched.setattr(run_module, "reconcile", lambda *_given, **_named: 1 // 0)
        with pytest.raises(ZeroDivisionError):
            run(database)
    assert changed_by(run(database)) == {"new": 1}


def test_another_place_begins_from_nothing(database: Database) -> None:
    """A restored database, whose numbers of transactions mean nothing, is looked at in full."""
    add(database, clean())
    run(database)
    with database.transaction() as session:
        session.execute(
            text("UPDATE detection_runs SET basis = jsonb_set(basis, '{place}', '\"other\"')")
        )
    assert run(database).full
    assert not run(database).full


def test_a_changed_rule_is_asked_of_all_records(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rule with another text is asked of every record, the others of none."""
    add(database, clean(practice_state="XX"), clean(practice_phone="1"))
    run(database)
    one = next(rule for rule in RULES if rule.id == "STATE_INVALID")
    (check, *_) = one.checks
    never = replace(one, checks=(replace(check, expression="FALSE"),))
    monkeypatch.setattr(asking, "RULES", tuple(never if rule is one else rule for rule in RULES))
    report = run(database)
    assert (changed_by(report), report.looked_at) == ({"closed": 1}, 0)
    assert items(database, "PHONE_INVALID")[0].status == "OPEN"


def test_a_full_file_of_nppes_makes_npis_absent(database: Database) -> None:
    """An NPI is not in NPPES only once a full file says so; NPPES may also have deactivated it."""
    quiet = {"taxonomy_code_1": "390200000X", "license_number_1": None}
    (own, gone) = add(database, clean(**quiet), clean(**quiet), source="CLINIC")
    assert changed_by(run(database)) == {}
    _tell_complete(database)
    assert changed_by(run(database)) == {"new": 2}
    with database.transaction() as session:
        told = session.execute(
            text(
                "INSERT INTO nppes_deactivations (npi, deactivation_date, run_id) "
                "SELECT npi, '2026-01-05', 1 FROM individual_providers WHERE id = :id"
            ),
            {"id": gone},
        )
        assert told.rowcount == 1  # type: ignore[attr-defined]
    report = run(database)
    assert (changed_by(report), report.looked_at) == ({"new": 1, "closed": 1}, 1)
    assert only(database, "NPI_DEACTIVATED_ACTIVE").provider_id == gone
    with database.transaction() as session:
        wanted = session.scalar(
            PROVIDERS.select().with_only_columns(PROVIDERS.c.npi).where(PROVIDERS.c.id == own)
        )
    (nppes,) = add(database, clean(**quiet, npi=wanted))
    assert changed_by(run(database)) == {"closed": 1}
    change(database, nppes, npi=npi(77))
    assert changed_by(run(database)) == {"reopened": 1}


def _disagreements(database: Database) -> tuple[Disagreement, ...]:
    with database.snapshot() as session:
        evidence = session.scalar(
            text("SELECT evidence FROM work_items WHERE rule_id = 'SOURCE_CONFLICT'")
        )
        return disagreements(session, evidence or {})


def test_a_disagreement_is_told_side_by_side(database: Database, people: People) -> None:
    """The dossier sets source, value and date side by side, and a correction dates its value."""
    (nppes,) = add(database, clean(npi=npi(5), license_number_1="A1"))
    (own,) = add(
        database,
        clean(npi=npi(5), license_number_1="A1", practice_phone="2175232399", practice_zip="62702"),
        source="CLINIC",
    )
    run(database)
    item = only(database, "SOURCE_CONFLICT")
    told = _disagreements(database)
    assert [(one.label, one.about) for one in told] == [
        ("practice phone", ""),
        ("practice ZIP", ""),
    ]
    updated = date(2025, 5, 1)
    assert told[0].sides == (
        Side(own, "CLINIC", "2175232399", updated, corrected=False),
        Side(nppes, "NPPES", "2175232345", updated, corrected=False),
    )
    assert members(database, item.id) == {nppes: True, own: True}
    hold(database, item.id, people["ruth"])
    result = database.run(
        lambda session: field_update(
            session,
            item.id,
            {"practice_phone": "2175232388"},
            actor=people["ruth"],
            provider_id=own,
        )
    )
    assert not result.cured
    (side, _) = _disagreements(database)[0].sides
    assert (side.value, side.corrected) == ("2175232388", True)
    for name, value in (("practice_phone", "2175232345"), ("practice_zip", "62701")):
        result = database.run(
            lambda session, name=name, value=value: field_update(
                session, item.id, {name: value}, actor=people["ruth"], provider_id=own
            )
        )
    assert result.cured
    assert changed_by(full(database)) == {}
