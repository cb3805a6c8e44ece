"""The metrics against a history that is small enough to count by hand.

Five items in March 2026 (UTC), told in `history` line by line; the expected numbers are written
beside the tests that compare them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas
import pytest
from sqlalchemy.orm import Session

from tests.conftest import Server
from tests.factories import cure, make_items
from tests.past import at, spread
from workqueue import metrics, verbs
from workqueue.accounts import Actor
from workqueue.audit import verify
from workqueue.database import Database
from workqueue.errors import BadInput
from workqueue.inbox import Filter, count
from workqueue.lifecycle import Verb
from workqueue.metrics.history import CLOSING, DECIDING, OPENING
from workqueue.verbs.sweeping import close_cured

LEASE = timedelta(minutes=15)
MARCH = {"first": date(2026, 3, 1), "last": date(2026, 3, 6)}


@pytest.fixture
def history(
    database: Database, superuser_database: Database, people: dict[str, Actor]
) -> list[int]:
    """Items a to e: three of MISSING_DATA, two of VALIDATION_FLAG."""
    a, b, c = make_items(database, 3)
    d, e = make_items(database, 2, rule_id="ZIP_INVALID", queue_type="VALIDATION_FLAG")
    ruth, rob = people["ruth"], people["rob"]

    def act(verb: Callable[..., Any], item: int, actor: Actor, **more: Any) -> None:
        database.run(lambda session: verb(session, item, actor=actor, **more))

    act(verbs.claim, a, ruth, lease=LEASE)
    act(verbs.resolve, a, ruth)
    act(verbs.claim, b, rob, lease=LEASE)
    act(verbs.reject, b, rob, reason="is right")
    act(verbs.reopen, b, people["lea"], reason="is not")
    act(verbs.claim, d, ruth, lease=LEASE)
    act(verbs.release, d, ruth)
    act(verbs.claim, d, rob, lease=LEASE)
    act(verbs.resolve, d, rob)
    cure(database, e)
    database.run(lambda session: close_cured(session, [e]))
    spread(
        superuser_database,
        {
            a: [at(2, 8), at(2, 10), at(2, 10, 30)],  # create, claim, resolve
            b: [at(2, 8), at(3, 8), at(3, 9), at(5, 12)],  # create, claim, reject, reopen
            c: [at(2, 8)],  # create
            # create, claim by ruth, release, claim by rob, resolve
            d: [at(3, 23, 30), at(4, 0, 30), at(4, 1), at(4, 3, 30), at(4, 4, 30)],
            e: [at(3, 23, 30), at(6, 1), at(6, 2)],  # create, cure, close by the system
        },
    )
    assert verify(database).ok
    return [a, b, c, d, e]


@pytest.fixture(params=["app", "analyst"])
def session(
    request: pytest.FixtureRequest, server: Server, database_name: str, history: list[int]
) -> Iterator[Session]:
    """One snapshot of the history under each role that reads metrics."""
    with Database(server.url(request.param, database_name)) as opened, opened.snapshot() as reading:
        yield reading


def rows(frame: pandas.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    """The rows of a frame with days as numbers of the month."""
    chosen = frame[list(columns)].copy()
    if "day" in columns:
        chosen["day"] = chosen["day"].dt.day
    return [tuple(row) for row in chosen.itertuples(index=False)]


def test_verbs_are_read_from_the_life_cycle() -> None:
    """What opens, closes and decides follows from the table of transitions and rights."""
    assert set(OPENING) == {Verb.CREATE, Verb.REOPEN, Verb.REVIVE}
    assert set(CLOSING) == {Verb.RESOLVE, Verb.REJECT, Verb.CLOSE}
    assert set(DECIDING) == {Verb.RESOLVE, Verb.REJECT}


def test_backlog_at_the_end_of_each_day(session: Session) -> None:
    """What is open goes up by openings and down by closings, for each queue type, every day."""
    found = metrics.backlog(session, **MARCH)
    assert list(found.columns) == ["day", "queue_type", "label", "open"]
    assert rows(found, "day", "queue_type", "open") == [
        (2, "MISSING_DATA", 2),
        (2, "VALIDATION_FLAG", 0),
        (3, "MISSING_DATA", 1),
        (3, "VALIDATION_FLAG", 2),
        (4, "MISSING_DATA", 1),
        (4, "VALIDATION_FLAG", 1),
        (5, "MISSING_DATA", 2),
        (5, "VALIDATION_FLAG", 1),
        (6, "MISSING_DATA", 2),
        (6, "VALIDATION_FLAG", 0),
    ]
    assert set(found["label"]) == {"Missing data", "Validation flag"}


def test_backlog_ends_today_with_what_is_open(session: Session) -> None:
    """Without days the frame ends today, with as many items as are open now."""
    found = metrics.backlog(session)
    today = found[found["day"] == found["day"].max()]
    assert found["day"].max().date() == datetime.now(UTC).date()
    assert today["open"].sum() == 2
    assert len(found) == 2 * found["day"].nunique()


def test_backlog_of_later_days_knows_what_came_before(session: Session) -> None:
    """Days are chosen after adding up, not before."""
    found = metrics.backlog(session, first=date(2026, 3, 5), last=date(2026, 3, 5))
    assert rows(found, "queue_type", "open") == [("MISSING_DATA", 2), ("VALIDATION_FLAG", 1)]


def test_flow_of_each_day(session: Session) -> None:
    """Openings count reopened items, closings also those of the machine, which nobody decided."""
    found = metrics.flow(session, **MARCH)
    assert rows(found, "day", "queue_type", "opened", "closed", "decided") == [
        (2, "MISSING_DATA", 3, 1, 1),
        (2, "VALIDATION_FLAG", 0, 0, 0),
        (3, "MISSING_DATA", 0, 1, 1),
        (3, "VALIDATION_FLAG", 2, 0, 0),
        (4, "MISSING_DATA", 0, 0, 0),
        (4, "VALIDATION_FLAG", 0, 1, 1),
        (5, "MISSING_DATA", 1, 0, 0),
        (5, "VALIDATION_FLAG", 0, 0, 0),
        (6, "MISSING_DATA", 0, 0, 0),
        (6, "VALIDATION_FLAG", 0, 1, 0),
    ]


def test_days_are_days_in_utc(session: Session) -> None:
    """An item of 23:30 UTC belongs to that day also where the session thinks in another zone."""
    session.connection().exec_driver_sql("SET TIME ZONE 'Asia/Tokyo'")
    found = metrics.flow(session, Filter(queue_types=("VALIDATION_FLAG",)), **MARCH)
    assert rows(found, "day", "opened", "closed") == [(3, 2, 0), (4, 0, 1), (5, 0, 0), (6, 0, 1)]
    later = metrics.backlog(session, first=date(2026, 3, 4), last=date(2026, 3, 4))
    assert rows(later, "day", "open") == [(4, 1), (4, 1)]


def test_ageing_of_what_is_open(session: Session) -> None:
    """Age counts from creation, reopened or not, and only what is open now has one."""
    found = metrics.ageing(session)
    (row,) = found.itertuples()
    expected = (datetime.now(UTC) - at(2, 8)) / timedelta(days=1)
    assert (row.queue_type, row.label, row.items) == ("MISSING_DATA", "Missing data", 2)
    for days in (row.median_days, row.p90_days, row.oldest_days):
        assert days == pytest.approx(expected, abs=0.01)


def test_bands_of_age(
    database: Database, superuser_database: Database, people: dict[str, Actor]
) -> None:
    """Each open item is in one band; the upper end of a band belongs to the next."""
    items = make_items(database, 6)
    now = datetime.now(UTC)
    days = (0.9, 1.1, 6.9, 7.1, 30.1, 90.1)
    spread(
        superuser_database,
        {i: [now - timedelta(days=d)] for i, d in zip(items, days, strict=True)},
    )
    with database.snapshot() as session:
        found = metrics.age_bands(session)
    assert rows(found, "band", "items") == [
        ("under 1 day", 1),
        ("1 to 7 days", 2),
        ("7 to 30 days", 1),
        ("30 to 90 days", 1),
        ("over 90 days", 1),
    ]
    assert found["band"].cat.ordered


def test_time_to_claim(session: Session) -> None:
    """From creation to the first claim: 2 and 24 hours, and 1; the second claim does not count."""
    found = metrics.time_to_claim(session)
    assert rows(found, "queue_type", "items") == [("MISSING_DATA", 2), ("VALIDATION_FLAG", 1)]
    assert list(found["median_hours"]) == pytest.approx([13, 1])
    # Between 2 and 24, nine tenths of the way.
    assert list(found["p90_hours"]) == pytest.approx([21.8, 1])


def test_time_to_claim_by_reviewer(session: Session) -> None:
    """The first to claim counts: ruth had two (2 h, 1 h), rob one (24 h)."""
    found = metrics.time_to_claim(session, by="reviewer")
    assert rows(found, "reviewer", "label", "items") == [("ruth", "ruth", 2), ("rob", "rob", 1)]
    assert list(found["median_hours"]) == pytest.approx([1.5, 24])


def test_time_to_resolve(session: Session) -> None:
    """To the first decision 2.5, 25 and 5 hours; from the first claim on 30, 60 and 240 minutes."""
    found = metrics.time_to_resolve(session)
    assert rows(found, "queue_type", "items") == [("MISSING_DATA", 2), ("VALIDATION_FLAG", 1)]
    assert list(found["median_hours"]) == pytest.approx([13.75, 5])
    assert list(found["p90_hours"]) == pytest.approx([22.75, 5])
    assert list(found["median_minutes"]) == pytest.approx([45, 240])
    assert list(found["p90_minutes"]) == pytest.approx([57, 240])


def test_time_to_resolve_by_reviewer_rule_and_day(session: Session) -> None:
    """Who decided counts, not who claimed first; rules have their words, days their order."""
    by_reviewer = metrics.time_to_resolve(session, by="reviewer")
    assert rows(by_reviewer, "reviewer", "items") == [("rob", 2), ("ruth", 1)]
    assert list(by_reviewer["median_hours"]) == pytest.approx([15, 2.5])
    by_rule = metrics.time_to_resolve(session, by="rule_id")
    assert rows(by_rule, "rule_id", "label", "items") == [
        ("PHONE_MISSING", "No phone", 2),
        ("ZIP_INVALID", "No phone", 1),
    ]
    by_day = metrics.time_to_resolve(session, by="day")
    assert rows(by_day, "day", "label", "items") == [
        (2, "2026-03-02", 1),
        (3, "2026-03-03", 1),
        (4, "2026-03-04", 1),
    ]


def test_durations_count_on_the_day_they_end(session: Session) -> None:
    """Days restrict by the claim or the decision, both ends included."""
    on_third = {"first": date(2026, 3, 3), "last": date(2026, 3, 3)}
    assert rows(metrics.time_to_claim(session, **on_third), "items") == [(1,)]
    assert list(metrics.time_to_resolve(session, **on_third)["median_hours"]) == [25]


def test_throughput_of_each_reviewer(session: Session) -> None:
    """Decisions by day and person; the machine's closing is nobody's."""
    found = metrics.throughput(session)
    assert rows(found, "day", "reviewer", "decided", "resolved", "rejected") == [
        (2, "ruth", 1, 1, 0),
        (3, "rob", 1, 0, 1),
        (4, "rob", 1, 1, 0),
    ]


def test_decisions_about_each_rule(session: Session) -> None:
    """Resolved, rejected and reopened for each rule, with the share that was upheld."""
    found = metrics.decisions(session)
    assert rows(found, "rule_id", "queue_type", "decided", "resolved", "rejected", "reopened") == [
        ("PHONE_MISSING", "MISSING_DATA", 2, 1, 1, 1),
        ("ZIP_INVALID", "VALIDATION_FLAG", 1, 1, 0, 0),
    ]
    assert list(found["upheld"]) == [0.5, 1]
    # Wilson's interval of 1 in 2 and of 1 in 1, from his formula by hand.
    assert list(found["upheld_low"]) == pytest.approx([0.0945, 0.2065], abs=1e-4)
    assert list(found["upheld_high"]) == pytest.approx([0.9055, 1], abs=1e-4)


def test_a_rule_that_was_only_reopened_has_no_share(session: Session) -> None:
    """Where nothing was decided the share is NaN, not zero."""
    found = metrics.decisions(session, first=date(2026, 3, 5), last=date(2026, 3, 5))
    assert rows(found, "rule_id", "decided", "reopened") == [("PHONE_MISSING", 0, 1)]
    assert found["upheld"].isna().all()
    assert found["upheld_low"].isna().all()


@pytest.mark.parametrize(
    ("wanted", "opened"),
    [
        (Filter(queue_types=("MISSING_DATA",)), 4),
        (Filter(rule_ids=("ZIP_INVALID",)), 2),
        (Filter(priorities=(2,)), 6),
        (Filter(priorities=(1,)), 0),
        (Filter(states=("NE",)), 6),
        (Filter(states=("CA",)), 0),
        (Filter(created_from=date(2026, 3, 3)), 2),
        (Filter(created_to=date(2026, 3, 2)), 4),
    ],
    ids=["type", "rule", "priority", "no priority", "state", "no state", "from", "to"],
)
def test_a_filter_chooses_the_items(session: Session, wanted: Filter, opened: int) -> None:
    """What does not change through an item's life restricts every frame in the same way."""
    assert metrics.flow(session, wanted)["opened"].sum() == opened
    claimed = metrics.time_to_claim(session, wanted)["items"].sum()
    decided = metrics.decisions(session, wanted)["decided"].sum()
    assert claimed == decided == metrics.throughput(session, wanted)["decided"].sum()
    assert (metrics.ageing(session, wanted)["items"].sum() == 2) == (opened in (4, 6))


