"""The one door to Splink: a linker over a table, learning, and scoring. Import it in a job only."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker

SEED: Final = 1
_RANDOM_PAIRS: Final = 400_000
_TRAINING_PAIRS: Final = 3_000_000


class Linking:
    """A linker over one table of `connection`; `records` is the number its frequencies count of."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        table: str,
        settings: Mapping[str, Any],
        records: int,
    ) -> None:
        logging.getLogger("splink").setLevel(logging.ERROR)
        self._connection = connection
        self._api = DuckDBAPI(connection)
        self._table = self._api.register(table)
        self._linker = Linker(
            self._table, copy.deepcopy(dict(settings)), log_level=None, validate_settings=False
        )
        for column in _counted(settings):
            connection.execute(
                f"CREATE OR REPLACE TABLE often_{column} AS SELECT DISTINCT {column}, "
                f"{column} / {max(records, 1)}::DOUBLE AS tf_{column} FROM {table}"
            )
            self._linker.table_management.register_term_frequency_lookup(
                self._api.register(f"often_{column}"), column
            )

    def learn(
        self, *, training: Sequence[str], certain: Sequence[str], certain_share: float
    ) -> dict[str, Any]:
        """Splink's settings with u from random pairs, m by expectation maximisation, and prior.

        `training` are the rules whose pairs m is learnt from; `certain` those that find next to
        only pairs of one person, `certain_share` of all such pairs.
        """
        learning = self._linker.training
        # A ValueError would mean more certain pairs than there can be; the shipped share stays.
        with suppress(ValueError):
            learning.estimate_probability_two_random_records_match(
                list(certain), recall=certain_share
            )
        learning.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=SEED)
        for rule in training:
            # Splink gives up with a ValueError where an m comes to nothing, as it may among pairs
            # that are all of one person; what was learnt elsewhere, or shipped, stays.
            with suppress(ValueError):
                learning.estimate_parameters_using_expectation_maximisation(
                    rule, estimate_without_term_frequencies=True, max_pairs=_TRAINING_PAIRS
                )
        learnt: dict[str, Any] = self._linker.misc.save_model_to_json()
        return learnt

    def score(self, at_least: float, among: str | None = None) -> pa.Table:
        """The pairs whose weight is `at_least` so many bits: every pair, or those `among` a table.

        `among` names a table with the columns of the linker's own, some of its rows: then the
        pairs of which at least one record is in it.
        """
        inference = self._linker.inference
        if among is None:
            return _pairs(inference.predict(threshold_match_weight=at_least))
        part = self._api.register(among)
        found = inference.predict_between(part, self._table, threshold_match_weight=at_least)
        return _pairs(found)


def _pairs(found: Any) -> pa.Table:
    table: pa.Table = found.as_pyarrow_table()
    found.drop_table_from_database_and_remove_from_cache()
    return table


def _counted(settings: Mapping[str, Any]) -> list[str]:
    return sorted(
        {
            level["tf_adjustment_column"]
            for comparison in settings["comparisons"]
            for level in comparison["comparison_levels"]
            if level.get("tf_adjustment_column")
        }
    )
