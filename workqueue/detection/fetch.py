"""What a run needs from the database, as Arrow tables of one moment: records, and items.

Read with ADBC, PostgreSQL's binary COPY straight into Arrow. It costs per value rather than per
byte, NULL or not, and few records fill more than two of the fifteen slots: the upper slots are
read for those records only. A million records take some 250 MB.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from adbc_driver_postgresql import dbapi

from workqueue.detection import scope
from workqueue.detection.basis import Look
from workqueue.errors import DatabaseUnavailable
from workqueue.fields import FIELDS, SLOTS
from workqueue.rules import Rule
from workqueue.verbs import knowledge

# The condition that a column names one of the wanted records; blank where all are.
OfThem = Callable[[str], str]

_LOWER_SLOTS: Final = 2

_ITEMS: Final = """
SELECT item.id AS item_id, item.fingerprint, encode(uuid_send(item.evidence_hash), 'hex') AS hash,
       item.priority, item.status, item.cured_at IS NOT NULL AS cured,
       coalesce(item.resolved_by = (SELECT id FROM "user" WHERE kind = 'system'), false)
           AS closed_by_system,
       item.version AS seen_version, item.rule_id, item.evidence ? 'members' AS grouped
FROM {items} item
WHERE NOT EXISTS (
    SELECT FROM work_items newer
    WHERE newer.generation > 1 AND newer.fingerprint = item.fingerprint
      AND newer.generation > item.generation)
"""
# Items of the rules that are asked of all records, or are none any more; items about a record in
# scope; and of the groups in scope those that a record in scope was a member of, or could be.
_ITEMS_IN_SCOPE: Final = """
(SELECT * FROM work_items WHERE rule_id = ANY({anew})
 UNION
 SELECT item.* FROM work_items item
 WHERE item.provider_id = ANY({ids}) AND item.rule_id <> ALL({anew})
   AND NOT item.evidence ? 'members'
 UNION
 SELECT item.*
 FROM work_item_providers member JOIN work_items item ON item.id = member.work_item_id
 WHERE member.provider_id = ANY({ids}) AND item.rule_id <> ALL({anew})
 UNION
 SELECT item.* FROM work_items item
 WHERE item.fingerprint = ANY({full}) AND item.rule_id <> ALL({anew}))
"""
# A scope is small beside the tables that it is looked up in.
_BY_INDEX: Final = """
SELECT set_config('enable_' || way, '{value}', true)
FROM unnest(ARRAY['seqscan', 'hashjoin', 'mergejoin']) AS way
"""


@dataclass(frozen=True)
class Question:
    """What a run looks at, and what it goes by: see `scope.changed`.

    `more` are fields that somebody beside the rules wants to see, of every record.
    """

    look: Look
    as_of: date
    column_sets: Mapping[int, frozenset[str]]
    rules: Sequence[Rule]
    more: tuple[str, ...] = ()


@dataclass(frozen=True)
class Changes:
    """What makes a snapshot one of changes: whose findings, and which of the groups, count.

    `ids` are the records that changed, `records` beside them the members of their groups. `whole`
    are the fingerprints of the groups all of whose members are there. `anew` are the rules that
    are asked of all records; `everything` has these with the fields of those and of the question's
    `more`, None where nobody asks for it.
    """

    ids: frozenset[int]
    whole: pa.ChunkedArray
    anew: frozenset[str]
    everything: pa.Table | None


_ITEMS_ABOUT: Final = """
(SELECT item.* FROM work_items item WHERE item.rule_id = ANY({rules}){which})
"""
_WITH_A_MEMBER: Final = """ AND EXISTS (
    SELECT FROM work_item_providers member WHERE member.work_item_id = item.id
    AND member.left_at IS NULL AND member.provider_id = ANY({ids}))"""
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
    closed_by_system, seen_version, rule_id, grouped (about several records). `xmin` is
    pg_snapshot_xmin of the moment, as text. Of a run that looks at everything `changes` is None.
    """

    records: pa.Table
    items: pa.Table
    xmin: str
    changes: Changes | None = None


def fetch(url: str, question: Question) -> Snapshot:
    """Read what there is to look at from the libpq address `url`, in one read-only transaction.

    That is everything where too much has changed. Raises DatabaseUnavailable where it cannot be
    read.
    """
    with _reading(url) as cursor:
        moment = _table(cursor, "SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text)")
        at = moment[0][0].as_py()
        return _changes(cursor, question, at) or Snapshot(
            _records(cursor, _fields(question.rules, question.more)),
            _table(cursor, _ITEMS.format(items="work_items")),
            at,
        )


def fetch_records(url: str, rules: Sequence[Rule], more: Iterable[str] = ()) -> pa.Table:
    """All records, with the fields that `rules` speak of, and `more`."""
    with _reading(url) as cursor:
        return _records(cursor, _fields(rules, more))


def fetch_items(url: str, rule_id: str) -> pa.Table:
    """Every item of one rule: fingerprint, hash, status, cured, closed_by_system, newest."""
    # Ids are letters, digits and _; this one came from the catalogue.
    with _reading(url) as cursor:
        return _table(cursor, _ITEMS_OF.format(rule_id=rule_id.replace("'", "''")))


