"""Every benchmark on one server, and what misses its aim.

Run: python -m tests.benchmarks.all --rows 1000000
"""

from __future__ import annotations

from collections.abc import Callable

from tests.benchmarks import (
    audit_speed,
    claim_speed,
    delta_speed,
    desk_speed,
    detection_speed,
    inbox_speed,
    load_speed,
    metrics_speed,
    recheck_speed,
)
from tests.benchmarks.place import Figure, Place, load_average, run

_SCRIPTS = (
    load_speed,
    detection_speed,
    delta_speed,
    recheck_speed,
    claim_speed,
    inbox_speed,
    audit_speed,
    metrics_speed,
    desk_speed,
)


def measure(place: Place, rows: int) -> list[Figure]:
    """The figures with an aim, of all scripts; the others are printed on the way."""
    aimed = []
    for script in _SCRIPTS:
        name = script.__name__.rpartition(".")[2]
        take: Callable[[Place, int], list[Figure]] = script.measure
        before = load_average()
        figures = take(place, rows)
        print(f"\n{name}: load {before} before, {load_average()} after")
        for figure in figures:
            print(figure.line(), flush=True)
            if figure.at_most is not None or figure.at_least is not None:
                aimed.append(figure.under(name))
    return aimed


if __name__ == "__main__":
    run(measure, __doc__)
