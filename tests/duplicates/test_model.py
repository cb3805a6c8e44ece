"""The parameters: estimated once, kept, used again, and made anew when they are old."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

from sqlalchemy import text

from tests.detection.records import add
from tests.duplicates.people import again, person, search
from tests.duplicates.test_incremental import table
from workqueue.database import Database
from workqueue.duplicates import count, current
from workqueue.duplicates.clusters import MEMBERS_AT_MOST, Edge, clusters
from workqueue.duplicates.nicknames import FORMAL


def models(database: Database) -> list[Any]:
    """The models that are kept, oldest first."""
    with database.transaction() as session:
        rows = session.execute(text("SELECT * FROM duplicate_models ORDER BY id"))
        return list(rows.mappings())


def test_model_is_kept_and_used_again(database: Database) -> None:
    """The first run makes a model, says of how many records, and later runs use it."""
    add(database, *(person(n) for n in range(6)), again(2))
    search(database)
    (made,) = models(database)
    assert (made["records"], made["learnt"]) == (7, False)
    assert made["settings"]["probability_two_random_records_match"] > 0
    add(database, person(7))
    search(database)
    assert models(database) == [made]


def test_old_model_is_made_anew(database: Database) -> None:
    """After three months the parameters are estimated again."""
    add(database, *(person(n) for n in range(6)))
    search(database)
    with database.transaction() as session:
        session.execute(text("UPDATE duplicate_models SET made_at = now() - interval '91 days'"))
    search(database)
    assert len(models(database)) == 2


def test_model_of_another_comparison_is_made_anew(database: Database) -> None:
    """Parameters for attributes that this version compares otherwise are of no use."""
    add(database, *(person(n) for n in range(6)))
    search(database)
    with database.transaction() as session:
        session.execute(text("UPDATE duplicate_models SET edition = 'older'"))
    search(database)
    assert len(models(database)) == 2


def test_outgrown_model_is_made_anew(database: Database) -> None:
    """A fifth more or fewer records, or enough to learn from for the first time: estimate."""
    add(database, *(person(n) for n in range(6)))
    search(database)
    with database.transaction() as session:
        assert current(session, 60) is not None
        assert current(session, 5_000) is None
        session.execute(text("UPDATE duplicate_models SET learnt = true, records = 10000"))
        assert current(session, 11_900) is not None
        assert current(session, 8_100) is not None
        assert current(session, 12_100) is None
        assert current(session, 7_900) is None


def test_deactivated_records_do_not_count() -> None:
    """Records that take no part are no reason to estimate anew."""
    rows = {number: person(number) for number in range(1, 5)}
    day = rows[1]["enumeration_date"]
    rows[1]["deactivation_date"] = day
    rows[2] |= {"deactivation_date": day, "reactivation_date": day}
    assert count(table(rows)) == 3


def test_chain_is_cut_where_it_is_weakest() -> None:
    """A chain of middling pairs does not tie everybody together; its strong parts stay groups."""
    chain = [Edge(n, n + 1, 20.0 if n % 3 else 5.0, n) for n in range(1, 40)]
    found = clusters(chain)
    assert all(len({*(e.a for e in group), *(e.b for e in group)}) <= 3 for group in found)
    assert clusters(chain[: MEMBERS_AT_MOST - 1]) == [tuple(chain[: MEMBERS_AT_MOST - 1])]


def test_one_record_entered_often_stays_one_group() -> None:
    """Where all pairs are alike nothing is weakest: the group is shown as it is."""
    edges = [Edge(1, n, 30.0, n) for n in range(2, 40)]
    assert clusters(edges) == [tuple(edges)]


def test_nicknames_lead_to_formal_names() -> None:
    """A short form may stand for several names, and a name always for itself."""
    assert FORMAL["BILL"] == ("WILLIAM",)
    assert {"PATRICIA", "PATRICK"} <= set(FORMAL["PAT"])
    assert FORMAL["WILLIAM"][0] == "WILLIAM"
    assert FORMAL["SARA"] == ("SARAH",)


def test_splink_stays_out_of_other_processes() -> None:
    """Neither the package nor the command's start nor the desk imports Splink."""
    asked = (
        "import sys, workqueue, workqueue.cli, workqueue.detection, dashboard.app; "
        "sys.exit('splink' in sys.modules or 'workqueue.duplicates' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", asked], check=False)
    assert done.returncode == 0
