"""The state of a session, without a screen, on a real database: everything runs at once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from panel.widgets import TextInput
from sqlalchemy import text

from dashboard.action_form import ActionForm
from dashboard.door import Door
from dashboard.running import at_once
from dashboard.state import State
from dashboard.view import View
from tests.conftest import person
from tests.factories import actions, cure, lapse, make_items, row
from workqueue import accounts, verbs
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.feed import Change
from workqueue.inbox import Order
from workqueue.lifecycle import Status, Verb
from workqueue.settings import Settings

LEASE = timedelta(minutes=15)
SETTINGS = Settings.read().model_copy(update={"page_size": 3})
GOOD = "(308) 865-2512"


@pytest.fixture
def items(database: Database, people: dict[str, Actor]) -> list[int]:
    return make_items(database, 8)


def session_of(database: Database, username: str = "ruth", query: str = "") -> State:
    state = State(Door(database, person(username), SETTINGS), at_once)
    state.start(query)
    return state


def shown(state: State) -> list[int]:
    return [each.id for each in state.rows]


def settle(state: State) -> None:
    """Let the time pass in which second clicks are ignored."""
    state._moved_on = (0.0, None)


def by(database: Database, username: str, act: Callable[[Any, Actor], object]) -> None:
    with database.transaction() as session:
        act(session, person(username))


def claim(database: Database, item: int, username: str) -> None:
    by(database, username, lambda s, who: verbs.claim(s, item, actor=who, lease=LEASE))


def change(database: Database, item: int) -> Change:
    last = actions(database, item)[-1]
    return Change(item, last["seq"], last["action_type"], last["username"], last["created_at"])


def test_a_session_begins_with_what_waits(database: Database, items: list[int]) -> None:
    """The first page of OPEN items, how many there are, the viewer, and what filters offer."""
    state = session_of(database)
    assert shown(state) == items[:3]
    assert state.listing is not None
    assert state.listing.count.value == 8
    assert state.user is not None
    assert state.user.username == "ruth"
    assert state.choices is not None
    assert "ann" not in [each.username for each in state.choices.people]


def test_pages_are_turned_and_counted(database: Database, items: list[int]) -> None:
    """Next, last, previous and first, each with the number of its first row."""
    state = session_of(database)
    seen = [(state.first, shown(state))]
    for way in ("next", "next", "previous", "last", "first"):
        state.turn(way)
        seen.append((state.first, shown(state)))
    assert seen == [
        (1, items[:3]),
        (4, items[3:6]),
        (7, items[6:]),
        (4, items[3:6]),
        (6, items[5:]),
        (1, items[:3]),
    ]


def test_a_link_is_followed(database: Database, items: list[int]) -> None:
    """Filter, order and item of a link are shown; wrong parts are told."""
    state = session_of(database, query=f"order=newest&item={items[4]}&priority=9")
    assert shown(state) == items[:-4:-1]
    assert state.opened is not None
    assert state.opened.dossier.item.id == items[4]
    assert state.notice is not None
    assert "priority" in state.notice.words


def test_a_filter_that_means_nothing_is_cleared(database: Database, items: list[int]) -> None:
    """A rule that does not exist is told, and the default filter shown; the item stays."""
    state = session_of(database, query=f"rule=NO_SUCH_RULE&item={items[0]}")
    assert state.view == View(item=items[0])
    assert shown(state) == items[:3]
    assert state.notice is not None
    assert "NO_SUCH_RULE" in state.notice.words


def test_an_item_that_does_not_exist_is_told(database: Database, items: list[int]) -> None:
    """A link to nothing shows words instead of an item."""
    state = session_of(database, query="item=999999")
    assert state.opened is None
    assert "999999" in state.missing


def test_a_search_that_is_too_short_changes_nothing(database: Database, items: list[int]) -> None:
    """What cannot be searched for is told, and the list stays."""
    state = session_of(database)
    state.search("x")
    assert state.view == View()
    assert state.notice is not None
    state.search("sanders")
    assert state.view.text == "sanders"
    assert ("text", "“sanders”") in state.chips()
    state.drop("text")
    assert state.view == View()


def test_orders(database: Database, items: list[int]) -> None:
    """The list is shown in the order that is asked for."""
    state = session_of(database)
    state.look(order=Order.NEWEST)
    assert shown(state) == items[:-4:-1]


def test_claim_save_resolve(database: Database, items: list[int]) -> None:
    """A reviewer claims, corrects and resolves; the next item is there, claimed."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    assert state.opened is not None
    assert state.opened.mine
    state.draft.param.update(
        values={"practice_phone": GOOD}, verified="called them", comment="Read back."
    )
    state.save(resolve=True)
    assert row(database, items[0])["status"] == Status.RESOLVED
    told = [each["action_type"] for each in actions(database, items[0])]
    assert told == ["create", "claim", "field-update", "cure", "resolve"]
    assert actions(database, items[0])[-1]["payload"]["note"] == "Read back."
    assert state.view.item == items[1]
    assert row(database, items[1])["status"] == Status.IN_PROGRESS
    assert not state.draft.typed


