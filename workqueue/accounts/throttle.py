"""The throttle of wrong passwords: each try is counted before it is made, and has to wait.

Three counts, each forgotten an hour after its last try. A person at one address waits after three
wrong passwords, an address after twenty, both up to a minute. The account as a whole, whatever
the address, waits after ten, up to eight seconds, and never for somebody who has signed in from
this address before: nobody can lock a user out by guessing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import text
from sqlalchemy.orm import Session

from workqueue.errors import TooManyTries


@dataclass(frozen=True)
class Count:
    """One count: after `free` wrong tries, the waiting doubles up to `longest` seconds."""

    kind: str
    key: str
    free: int
    longest: int


_FORGOTTEN: Final = "interval '1 hour'"
_DELAY: Final = """
    make_interval(secs => least(power(2, least(greatest(failures - :free, 0), 20)) - 1, :longest))
"""
# Takes the row's lock, so that tries at the same moment count one after the other.
_TRY: Final = text(f"""
INSERT INTO login_throttle AS t (kind, key, failures, tried_at)
VALUES (:kind, :key, 1, clock_timestamp())
ON CONFLICT (kind, key) DO UPDATE SET
    failures = CASE WHEN t.tried_at < clock_timestamp() - {_FORGOTTEN} THEN 1
                    ELSE t.failures + 1 END,
    tried_at = clock_timestamp()
WHERE t.tried_at + {_DELAY.replace("failures", "t.failures")} <= clock_timestamp()
RETURNING failures
""")
_WAIT: Final = text(f"""
SELECT ceil(extract(epoch FROM tried_at + {_DELAY} - clock_timestamp()))
FROM login_throttle WHERE kind = :kind AND key = :key
""")
_FORGIVE: Final = text("""
UPDATE login_throttle SET failures = CASE WHEN kind = 'address' THEN greatest(failures - 1, 0)
                                          ELSE 0 END
WHERE (kind, key) = (:kind, :key)
""")


def counts(username: str, user_id: int | None, address: str, *, known: bool) -> list[Count]:
    """What is counted for a try, always in this order, so that no two tries wait for each other."""
    counted = [Count("address", address, free=20, longest=60)]
    if user_id is not None:
        counted.append(Count("pair", f"{user_id}@{address}", free=3, longest=60))
        if not known:
            counted.append(Count("account", str(user_id), free=10, longest=8))
    else:
        # Unknown names wait like known ones, or the waiting would tell them apart.
        name = hashlib.sha256(username.encode("utf-8", "replace")).hexdigest()
        counted.append(Count("pair", f"?{name}@{address}", free=3, longest=60))
    return counted


def begin(session: Session, counted: Sequence[Count]) -> None:
    """Count a try before it is made. Raises TooManyTries where it has to wait."""
    for each in counted:
        bound = {
            "kind": each.kind,
            "key": each.key,
            "free": each.free,
            "longest": each.longest,
        }
        if session.execute(_TRY, bound).one_or_none() is None:
            seconds = max(int(session.scalar(_WAIT, bound) or 1), 1)
            raise TooManyTries(
                f"there were too many wrong passwords; wait {seconds} "
                f"second{'s' if seconds > 1 else ''} and try again."
            )


def forgive(session: Session, counted: Sequence[Count]) -> None:
    """The try was right: what was counted for it does not count."""
    for each in counted:
        session.execute(_FORGIVE, {"kind": each.kind, "key": each.key})
