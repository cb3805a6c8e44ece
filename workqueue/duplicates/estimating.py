"""A model of the data at hand: what is frequent in it, and how often people's records agree."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import duckdb

from workqueue.duplicates.comparisons import CERTAIN, CERTAIN_SHARE, TRAINING, shipped
from workqueue.duplicates.linking import Linking
from workqueue.duplicates.model import Model, compare_by, crowded, frequencies

ENOUGH: Final = 5_000
"""With fewer records there are too few pairs of one person to learn from."""
# Of a hundred people four have a second record, until the data say otherwise.
_SHARE: Final = 0.04
_FEW: Final = 500
# How far learning may take m and u from what was shipped: nothing is impossible, and a level that
# was met once or twice by chance is no measurement.
_M_AT_LEAST: Final = 0.25
_U_AT_LEAST: Final = 0.1
# The share of pairs that match may be this many times what it is by _SHARE, or that part of it.
_PRIOR_RANGE: Final = 30.0


def estimate(connection: duckdb.DuckDBPyConnection) -> Model:
    """The model of table `made`, of which table `compared` is made on the way.

    With fewer records than ENOUGH it has the shipped parameters.
    """
    records = connection.execute("SELECT count(*) FROM made").fetchall()[0][0]
    prior = _SHARE / max(records, _FEW)
    model = Model(
        settings=shipped(prior),
        records=records,
        learnt=False,
        frequencies=frequencies(connection),
        crowded=crowded(connection, frozenset()),
    )
    compare_by(connection, model)
    if records < ENOUGH:
        return model
    linking = Linking(connection, "compared", model.settings, model.population)
    learnt = linking.learn(training=TRAINING, certain=CERTAIN, certain_share=CERTAIN_SHARE)
    return Model(_bounded(learnt, prior), records, True, model.frequencies, model.crowded)


def _bounded(learnt: Mapping[str, Any], prior: float) -> dict[str, Any]:
    """The shipped settings with what was learnt, as far as it can be believed."""
    settings = shipped(prior)
    share = float(learnt["probability_two_random_records_match"])
    settings["probability_two_random_records_match"] = min(
        max(share, prior / _PRIOR_RANGE), prior * _PRIOR_RANGE
    )
    for ours, theirs in zip(settings["comparisons"], learnt["comparisons"], strict=True):
        levels = zip(ours["comparison_levels"], theirs["comparison_levels"], strict=True)
        for level, found in levels:
            if level.get("is_null_level") or level.get("fix_m_probability"):
                continue
            for name, least in (("m_probability", _M_AT_LEAST), ("u_probability", _U_AT_LEAST)):
                level[name] = max(float(found.get(name, level[name])), level[name] * least)
    return settings