def test_saving_says_whether_it_is_cured(database: Database, items: list[int]) -> None:
    """A correction that does not cure the problem is saved, said, and not resolved."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.draft.values = {"practice_city": "OMAHA"}
    state.save(resolve=True)
    assert row(database, items[0])["status"] == Status.IN_PROGRESS
    assert state.notice is not None
    assert (state.notice.kind, "not cured" in state.notice.words) == ("warn", True)
    state.draft.values = {"practice_phone": GOOD}
    state.save()
    assert state.notice.kind == "good"
    assert state.opened is not None
    assert state.opened.dossier.item.cured_at is not None


def test_a_second_click_does_nothing(database: Database, items: list[int]) -> None:
    """A double click on resolve resolves one item, not the next one as well."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.decide(Verb.RESOLVE)
    state.decide(Verb.RESOLVE)
    assert row(database, items[0])["status"] == Status.RESOLVED
    assert row(database, items[1])["status"] == Status.IN_PROGRESS
    settle(state)
    state.decide(Verb.RESOLVE)
    assert row(database, items[1])["status"] == Status.RESOLVED


def test_a_rejection_needs_a_reason(database: Database, items: list[int]) -> None:
    """Without a reason nothing happens but words."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.decide(Verb.REJECT)
    assert row(database, items[0])["status"] == Status.IN_PROGRESS
    state.draft.comment = "It is a fax line on purpose."
    state.decide(Verb.REJECT)
    assert row(database, items[0])["status"] == Status.REJECTED


def test_corrections_are_not_left_behind(database: Database, items: list[int]) -> None:
    """Resolving or releasing with unsaved corrections is held up with words."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.draft.values = {"practice_phone": GOOD}
    state.draft.comment = "a reason"
    for verb in (Verb.RESOLVE, Verb.REJECT, Verb.RELEASE):
        state.decide(verb)
        assert row(database, items[0])["status"] == Status.IN_PROGRESS
    state.draft.values = {}
    state.decide(Verb.RELEASE)
    assert row(database, items[0])["status"] == Status.OPEN


def test_a_release_loses_no_comment(database: Database, items: list[int]) -> None:
    """A comment that was typed stays in the form when the item is released, and is said so."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.draft.comment = "half a thought"
    state.decide(Verb.RELEASE)
    assert row(database, items[0])["status"] == Status.OPEN
    assert state.draft.comment == "half a thought"
    assert state.notice is not None
    assert "not saved" in state.notice.words
    state.comment()
    assert actions(database, items[0])[-1]["payload"]["text"] == "half a thought"


def test_saving_keeps_correction_and_comment(database: Database, items: list[int]) -> None:
    """Save keeps both that are typed, the correction and the comment."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.draft.param.update(values={"practice_phone": GOOD}, comment="asked the front desk")
    state.save()
    told = [each["action_type"] for each in actions(database, items[0])]
    assert told == ["create", "claim", "field-update", "cure", "comment"]
    assert not state.draft.typed


