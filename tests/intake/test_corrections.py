"""Corrections stand through reloads, and learn what the source says now."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import text

from tests.intake.files import SMALL, counts, everything, loaded, person, records, table, write
from workqueue.accounts import SYSTEM, acting
from workqueue.database import Database
from workqueue.received import history, received


def correct(database: Database, field: str, value: str | None) -> int:
    """Correct a field of the only record, as the verb does: override and effective value."""
    with database.transaction() as session:
        user = acting(session, SYSTEM)
        provider = session.execute(
            text(f"SELECT id, {field}::text FROM individual_providers")
        ).one()
        session.execute(
            text(
                "INSERT INTO rules (id, version, queue_type, priority, attribute, grouped, title,"
                " exit_condition, source) VALUES ('R', 1, 'MISSING_DATA', 1, 'npi', false, 't',"
                " 'e', 's') ON CONFLICT DO NOTHING"
            )
        )
        item = session.scalar(
            text(
                "INSERT INTO work_items (provider_id, queue_type, rule_id, fingerprint,"
                " evidence_hash) VALUES (:id, 'MISSING_DATA', 'R', :print, md5('')::uuid)"
                " RETURNING id"
            ),
            {"id": provider[0], "print": f"R:{field}"},
        )
        session.execute(
            text(
                "INSERT INTO provider_overrides (provider_id, field, value, replaced_value,"
                " current_source_value, work_item_id, user_id)"
                " VALUES (:id, :field, :value, :old, :old, :item, :user)"
            ),
            {"id": provider[0], "field": field, "value": value, "old": provider[1]}
            | {"item": item, "user": user.id},
        )
        session.execute(text(f"UPDATE individual_providers SET {field} = :value"), {"value": value})
        return int(provider[0])


OVERRIDE = (
    "SELECT field, value, replaced_value, current_source_value, source_changed_at IS NOT NULL"
    " FROM provider_overrides"
)


def test_correction_stands_on_reload(database: Database, tmp_path: Path) -> None:
    """The same file again leaves a corrected record alone."""
    file = write(tmp_path / "a.csv", SMALL, [person(1)])
    loaded(database, file)
    correct(database, "last_name", "RIGHT")
    before = everything(database)
    assert counts(loaded(database, file)) == {"read": 1, "unchanged": 1}
    assert everything(database) == before


def test_changed_source_shows_beside_the_correction(database: Database, tmp_path: Path) -> None:
    """Where the source changes a corrected field, the correction stands and both are known."""
    loaded(database, write(tmp_path / "a.csv", SMALL, [person(1)]))
    provider = correct(database, "last_name", "RIGHT")
    file = write(tmp_path / "b.csv", SMALL, [person(1, last_name="OTHER", first_name="EVE")])
    assert counts(loaded(database, file)) == {"read": 1, "updated": 1}
    assert records(database, "last_name", "first_name") == [("RIGHT", "EVE")]
    assert table(database, OVERRIDE) == [("last_name", "RIGHT", "LAST1", "OTHER", True)]
    with database.transaction() as session:
        said = received(session, provider)
        changes = history(session, provider)
    assert (said["last_name"], said["first_name"]) == ("OTHER", "EVE")
    assert [dict(change.former) for change in changes] == [
        {"last_name": "LAST1", "first_name": "ANN"}
    ]
    assert changes[0].file_name == "b.csv"
    assert counts(loaded(database, file)) == {"read": 1, "unchanged": 1}


def test_source_that_blanks_a_corrected_field(database: Database, tmp_path: Path) -> None:
    """A full file may blank what the source said; the correction stands."""
    loaded(database, write(tmp_path / "a.csv", SMALL, [person(1)]))
    correct(database, "last_update_date", "2025-01-01")
    loaded(database, write(tmp_path / "b.csv", SMALL, [person(1, last_update_date="")]))
    assert table(database, OVERRIDE)[0][3:] == (None, True)
    assert str(records(database, "last_update_date")[0][0]) == "2025-01-01"


def test_correction_to_blank_stands(database: Database, tmp_path: Path) -> None:
    """A field that was corrected to blank is not filled again by the source."""
    loaded(database, write(tmp_path / "a.csv", SMALL, [person(1)]))
    provider = correct(database, "practice_phone", None)
    loaded(database, write(tmp_path / "b.csv", SMALL, [person(1, practice_phone="3085550100")]))
    assert records(database, "practice_phone") == [(None,)]
    with database.transaction() as session:
        assert received(session, provider)["practice_phone"] == "3085550100"


def test_withdrawn_correction_is_no_more(database: Database, tmp_path: Path) -> None:
    """A withdrawn correction no longer holds a new value of the source back."""
    loaded(database, write(tmp_path / "a.csv", SMALL, [person(1)]))
    correct(database, "last_name", "RIGHT")
    with database.transaction() as session:
        session.execute(
            text("UPDATE provider_overrides SET withdrawn_at = now(), withdrawn_by = user_id")
        )
        session.execute(text("UPDATE individual_providers SET last_name = 'LAST1'"))
    loaded(database, write(tmp_path / "b.csv", SMALL, [person(1, last_name="NEW")]))
    assert records(database, "last_name") == [("NEW",)]


def test_raw_text_follows_its_value(database: Database, tmp_path: Path) -> None:
    """A new value replaces the raw text of the former one; the history keeps the former text."""
    loaded(database, write(tmp_path / "a.csv", SMALL, [person(1, practice_phone="5125550142.0")]))
    loaded(database, write(tmp_path / "b.csv", SMALL, [person(1, practice_phone="3085550100")]))
    provider = records(database, "id")[0][0]
    with database.transaction() as session:
        assert received(session, provider)["practice_phone"] == "3085550100"
        assert dict(history(session, provider)[0].former) == {"practice_phone": "5125550142.0"}


def test_raw_text_of_fields_a_partial_file_lacks_is_kept(
    database: Database, tmp_path: Path
) -> None:
    """A partial file leaves the raw text of other fields as it was."""
    loaded(database, write(tmp_path / "a.csv", SMALL, [person(1, practice_phone="5125550142.0")]))
    loaded(database, write(tmp_path / "b.csv", ("npi", "last_name"), [person(1, last_name="X")]))
    with database.transaction() as session:
        said = received(session, records(database, "id")[0][0])
    assert (said["practice_phone"], said["last_name"]) == ("5125550142.0", "X")
