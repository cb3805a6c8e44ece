"""A correction of one record among many, with the re-check that follows it.

Items of every rule are taken in turn. Each is claimed, and its lead record's last name and
practice phone are corrected; after that it is re-checked once more without a change.
Run: python -m tests.benchmarks.recheck_speed --rows 1000000
"""

from __future__ import annotations

import statistics
import time
from datetime import timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from tests.benchmarks.place import ACTOR, Figure, Place, measured, median, run
from workqueue.database import Database
from workqueue.verbs import claim, field_update
from workqueue.verbs.recheck import groups_of, recheck

ITEMS = 120
_CHOSEN = text("""
SELECT id, provider_id FROM (
    SELECT *, row_number() OVER (PARTITION BY rule_id ORDER BY id) AS place FROM (
        SELECT DISTINCT ON (provider_id) id, provider_id, rule_id
        FROM work_items WHERE status = 'OPEN' ORDER BY provider_id, id) one_each) items
ORDER BY place, rule_id LIMIT :count
""")


def correcting(url: str) -> dict[str, list[float]]:
    """Milliseconds of each step, commit included; the first item is for warming up."""
    took: dict[str, list[float]] = {"recheck": [], "field_update": []}

    def recheck_only(session: Session, provider_id: int) -> None:
        recheck(session, provider_id, groups_of(session, provider_id))

    with Database(url) as database:
        with database.transaction() as session:
            chosen = session.execute(_CHOSEN, {"count": ITEMS + 1}).all()
        for number, (item, provider) in enumerate(chosen):
            database.run(
                lambda session, item=item: claim(
                    session, item, actor=ACTOR, lease=timedelta(minutes=15)
                )
            )
            # The phone last: with it a record may leave the group that its item is about.
            for change in ({"last_name": "Smith-Jones"}, {"practice_phone": f"314555{number:04}"}):
                begun = time.perf_counter()
                database.run(
                    lambda session, item=item, provider=provider, change=change: field_update(
                        session,
                        item,
                        change,
                        provider_id=provider,
                        actor=ACTOR,
                        verified_how="benchmark",
                    )
                )
                took["field_update"].append((time.perf_counter() - begun) * 1000)
            begun = time.perf_counter()
            database.run(lambda session, provider=provider: recheck_only(session, provider))
            took["recheck"].append((time.perf_counter() - begun) * 1000)
    return {
        "first": took["field_update"][:1],
        **{name: values[2:] for name, values in took.items()},
    }


def measure(place: Place, rows: int) -> list[Figure]:
    """Medians and 95th percentiles over all items."""
    with place.copy(place.detected(rows)) as name:
        took = measured(correcting, place.url("app", name)).value
    assert isinstance(took, dict)
    figures = [Figure("first field_update of a process", took.pop("first")[0], "ms")]
    for title, values in took.items():
        aim = 30 if title == "recheck" else None
        figures += [
            Figure(f"{title}, median of {len(values)}", median(values), "ms", at_most=aim),
            Figure(f"{title}, 95th percentile", statistics.quantiles(values, n=20)[-1], "ms"),
        ]
    return figures


if __name__ == "__main__":
    run(measure, __doc__)