def test_a_claim_that_is_taken_away_is_told(database: Database, items: list[int]) -> None:
    """Whose item a lead gives to somebody else is told so, and keeps what was typed."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.draft.comment = "typing"
    by(database, "lea", lambda s, who: verbs.assign(s, items[0], to="rob", actor=who))
    state.heard([change(database, items[0])])
    assert state.notice is not None
    assert "ended by lea" in state.notice.words
    assert state.draft.comment == "typing"


def test_a_late_save_keeps_the_text_and_shows_the_difference(
    database: Database, items: list[int]
) -> None:
    """Whose claim has ended meanwhile keeps what was typed, beside what has changed."""
    item = items[0]
    state = session_of(database, query=f"item={item}")
    state.claim()
    state.draft.param.update(values={"practice_phone": GOOD}, comment="typed")
    lapse(database, item)
    claim(database, item, "rob")
    by(
        database,
        "rob",
        lambda s, who: verbs.field_update(s, item, {"practice_phone": "4025551234"}, actor=who),
    )
    state.save()
    assert state.conflict is not None
    assert "rob" in state.conflict.words
    assert state.conflict.lines == (("Phone", None, "4025551234", GOOD),)
    assert state.draft.values == {"practice_phone": GOOD}
    assert state.draft.comment == "typed"
    assert state.opened is not None
    assert not state.opened.mine


def test_what_is_typed_survives_a_look_elsewhere(database: Database, items: list[int]) -> None:
    """Opening another item keeps the text of the first for the way back."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.draft.comment = "half a sentence"
    state.open(items[1])
    assert state.draft.comment == ""
    state.open(items[0])
    assert state.draft.comment == "half a sentence"


def test_taking_the_next_item_follows_the_filter(database: Database, items: list[int]) -> None:
    """Next means the next of the view: by the queue's statement, or one by one for any filter."""
    make_items(database, 2, rule_id="ZIP_INVALID", queue_type="VALIDATION_FLAG", priority=1)
    state = session_of(database, query="type=MISSING_DATA")
    state.take_next()
    assert state.view.item == items[0]
    claim(database, items[1], "rob")
    state.look(state="NE")
    state.take_next()
    assert state.view.item == items[2]
    state.look(state="CA")
    state.take_next()
    assert state.notice is not None
    assert "Nothing in this view" in state.notice.words


def test_changes_of_others_are_marked_in_place(database: Database, items: list[int]) -> None:
    """A row that somebody takes or closes stays where it is, and says what happened."""
    state = session_of(database)
    claim(database, items[1], "rob")
    state.heard([change(database, items[1])])
    assert shown(state) == items[:3]
    assert state.marks == {items[1]: "Taken by rob"}
    by(database, "rob", lambda s, who: verbs.resolve(s, items[1], actor=who))
    state.heard([change(database, items[1])])
    assert state.marks == {items[1]: "Resolved by rob"}
    state.refresh()
    assert shown(state) == [items[0], items[2], items[3]]
    assert state.marks == {}


def test_new_items_wait_to_be_asked_for(database: Database, items: list[int]) -> None:
    """Items that come into the view are counted, and shown when somebody wants them."""
    state = session_of(database)
    fresh = make_items(database, 2, rule_id="ZIP_INVALID", priority=1)
    state.heard([change(database, each) for each in fresh])
    state.heard([change(database, each) for each in fresh])
    assert (state.fresh, shown(state)) == (2, items[:3])
    state.turn("first")
    assert (state.fresh, shown(state)) == (0, [*fresh, items[0]])


def test_an_open_item_follows_what_others_do(database: Database, items: list[int]) -> None:
    """The inspector shows a comment of somebody else at once; what is typed stays."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.draft.comment = "typing"
    by(database, "rob", lambda s, who: verbs.comment(s, items[0], "a hint", actor=who))
    state.heard([change(database, items[0])])
    assert state.opened is not None
    assert state.opened.dossier.history[0].words == "a hint"
    assert state.draft.comment == "typing"


def test_an_answer_that_was_overtaken_is_dropped(database: Database, items: list[int]) -> None:
    """Of two questions for a page only the later one's answer is shown, whichever comes first."""
    waiting: list[Callable[[], None]] = []

    def later(work: Any, then: Any, failed: Any) -> None:
        waiting.append(lambda: at_once(work, then, failed))

    state = State(Door(database, person("ruth"), SETTINGS), later)
    state.look(order=Order.NEWEST)
    state.look(order=Order.OLDEST)
    for answer in reversed(waiting):
        answer()
    assert shown(state) == items[:3]


