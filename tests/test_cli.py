"""The command line: what programs read, what people read, and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from sqlalchemy import text

from tests.command import answer, run
from workqueue import accounts
from workqueue.cli.main import FILES, command_line, main
from workqueue.database import Database
from workqueue.detection import detect
from workqueue.intake import load
from workqueue.lifecycle import Role
from workqueue.settings import Settings

HEADER = "NPI,Entity Type Code,Provider Last Name (Legal Name),Provider First Name"
PHONE = "Provider Business Practice Location Address Telephone Number"


Inside = Callable[..., tuple[int, str, str]]


@pytest.fixture
def inside(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Inside:
    """Runs a command in this process: exit status, standard output, standard error."""

    def call(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr("sys.argv", ["workqueue", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        return int(ended.value.code or 0), said.out, said.err

    return call


@pytest.fixture
def small_file(tmp_path: Path) -> Path:
    """Two individuals; the first has no practice phone, the second a wrong one."""
    file = tmp_path / "small.csv"
    file.write_text(
        f"{HEADER},{PHONE}\n1679576722,1,WIEBE,DAVID,\n1588667638,1,PILCHER,WILLIAM,123\n"
    )
    return file


@pytest.fixture
def queue(environment: dict[str, str], database: Database, small_file: Path) -> dict[str, str]:
    """An environment whose database holds the two items and the users ann, bob and max."""
    local = accounts.local()
    load(database, [small_file], actor=local, settings=Settings.read())
    detect(database, actor=local)
    for name, role in (("ann", Role.REVIEWER), ("bob", Role.REVIEWER), ("max", Role.MANAGER)):
        database.run(lambda s, n=name, r=role: accounts.add_user(s, n, r, actor=local))  # type: ignore[misc]
    return environment


def item_of(environment: dict[str, str], rule: str) -> int:
    """The id of the one open item of a rule."""
    (item,) = answer(environment, "inbox", "--rule", rule)["items"]
    found: int = item["id"]
    return found


def test_inbox_names_what_a_program_needs(queue: dict[str, str]) -> None:
    """Each inbox row has exactly the promised keys, and total counts beyond the limit."""
    found = answer(queue, "inbox", "--limit", 1)
    assert found["total"] == 2
    (item,) = found["items"]
    assert set(item) == {
        *("id", "npi", "provider", "rule_id", "queue_type"),
        *("status", "priority", "created_at", "assigned_to"),
    }


def test_one_item_from_claim_to_resolved(queue: dict[str, str]) -> None:
    """A reviewer claims, comments, corrects and resolves; every answer has id, status, version."""
    item = item_of(queue, "PHONE_INVALID")
    assert answer(queue, "claim", item, "--as", "ann") == {
        "id": item,
        "status": "IN_PROGRESS",
        "version": 2,
    }
    assert answer(queue, "act", item, "comment", "calling", "--as", "ann")["version"] == 3
    wrong = run(queue, "act", item, "field-update", "practice_phone=12", "--as", "ann", check=False)
    assert wrong.returncode == 1
    assert "12" in wrong.stderr
    fixed = answer(
        queue, "act", item, "field-update", "practice_phone=(904) 388-1820", "--as", "ann"
    )
    assert fixed["cured"] is True
    done = answer(queue, "act", item, "resolve", "--as", "ann")
    assert done["status"] == "RESOLVED"
    assert answer(queue, "inbox")["total"] == 1


def test_inbox_says_how_many_others_hold(queue: dict[str, str]) -> None:
    """What is hidden because somebody else has it in hand is counted below the list."""
    run(queue, "claim", item_of(queue, "PHONE_INVALID"), "--as", "ann")
    assert "1 more is in progress with others" in run(queue, "inbox").stdout
    assert "in progress with others" not in run(queue, "inbox", "--as", "ann").stdout


def test_evidence_of_a_cured_item_is_said_not_to_hold(queue: dict[str, str]) -> None:
    """After the correction the item shows what was found, and that it is so no longer."""
    item = item_of(queue, "PHONE_INVALID")
    run(queue, "claim", item, "--as", "ann")
    assert "no longer holds" not in run(queue, "show", item).stdout
    run(queue, "act", item, "field-update", "practice_phone=(904) 388-1820", "--as", "ann")
    assert "This no longer holds: the problem was seen gone at" in run(queue, "show", item).stdout


def test_a_field_update_that_does_not_cure_says_so(queue: dict[str, str]) -> None:
    """Changing another field leaves the problem, and the answer says that it stands."""
    item = item_of(queue, "PHONE_INVALID")
    run(queue, "claim", item, "--as", "ann")
    changed = answer(queue, "act", item, "field-update", "first_name=WILL", "--as", "ann")
    assert changed["cured"] is False
    assert changed["message"]


REFUSED = [
    (("claim", "999", "--as", "ann"), "999"),
    (("claim", "99999999999999999999", "--as", "ann"), "99999999999999999999"),
    (("show", "999"), "999"),
    (("claim-next", "--as", "nobody"), "nobody"),
    (("claim-next", "--rule", "NPI_DUPLICATE", "--as", "ann"), ""),
    (("act", "1", "explode", "--as", "ann"), "explode"),
    (("act", "1", "field-update", "practice_phone", "--as", "ann"), "FIELD=VALUE"),
    (("act", "1", "set-priority", "high", "--as", "max"), "priority"),
    (("act", "1", "set-priority", "9", "--as", "max"), "9"),
    (("act", "1", "resolve", "--as", "ann"), "claim"),
    (("act", "1", "assign", "bob", "--as", "ann"), "reviewer"),
    (("inbox", "--from", "yesterday"), "yesterday"),
    (("inbox", "--status", "DONE"), "DONE"),
    (("inbox", "--text", "x"), ""),
    (("load", "absent.csv"), "absent.csv"),
    (("user", "add", "zoe", "--role", "king"), "king"),
    (("user", "add", "ann"), "ann"),
    (("user", "disable", "zoe"), "zoe"),
    (("restore", "absent.dump"), "absent.dump"),
    (("detect", "--as", "ann"), "reviewer"),
    (("act", "1", "comment", "x", "--request-id", "7", "--as", "ann"), "7"),
]


def test_refusals_are_words(queue: dict[str, str], inside: Inside) -> None:
    """Bad input exits with 1, says what was wrong in words, and with --json in an object."""
    for arguments, said in REFUSED:
        status, out, err = inside(*arguments)
        assert (status, out) == (1, ""), arguments
        assert err.startswith("workqueue: "), arguments
        assert said in err, arguments
        status, out, _ = inside(*arguments, "--json")
        assert status == 1
        assert json.loads(out)["error"], arguments


def test_a_refusal_leaves_the_process_in_words(queue: dict[str, str]) -> None:
    """The same in a process of its own: exit status 1 and no traceback."""
    refused = run(queue, "claim", 999, "--as", "ann", check=False)
    assert refused.returncode == 1
    assert "999" in refused.stderr


def test_a_wrong_setting_is_named(queue: dict[str, str]) -> None:
    """A setting that cannot be used is refused with its name, not with a traceback."""
    for name, value in (
        ("QUEUE_PAGE_SIZE", "many"),
        ("WORKQUEUE_LEASE_MINUTES", "0"),
        ("WORKQUEUE_DATABASE_URL", "mysql://somewhere/else"),
    ):
        refused = run({**queue, name: value}, "inbox", check=False)
        assert refused.returncode == 1
        assert name in refused.stderr


def test_a_database_that_is_not_there_is_named(queue: dict[str, str]) -> None:
    """Where no database answers, the message says so and `doctor` says it too."""
    away = {**queue, "WORKQUEUE_DATABASE_URL": "postgresql://a:b@127.0.0.1:9/none"}
    refused = run(away, "inbox", check=False)
    assert refused.returncode == 1
    assert "cannot be reached" in refused.stderr
    doctor = run(away, "doctor", "--json", check=False)
    assert doctor.returncode == 1
    assert json.loads(doctor.stdout)["ok"] is False


def test_the_page_size_is_a_setting(queue: dict[str, str]) -> None:
    """QUEUE_PAGE_SIZE sets how many rows the inbox shows."""
    assert len(answer({**queue, "QUEUE_PAGE_SIZE": "1"}, "inbox")["items"]) == 1


def test_a_stale_version_changes_nothing(queue: dict[str, str]) -> None:
    """An act that expects an old version is refused, and the item stays as it is."""
    item = item_of(queue, "PHONE_MISSING")
    run(queue, "claim", item, "--as", "ann")
    stale = run(queue, "act", item, "resolve", "--version", 1, "--as", "ann", check=False)
    assert stale.returncode == 1
    assert answer(queue, "show", item)["item"]["version"] == 2


def test_a_retry_with_the_same_request_id_writes_once(queue: dict[str, str]) -> None:
    """The second comment with one request id answers like the first and adds no row."""
    item = item_of(queue, "PHONE_MISSING")
    request = "0b0f5f7e-3b0e-4b52-9f0e-5d8a3f6f7a11"
    once = answer(queue, "act", item, "comment", "hello", "--request-id", request, "--as", "ann")
    twice = answer(queue, "act", item, "comment", "hello", "--request-id", request, "--as", "ann")
    assert once == twice
    assert answer(queue, "audit", "verify")["rows"] == 3


def test_without_as_the_local_account_is_recorded(queue: dict[str, str]) -> None:
    """Local use without --as is recorded as cli:osuser."""
    item = item_of(queue, "PHONE_MISSING")
    run(queue, "act", item, "comment", "from the shell")
    history = answer(queue, "show", item)["history"]
    assert history[0]["who"].startswith("cli:")


def test_a_disabled_user_acts_no_more(queue: dict[str, str]) -> None:
    """After `user disable` the next act of that user is refused."""
    run(queue, "user", "disable", "ann")
    refused = run(queue, "claim-next", "--as", "ann", check=False)
    assert refused.returncode == 1
    assert "disabled" in refused.stderr


def test_doctor_finds_a_healthy_installation(queue: dict[str, str]) -> None:
    """On a migrated database with separate roles every check is ok."""
    found = answer(queue, "doctor")
    assert found["ok"] is True
    assert {check["name"] for check in found["checks"]} >= {"settings", "schema", "app role"}


def test_doctor_names_a_missing_table(
    queue: dict[str, str], superuser_database: Database, inside: Inside
) -> None:
    """A table that is gone is named, and doctor does not stop at its own error."""
    with superuser_database.transaction() as session:
        session.execute(text("ALTER TABLE work_items RENAME TO elsewhere"))
    status, out, _ = inside("doctor", "--json")
    assert status == 1
    (wrong,) = [check for check in json.loads(out)["checks"] if not check["ok"]]
    assert "work_items" in wrong["detail"]


def test_doctor_warns_of_an_app_role_that_could_delete(queue: dict[str, str]) -> None:
    """Where the app connects as the owner, doctor says that the audit trail is not protected."""
    as_owner = {**queue, "WORKQUEUE_DATABASE_URL": queue["WORKQUEUE_OWNER_URL"]}
    found = run(as_owner, "doctor", "--json", check=False)
    assert found.returncode == 1
    wrong = [check for check in json.loads(found.stdout)["checks"] if not check["ok"]]
    assert [check["name"] for check in wrong] == ["app role"]


def test_migrate_prints_the_provisioning_of_an_own_server(queue: dict[str, str]) -> None:
    """`migrate --provision` with a server of one's own prints SQL and changes nothing."""
    printed = run(queue, "migrate", "--provision").stdout
    assert "workqueue_analyst" in printed
    assert "pg_trgm" in printed


