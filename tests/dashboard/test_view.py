"""A view is a link: what it says is read back, and what cannot be used falls back alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dashboard.view import MINE, STATUSES, View
from workqueue.inbox import Filter, Order
from workqueue.lifecycle import Status

VIEWS = st.builds(
    View,
    statuses=st.sets(st.sampled_from(STATUSES)).map(
        lambda chosen: tuple(each for each in STATUSES if each in chosen)
    ),
    queue_types=st.sampled_from([(), ("MISSING_DATA",), ("DUPLICATE_CHECK", "MISSING_DATA")]),
    priorities=st.sets(st.integers(1, 5)).map(lambda chosen: tuple(sorted(chosen))),
    rule=st.sampled_from([None, "PHONE_MISSING"]),
    assignee=st.sampled_from([None, "me", "nobody", "ruth & co", "a=b?c"]),
    state=st.sampled_from([None, "CA"]),
    text=st.sampled_from([None, "o'neill smith", "1234567890"]),
    order=st.sampled_from(Order),
    after=st.sampled_from([None, "WzEsMiwzXQ"]),
    item=st.one_of(st.none(), st.integers(1, 2**63 - 1)),
)


@given(VIEWS)
def test_a_link_says_all_of_a_view(view: View) -> None:
    """Every view is read back from its link, without a word of complaint."""
    assert View.parse(view.query()) == (view, ())


def test_the_default_view_has_an_empty_link() -> None:
    """What everybody sees first needs no words."""
    assert View().query() == ""
    assert View.parse("") == (View(), ())


@given(st.text(max_size=300))
def test_no_link_breaks_anything(query: str) -> None:
    """Whatever stands in an address, a view comes of it, and its filter can be made."""
    view, _ = View.parse(query)
    view.filter("ruth")
    assert View.parse(view.query())[0] == view


@pytest.mark.parametrize(
    ("query", "left", "kept"),
    [
        ("item=abc&priority=1", "item", View(priorities=(1,))),
        ("item=99999999999999999999&state=ca", "item", View(state="CA")),
        ("priority=7&rule=PHONE_MISSING", "priority", View(rule="PHONE_MISSING")),
        ("status=SLEEPING&q=smith", "status", View(text="smith")),
        ("rule=<script>&item=4", "rule", View(item=4)),
        ("order=sideways&item=4", "order", View(item=4)),
        ("q=a&type=MISSING_DATA", "q", View(queue_types=("MISSING_DATA",))),
        ("q=%00bad&item=4", "q", View(item=4)),
    ],
)
def test_wrong_parts_fall_back_alone(query: str, left: str, kept: View) -> None:
    """A part that cannot be used is named in words; the others count."""
    view, wrong = View.parse(query)
    assert view == kept
    assert len(wrong) == 1
    assert f"“{left}”" in wrong[0]


def test_only_one_place_in_the_list_counts() -> None:
    """Of several places in the list the first is taken."""
    view, _ = View.parse("last=1&after=abc&before=def")
    assert (view.after, view.before, view.last) == ("abc", None, False)


@pytest.mark.parametrize(
    ("view", "wanted"),
    [
        (View(), Filter.waiting("ruth")),
        (View(statuses=()), Filter()),
        (View(statuses=(MINE,)), Filter(statuses=(Status.IN_PROGRESS,), assignee="ruth")),
        (View(assignee="me"), Filter(statuses=("OPEN",), assignee="ruth", include_mine="ruth")),
        (
            View(statuses=("RESOLVED",), state="CA", text="smith"),
            Filter(statuses=("RESOLVED",), states=("CA",), text="smith"),
        ),
    ],
)
def test_a_view_is_a_filter(view: View, wanted: Filter) -> None:
    """The same object of the data layer serves the screen, the export and the notebooks."""
    assert view.filter("ruth") == wanted
