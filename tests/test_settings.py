"""Settings: read from the environment, and wrong values refused by name."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from workqueue.errors import WrongSetting
from workqueue.settings import Settings, psycopg2_url

VARIABLES = (
    "WORKQUEUE_HOME",
    "WORKQUEUE_DATABASE_URL",
    "WORKQUEUE_OWNER_URL",
    "WORKQUEUE_ANALYST_URL",
    "QUEUE_PAGE_SIZE",
    "WORKQUEUE_LEASE_MINUTES",
    "WORKQUEUE_MAX_UNPACKED_GB",
)


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_defaults_need_no_environment() -> None:
    """Without any variable the embedded server is used, 25 rows a page and 15 minutes a lease."""
    settings = Settings.read()
    assert settings.database_url is settings.owner_url is settings.analyst_url is None
    assert (settings.page_size, settings.lease_minutes, settings.max_unpacked_gb) == (25, 15, 40)
    assert settings.home.is_absolute()


def test_home_of_root_and_of_a_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Root keeps its data with the system's, everybody else in the own home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert Settings.read().home == Path("/", "var", "lib", "workqueue")
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert Settings.read().home == tmp_path / ".local" / "share" / "workqueue"


def test_empty_variable_is_none_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is set and empty counts as not set."""
    for name in VARIABLES:
        monkeypatch.setenv(name, "")
    assert Settings.read().page_size == 25


def test_home_is_made_absolute(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A tilde and a relative path are resolved once, wherever the process goes later."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("WORKQUEUE_HOME", "~/queue")
    assert Settings.read().home == tmp_path / "queue"
    monkeypatch.setenv("WORKQUEUE_HOME", "queue")
    assert Settings.read().home == Path.cwd() / "queue"


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2"])
def test_driver_is_named(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    """Each way to write a PostgreSQL address means the driver that is installed."""
    monkeypatch.setenv(
        "WORKQUEUE_OWNER_URL", f"{scheme}://me:pw@db.example:5433/queue?sslmode=require"
    )
    assert Settings.read().owner_url == (
        "postgresql+psycopg2://me:pw@db.example:5433/queue?sslmode=require"
    )


@pytest.mark.parametrize("address", ["sqlite:///x.db", "db.example", "", "mysql://secret@x/y"])
def test_other_databases_are_refused(address: str) -> None:
    """What is no PostgreSQL address is refused with an example, without repeating it."""
    with pytest.raises(WrongSetting, match="postgresql://user:password@host") as refused:
        psycopg2_url(address)
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUEUE_PAGE_SIZE", "0"),
        ("QUEUE_PAGE_SIZE", "1001"),
        ("QUEUE_PAGE_SIZE", "many"),
        ("WORKQUEUE_LEASE_MINUTES", "0"),
        ("WORKQUEUE_LEASE_MINUTES", "1441"),
        ("WORKQUEUE_LEASE_MINUTES", "NaN"),
        ("WORKQUEUE_MAX_UNPACKED_GB", "-1"),
        ("WORKQUEUE_DATABASE_URL", "mysql://root:hunter2@host/db"),
    ],
)
def test_wrong_value_names_its_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """A value that cannot be used is refused under the variable's name, passwords kept."""
    monkeypatch.setenv(name, value)
    with pytest.raises(WrongSetting, match=name) as refused:
        Settings.read()
    assert "hunter2" not in str(refused.value)


def test_all_faults_are_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two wrong variables are both named."""
    monkeypatch.setenv("QUEUE_PAGE_SIZE", "x")
    monkeypatch.setenv("WORKQUEUE_LEASE_MINUTES", "y")
    with pytest.raises(WrongSetting, match=r"QUEUE_PAGE_SIZE.*WORKQUEUE_LEASE_MINUTES"):
        Settings.read()


def test_settings_do_not_change() -> None:
    """Settings are frozen once read."""
    with pytest.raises(ValidationError):
        Settings.read().page_size = 5  # type: ignore[misc]
