"""Users, the actor that every verb is given, and how people sign in.

`users` says who acts, `logins` keeps the login sessions of the desk, `passwords` and `throttle`
guard the door, `links` lets somebody in once.
"""

from workqueue.accounts.links import Link, Purpose, link_of, make_link, use_link
from workqueue.accounts.logins import (
    ABSOLUTE,
    IDLE,
    Login,
    end_login,
    end_logins_of,
    ended_among,
    login_of,
    sign_in,
    touch,
)
from workqueue.accounts.passwords import set_password
from workqueue.accounts.users import (
    SYSTEM,
    Actor,
    UserRow,
    acting,
    acting_with,
    add_user,
    disable_user,
    enable_user,
    list_users,
    local,
    note_event,
    set_role,
    who,
)

__all__ = [
    "ABSOLUTE",
    "IDLE",
    "SYSTEM",
    "Actor",
    "Link",
    "Login",
    "Purpose",
    "UserRow",
    "acting",
    "acting_with",
    "add_user",
    "disable_user",
    "enable_user",
    "end_login",
    "end_logins_of",
    "ended_among",
    "link_of",
    "list_users",
    "local",
    "login_of",
    "make_link",
    "note_event",
    "set_password",
    "set_role",
    "sign_in",
    "touch",
    "use_link",
    "who",
]