def fetch_items_about(url: str, rules: Iterable[str], ids: frozenset[int] | None) -> pa.Table:
    """The newest items of these rules, as a snapshot has them, with one of `ids` as a member."""
    given = {"rules": scope.text_array(sorted(rules)), "which": ""}
    if ids is not None:
        given["which"] = _WITH_A_MEMBER.format(ids=scope.array(ids))
    with _reading(url) as cursor:
        return _table(cursor, _ITEMS.format(items=_ITEMS_ABOUT.format(**given)))


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


def _fields(rules: Sequence[Rule], more: Iterable[str]) -> tuple[str, ...]:
    wanted = {*knowledge.fields_needed(rules), *more}
    return tuple(field.name for field in FIELDS if field.name in wanted)


def _changes(cursor: Any, question: Question, moment: str) -> Snapshot | None:
    """What has changed and its groups; None where everything had better be read."""

    def ask(sql: str) -> pa.Table:
        return _table(cursor, sql)

    since, rules = question.look.since, question.rules
    if since is None:
        return None
    anew = question.look.anew | scope.ask_anew(rules, since.as_of, question.as_of)
    gone = question.look.gone
    asked = [each for each in rules if each.id not in anew]
    changed = scope.changed(ask, since, question.as_of, asked)
    if changed is None:
        return None
    fields = knowledge.fields_needed(rules)
    ask(_BY_INDEX.format(value="off"))
    records = _records(cursor, fields, changed.ids)
    groups = scope.groups(ask, records, changed.former, question.column_sets, asked)
    if others := groups.ids - changed.ids:
        more = _records(cursor, fields, others)
        records = pa.concat_tables([records, more], promote_options="default")
    given = {
        "ids": scope.array(changed.ids | groups.ids),
        "anew": scope.text_array(sorted(anew | gone)),
        "full": scope.text_array(groups.full),
    }
    items = ask(_ITEMS.format(items=_ITEMS_IN_SCOPE.format(**given)))
    # Members of groups in scope may be members of others, which are not.
    grouped = pc.and_(
        items["grouped"],
        pc.invert(pc.is_in(items["rule_id"], pa.array(list(anew | gone), pa.string()))),
    )
    items = items.filter(pc.or_(pc.invert(grouped), pc.is_in(items["fingerprint"], groups.whole)))
    ask(_BY_INDEX.format(value="on"))
    everything = None
    if anew or (question.more and changed.ids):
        of_all = [each for each in rules if each.id in anew]
        everything = _records(cursor, _fields(of_all, question.more))
    changes = Changes(changed.ids, groups.whole, anew, everything)
    return Snapshot(records, items, moment, changes)


def _records(cursor: Any, fields: tuple[str, ...], ids: frozenset[int] | None = None) -> pa.Table:
    """The records of these ids, or all of them."""
    lower, upper = _split(fields)
    wanted = None if ids is None else scope.array(ids)

    def of_them(column: str) -> str:
        return "" if wanted is None else f"AND {column} = ANY({wanted})"

    records = _table(cursor, _records_sql(lower, of_them))
    if upper:
        records = _widened(records, _table(cursor, _upper_sql(upper, of_them)))
    nppes = knowledge.NPPES_SAYS.format(which=of_them("own.id"))
    return _widened(records, _table(cursor, nppes))


def _table(cursor: Any, sql: str) -> pa.Table:
    cursor.execute(sql)
    return cursor.fetch_arrow_table()


def _split(fields: tuple[str, ...]) -> tuple[list[str], list[str]]:
    endings = tuple(f"_{number}" for number in range(_LOWER_SLOTS + 1, SLOTS + 1))
    upper = [name for name in fields if name.endswith(endings)]
    return [name for name in fields if name not in upper], upper


def _records_sql(fields: list[str], of_them: OfThem) -> str:
    return f"""
SELECT p.id, s.name AS source, p.column_set_id, c.contradicted,
       {", ".join(f"p.{name}" for name in fields)}
FROM individual_providers p JOIN sources s ON s.id = p.source_id
LEFT JOIN ({knowledge.CONTRADICTED.format(which=of_them("provider_id"))}) c
    ON c.provider_id = p.id
WHERE true {of_them("p.id")}
"""


def _upper_sql(fields: list[str], of_them: OfThem) -> str:
    names = ", ".join(fields)
    return (
        f"SELECT id, {names} FROM individual_providers WHERE coalesce({names}) IS NOT NULL "
        f"{of_them('id')}"
    )


def _widened(records: pa.Table, sparse: pa.Table) -> pa.Table:
    """`records` with the columns of `sparse`, which begins with some of its ids; else NULL."""
    if not sparse.num_rows:
        return records
    places = pc.index_in(records["id"], value_set=sparse.column(0).combine_chunks())
    for name in itertools.islice(sparse.column_names, 1, None):
        column = sparse[name]
        if column.null_count < len(column):
            records = records.append_column(name, column.combine_chunks().take(places))
    return records
