"""The SQL of reconciling: staged findings beside the items they are about, and what follows.

`wq_found` has the findings, `wq_known` the items they speak about (an item there without a finding
is one whose problem is gone), `wq_judged` the outcome: which act befalls which item. All three are
temporary and empty outside a transaction. Each act is one statement that changes its items and
writes their action rows.
"""

from __future__ import annotations

from typing import Final

from workqueue.lifecycle import Verb

# Made once per connection, so that a re-check after an edit leaves no dead catalogue rows behind.
TABLES: Final = """
CREATE TEMPORARY TABLE IF NOT EXISTS wq_found (
    fingerprint text COLLATE "C", rule_id text COLLATE "C", provider_id bigint, priority smallint,
    evidence jsonb, members bigint[], hash uuid, item_id bigint, dismissed boolean DEFAULT false
) ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS wq_known (item_id bigint, seen_version integer)
    ON COMMIT DELETE ROWS;
CREATE TEMPORARY TABLE IF NOT EXISTS wq_judged (item_id bigint, act text COLLATE "C", reason text)
    ON COMMIT DELETE ROWS;
DELETE FROM wq_found;
DELETE FROM wq_known;
DELETE FROM wq_judged;
"""
# A re-check has a handful of rows, in temporary tables that the planner knows nothing of: all by
# index, instead of reading through a million items for them.
BY_INDEX: Final = """
SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off
"""
AS_USUAL: Final = """
SET LOCAL enable_seqscan = DEFAULT; SET LOCAL enable_hashjoin = DEFAULT;
SET LOCAL enable_mergejoin = DEFAULT
"""
ANALYZE: Final = "ANALYZE wq_found; ANALYZE wq_known"

_NEWEST = """
NOT EXISTS (SELECT FROM work_items newer
            WHERE newer.fingerprint = item.fingerprint AND newer.generation > item.generation)
"""

# The items in scope of a re-check: about one of the records, or about one of the groups. Those of
# a rule that was not asked, or has no answer, are left as they are.
_ASKED = """
(CAST(:rules AS text[]) IS NULL OR item.rule_id = ANY(CAST(:rules AS text[])))
"""
KNOWN_OF_RECORDS: Final = f"""
INSERT INTO wq_known (item_id)
SELECT item.id FROM work_items item
WHERE item.provider_id = ANY(:providers) AND NOT item.evidence ? 'members' AND {_ASKED}
  AND {_NEWEST}
UNION
SELECT item.id FROM work_items item
WHERE item.fingerprint = ANY(:groups) AND {_ASKED} AND {_NEWEST}
UNION
SELECT item.id FROM wq_found found JOIN work_items item USING (fingerprint) WHERE {_NEWEST}
"""
LINK: Final = """
UPDATE wq_found found SET item_id = item.id
FROM wq_known known JOIN work_items item ON item.id = known.item_id
WHERE item.fingerprint = found.fingerprint
"""

# In order of id, as everybody who locks several items does.
LOCK: Final = """
WITH locked AS MATERIALIZED (
    SELECT item.id FROM wq_known known JOIN work_items item ON item.id = known.item_id
    ORDER BY item.id FOR UPDATE OF item
)
SELECT count(*) FROM locked
"""

# A re-check after a person's edit knows more than findings from a moment before that edit: items
# that the machine has touched since are left as they are, and so are findings on records that a
# correction has changed since.
FORGET_TOUCHED: Final = """
WITH touched AS (
    DELETE FROM wq_known known USING work_items item
    WHERE item.id = known.item_id AND item.version <> known.seen_version AND EXISTS (
        SELECT FROM work_actions act
        WHERE act.work_item_id = item.id AND act.seq > known.seen_version
          AND act.action_type = ANY(:machine_acts))
    RETURNING known.item_id
)
DELETE FROM wq_found found USING touched WHERE found.item_id = touched.item_id
"""
FORGET_EDITED: Final = """
DELETE FROM wq_found found USING (
    SELECT DISTINCT provider_id FROM provider_overrides
    WHERE age(xmin) <= age(CAST(CAST(:snapshot_xmin AS xid8) AS xid))
) edited
WHERE found.item_id IS NULL
  AND edited.provider_id = ANY(coalesce(found.members, ARRAY[found.provider_id]))
"""

# What a person has dismissed with this very evidence stays dismissed, in whichever generation.
DISMISS: Final = """
UPDATE wq_found found SET dismissed = true
FROM work_items item
WHERE item.fingerprint = found.fingerprint AND item.evidence_hash = found.hash
  AND item.status = 'REJECTED'
"""

_PERSON_SET_PRIORITY = """
EXISTS (SELECT FROM work_actions act
        WHERE act.work_item_id = item.id AND act.action_type = 'set-priority')
"""
# A person reopened it knowing that the rule finds nothing any more: theirs to close.
_REOPENED_WHILE_GONE = """
EXISTS (SELECT FROM work_actions act
        WHERE act.work_item_id = item.id AND act.action_type = 'reopen'
          AND act.payload ? 'gone_since')
"""

