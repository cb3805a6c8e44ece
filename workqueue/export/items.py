"""Exports of items and of corrections."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import Session, aliased

from workqueue.accounts import Actor, UserRow, acting_with, note_event
from workqueue.audit import heads_digest
from workqueue.database import Database
from workqueue.errors import BadInput
from workqueue.export import files
from workqueue.export.columns import CORRECTIONS, ITEMS, Column
from workqueue.export.files import ExportReport, Written
from workqueue.inbox import Filter
from workqueue.inbox.query import PROVIDERS, whole
from workqueue.lifecycle import Duty
from workqueue.models import (
    IndividualProvider,
    ProviderOverride,
    ProviderSource,
    Rule,
    Source,
    User,
    WorkAction,
    WorkItem,
)

NOTE: Final = (
    "UTF-8; times are ISO 8601 in UTC. CSV: every cell quoted, rows end in CRLF; no value is an "
    "empty cell; a cell that begins with = + - @ TAB CR LF, full-width ＝＋－＠ or an apostrophe, "
    "or that is empty text, has one apostrophe in front: strip it. chain_heads_sha256 is the "
    "SHA-256 over a line 'ID VERSION HASH' and LF for each item told of, by id."
)
_ITEM = WorkItem.__table__.c


@dataclass(frozen=True)
class _Order:
    # What is to be exported, by whom and where to. `rows` gives the query of the rows, and the
    # ids of the items whose chain heads the manifest vouches for.
    what: str
    asked: dict[str, Any]
    columns: Sequence[Column]
    rows: Callable[[Session], tuple[Select[Any], Select[Any]]]
    out: Path
    actor: Actor
    form: str
    overwrite: bool


def export_items(  # noqa: PLR0913 - what, where to, by whom and how
    database: Database,
    wanted: Filter,
    out: Path,
    *,
    actor: Actor,
    form: str = "csv",
    overwrite: bool = False,
) -> ExportReport:
    """Write exactly the items of the filter to `out`, as csv or jsonl, by id.

    One snapshot, streamed; the file and its manifest appear complete or not at all, and a
    security event keeps who exported what. Raises NotAllowed, BadInput, FileExists, CannotWrite.
    """

    def rows(session: Session) -> tuple[Select[Any], Select[Any]]:
        branch = whole(session, wanted)
        holder, closer, head = aliased(User), aliased(User), aliased(WorkAction)
        told = (
            select(
                WorkItem.__table__,
                PROVIDERS.npi,
                PROVIDERS.last_name,
                PROVIDERS.first_name,
                PROVIDERS.middle_name,
                PROVIDERS.credential,
                PROVIDERS.practice_state,
                Rule.title,
                Rule.exit_condition,
                holder.username.label("holder"),
                closer.username.label("closer"),
                head.hash,
            )
            .join(IndividualProvider.__table__, PROVIDERS.id == _ITEM.provider_id)
            .join(Rule, Rule.id == _ITEM.rule_id)
            .outerjoin(holder, holder.id == _ITEM.assigned_to)
            .outerjoin(closer, closer.id == _ITEM.resolved_by)
            .outerjoin(head, (head.work_item_id == _ITEM.id) & (head.seq == _ITEM.version))
            .where(*branch.conditions)
            .order_by(_ITEM.id)
        )
        return told, branch.select(_ITEM.id)

    return _export(
        database, _Order("items", wanted.as_dict(), ITEMS, rows, out, actor, form, overwrite)
    )


def export_corrections(  # noqa: PLR0913 - what, where to, by whom and how
    database: Database,
    out: Path,
    *,
    actor: Actor,
    since: date | datetime | None = None,
    form: str = "csv",
    overwrite: bool = False,
) -> ExportReport:
    """Write people's corrections to `out`, oldest first, for the source directory to take over.

    `since`: those made from that moment on; a day or a time without a zone is UTC. A correction
    that was replaced or taken back is told too, with live = false. Raises as `export_items`.
    """
    moment = _moment(since)

    def rows(session: Session) -> tuple[Select[Any], Select[Any]]:
        del session
        made, author, withdrawer = aliased(ProviderOverride), aliased(User), aliased(User)
        fresh = [made.created_at >= moment] if moment else []
        told = (
            select(
                made,
                PROVIDERS.npi,
                Source.name.label("source"),
                ProviderSource.source_key,
                ProviderSource.occurrence,
                author.username.label("author"),
                withdrawer.username.label("withdrawer"),
            )
            .join(IndividualProvider.__table__, PROVIDERS.id == made.provider_id)
            .join(ProviderSource, ProviderSource.provider_id == made.provider_id)
            .join(Source, Source.id == ProviderSource.source_id)
            .join(author, author.id == made.user_id)
            .outerjoin(withdrawer, withdrawer.id == made.withdrawn_by)
            .where(*fresh)
            .order_by(made.id)
        )
        return told, select(made.work_item_id).where(*fresh)

    asked = {"since": _zulu(moment)} if moment else {}
    return _export(
        database, _Order("corrections", asked, CORRECTIONS, rows, out, actor, form, overwrite)
    )


def _moment(since: date | datetime | None) -> datetime | None:
    if since is None or isinstance(since, datetime):
        return since.replace(tzinfo=UTC) if since and since.tzinfo is None else since
    if isinstance(since, date):
        return datetime(since.year, since.month, since.day, tzinfo=UTC)
    raise BadInput(f"{since!r:.60} is not a day: give a date such as 2026-01-31, UTC.")


def _export(database: Database, order: _Order) -> ExportReport:
    form = files.check_form(order.form)
    with files.in_words(order.out):
        files.check_target(order.out, overwrite=order.overwrite)
    database.run(lambda session: acting_with(session, order.actor, Duty.EXPORT))
    with files.in_words(order.out), files.part_beside(order.out) as part:
        with database.snapshot() as session:
            told, ids = order.rows(session)
            taken_at = session.scalar(select(func.now())) or datetime.now(UTC)
            # Rows of items tell their chain's head themselves; other forms are asked for it.
            heads = _Heads() if order.columns is ITEMS and form == "csv" else None
            lines = _lines(order, told)
            written = files.copy_rows(session, part, order.columns, lines, form, watch=heads)
            digest = heads.digest() if heads else heads_digest(session, ids)
            manifest = _manifest(order, written, taken_at, digest)
        database.run(lambda session: _note(session, order, written))
        manifest_path = files.publish(written, order.out, manifest, overwrite=order.overwrite)
    return ExportReport(written.rows, written.sha256, manifest_path)


def _lines(order: _Order, told: Select[Any]) -> Select[Any]:
    lines = select(text(files.row_select(order.columns, order.form)))
    lines = lines.select_from(told.subquery("told"))
    if order.form == "csv":
        return lines
    return select(text("row_to_json(line)")).select_from(lines.subquery("line"))


class _Heads:
    # The same digest as `heads_digest`, of the rows of a CSV of ITEMS as they pass: asking for it
    # would join a million items with their actions once more.
    def __init__(self) -> None:
        self._digest = hashlib.sha256()

    def __call__(self, block: bytes) -> None:
        told = []
        for row in block.split(files.ROW_END)[:-1]:
            # "id",…,"version","actions","last_action_hash": none of the four holds a quote.
            _, version_, _, head = row.rsplit(b'","', 3)
            if len(head) > 1:
                told.append(b"%b %b %b\n" % (row[1 : row.index(b'"', 1)], version_, head[:-1]))
        self._digest.update(b"".join(told))

    def digest(self) -> str:
        return self._digest.hexdigest()


def _zulu(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _note(session: Session, order: _Order, written: Written) -> UserRow:
    user = acting_with(session, order.actor, Duty.EXPORT)
    told = {
        "what": order.what,
        "filter": order.asked,
        "rows": written.rows,
        "sha256": written.sha256,
        "form": order.form,
        "file": order.out.name,
    }
    note_event(session, user, order.actor.via, "export", told)
    return user


def _manifest(order: _Order, written: Written, taken_at: datetime, heads: str) -> dict[str, Any]:
    return {
        "export": order.what,
        "file": order.out.name,
        "form": order.form,
        "rows": written.rows,
        "bytes": written.size,
        "sha256": written.sha256,
        "columns": [column.name for column in order.columns],
        "filter": order.asked,
        "chain_heads_sha256": heads,
        "exported_at": _zulu(taken_at),
        "exported_by": order.actor.username,
        "via": order.actor.via,
        "workqueue_version": version("workqueue"),
        "note": NOTE,
    }
