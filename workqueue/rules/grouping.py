"""The SQL texts about groups: records that share a key, and where sources contradict each other."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from workqueue.fields import SLOTS
from workqueue.rules.rule import Comparison, Group
from workqueue.rules.sql import KEPT, TOLD, Scope, base, slot

MEMBERS_SHOWN: Final = 50


def _keyed(
    group: Group, scope: Scope, extra: str, live: str = "NOT deactivated AND "
) -> str | None:
    """SELECT of the records that have a key, once per slot; None where there can be none."""
    selects = []
    for number in range(1, SLOTS + 1) if group.slots else (0,):
        fields = [slot(name, number) for name in group.fields]
        known = scope.known(fields)
        if known is None or fields[0] not in scope.filled:
            continue
        keys = ", ".join(f"{slot(text, number)} AS key_{name}" for name, text in group.keys)
        selects.append(
            f"SELECT {keys}{extra} FROM base WHERE {live}{known}({slot(group.where, number)})"
        )
    return " UNION ALL ".join(selects) or None


@lru_cache(KEPT)
def groups(group: Group, scope: Scope) -> str | None:
    """(keys, provider_id, members, evidence) of the groups that are findings, or None."""
    counted = "".join(f", {text} AS few_{at}" for at, (text, _) in enumerate(group.at_least))
    keyed = _keyed(group, scope, f", id, source, {', '.join(TOLD)}{counted}")
    if keyed is None:
        return None
    keys = [f"key_{name}" for name, _ in group.keys]
    key_list = ", ".join(keys)
    key_json = " || ',".join(
        f'"{name}":\' || CAST(to_json(key_{name}) AS VARCHAR)' for name, _ in sorted(group.keys)
    )
    enough = "".join(
        f" AND count(DISTINCT few_{at}) >= {count}" for at, (_, count) in enumerate(group.at_least)
    )
    contradicting = _contradicting(group, scope)
    judged, told, source = contradicting or ("", "", "found")
    # Candidates by a hash first: it takes a third of the memory that the keys themselves would.
    return (
        f"{base((keyed, judged), scope)}, "
        f"keyed AS NOT MATERIALIZED ({keyed}), "
        f"candidate AS (SELECT hash({key_list}) AS key FROM keyed GROUP BY key "
        f"HAVING min(hash({group.differ})) <> max(hash({group.differ})) "
        f"AND count(*) >= {group.smallest}), "
        f"member AS (SELECT DISTINCT {key_list}, id, source, npi{_numbered(group)}, "
        "nullif(concat_ws(', ', last_name, first_name), '') AS name "
        f"FROM keyed WHERE hash({key_list}) IN (SELECT key FROM candidate)), "
        f"found AS (SELECT {key_list}, min(id) AS provider_id, "
        "list(id ORDER BY id) AS members, "
        "list({'id': id, 'name': name, 'npi': npi} ORDER BY id) AS told "
        f"FROM member GROUP BY {key_list} "
        f"HAVING min({group.differ}) <> max({group.differ}){enough}){judged} "
        f"SELECT {key_list}, provider_id, members, "
        f'\'{{{told}"count":\' || CAST(len(members) AS VARCHAR) || \',"key":{{' + key_json + " || "
        f"'}},\"members\":' || CAST(to_json(told[1:{MEMBERS_SHOWN}]) AS VARCHAR) || '}}' "
        f"AS evidence FROM {source} ORDER BY provider_id, {key_list}"
    )


def _numbered(group: Group) -> str:
    return "".join(f", few_{at}" for at in range(len(group.at_least)))


def _contradicting(group: Group, scope: Scope) -> tuple[str, str, str] | None:
    """How `found` is judged by what it compares: WITH clauses, evidence, and what is left of it.

    None where nothing is compared. A source's values of one attribute are a set: it may have
    several records of a provider, or several slots. Two sets contradict each other where both have
    something and share nothing.
    """
    if not group.compare:
        return None
    keys = ", ".join(f"key_{name}" for name, _ in group.keys)
    said = " UNION ALL ".join(text for one in group.compare for text in _said(one, keys, scope))
    if not said:
        said = (
            f"SELECT {keys}, id, source, '' AS field, '' AS about, '' AS value, '' AS shown "
            "FROM found_side WHERE FALSE"
        )
    by = f"{keys}, field, about"
    same = " AND ".join(f"a.{name.strip()} = b.{name.strip()}" for name in by.split(","))
    of_a = ", ".join(f"a.{name.strip()}" for name in by.split(","))
    return (
        f", found_side AS (SELECT {keys}, base.* FROM base JOIN "
        f"(SELECT {keys}, unnest(members) AS id FROM found) USING (id)), "
        f"said AS ({said}), "
        f"apart AS (SELECT DISTINCT {of_a} FROM said a JOIN said b ON {same} "
        f"AND a.source < b.source GROUP BY {of_a}, a.source, b.source "
        "HAVING NOT bool_or(a.value = b.value)), "
        "sides AS (SELECT DISTINCT ON "
        f"({by}, source, shown) {by}, source, shown, id FROM said SEMI JOIN apart USING ({by}) "
        f"ORDER BY {by}, source, shown, id), "
        f"lines AS (SELECT {by}, list({{'id': id, 'source': source, 'value': shown}} "
        f"ORDER BY source, shown, id)[1:{MEMBERS_SHOWN}] AS sides FROM sides GROUP BY {by}), "
        f"listed AS (SELECT {keys}, list({{'about': about, 'field': field, 'sides': sides}} "
        f"ORDER BY field, about) AS lines FROM lines GROUP BY {keys}), "
        f"apart_found AS (SELECT found.*, lines FROM found JOIN listed USING ({keys}))",
        "\"conflicts\":' || CAST(to_json(lines) AS VARCHAR) || ',",
        "apart_found",
    )


def _said(one: Comparison, keys: str, scope: Scope) -> list[str]:
    selects = []
    for number in range(1, SLOTS + 1) if one.slots else (0,):
        shows = slot(one.shows, number)
        if shows in scope.filled:
            value, about = slot(one.value, number), slot(one.about, number)
            selects.append(
                f"SELECT {keys}, id, source, '{one.shows.replace('{n}', '1')}' AS field, "
                f"{about} AS about, {value} AS value, {shows} AS shown FROM found_side "
                f"WHERE ({value}) IS NOT NULL AND ({about}) IS NOT NULL"
            )
    return selects


@lru_cache(KEPT)
def keys(group: Group, scope: Scope) -> str | None:
    """The distinct keys by which records could belong to a group, or None.

    Of deactivated records too: the group may be one that they have left.
    """
    keyed = _keyed(group, scope, "", live="")
    if keyed is None:
        return None
    return f"{base((keyed,), scope)}SELECT DISTINCT * FROM ({keyed})"
