"""The inbox: one Filter, and the pages, counts, ids and frames that answer for it."""

from __future__ import annotations

import base64
import itertools
import random
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from tests.factories import make_items
from workqueue import verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.errors import BadInput, NoSuchUser
from workqueue.inbox import (
    MAX_ID,
    Count,
    Filter,
    Order,
    Page,
    choices,
    count,
    frame,
    held_by_others,
    ids,
    matching,
    page,
    rows,
)
from workqueue.inbox import query as inbox_query
from workqueue.lifecycle import Status

OPEN = (Status.OPEN,)


def read(database: Database, wanted: Filter, **where: Any) -> Page:
    with database.snapshot() as session:
        return page(session, wanted, **{"size": 3, **where})


def listed(database: Database, wanted: Filter) -> list[int]:
    with database.snapshot() as session:
        return ids(session, wanted)


def claim(database: Database, item_id: int, actor: Actor) -> None:
    with database.transaction() as session:
        verbs.claim(session, item_id, actor=actor, lease=timedelta(minutes=15))


@pytest.fixture
def varied(database: Database, superuser_database: Database, people: dict[str, Actor]) -> list[int]:
    """Sixty items of four rules, all statuses, priorities, some states, names and days."""
    for rule_id, queue_type in (
        ("PHONE_MISSING", "MISSING_DATA"),
        ("ZIP_INVALID", "VALIDATION_FLAG"),
        ("STATE_INVALID", "VALIDATION_FLAG"),
        ("NPI_DUPLICATE", "DUPLICATE_CHECK"),
    ):
        make_items(database, 15, rule_id=rule_id, queue_type=queue_type)
    chance = random.Random(7)
    with superuser_database.transaction() as session:
        users = list(session.scalars(text("SELECT id FROM \"user\" WHERE kind = 'person'")))
        for item_id in session.scalars(text("SELECT id FROM work_items")).all():
            status = chance.choice(("OPEN", "OPEN", "IN_PROGRESS", "RESOLVED", "REJECTED"))
            session.execute(
                text(
                    "UPDATE work_items SET status = CAST(:status AS text), priority = :priority, "
                    "created_at = :created, assigned_to = :user, lease_expires_at = CASE WHEN "
                    ":status = 'IN_PROGRESS' THEN now() + interval '1 hour' END, "
                    "resolved_at = CASE WHEN :status LIKE 'RE%' THEN now() END, "
                    "resolved_by = CASE WHEN :status LIKE 'RE%' THEN CAST(:user AS bigint) END "
                    "WHERE id = :id"
                ),
                {
                    "id": item_id,
                    "status": status,
                    "priority": chance.randint(1, 5),
                    # Few moments, so that many items share one, as after a detection run.
                    "created": datetime(2026, 3, chance.randint(1, 3), 23, 59, 59, tzinfo=UTC),
                    "user": None
                    if status == "OPEN" and chance.random() < 0.7
                    else chance.choice(users),
                },
            )
            session.execute(
                text(
                    "UPDATE individual_providers SET practice_state = :state, last_name = :last, "
                    "first_name = :first WHERE id = (SELECT provider_id FROM work_items "
                    "WHERE id = :id)"
                ),
                {
                    "id": item_id,
                    "state": chance.choice(("CA", "NY", None)),
                    "last": chance.choice(("SMITH", "O'NEIL", "100%_SURE", "Smythe", None)),
                    "first": chance.choice(("JOHN", "MARY ANN", "LI")),
                },
            )
    return listed(database, Filter())


def facts(database: Database) -> list[dict[str, Any]]:
    with database.snapshot() as session:
        rows = session.execute(
            text(
                "SELECT w.*, p.npi, p.last_name, p.first_name, p.practice_state, u.username "
                "FROM work_items w JOIN individual_providers p ON p.id = w.provider_id "
                'LEFT JOIN "user" u ON u.id = w.assigned_to '
                "ORDER BY w.priority, w.created_at, w.id"
            )
        )
        return [dict(row._mapping) for row in rows]


