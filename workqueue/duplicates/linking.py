"""The one door to Splink: a linker over a table, learning, and scoring. Import it in a job only."""

from __future__ import annotations

import copy
import logging
import statistics
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

import duckdb
import pyarrow as pa
from splink import DuckDBAPI, Linker
from splink.internals.exceptions import SplinkException

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
        self._api = DuckDBAPI(connection)
        self._table = self._api.register(table)
        self._often = {}
        for column in _counted(settings):
            connection.execute(
                f"CREATE OR REPLACE TABLE often_{column} AS SELECT DISTINCT {column}, "
                f"{column} / {max(records, 1)}::DOUBLE AS tf_{column} FROM {table}"
            )
            self._often[column] = self._api.register(f"often_{column}")
        self._linker = self._linker_with(settings)

    def _linker_with(self, settings: Mapping[str, Any]) -> Linker:
        # Its own check of the settings takes half a second; ours are made by us.
        linker = Linker(
            self._table, copy.deepcopy(dict(settings)), log_level=None, validate_settings=False
        )
        for column, often in self._often.items():
            linker.table_management.register_term_frequency_lookup(often, column)
        return linker

    def learn(
        self, *, training: Sequence[str], certain: Sequence[str], certain_share: float
    ) -> dict[str, Any]:
        """Splink's settings with u from random pairs, m by expectation maximisation, and prior.

        `training` are the rules whose pairs m is learnt from; `certain` those that find next to
        only pairs of one person, `certain_share` of all such pairs.
        """
        learning = self._linker.training
        # A ValueError would mean more certain pairs than there can be; the given share stays.
        with suppress(ValueError):
            learning.estimate_probability_two_random_records_match(
                list(certain), recall=certain_share
            )
        learning.estimate_u_using_random_sampling(max_pairs=_RANDOM_PAIRS, seed=SEED)
        settings: dict[str, Any] = self._linker.misc.save_model_to_json()
        lessons = [found for rule in training if (found := self._lesson(settings, rule))]
        for level, *taught in zip(_levels(settings), *map(_levels, lessons), strict=True):
            before = level.get("m_probability")
            told = [one["m_probability"] for one in taught if one.get("m_probability") != before]
            if told:
                level["m_probability"] = statistics.median(told)
        return settings

    def _lesson(self, settings: Mapping[str, Any], rule: str) -> dict[str, Any] | None:
        """The settings with m as the pairs of one rule teach it; None where they teach nothing.

        Splink gives up with a ValueError where an m comes to nothing, as it may among pairs that
        are all of one person, and leaves its linker unfit for use: each lesson has one of its own.
        """
        linker = self._linker_with(settings)
        with suppress(ValueError, SplinkException):
            linker.training.estimate_parameters_using_expectation_maximisation(
                rule, estimate_without_term_frequencies=True, max_pairs=_TRAINING_PAIRS
            )
            told: dict[str, Any] = linker.misc.save_model_to_json()
            return told
        return None

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


def _levels(settings: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [
        level for comparison in settings["comparisons"] for level in comparison["comparison_levels"]
    ]


def _counted(settings: Mapping[str, Any]) -> list[str]:
    return sorted(
        {
            level["tf_adjustment_column"]
            for level in _levels(settings)
            if level.get("tf_adjustment_column")
        }
    )