def test_a_load_of_which_nothing_could_be_used_is_no_success(
    environment: dict[str, str], inside: Inside, tmp_path: Path
) -> None:
    """Where every line was rejected the counts are printed, and the exit status is 1."""
    file = tmp_path / "bad.csv"
    file.write_text(f"{HEADER}\n,1,NOBODY,NO\n")
    status, out, _ = inside("load", str(file), "--json")
    assert status == 1
    assert json.loads(out)["rejected"] == 1
    status, out, _ = inside("rejects", "--json")
    assert status == 0
    assert [row["line"] for row in json.loads(out)["rejects"]] == [2]


def test_an_extract_with_keys_of_its_own_updates_the_same_npi(
    environment: dict[str, str], inside: Inside, tmp_path: Path
) -> None:
    """NPPES records are known by their NPI: another key beside it makes no second provider."""
    plain, keyed = tmp_path / "plain.csv", tmp_path / "keyed.csv"
    plain.write_text("npi,last_name\n1679576722,WIEBE\n")
    keyed.write_text("npi,source_key,last_name\n1679576722,k1,WIEBE-HAAS\n")
    assert json.loads(inside("load", str(plain), "--json")[1])["loaded"] == 1
    assert json.loads(inside("load", str(keyed), "--json")[1])["updated"] == 1


def test_hostile_text_drives_no_terminal(environment: dict[str, str], tmp_path: Path) -> None:
    """Escape sequences and markup in a record are printed as harmless text."""
    file = tmp_path / "hostile.csv"
    file.write_text(f"{HEADER},{PHONE}\n1679576722,1,\x1b[31mRED,[bold]X[/bold],\n")
    run(environment, "load", file)
    run(environment, "detect")
    shown = run(environment, "inbox").stdout
    assert "\x1b" not in shown
    assert "[bold]X[/bold]" in shown


def test_every_command_is_found_in_its_file() -> None:
    """What `--help` lists is what the table of files says, so that no command gets lost."""
    everything = typer.main.get_command(command_line([]))
    assert set(everything.commands) == set(FILES)  # type: ignore[attr-defined]
    for name, file in FILES.items():
        alone = typer.main.get_command(command_line([name]))
        assert name in alone.commands, file  # type: ignore[attr-defined]