def matches(fact: dict[str, Any], wanted: Filter) -> bool:
    """The filter once more, in plain Python."""
    mine = fact["status"] == "IN_PROGRESS" and fact["username"] == wanted.include_mine
    day = fact["created_at"].date()
    return (
        (not wanted.statuses or fact["status"] in wanted.statuses or mine)
        and (not wanted.queue_types or fact["queue_type"] in wanted.queue_types)
        and (not wanted.priorities or fact["priority"] in wanted.priorities)
        and (not wanted.rule_ids or fact["rule_id"] in wanted.rule_ids)
        and (not wanted.states or fact["practice_state"] in wanted.states)
        and (
            wanted.assignee is None
            or fact["username"] == (None if wanted.assignee == "nobody" else wanted.assignee)
        )
        and (wanted.created_from is None or day >= wanted.created_from)
        and (wanted.created_to is None or day <= wanted.created_to)
        and (wanted.npi is None or fact["npi"] == wanted.npi)
        and (wanted.provider_id is None or fact["provider_id"] == wanted.provider_id)
        and (wanted.text is None or _found(fact, wanted.text))
    )


def _found(fact: dict[str, Any], said: str) -> bool:
    if said.isdigit():
        return str(fact["npi"]).startswith(said)
    name = f"{fact['last_name'] or ''} {fact['first_name'] or ''}".upper()
    words = said.upper().split()
    if max(map(len, words)) < 3:
        return name.startswith(words[0]) and all(word in name for word in words[1:])
    return all(word in name for word in words)


def some_filters() -> list[Filter]:
    """Every value of each condition, and random combinations of them."""
    choices: dict[str, list[Any]] = {
        "statuses": [(), OPEN, (Status.RESOLVED, Status.REJECTED), (Status.IN_PROGRESS,)],
        "queue_types": [(), ("MISSING_DATA",), ("VALIDATION_FLAG", "DUPLICATE_CHECK")],
        "priorities": [(), (1,), (2, 5)],
        "rule_ids": [(), ("ZIP_INVALID",), ("ZIP_INVALID", "PHONE_MISSING", "NPI_DUPLICATE")],
        "states": [(), ("CA",), ("CA", "NY")],
        "assignee": [None, "ruth", "nobody"],
        "text": [None, "smi", "sm", "john smith", "0%_s", "10", "li", "o'n", "sm li"],
        "created_from": [None, date(2026, 3, 2)],
        "created_to": [None, date(2026, 3, 2)],
        "provider_id": [None, 7],
        "include_mine": [None, "ruth"],
    }
    alone = [Filter(**{name: value}) for name, values in choices.items() for value in values]
    chance = random.Random(3)
    mixed = [
        Filter(**{name: chance.choice([values[0], *values]) for name, values in choices.items()})
        for _ in range(60)
    ]
    return [*alone, *mixed]


