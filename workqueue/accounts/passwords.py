"""Passwords: argon2id by argon2-cffi, with its recommended parameters (RFC 9106, low memory)."""

from __future__ import annotations

from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from workqueue.errors import BadInput, TooLong
from workqueue.models import UserPassword

SHORTEST: Final = 12
LONGEST: Final = 200
_HASHER: Final = PasswordHasher()


@cache
def _nobodys() -> str:
    # What is compared with where there is no such user, so that the answer takes as long.
    return _HASHER.hash("a password that nobody has")


def check_password(password: str, username: str) -> None:
    """Raise BadInput or TooLong for a password that is not taken: NIST SP 800-63B, 5.1.1."""
    if len(password) < SHORTEST:
        raise BadInput(f"a password has at least {SHORTEST} characters; a few words are fine.")
    if len(password) > LONGEST:
        raise TooLong(f"a password has at most {LONGEST} characters.")
    if "\x00" in password or any("\ud800" <= letter <= "\udfff" for letter in password):
        raise BadInput("the password holds a character that cannot be kept; choose another one.")
    plain = password.casefold()
    if len(set(plain)) < 5 or plain.replace(username.casefold(), "") in {"", "123", "1234"}:
        raise BadInput("this password is too easy to guess; choose another one.")


def fits(password: str, kept: str | None) -> bool:
    """Whether the password is the one kept; None takes as long as a wrong one. Slow by design."""
    try:
        _HASHER.verify(kept or _nobodys(), password[:LONGEST])
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return kept is not None


def set_password(session: Session, user_id: int, username: str, password: str) -> None:
    """Keep a user's new password. Raises BadInput or TooLong for one that is not taken."""
    check_password(password, username)
    made = insert(UserPassword).values(user_id=user_id, hash=_HASHER.hash(password))
    session.execute(
        made.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"hash": made.excluded.hash, "changed_at": func.clock_timestamp()},
        )
    )
