"""Claim-next: one statement finds the user, picks an item, claims it and writes the action row.

One statement because this is the queue's hottest path, and because it leaves no moment between
picking and taking: rows that somebody else is just taking are skipped, so no two people ever get
the same item. The acting user is set by `said`, and the action row takes its user from there, so
that the row cannot be formed before the audit trigger can see who acts.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, text
from sqlalchemy.orm import Session

from workqueue.accounts import Actor, acting
from workqueue.database import Database, Prepared
from workqueue.errors import BadInput, NothingToClaim, TriedTooOften
from workqueue.lifecycle import Kind, Right, Role, Status, Verb, right
from workqueue.verbs import permission
from workqueue.verbs.act import ItemState, done_before, lock
from workqueue.verbs.claiming import check_lease

# What is narrowed to queue types and rules; left out where the caller narrows nothing.
_MATCHES = """
    AND ($7 IS NULL OR queue_type = ANY($7)) AND ($8 IS NULL OR rule_id = ANY($8))
"""

# The CTEs that lock are evaluated only as far as needed: each asks first whether the ones before
# found something. `urgent` is a lapsed item that comes before everything that waits, so that one
# forgotten at priority 1 is not stuck behind the rest; `lapsed` is for when nothing waits. Both
# look at the hundred leases that ended first (`ended`): without a bound every claim would sort all
# that was ever left behind. The statuses are spelt out so that the partial indexes can be used.
_CLAIM_NEXT = """
WITH me AS MATERIALIZED (
    SELECT id, username FROM "user"
    WHERE username = $1 AND disabled_at IS NULL AND role = ANY($3)
      AND (kind = 'system') = $2
      AND ($9 IS NULL OR EXISTS (
          SELECT FROM login_sessions login
          WHERE login.id = $9 AND login.user_id = "user".id AND login.ended_at IS NULL
            AND login.expires_at > statement_timestamp()
            AND login.idle_at > statement_timestamp()))
), earlier AS MATERIALIZED (
    SELECT 1 FROM work_actions WHERE request_id = $6
), said AS MATERIALIZED (
    SELECT CAST(set_config('app.actor', CAST(id AS text), true) AS bigint) AS user_id, username
    FROM me WHERE NOT EXISTS (SELECT FROM earlier)
), reserved AS MATERIALIZED (
    SELECT id, status, assigned_to FROM work_items
    WHERE status = 'OPEN' AND assigned_to = (SELECT user_id FROM said) AND cured_at IS NULL
    {matches}
    ORDER BY priority, created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
), ended AS MATERIALIZED (
    SELECT id FROM work_items
    WHERE status = 'IN_PROGRESS' AND lease_expires_at <= statement_timestamp()
      AND cured_at IS NULL AND EXISTS (SELECT FROM said) AND NOT EXISTS (SELECT FROM reserved)
    {matches}
    ORDER BY lease_expires_at LIMIT 100
), urgent AS MATERIALIZED (
    SELECT id, status, assigned_to FROM work_items
    WHERE id = ANY(ARRAY(SELECT id FROM ended))
      AND status = 'IN_PROGRESS' AND lease_expires_at <= statement_timestamp()
      AND (priority, created_at, id) < (
          SELECT priority, created_at, id FROM work_items
          WHERE status = 'OPEN' AND assigned_to IS NULL AND cured_at IS NULL
          {matches}
          ORDER BY priority, created_at, id LIMIT 1)
    ORDER BY priority, created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
), waiting AS MATERIALIZED (
    SELECT id, status, assigned_to FROM work_items
    WHERE status = 'OPEN' AND assigned_to IS NULL AND cured_at IS NULL
      AND EXISTS (SELECT FROM said)
      AND NOT EXISTS (SELECT FROM reserved) AND NOT EXISTS (SELECT FROM urgent)
    {matches}
    ORDER BY priority, created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
), lapsed AS MATERIALIZED (
    SELECT id, status, assigned_to FROM work_items
    WHERE id = ANY(ARRAY(SELECT id FROM ended))
      AND status = 'IN_PROGRESS' AND lease_expires_at <= statement_timestamp()
      AND NOT EXISTS (SELECT FROM urgent) AND NOT EXISTS (SELECT FROM waiting)
    ORDER BY priority, created_at, id LIMIT 1 FOR UPDATE SKIP LOCKED
), chosen AS MATERIALIZED (
    SELECT * FROM reserved UNION ALL SELECT * FROM urgent
    UNION ALL SELECT * FROM waiting UNION ALL SELECT * FROM lapsed
), changed AS (
    UPDATE work_items item
    SET status = 'IN_PROGRESS', assigned_to = said.user_id, version = item.version + 1,
        lease_expires_at = statement_timestamp() + $4
    FROM chosen, said WHERE item.id = chosen.id
    RETURNING item.id, item.version, item.lease_expires_at, said.user_id, said.username,
              chosen.status AS former, chosen.assigned_to AS former_holder
), recorded AS (
    INSERT INTO work_actions
        (work_item_id, seq, user_id, via, action_type, payload, request_id)
    SELECT id, version, user_id, $5, 'claim',
           jsonb_build_object('lease_expires_at', lease_expires_at)
           || CASE WHEN former = 'OPEN'
                   THEN jsonb_build_object('from', former, 'to', 'IN_PROGRESS')
                   ELSE jsonb_build_object('taken_from', (
                       SELECT username FROM "user" WHERE "user".id = former_holder)) END,
           $6
    FROM changed
)
SELECT (SELECT count(*) FROM me) AS known, (SELECT count(*) FROM earlier) AS repeated,
       changed.id, changed.version, changed.username, changed.lease_expires_at