@pytest.mark.parametrize("few", [inbox_query.FEW, 0])
def test_a_filter_means_what_it_says(
    varied: list[int], database: Database, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    """Ids, counts and frames hold what plain Python picks, in order, for many filters.

    With records that are few (found first) and with records taken for many.
    """
    monkeypatch.setattr(inbox_query, "FEW", few)
    known = facts(database)
    found = 0
    for wanted in some_filters():
        expected = [fact["id"] for fact in known if matches(fact, wanted)]
        with database.snapshot() as session:
            assert ids(session, wanted) == expected, wanted
            assert count(session, wanted) == Count(len(expected), capped=False)
            assert page(session, wanted, size=100).rows == tuple(
                row for row in page(session, Filter(), size=100).rows if row.id in expected
            )
        found += len(expected)
    assert found > 500


@pytest.mark.parametrize("wanted", [Filter(), Filter.waiting("ruth"), Filter(text="smi")])
def test_pages_cover_everything_once(varied: list[int], database: Database, wanted: Filter) -> None:
    """Forward from the first page and backward from the last come the same rows, none twice."""
    expected = listed(database, wanted)
    ahead, cursor = [], None
    for number in itertools.count():
        here = read(database, wanted, size=7, after=cursor)
        assert here.has_previous == (number > 0)
        ahead += [row.id for row in here.rows]
        cursor = here.next
        if not here.has_next:
            break
    assert ahead == expected
    here = read(database, wanted, size=7, last=True)
    assert not here.has_next
    behind = [row.id for row in here.rows]
    while here.has_previous:
        here = read(database, wanted, size=7, before=here.previous)
        assert here.has_next
        # The first page is a full one, even where fewer rows were left.
        behind = [row.id for row in here.rows if row.id not in behind] + behind
    assert len(here.rows) == min(7, len(expected))
    assert behind == expected


def test_page_of_nothing(database: Database) -> None:
    """Without items every page is empty and leads nowhere."""
    for where in ({}, {"last": True}):
        assert read(database, Filter(), **where) == Page((), None, None)
    with database.snapshot() as session:
        assert count(session, Filter()) == Count(0, capped=False)
        assert frame(session, Filter()).empty


def test_page_after_the_rest_has_gone_is_the_last(
    varied: list[int], database: Database, people: dict[str, Actor]
) -> None:
    """Where nothing is left after the cursor, the last page answers; before it, the first."""
    first, last = read(database, Filter()), read(database, Filter(), last=True)
    rare = Filter(priorities=(1,))
    with database.snapshot() as session:
        cursor = page(session, Filter(), size=len(varied) - 1).next
    assert read(database, rare, after=cursor) == read(database, rare, last=True)
    assert first.next is not None
    assert read(database, Filter(), size=20, before=first.next) == read(database, Filter(), size=20)
    assert last.previous is not None


def test_default_view_is_what_waits_and_what_is_mine(
    database: Database, people: dict[str, Actor]
) -> None:
    """A person sees what is OPEN and the own IN_PROGRESS, not the others'."""
    first, second, third = make_items(database, 3)
    claim(database, first, people["ruth"])
    claim(database, second, people["rob"])
    assert listed(database, Filter.waiting("ruth")) == [first, third]
    assert listed(database, Filter.waiting("rob")) == [second, third]
    row = read(database, Filter.waiting("ruth")).rows[0]
    assert (row.assigned_to, row.status, row.version) == ("ruth", "IN_PROGRESS", 2)
    assert row.lease_expires_at is not None
    assert (row.provider, row.state, row.title) == ("SANDERS, MARTHA, MD", "NE", "No phone")
    assert not row.cured


def test_what_others_hold_is_counted(database: Database, people: dict[str, Actor]) -> None:
    """The default view says how many items it leaves out because others have them in hand."""
    first, second, third, _ = make_items(database, 4)
    claim(database, first, people["ruth"])
    for item_id in (second, third):
        claim(database, item_id, people["rob"])
    mine = Filter.waiting("ruth")
    for wanted, hidden in (
        (mine, 2),
        (Filter.waiting("rob"), 1),
        (replace(mine, assignee="rob"), 2),
        (replace(mine, assignee="ruth"), 0),
        (replace(mine, states=("TX",)), 0),
        (Filter(statuses=(Status.OPEN,)), 0),
        (Filter(), 0),
    ):
        with database.snapshot() as session:
            assert held_by_others(session, wanted) == hidden, wanted


def test_group_items_are_found_by_any_member(
    database: Database, superuser_database: Database
) -> None:
    """NPI and record id find the items of which the record is lead or a present member."""
    first, second, third = make_items(database, 3)
    with superuser_database.transaction() as session:
        session.execute(
            text(
                "INSERT INTO work_item_providers (work_item_id, provider_id, left_at) "
                "SELECT :item, provider_id, CASE WHEN id = :third THEN now() END "
                "FROM work_items WHERE id IN (:second, :third)"
            ),
            {"item": first, "second": second, "third": third},
        )
    npis = {row.id: row.npi for row in read(database, Filter()).rows}
    assert listed(database, Filter(npi=npis[second])) == [first, second]
    assert listed(database, Filter(npi=npis[third])) == [third]


def test_counts_are_capped(database: Database) -> None:
    """A capped count stops at its cap and says that there are more."""
    make_items(database, 5)
    with database.snapshot() as session:
        assert count(session, Filter(), cap=4) == Count(4, capped=True)
        assert count(session, Filter(), cap=5) == Count(5, capped=False)
        with pytest.raises(BadInput, match="capped"):
            count(session, Filter(), cap=0)


def test_frame_has_the_rows(varied: list[int], database: Database) -> None:
    """The frame has the columns of InboxRow, in order, with times in UTC."""
    with database.snapshot() as session:
        made = frame(session, Filter())
    assert made["id"].tolist() == varied
    assert str(made["created_at"].dt.tz) == "UTC"
    assert set(made["status"]) == set(Status)


def test_first_act_of_a_local_account_comes_later(database: Database) -> None:
    """Whoever never acted holds nothing; a person's name that is unknown is refused."""
    (item_id,) = make_items(database)
    assert listed(database, Filter.waiting("cli:newcomer")) == [item_id]
    assert listed(database, Filter(assignee="cli:newcomer")) == []
    with pytest.raises(NoSuchUser, match="was the name mistyped"):
        listed(database, Filter(assignee="rooth"))


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        (Filter(rule_ids=("NO_RULE",)), "PHONE_MISSING"),
        (Filter(queue_types=("NO_TYPE",)), "DUPLICATE_CHECK, MISSING_DATA, VALIDATION_FLAG"),
    ],
)
def test_unknown_rule_or_type_names_the_known(
    database: Database, wanted: Filter, says: str
) -> None:
    """An id that does not exist is refused with those that do."""
    make_items(database)
    with pytest.raises(BadInput, match=says):
        listed(database, wanted)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"statuses": ("DONE",)}, "OPEN, IN_PROGRESS, RESOLVED, REJECTED"),
        ({"statuses": "OPEN"}, "sequence"),
        ({"priorities": (0,)}, "1 \\(high\\)"),
        ({"priorities": (True,)}, "priority"),
        ({"priorities": (2.0,)}, "priority"),
        ({"queue_types": ("drop table",)}, "MISSING_DATA"),
        ({"rule_ids": tuple(f"R{n}" for n in range(500))}, "at most"),
        ({"states": ("",)}, "CA"),
        ({"text": "x"}, "three letters"),
        ({"text": "a b"}, "three letters"),
        ({"text": "1"}, "2 to 10"),
        ({"text": "12345678901"}, "2 to 10"),
        ({"text": "x" * 101}, "at most 100"),
        ({"text": "nul\x00"}, "character that cannot be kept"),
        ({"text": "half\ud800"}, "character that cannot be kept"),
        ({"text": 5}, "not text"),
        ({"npi": ""}, "10 digits"),
        ({"provider_id": 0}, "whole number"),
        ({"provider_id": MAX_ID + 1}, "whole number"),
        ({"provider_id": "7"}, "whole number"),
        ({"created_from": datetime(2026, 1, 1, tzinfo=UTC)}, "not a day"),
        ({"created_from": date(1, 1, 1)}, "out of range"),
        ({"created_to": date(9999, 12, 31)}, "out of range"),
        ({"created_from": date(2026, 2, 1), "created_to": date(2026, 1, 1)}, "swap"),
        ({"assignee": ""}, "username"),
    ],
)
def test_wrong_filter_is_refused(values: dict[str, Any], says: str) -> None:
    """A value that cannot be meant is refused when the filter is made, in words."""
    with pytest.raises(BadInput, match=says):
        Filter(**values)


