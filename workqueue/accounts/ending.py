"""The end of login sessions: by logout, or because an account has changed."""

from __future__ import annotations

from sqlalchemy import func, update
from sqlalchemy.orm import Session

from workqueue.models import LoginSession


def end_logins_of(session: Session, user_id: int, reason: str) -> None:
    """End every login session of a user."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.user_id == user_id, LoginSession.ended_at.is_(None))
        .values(ended_at=func.clock_timestamp(), end_reason=reason)
        .execution_options(synchronize_session=False)
    )


def end_login(session: Session, login: int, reason: str) -> None:
    """End one login session; nothing happens where it has ended already."""
    session.execute(
        update(LoginSession)
        .where(LoginSession.id == login, LoginSession.ended_at.is_(None))
        .values(ended_at=func.clock_timestamp(), end_reason=reason)
        .execution_options(synchronize_session=False)
    )