FROM (SELECT 1) one LEFT JOIN changed ON true
"""

_TYPES = "text, boolean, text[], interval, text, uuid, text[], text[], bigint"
_VALUES = """%(username)s, %(is_system)s, %(roles)s, %(lease)s, %(via)s, %(request_id)s,
    %(queue_types)s, %(rule_ids)s, %(login)s"""


def _prepared(name: str, matches: str) -> Prepared:
    return Prepared(
        name,
        prepare=f"PREPARE {name} ({_TYPES}) AS {_CLAIM_NEXT.format(matches=matches)}",
        execute=f"EXECUTE {name} ({_VALUES})",
    )


_OF_ALL = _prepared("claim_next_of_all", "")
_OF_SOME = _prepared("claim_next_of_some", _MATCHES)

_HELD = text("""
SELECT count(*) FILTER (WHERE status = 'IN_PROGRESS') AS held,
       count(*) FILTER (WHERE status = 'OPEN') AS reserved,
       min(lease_expires_at) FILTER (WHERE lease_expires_at > statement_timestamp()) AS next_free
FROM work_items
WHERE (status = 'IN_PROGRESS' OR (status = 'OPEN' AND assigned_to IS NOT NULL))
  AND cured_at IS NULL
  AND (CAST(:queue_types AS text[]) IS NULL OR queue_type = ANY(CAST(:queue_types AS text[])))
  AND (CAST(:rule_ids AS text[]) IS NULL OR rule_id = ANY(CAST(:rule_ids AS text[])))