@pytest.mark.parametrize("hostile", ["%%%", "___", "'; DROP TABLE x; --", "\\\\\\", "%s%(x)s"])
def test_wildcards_are_plain_letters(database: Database, hostile: str) -> None:
    """What means something to LIKE, SQL or the driver is searched as it stands."""
    make_items(database)
    assert listed(database, Filter(text=hostile)) == []


def test_filter_has_one_form() -> None:
    """Equal filters are equal however they were written, and `as_dict` tells what restricts."""
    one = Filter(statuses=("RESOLVED", "OPEN", "OPEN"), states=("ny", "CA"), text="  Smith,  John ")
    other = Filter(statuses=(*OPEN, Status.RESOLVED), states=("CA", "NY"), text="Smith John")
    assert one == other
    assert one.as_dict() == {
        "statuses": ["OPEN", "RESOLVED"],
        "states": ["CA", "NY"],
        "text": "Smith John",
    }
    assert Filter(text="  ") == Filter()


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "é", "[1,2,3]", "A" * 10_000]
    + [
        base64.urlsafe_b64encode(told).decode().rstrip("=")
        for told in (
            b"[1,2]",
            b"[1,2,3,4]",
            b'{"a":1}',
            b"[6,0,1]",
            b"[1,1e400,1]",
            b"[1,0,9223372036854775808]",
            b"[1,999999999999999999999,1]",
            b"[true,0,1]",
            b'["1",0,1]',
            b"null",
        )
    ],
)
def test_broken_cursor_is_refused(database: Database, cursor: str) -> None:
    """A cursor that was not given out is refused in words, whatever it holds."""
    with pytest.raises(BadInput, match="first page"):
        read(database, Filter(), after=cursor)


