"""Which findings and items may ask for an act; the rest need not travel back to the database.

It decides nothing: `verbs.reconcile` does, on the rows as they are by then. In a run that changes
nothing next to nothing is left over.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import duckdb
import pyarrow as pa

from workqueue.detection.fetch import Snapshot
from workqueue.verbs.reconcile import Compared, content_hashes

_DUE: Final = """
SELECT found.* EXCLUDE (hash), item.item_id, item.seen_version
FROM found LEFT JOIN item USING (fingerprint)
WHERE item.item_id IS NULL OR CASE item.status
    WHEN 'REJECTED' THEN item.hash <> found.hash
    WHEN 'RESOLVED' THEN item.closed_by_system OR item.cured OR item.hash <> found.hash
    ELSE item.cured OR item.hash <> found.hash OR item.priority <> found.priority END
ORDER BY found.provider_id, found.fingerprint
"""

# A fingerprint begins with its rule.
_GONE: Final = """
SELECT item_id, seen_version FROM item ANTI JOIN found USING (fingerprint)
WHERE NOT list_contains(CAST($left AS VARCHAR[]), split_part(fingerprint, ':', 1))
  AND CASE status WHEN 'OPEN' THEN true WHEN 'IN_PROGRESS' THEN NOT cured
    WHEN 'RESOLVED' THEN NOT cured AND NOT closed_by_system ELSE false END
"""


def compare(
    findings: pa.Table, snapshot: Snapshot, left: Iterable[str] = ()
) -> tuple[pa.Table, Compared]:
    """The findings that may ask for an act, with `item_id`, and the scope to reconcile them in.

    Items of the rules in `left`, which have no answer this time, are left as they are.
    """
    hashed = findings.append_column("hash", content_hashes(findings))
    with duckdb.connect(":memory:") as engine:
        engine.register("found", hashed)
        engine.register("item", snapshot.items)
        due = engine.sql(_DUE).to_arrow_table()
        gone = engine.sql(_GONE, params={"left": sorted(left)}).to_arrow_table()
    known = due.select(["item_id", "seen_version"]).filter(due["item_id"].is_valid())
    scope = Compared(
        items=pa.concat_tables([known, gone.cast(known.schema)]), snapshot_xmin=snapshot.xmin
    )
    return due.drop_columns(["seen_version"]), scope