""")

_EARLIER = text("SELECT work_item_id FROM work_actions WHERE request_id = :request_id")

_ROLES = [role.value for role in Role if right(role, Verb.CLAIM) is Right.ALWAYS]


def claim_next(
    session: Session,
    *,
    actor: Actor,
    lease: timedelta,
    queue_types: Sequence[str] | None = None,
    rule_ids: Sequence[str] | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """Claim the next best item that nobody holds, for `lease` on database time.

    First what is reserved for the actor, then by priority and age what waits or what a lapsed
    lease has set free (of those, the hundred that ended first). Items whose problem is gone are
    not offered. A retry
    with the same `request_id` gives the same item. Raises NothingToClaim, saying whether others
    hold what there is; NotAllowed, NoSuchUser, UserDisabled, RequestReused; BadInput for a queue
    type that does not exist or a lease outside 0 to 24 hours.
    """
    bound = _bound(actor, lease, queue_types, rule_ids, request_id)
    row = _claimed(session, bound)
    if not row.known:
        # Says what is wrong with the actor, or makes the user row of a local account.
        with permission.denials_told(actor, Verb.CLAIM):
            permission.check_role(acting(session, actor), Verb.CLAIM)
        row = _claimed(session, bound)
        if not row.known:
            raise TriedTooOften(
                f"the account of {actor.username} is being changed at this moment; try again."
            )
    if row.repeated and request_id is not None:
        return _earlier(session, actor, request_id)
    if row.id is None:
        raise _nothing(session, bound)
    return _state(row)


def claim_next_at_once(
    database: Database,
    *,
    actor: Actor,
    lease: timedelta,
    queue_types: Sequence[str] | None = None,
    rule_ids: Sequence[str] | None = None,
    request_id: UUID | None = None,
) -> ItemState:
    """`claim_next` in a transaction of its own: the same, in one round trip where all goes well.

    Where the statement finds nothing to take, it has written nothing, and `claim_next` itself
    says why in `Database.run`. Raises what those two raise.
    """
    bound = _bound(actor, lease, queue_types, rule_ids, request_id)
    found = database.at_once(_statement(bound), bound)
    if found is not None and _Claimed(*found).id is not None:
        return _state(_Claimed(*found))
    return database.run(
        lambda session: claim_next(
            session,
            actor=actor,
            lease=lease,
            queue_types=queue_types,
            rule_ids=rule_ids,
            request_id=request_id,
        )
    )


class _Claimed(NamedTuple):
    known: int
    repeated: int
    id: int
    version: int
    username: str
    lease_expires_at: datetime


def _bound(
    actor: Actor,
    lease: timedelta,
    queue_types: Sequence[str] | None,
    rule_ids: Sequence[str] | None,
    request_id: UUID | None,
) -> dict[str, Any]:
    check_lease(lease)
    return {
        "username": actor.username,
        "is_system": actor.kind is Kind.SYSTEM,
        "roles": _ROLES,
        "queue_types": None if queue_types is None else list(queue_types),
        "rule_ids": None if rule_ids is None else list(rule_ids),
        "lease": lease,
        "via": actor.via,
        "request_id": request_id,
        # No login session has the id 0: a web actor without one finds nothing.
        "login": (actor.login or 0) if actor.kind is Kind.WEB else None,
    }


def _statement(bound: dict[str, Any]) -> Prepared:
    narrowed = bound["queue_types"] is not None or bound["rule_ids"] is not None
    return _OF_SOME if narrowed else _OF_ALL


def _claimed(session: Session, bound: dict[str, Any]) -> _Claimed:
    statement = _statement(bound)
    connection = session.connection()
    if statement.name not in connection.info:
        connection.exec_driver_sql(statement.prepare)
        connection.info[statement.name] = True
    return _Claimed(*connection.exec_driver_sql(statement.execute, bound).one())


def _state(row: _Claimed) -> ItemState:
    return ItemState(row.id, Status.IN_PROGRESS, row.version, row.username, row.lease_expires_at)


def _earlier(session: Session, actor: Actor, request_id: UUID) -> ItemState:
    done_before(session, request_id, acting(session, actor), Verb.CLAIM)
    item_id = session.execute(_EARLIER, {"request_id": request_id}).scalar_one()
    return lock(session, item_id).state


def _nothing(session: Session, bound: dict[str, Any]) -> NothingToClaim:
    _check_queue_types(session, bound["queue_types"])
    row: Row[Any] = session.execute(
        _HELD, {"queue_types": bound["queue_types"], "rule_ids": bound["rule_ids"]}
    ).one()
    narrowed = bound["queue_types"] is not None or bound["rule_ids"] is not None
    said = "nothing is open" + (" that matches" if narrowed else "")
    if row.held:
        said += f"; {row.held} {'item is' if row.held == 1 else 'items are'} held by others"
        if row.next_free is not None:
            said += f", the next one frees at {row.next_free:%Y-%m-%d %H:%M:%S} UTC"
    if row.reserved:
        said += f"; {row.reserved} {'is' if row.reserved == 1 else 'are'} reserved for others"
    if not row.held and not row.reserved:
        said += ", and nobody holds an item"
    return NothingToClaim(f"{said}.")


def _check_queue_types(session: Session, queue_types: list[str] | None) -> None:
    if queue_types is None:
        return
    known = list(session.scalars(text("SELECT code FROM queue_types ORDER BY code")))
    unknown = sorted(set(queue_types).difference(known))
    if unknown:
        raise BadInput(
            f"there is no queue type {', '.join(unknown)}; there are: {', '.join(known)}."
        )
