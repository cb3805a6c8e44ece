"""Environment variables, read once into one frozen Settings.

Nothing else in WorkQueue reads the environment. A wrong value is refused with the name of the
variable, what it held and what it may hold.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from workqueue.errors import WrongSetting


def _default_home() -> Path:
    if os.geteuid() == 0:
        return Path("/var/lib/workqueue")
    return Path.home() / ".local" / "share" / "workqueue"


def psycopg2_url(url: str) -> str:
    """`postgres://` or `postgresql://` with the driver named: SQLAlchemy 2.1 would pick psycopg 3.

    Raises WrongSetting for any other scheme.
    """
    scheme, separator, rest = url.partition("://")
    if separator and scheme in {"postgres", "postgresql", "postgresql+psycopg2"}:
        return f"postgresql+psycopg2://{rest}"
    raise WrongSetting(
        "a database address must look like postgresql://user:password@host:5432/name; WorkQueue "
        "keeps its data in PostgreSQL only."
    )


class Settings(BaseSettings):
    """What the environment says. `Settings.read()` is the way to get one."""

    model_config = SettingsConfigDict(frozen=True, env_ignore_empty=True, extra="ignore")

    home: Path = Field(
        default_factory=_default_home,
        validation_alias="WORKQUEUE_HOME",
        description="Folder of the embedded PostgreSQL and its data. Unused with a database URL.",
    )
    database_url: str | None = Field(
        default=None,
        validation_alias="WORKQUEUE_DATABASE_URL",
        description="A PostgreSQL server of your own, as the app role; empty: the embedded one.",
    )
    owner_url: str | None = Field(
        default=None,
        validation_alias="WORKQUEUE_OWNER_URL",
        description="The same database as the owner role, for `workqueue migrate`.",
    )
    analyst_url: str | None = Field(
        default=None,
        validation_alias="WORKQUEUE_ANALYST_URL",
        description="The same database as the read-only analyst role, for notebooks.",
    )
    page_size: int = Field(
        default=25,
        ge=1,
        le=1000,
        validation_alias="QUEUE_PAGE_SIZE",
        description="Rows per page of the inbox, 1 to 1000.",
    )
    lease_minutes: int = Field(
        default=15,
        ge=1,
        le=1440,
        validation_alias="WORKQUEUE_LEASE_MINUTES",
        description="How long a claim lasts without activity, in minutes, 1 to 1440.",
    )
    rules: Path | None = Field(
        default=None,
        validation_alias="WORKQUEUE_RULES",
        description="Folder of your own rules, a file each; empty: none.",
    )
    rule_seconds: int = Field(
        default=60,
        ge=1,
        le=3600,
        validation_alias="WORKQUEUE_RULE_SECONDS",
        description="How long one rule or validation script may take, in seconds, 1 to 3600.",
    )
    max_unpacked_gb: int = Field(
        default=40,
        ge=1,
        le=1000,
        validation_alias="WORKQUEUE_MAX_UNPACKED_GB",
        description="Largest unpacked size of a zip that is loaded, in GB, 1 to 1000.",
    )

    host: str = Field(
        default="127.0.0.1",
        validation_alias="WORKQUEUE_HOST",
        description="The network address that `workqueue serve` listens on.",
    )
    port: int = Field(
        default=5006,
        ge=1,
        le=65535,
        validation_alias="WORKQUEUE_PORT",
        description="The port that `workqueue serve` listens on.",
    )
    public_url: str | None = Field(
        default=None,
        validation_alias="WORKQUEUE_PUBLIC_URL",
        description="How browsers reach the desk, as https://desk.example; empty: host and port.",
    )
    secret_key: str | None = Field(
        default=None,
        min_length=32,
        validation_alias="WORKQUEUE_SECRET_KEY",
        description="Signs page sessions, 32 characters or more; empty: a new one at each start.",
    )
    trust_proxy: bool = Field(
        default=False,
        validation_alias="WORKQUEUE_TRUST_PROXY",
        description="Believe X-Forwarded-For and X-Forwarded-Proto; only behind a proxy of yours.",
    )

    @property
    def address(self) -> str:
        """How browsers reach the desk, without a slash at the end."""
        host = "localhost" if self.host in {"127.0.0.1", "0.0.0.0", "::1", "::"} else self.host  # noqa: S104 - compared, not bound
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def secure(self) -> bool:
        """Whether browsers reach the desk by TLS."""
        return self.address.startswith("https://")

    @field_validator("public_url")
    @classmethod
    def _web_address(cls, url: str | None) -> str | None:
        if url is None:
            return None
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.netloc or parts.path.strip("/"):
            raise ValueError("write it as in https://desk.example, without a path.")
        return f"{parts.scheme}://{parts.netloc}"

    @field_validator("database_url", "owner_url", "analyst_url")
    @classmethod
    def _with_driver(cls, url: str | None) -> str | None:
        if url is None:
            return None
        try:
            return psycopg2_url(url)
        except WrongSetting as refusal:
            raise ValueError(str(refusal)) from None

    @field_validator("home", "rules")
    @classmethod
    def _absolute(cls, folder: Path | None) -> Path | None:
        return folder and folder.expanduser().absolute()

    @classmethod
    def read(cls) -> Self:
        """The settings of this process. Raises WrongSetting naming each variable at fault."""
        try:
            return cls()
        except ValidationError as error:
            said = [
                f"{'.'.join(str(part) for part in fault['loc'])}: "
                f"{fault['msg'].removeprefix('Value error, ')}"
                for fault in error.errors(include_url=False)
            ]
            raise WrongSetting("wrong setting: " + "; ".join(said)) from None