@pytest.mark.parametrize(
    "wanted",
    [Filter(statuses=("OPEN",)), Filter(assignee="ruth"), Filter(text="sanders"), Filter(npi="1")],
    ids=["status", "assignee", "text", "npi"],
)
def test_a_filter_that_would_cut_the_history_is_refused(session: Session, wanted: Filter) -> None:
    """How an item stands now says nothing of its past: BadInput names what suits."""
    with pytest.raises(BadInput, match="restrict by created_from"):
        metrics.backlog(session, wanted)


def test_wrong_questions_are_refused(session: Session) -> None:
    """Unknown rules, days that are none or the wrong way round, and unknown groupings."""
    with pytest.raises(BadInput, match="there is no rule 'NO_SUCH'"):
        metrics.flow(session, Filter(rule_ids=("NO_SUCH",)))
    with pytest.raises(BadInput, match="swap them"):
        metrics.throughput(session, first=date(2026, 3, 2), last=date(2026, 3, 1))
    with pytest.raises(BadInput, match="is not a day"):
        metrics.decisions(session, first="2026-03-01")  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="not by 'colour'"):
        metrics.time_to_claim(session, by="colour")  # type: ignore[arg-type]


def test_an_empty_queue_gives_empty_frames_of_the_same_form(
    server: Server, database_name: str
) -> None:
    """Without items every frame has its columns and types, and no row."""
    with Database(server.url("analyst", database_name)) as analyst, analyst.snapshot() as session:
        frames = [
            metrics.backlog(session),
            metrics.flow(session),
            metrics.ageing(session),
            metrics.age_bands(session),
            metrics.time_to_claim(session, by="day"),
            metrics.time_to_resolve(session, by="reviewer"),
            metrics.throughput(session),
            metrics.decisions(session),
        ]
    assert [len(frame) for frame in frames] == [0] * 8
    assert str(frames[0].dtypes["day"]) == str(frames[4].dtypes["day"]) == "datetime64[s]"
    assert str(frames[0].dtypes["open"]) == "int64"
    assert str(frames[5].dtypes["p90_minutes"]) == "float64"


def test_backlog_agrees_with_the_inbox_after_a_day_of_work(
    database: Database, people: dict[str, Actor]
) -> None:
    """Today's backlog by counting actions is what the inbox counts by status."""
    items = make_items(database, 12)
    actor = people["lea"]
    for number, item in enumerate(items):
        database.run(lambda s, i=item: verbs.claim(s, i, actor=actor, lease=LEASE))  # type: ignore[misc]
        if number % 2:
            database.run(lambda s, i=item: verbs.resolve(s, i, actor=actor))  # type: ignore[misc]
        if number % 4 == 1:
            database.run(lambda s, i=item: verbs.reopen(s, i, actor=actor, reason="no"))  # type: ignore[misc]
    with database.snapshot() as session:
        live = count(session, Filter(statuses=("OPEN", "IN_PROGRESS"))).value
        (today,) = metrics.backlog(session)["open"]
    assert today == live == 9
