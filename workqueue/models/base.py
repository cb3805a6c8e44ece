"""What every table shares: names of constraints, identity keys, times in UTC."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from sqlalchemy import BigInteger, DateTime, Identity, MetaData, Text, func
from sqlalchemy.orm import DeclarativeBase, mapped_column

# A refusal recognises a lost race by the constraint's name, so every constraint has one.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}

BigId = Annotated[
    int, mapped_column(BigInteger, Identity(always=True), primary_key=True, sort_order=-10)
]
Moment = Annotated[datetime, mapped_column(DateTime(timezone=True))]
CreatedAt = Annotated[datetime, mapped_column(DateTime(timezone=True), server_default=func.now())]
# Byte order: codes and keys are compared and searched by prefix whatever the server's collation.
Code = Annotated[str, mapped_column(Text(collation="C"))]


class Base(DeclarativeBase):
    """The declarative base; `Base.metadata` is what alembic compares the database with."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {str: Text}  # noqa: RUF012 - SQLAlchemy reads it off the class