JUDGE: Final = f"""
WITH judged AS (
INSERT INTO wq_judged (item_id, act, reason)
SELECT id, act, reason FROM (
    SELECT item.id, CASE
        WHEN found.fingerprint IS NULL THEN CASE
            WHEN item.status = 'OPEN' AND NOT {_REOPENED_WHILE_GONE} THEN 'close'
            WHEN item.cured_at IS NOT NULL THEN NULL
            WHEN item.status = 'IN_PROGRESS' THEN 'cure'
            WHEN item.status = 'RESOLVED' THEN 'remember' END
        WHEN item.status IN ('OPEN', 'IN_PROGRESS') THEN CASE
            WHEN item.cured_at IS NOT NULL THEN 'recur'
            WHEN item.evidence_hash <> found.hash THEN 'refresh'
            WHEN item.priority <> found.priority AND NOT {_PERSON_SET_PRIORITY} THEN 'refresh' END
        WHEN item.status = 'RESOLVED' AND item.resolved_by = :system THEN 'revive'
        WHEN item.evidence_hash <> found.hash THEN 'create'
        WHEN item.status = 'RESOLVED' AND item.cured_at IS NOT NULL THEN 'create'
        END AS act, CASE
        WHEN rule.retired_at IS NOT NULL THEN 'The rule was retired.'
        WHEN dismissed.fingerprint IS NOT NULL THEN 'Dismissed before with the same evidence.'
        WHEN provider.deactivation_date IS NOT NULL
             AND (provider.reactivation_date IS NULL
                  OR provider.reactivation_date < provider.deactivation_date)
            THEN 'The provider was deactivated.'
        ELSE :gone END AS reason
    FROM wq_known known
    JOIN work_items item ON item.id = known.item_id
    JOIN rules rule ON rule.id = item.rule_id
    JOIN individual_providers provider ON provider.id = item.provider_id
    LEFT JOIN wq_found found ON found.item_id = item.id AND NOT found.dismissed
    LEFT JOIN wq_found dismissed ON dismissed.item_id = item.id AND dismissed.dismissed
) judged
WHERE act IS NOT NULL
RETURNING act)
SELECT act, count(*) AS items FROM judged GROUP BY act
"""

_ACTION = "INSERT INTO work_actions (work_item_id, seq, user_id, via, action_type, payload) "

# What tells an item of a later generation from the first stays with it.
_EVIDENCE = """
found.evidence || coalesce((
    SELECT jsonb_object_agg(key, value) FROM jsonb_each(item.evidence)
    WHERE key IN ('previous_item', 'gone_since', 'changed')), '{}')
"""


def _acted(verb: Verb, change: str) -> str:
    return (
        f"WITH changed AS ({change}) {_ACTION}"
        f"SELECT id, version, :system, :via, '{verb}', payload FROM changed ORDER BY id"
    )


def _seen_again(verb: Verb, more: str = "", said: str = "'{}'") -> str:
    return _acted(
        verb,
        f"""
UPDATE work_items item
SET evidence = {_EVIDENCE}, evidence_hash = found.hash, provider_id = found.provider_id,
    priority = CASE WHEN {_PERSON_SET_PRIORITY} THEN item.priority ELSE found.priority END,
    cured_at = NULL, version = item.version + 1 {more}
FROM wq_judged judged
JOIN wq_found found ON found.item_id = judged.item_id AND NOT found.dismissed
JOIN work_items was ON was.id = judged.item_id
WHERE item.id = judged.item_id AND judged.act = '{verb}'
RETURNING item.id, item.version, jsonb_build_object(
    'run', CAST(:run AS bigint), 'was', was.evidence, 'is', item.evidence)
    || CASE WHEN was.priority = item.priority THEN '{{}}' ELSE jsonb_build_object(
        'priority', jsonb_build_object('was', was.priority, 'is', item.priority)) END
    || {said} AS payload
""",
    )


def _seen_gone(verb: Verb, more: str, said: str) -> str:
    return _acted(
        verb,
        f"UPDATE work_items item SET cured_at = now(), version = item.version + 1 {more} "
        f"FROM wq_judged judged WHERE item.id = judged.item_id AND judged.act = '{verb}' "
        "RETURNING item.id, item.version, jsonb_build_object("
        f"'run', CAST(:run AS bigint), 'note', judged.reason) || {said} AS payload",
    )