def test_a_claim_is_renewed_without_a_trace(database: Database, items: list[int]) -> None:
    """Activity extends the claim; the trail has no row of it."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    before = row(database, items[0])
    state.active()
    after = row(database, items[0])
    assert after["lease_expires_at"] > before["lease_expires_at"]
    assert after["version"] == before["version"]
    assert len(actions(database, items[0])) == 2


def test_a_cured_item_is_confirmed(database: Database, items: list[int]) -> None:
    """A problem that has gone under its holder is shown as gone and can be resolved."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    cure(database, items[0])
    state.heard([change(database, items[0])])
    assert state.opened is not None
    assert state.opened.dossier.item.cured_at is not None
    state.decide(Verb.RESOLVE)
    assert row(database, items[0])["status"] == Status.RESOLVED


def test_leads_arrange(database: Database, items: list[int]) -> None:
    """A lead assigns and sets priorities; a reviewer is refused in words."""
    lead = session_of(database, "lea", f"item={items[0]}")
    lead.assign("rob")
    assert lead.opened is not None
    assert lead.opened.dossier.item.assigned_to == "rob"
    lead.set_priority(5)
    assert row(database, items[0])["priority"] == 5
    reviewer = session_of(database, "ruth", f"item={items[1]}")
    reviewer.set_priority(5)
    assert row(database, items[1])["priority"] == 2
    assert reviewer.notice is not None
    assert "may not set-priority" in reviewer.notice.words


def test_an_unforeseen_error_is_a_number_not_a_traceback(
    database: Database, items: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    """What nobody foresaw is told with a number that finds the line in the log."""
    state = session_of(database)

    def broken() -> None:
        raise RuntimeError("secret inner workings")

    state._ask(broken, lambda _answer: None)
    assert state.notice is not None
    assert "secret" not in state.notice.words
    number = state.notice.words.split("number ")[1].rstrip(".")
    assert number in caplog.text


def test_work_keeps_the_login(
    database: Database, superuser_database: Database, items: list[int]
) -> None:
    """Whoever works without loading a page stays signed in; a login that lies idle ends."""
    with database.transaction() as session:
        user = accounts.who(session, person("ruth"))
        accounts.set_password(session, user.id, "ruth", "correct horse battery staple")
    token = accounts.sign_in(database, "ruth", "correct horse battery staple", address="10.0.0.1")
    found = database.run(lambda session: accounts.login_of(session, token))
    assert found is not None
    state = State(Door(database, found.actor, SETTINGS), at_once)
    state.start(f"item={items[0]}")
    for work in (lambda: None, state.claim):
        work()
        with superuser_database.transaction() as session:
            session.execute(
                text(
                    "UPDATE login_sessions SET idle_at = idle_at - interval '29 minutes', "
                    "last_seen_at = last_seen_at - interval '29 minutes'"
                )
            )
        state.active()
    with superuser_database.transaction() as session:
        left = session.scalar(text("SELECT idle_at - now() FROM login_sessions"))
    assert left > timedelta(minutes=25)


def test_a_closed_item_is_reopened(database: Database, items: list[int]) -> None:
    """Reopening needs a reason, and the item is in the queue again."""
    state = session_of(database, query=f"item={items[0]}")
    state.claim()
    state.decide(Verb.RESOLVE)
    state.open(items[0])
    state.decide(Verb.REOPEN)
    assert row(database, items[0])["status"] == Status.RESOLVED
    state.draft.comment = "The number is wrong again."
    state.decide(Verb.REOPEN)
    assert row(database, items[0])["status"] == Status.OPEN
    assert actions(database, items[0])[-1]["payload"]["reason"] == "The number is wrong again."


def test_the_form_of_an_item_holds_no_other_items_texts(
    database: Database, items: list[int]
) -> None:
    """Whoever looks at another item sees inputs for its fields, with its own values."""
    state = session_of(database, query=f"item={items[0]}")
    form = ActionForm(state)
    state.claim()
    form.corrections.correct("practice_city")
    state.draft.values = {"practice_city": "OMAHA"}
    assert "City (Practice)" in inputs(form)
    state.open(items[1])
    state.claim()
    assert inputs(form) == {"Phone (Practice)": ""}
    state.open(items[0])
    assert inputs(form)["City (Practice)"] == "OMAHA"


def inputs(form: ActionForm) -> dict[str, str]:
    """What the visible inputs for corrections hold, by label."""
    parts = form.corrections.parts
    return {
        each.label: each.value for each in parts if isinstance(each, TextInput) and each.visible
    }
