"""The pairs found among generated records, beside the true ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.duplicates_truth import Planted, planted
from workqueue.duplicates import POSSIBLE_FROM, compared
from workqueue.duplicates.estimating import estimate
from workqueue.duplicates.linking import Linking
from workqueue.rules import Limits
from workqueue.rules.engine import Engine

_LOWEST = -6.0


@dataclass(frozen=True)
class Scored:
    """Weights of the pairs found, which of them are true, how many true ones there are in all.

    `missed` counts what had been done to the records of true pairs below POSSIBLE_FROM; `wrong`
    tells of the heaviest pairs of two people.
    """

    weights: list[float]
    true: list[bool]
    truth: int
    missed: dict[str, int]
    wrong: list[str]

    def at(self, least: float) -> tuple[float, float, float]:
        """Precision, recall and F1 of the pairs with at least that weight."""
        taken = np.asarray(self.weights) >= least
        hits = int((np.asarray(self.true) & taken).sum())
        precision, recall = hits / max(int(taken.sum()), 1), hits / self.truth
        return precision, recall, 2 * precision * recall / max(precision + recall, 1e-9)

    def best(self) -> float:
        """The whole number of bits that gives the highest F1."""
        return max(np.arange(_LOWEST, 25.0), key=lambda least: self.at(least)[2])


def scored(seed: int, rows: int) -> Scored:
    """Generate, estimate, and score all pairs."""
    made = planted(seed, rows)
    npi = made.records["npi"].to_pylist()
    # One NPI in two records is no business of this comparison.
    truth = {(a, b) for a, b in made.pairs if npi[a - 1] is None or npi[a - 1] != npi[b - 1]}
    connection = Engine(Limits(memory_mb=1000)).connection
    compared.make(connection, made.records)
    model = estimate(connection)
    pairs = Linking(connection, "compared", model.settings, model.population).score(_LOWEST)
    columns = (pairs[name].to_pylist() for name in ("match_weight", "id_l", "id_r"))
    found = {(min(a, b), max(a, b)): weight for weight, a, b in zip(*columns, strict=True)}
    return Scored(
        weights=list(found.values()),
        true=[pair in truth for pair in found],
        truth=len(truth),
        missed=_missed(made, truth, found),
        wrong=_wrong(made, truth, found),
    )


def _missed(
    made: Planted, truth: set[tuple[int, int]], found: dict[tuple[int, int], float]
) -> dict[str, int]:
    missed = [pair for pair in truth if found.get(pair, _LOWEST) < POSSIBLE_FROM]
    return dict(Counter(act for _, later in missed for act in made.how[later]).most_common())


def _wrong(
    made: Planted, truth: set[tuple[int, int]], found: dict[tuple[int, int], float]
) -> list[str]:
    heaviest = sorted((pair for pair in found if pair not in truth), key=lambda pair: -found[pair])
    shown = ("last_name", "first_name", "middle_name", "name_suffix", "practice_phone")
    told = []
    for pair in heaviest[:5]:
        rows = [made.records.slice(record - 1, 1).to_pylist()[0] for record in pair]
        sides = (" ".join(str(row[name] or "-") for name in shown) for row in rows)
        told.append(f"{found[pair]:.1f} bits: {' | '.join(sides)}")
    return told