CLOSE: Final = _seen_gone(
    Verb.CLOSE,
    ", status = 'RESOLVED', resolved_at = now(), resolved_by = :system, notes = judged.reason",
    """'{"from": "OPEN", "to": "RESOLVED"}'""",
)
CURE: Final = _seen_gone(Verb.CURE, "", "'{}'")
# No decision and no change of state, so no action row: only the memory that the problem was gone
# after a person closed the item. The new item that a relapse brings tells it in its history.
REMEMBER: Final = """
UPDATE work_items item SET cured_at = now()
FROM wq_judged judged WHERE item.id = judged.item_id AND judged.act = 'remember'
"""
REFRESH: Final = _seen_again(Verb.REFRESH)
RECUR: Final = _seen_again(Verb.RECUR)
REVIVE: Final = _seen_again(
    Verb.REVIVE,
    ", status = 'OPEN', resolved_at = NULL, resolved_by = NULL, notes = ''",
    """'{"from": "RESOLVED", "to": "OPEN"}'""",
)

# What changed since the item that a person closed, by name of the value; nothing where the very
# same problem is back after it had been seen gone.
_CHANGED = """
(SELECT coalesce(jsonb_object_agg(key, jsonb_build_object('was', was.value, 'is', now.value)), '{}')
 FROM jsonb_each((item.evidence - 'values' - 'previous_item' - 'gone_since' - 'changed')
                 || coalesce(item.evidence -> 'values', '{}')) was
 FULL JOIN jsonb_each((found.evidence - 'values') || coalesce(found.evidence -> 'values', '{}'))
      now USING (key)
 WHERE was.value IS DISTINCT FROM now.value)
"""
_PREVIOUS = f"""
jsonb_build_object('previous_item', item.id, 'changed', {_CHANGED})
|| CASE WHEN item.cured_at IS NULL THEN '{{}}' ELSE jsonb_build_object('gone_since',
    to_char(item.cured_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24\\:MI\\:SS"Z"')) END
"""

CREATE: Final = f"""
WITH made AS (
    INSERT INTO work_items (provider_id, queue_type, priority, rule_id, fingerprint, generation,
                            evidence, evidence_hash)
    SELECT found.provider_id, rule.queue_type, found.priority, rule.id, found.fingerprint,
        coalesce(item.generation, 0) + 1,
        found.evidence || CASE WHEN item.id IS NULL THEN '{{}}' ELSE {_PREVIOUS} END, found.hash
    FROM wq_found found
    JOIN rules rule ON rule.id = found.rule_id
    LEFT JOIN wq_judged judged ON judged.item_id = found.item_id AND judged.act = 'create'
    LEFT JOIN work_items item ON item.id = judged.item_id
    WHERE NOT found.dismissed AND (found.item_id IS NULL OR judged.item_id IS NOT NULL)
    ON CONFLICT (fingerprint, generation) DO NOTHING
    RETURNING id, rule_id, fingerprint, evidence
), noted AS (
    {_ACTION}
    SELECT made.id, 1, :system, :via, '{Verb.CREATE}', jsonb_build_object(
        'rule', made.rule_id, 'rule_version', rule.version, 'evidence', made.evidence,
        'run', CAST(:run AS bigint))
    FROM made JOIN rules rule ON rule.id = made.rule_id
), joined AS (
    INSERT INTO work_item_providers (work_item_id, provider_id)
    SELECT made.id, unnest(found.members) FROM made JOIN wq_found found USING (fingerprint)
    WHERE found.members IS NOT NULL
), judged AS (
    INSERT INTO wq_judged (item_id, act) SELECT id, 'new' FROM made RETURNING act
)
SELECT count(*) FROM judged
"""

BY_RULE: Final = """
SELECT item.rule_id, judged.act, count(*) AS items
FROM wq_judged judged JOIN work_items item ON item.id = judged.item_id
GROUP BY item.rule_id, judged.act
"""

# Members of group items that were found again: who left, who joined or rejoined.
LEAVE: Final = """
UPDATE work_item_providers member SET left_at = now()
FROM wq_judged judged
JOIN wq_found found ON found.item_id = judged.item_id AND NOT found.dismissed
WHERE judged.act IN ('refresh', 'recur', 'revive') AND found.members IS NOT NULL
  AND member.work_item_id = judged.item_id AND member.left_at IS NULL
  AND member.provider_id <> ALL(found.members)
"""
JOIN: Final = """
INSERT INTO work_item_providers (work_item_id, provider_id)
SELECT judged.item_id, unnest(found.members)
FROM wq_judged judged
JOIN wq_found found ON found.item_id = judged.item_id AND NOT found.dismissed
WHERE judged.act IN ('refresh', 'recur', 'revive') AND found.members IS NOT NULL
ORDER BY 1, 2
ON CONFLICT (work_item_id, provider_id)
    DO UPDATE SET left_at = NULL WHERE work_item_providers.left_at IS NOT NULL
"""

ACTS: Final = {
    Verb.REFRESH: REFRESH,
    Verb.RECUR: RECUR,
    Verb.REVIVE: REVIVE,
    Verb.CLOSE: CLOSE,
    Verb.CURE: CURE,
    "remember": REMEMBER,
}
"""The statement of each act on an item that exists; new items come by CREATE."""

SEEN_AGAIN: Final = frozenset({Verb.REFRESH, Verb.RECUR, Verb.REVIVE})