def test_wrong_page_is_refused(database: Database) -> None:
    """A page has a sensible size and one place."""
    for where in ({"size": 0}, {"size": 1001}, {"size": True}, {"after": "a", "last": True}):
        with pytest.raises(BadInput):
            read(database, Filter(), **where)


def sorted_ids(database: Database, order: Order) -> list[int]:
    """All items in an order, by a plain sort of all rows."""
    with database.transaction() as session:
        rows = session.execute(text("SELECT priority, created_at, id FROM work_items")).all()
    by_age = order in {Order.OLDEST, Order.NEWEST}
    ranked = sorted(rows, key=lambda row: row[1:] if by_age else tuple(row))
    backwards = order in {Order.PRIORITY_REVERSED, Order.NEWEST}
    return [row.id for row in (reversed(ranked) if backwards else ranked)]


@pytest.mark.parametrize("order", list(Order))
def test_every_order_gives_each_row_once(
    database: Database, varied: list[int], order: Order
) -> None:
    """Forth by next and back by previous, the rows are those of a plain sort, each once."""
    wanted = sorted_ids(database, order)
    there: list[int] = []
    after: str | None = None
    while True:
        found = read(database, Filter(), order=order, after=after, size=7)
        there += [row.id for row in found.rows]
        after = found.next
        if after is None:
            break
    assert there == wanted
    found = read(database, Filter(), order=order, last=True, size=7)
    back = [row.id for row in found.rows]
    while found.previous is not None:
        found = read(database, Filter(), order=order, before=found.previous, size=7)
        back = [row.id for row in found.rows] + back
    assert list(dict.fromkeys(back)) == wanted


def test_a_place_belongs_to_its_order(database: Database, varied: list[int]) -> None:
    """A cursor of the list by age cannot be used in the list by priority."""
    place = read(database, Filter(), order=Order.OLDEST).next
    with pytest.raises(BadInput, match="start again"):
        read(database, Filter(), after=place)


def test_known_items_are_looked_at_again(
    database: Database, varied: list[int], people: dict[str, Actor]
) -> None:
    """Rows come in the order asked for, without those that do not exist."""
    asked = [varied[3], 10**12, varied[1], -5, varied[2]]
    with database.snapshot() as session:
        found = rows(session, asked)
        assert [row.id for row in found] == [varied[3], varied[1], varied[2]]
        assert found[0] in page(session, Filter(), size=100).rows
        with pytest.raises(BadInput):
            rows(session, list(range(1, 1002)))


def test_matching_is_what_the_filter_lists(database: Database, varied: list[int]) -> None:
    """Which of some items belong to a filter: the same that its list has."""
    for wanted in (
        Filter(),
        Filter.waiting("ruth"),
        Filter(priorities=(1, 2), states=("NE",)),
        Filter(text="sanders", statuses=("RESOLVED",)),
    ):
        with database.snapshot() as session:
            assert matching(session, wanted, [*varied, 10**12]) == set(ids(session, wanted))
            assert matching(session, wanted, []) == set()


def test_choices_are_what_filters_take(
    database: Database, varied: list[int], people: dict[str, Actor]
) -> None:
    """Every offered type, rule, person and state makes a filter; analysts hold nothing."""
    with database.snapshot() as session:
        offered = choices(session)
        for each in offered.queue_types:
            count(session, Filter(queue_types=(each.code,)))
        for rule in offered.rules:
            count(session, Filter(rule_ids=(rule.id,)))
        for who in offered.people:
            count(session, Filter(assignee=who.username))
    assert [each.code for each in offered.queue_types]
    assert {"ruth", "lea", "ada"} <= {each.username for each in offered.people}
    assert "ann" not in {each.username for each in offered.people}
    assert "NE" in offered.states
