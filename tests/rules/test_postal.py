"""What ZIP codes say, whether all are loaded or each is asked for."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workqueue.rules import postal


@pytest.mark.parametrize(
    ("code", "city", "said"),
    [
        ("78701", "Austin", True),
        ("78701", "DALLAS", False),
        ("63101", "St. Louis", True),
        ("44124", "MAYFIELD HTS", True),
        ("32082", "PONTE VEDRA", True),
        ("78746", "W. LAKE HILLS", True),
        ("78701", "AUSTINN", False),
        ("99999", "AUSTIN", None),
        ("7870A", "AUSTIN", None),
    ],
)
def test_a_city_goes_by_several_names(code: str, city: str, said: bool | None) -> None:
    """Short forms and all names that the postal service knows are the same place."""
    assert postal.is_in(code, city) is said


def test_one_by_one_is_as_all_at_once() -> None:
    """A code asked for alone has the place that it has among all."""
    alone = {code: postal._one(code) for code in ("00601", "10001", "78701", "96799", "00000")}
    postal.load()
    assert {code: postal.place(code) for code in alone} == alone
    assert alone["96799"] is not None
    assert alone["96799"].state == "AS"
    assert alone["00000"] is None


@pytest.mark.parametrize(
    ("city", "state", "code"),
    [
        ("HERSHEY", "PA", "17033"),
        ("hershey", "pa", "17033"),
        ("AUSTIN", "TX", None),
        ("HERSHEY", "TX", None),
        ("", "PA", None),
    ],
)
def test_only_a_city_with_one_code_suggests_it(city: str, state: str, code: str | None) -> None:
    """Where a city has several codes, or the state no such city, none is sure."""
    assert postal.only_code(city, state) == code


@pytest.mark.parametrize("module", ["workqueue.cli", "workqueue.verbs", "dashboard.app"])
def test_the_codes_are_not_loaded_before_they_are_needed(module: str) -> None:
    """Neither the command line nor the desk reads the ZIP codes when it starts."""
    asked = f"import {module}, sys; sys.exit('zipcodes' in sys.modules)"
    subprocess.run([sys.executable, "-c", asked], check=True, timeout=120)
