"""What a run needs from the database, as Arrow tables of one moment: records, and items.

Read with ADBC, PostgreSQL's binary COPY straight into Arrow. It costs per value rather than per
byte, NULL or not, and few records fill more than two of the fifteen slots: the upper slots are
read for those records only. A million records take some 250 MB.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi

from workqueue.errors import DatabaseUnavailable
from workqueue.fields import FIELDS, SLOTS
from workqueue.rules import RULES, Rule
from workqueue.verbs import knowledge

_LOWER_SLOTS: Final = 2

_ITEMS: Final = """
SELECT item.id AS item_id, item.fingerprint, encode(uuid_send(item.evidence_hash), 'hex') AS hash,
       item.priority, item.status, item.cured_at IS NOT NULL AS cured,
       coalesce(item.resolved_by = (SELECT id FROM "user" WHERE kind = 'system'), false)
           AS closed_by_system,
       item.version AS seen_version
FROM work_items item
WHERE NOT EXISTS (
    SELECT FROM work_items newer
    WHERE newer.generation > 1 AND newer.fingerprint = item.fingerprint
      AND newer.generation > item.generation)
"""

_ITEMS_OF: Final = """
SELECT item.fingerprint, encode(uuid_send(item.evidence_hash), 'hex') AS hash, item.status,
       item.cured_at IS NOT NULL AS cured,
       coalesce(item.resolved_by = (SELECT id FROM "user" WHERE kind = 'system'), false)
           AS closed_by_system,
       NOT EXISTS (SELECT FROM work_items newer WHERE newer.fingerprint = item.fingerprint
                   AND newer.generation > item.generation) AS newest
FROM work_items item WHERE item.rule_id = '{rule_id}'
"""


@dataclass(frozen=True)
class Snapshot:
    """Records and items of one moment.

    `records` is what `rules.evaluate` takes, with the fields that the rules speak of; `items` has
    the newest item of each fingerprint: item_id, fingerprint, hash, priority, status, cured,
    closed_by_system, seen_version. `xmin` is pg_snapshot_xmin of the moment, as text.
    """

    records: pa.Table
    items: pa.Table
    xmin: str


def fetch(url: str, rules: Sequence[Rule] = RULES, more: Iterable[str] = ()) -> Snapshot:
    """Read everything at the libpq address `url`, in one read-only transaction.

    The records come with the fields that `rules` speak of, and `more`. Raises DatabaseUnavailable
    where that cannot be done.
    """
    with _reading(url) as cursor:
        moment = _table(cursor, "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)")
        records = _records(cursor, rules, more)
        items = _table(cursor, _ITEMS)
    return Snapshot(records, items, moment.column(0)[0].as_py())


def fetch_records(url: str, rules: Sequence[Rule], more: Iterable[str] = ()) -> pa.Table:
    """The records alone, as `fetch` has them."""
    with _reading(url) as cursor:
        return _records(cursor, rules, more)


def fetch_items(url: str, rule_id: str) -> pa.Table:
    """Every item of one rule: fingerprint, hash, status, cured, closed_by_system, newest."""
    # Ids are letters, digits and _; this one came from the catalogue.
    with _reading(url) as cursor:
        return _table(cursor, _ITEMS_OF.format(rule_id=rule_id.replace("'", "''")))


@contextmanager
def _reading(url: str) -> Iterator[Any]:
    """A cursor that sees one moment and writes nothing."""
    try:
        with dbapi.connect(url) as connection, connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
            yield cursor
    except dbapi.Error as error:
        raise DatabaseUnavailable(
            f"the records could not be read: {str(error).strip().splitlines()[0]}. "
            "`workqueue doctor` says what is wrong."
        ) from error


def _records(cursor: Any, rules: Sequence[Rule], more: Iterable[str]) -> pa.Table:
    wanted = {*knowledge.fields_needed(rules), *more}
    lower, upper = _split(tuple(field.name for field in FIELDS if field.name in wanted))
    records = _table(cursor, _records_sql(lower))
    return _widened(records, _table(cursor, _upper_sql(upper))) if upper else records


def _table(cursor: Any, sql: str) -> pa.Table:
    cursor.execute(sql)
    return cursor.fetch_arrow_table()


def _split(fields: tuple[str, ...]) -> tuple[list[str], list[str]]:
    endings = tuple(f"_{number}" for number in range(_LOWER_SLOTS + 1, SLOTS + 1))
    upper = [name for name in fields if name.endswith(endings)]
    return [name for name in fields if name not in upper], upper


def _records_sql(fields: list[str]) -> str:
    return f"""
SELECT p.id, s.name AS source, p.column_set_id, c.contradicted,
       {", ".join(f"p.{name}" for name in fields)}
FROM individual_providers p JOIN sources s ON s.id = p.source_id
LEFT JOIN ({knowledge.CONTRADICTED.format(which="")}) c ON c.provider_id = p.id
"""


def _upper_sql(fields: list[str]) -> str:
    names = ", ".join(fields)
    return f"SELECT id, {names} FROM individual_providers WHERE coalesce({names}) IS NOT NULL"


def _widened(records: pa.Table, sparse: pa.Table) -> pa.Table:
    """`records` with the columns of `sparse`, which has some of its ids; NULL for the others."""
    if not sparse.num_rows:
        return records
    places = pc.index_in(records["id"], value_set=sparse["id"].combine_chunks())
    for name in itertools.islice(sparse.column_names, 1, None):
        column = sparse[name]
        if column.null_count < len(column):
            records = records.append_column(name, column.combine_chunks().take(places))
    return records
