"""The notebooks as an analyst and an auditor run them: executed whole, on forty days of work."""

from __future__ import annotations

import asyncio
import json
import pickle
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from tests.past import lived
from workqueue.accounts import Actor
from workqueue.database import Database
from workqueue.export import read_rows
from workqueue.inbox import Filter, count

FOLDER = Path(__file__).resolve().parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
SQL = re.compile(r"(?i)\bselect\b.*\bfrom\b|\binsert into\b|\bupdate\b.*\bset\b|sqlalchemy|psycopg")
KEEP = """
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
Path("kept.pickle").write_bytes(pickle.dumps({{name: globals()[name] for name in {names!r}}}))
"""


def execute(name: str, place: Path, *names: str) -> tuple[list[Any], dict[str, Any]]:
    """Run a notebook in `place`; its code cells, and what its variables of these names hold."""
    notebook = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell(KEEP.format(names=names)))
    client = NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(place)}})
    # In a thread of its own: Chromium's driver runs a loop in the tests' thread.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(client.async_execute())).result()
    kept = pickle.loads((place / "kept.pickle").read_bytes())  # noqa: S301 - we wrote it
    return [cell for cell in notebook.cells if cell.cell_type == "code"], kept


def outputs(cells: list[Any], kind: str) -> list[Any]:
    """The outputs of one kind, such as "error" or "display_data"."""
    return [each for cell in cells for each in cell.outputs if each.output_type == kind]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_clean(path: Path) -> None:
    """No outputs, no counts, an id for each cell, a heading or words before each code cell."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    ids = [cell["id"] for cell in notebook["cells"]]
    assert len(set(ids)) == len(ids)
    for cell in notebook["cells"]:
        assert cell["metadata"] == {}
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None
    assert notebook["cells"][0]["source"][0].startswith("# ")
    assert set(notebook["metadata"]) == {"kernelspec", "language_info"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_sql(path: Path) -> None:
    """Notebooks ask `workqueue` and draw; no statement and no driver is in them."""
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert code
    assert [each for each in code if SQL.search(each)] == []


@pytest.mark.usefixtures("environment")
def test_queue_metrics(
    database: Database,
    superuser_database: Database,
    people: dict[str, Actor],
    tmp_path: Path,
) -> None:
    """Under the analyst role every cell runs, every chart is there, and the frames add up."""
    items = lived(database, superuser_database, people)
    names = ("backlog", "flow", "ageing", "age_bands", "throughput", "decisions", "claims")
    cells, kept = execute("queue_metrics", tmp_path, *names)
    assert outputs(cells, "error") == []
    charts = [each for each in outputs(cells, "display_data") if "text/html" in each.data]
    assert len(charts) == sum(cell.source.count("show(") for cell in cells) == 11
    assert not any("cdn.bokeh.org" in each.data["text/html"] for each in charts)

    with database.snapshot() as session:
        live = count(session, Filter(statuses=("OPEN", "IN_PROGRESS"))).value
        closed = count(session, Filter(statuses=("RESOLVED", "REJECTED"))).value
    backlog, flow, decisions = kept["backlog"], kept["flow"], kept["decisions"]
    reopened = decisions["reopened"].sum()
    assert backlog["day"].nunique() > 30
    assert backlog[backlog["day"] == backlog["day"].max()]["open"].sum() == live
    assert flow["opened"].sum() == items + reopened
    assert flow["closed"].sum() == flow["decided"].sum() == closed + reopened
    assert kept["throughput"]["decided"].sum() == decisions["decided"].sum() == closed + reopened
    assert kept["ageing"]["items"].sum() == kept["age_bands"]["items"].sum() == live
    assert set(kept["claims"]["label"]) == {"Missing data", "Validation flag", "Duplicate"}
    assert (kept["claims"]["median_hours"] <= kept["claims"]["p90_hours"]).all()


@pytest.mark.usefixtures("environment")
def test_queue_metrics_of_an_empty_queue(tmp_path: Path) -> None:
    """Before the first load the notebook runs to its end, and its charts say so in words."""
    cells, kept = execute("queue_metrics", tmp_path, "backlog")
    assert outputs(cells, "error") == []
    assert kept["backlog"].empty
    told = "".join(
        each.data.get("application/javascript", "") for each in outputs(cells, "display_data")
    )
    assert "No work item has been made yet" in told


@pytest.mark.usefixtures("environment")
def test_audit_export(
    database: Database,
    superuser_database: Database,
    people: dict[str, Actor],
    tmp_path: Path,
) -> None:
    """Verified, exported as the local user, and read back: the files hold what the filter finds."""
    lived(database, superuser_database, people)
    cells, kept = execute(
        "audit_export", tmp_path, "verification", "items", "exported", "manifests", "wanted"
    )
    assert outputs(cells, "error") == []
    assert kept["verification"].ok
    with database.snapshot() as session:
        expected = count(session, kept["wanted"]).value
    assert expected > 100
    assert len(kept["items"]) == len(kept["exported"]) == expected
    assert set(map(int, kept["exported"]["id"])) == set(kept["items"]["id"])
    for name, manifest in kept["manifests"].items():
        written = tmp_path / "audit-export" / name
        assert len(list(read_rows(written))) == manifest["rows"]
        assert re.fullmatch(r"jupyter:\S+", manifest["exported_by"])
        assert manifest["exported_by"] == manifest["via"]
    # A second run replaces the files.
    again, _ = execute("audit_export", tmp_path, "wanted")
    assert outputs(again, "error") == []
