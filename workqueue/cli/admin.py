"""Commands of whoever runs WorkQueue: migrate, user, stop, doctor."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer
from sqlalchemy.orm import Session

from workqueue import accounts, diagnosis, embedded, provision
from workqueue.cli.opening import opened
from workqueue.cli.printing import AsOption, Cell, JsonOption, print_json, print_line, print_table
from workqueue.database import open_database
from workqueue.errors import BadInput
from workqueue.lifecycle import Role
from workqueue.settings import Settings

users = typer.Typer(help="Who may act.", no_args_is_help=True)

RoleOption = Annotated[str, typer.Option(help="reviewer, lead, manager, analyst or admin.")]


def migrate(
    provisioning: Annotated[
        bool,
        typer.Option(
            "--provision",
            help="Make the database roles first; on a server of your own: print the SQL for it.",
        ),
    ] = False,
) -> None:
    """Bring the database to the current schema and grant the roles their rights."""
    settings = Settings.read()
    if provisioning and settings.database_url is not None:
        typer.echo(provision.superuser_sql(settings), nl=False)
        return
    with open_database(settings, role="owner") as owner:
        provision.migrate(owner)
    print_line(f"the database is at schema {provision.head()}.")


def _role(name: str) -> Role:
    try:
        return Role(name)
    except ValueError:
        known = ", ".join(r for r in Role if r is not Role.SYSTEM)
        raise BadInput(f"{name!r} is not a role; there are: {known}.") from None


@users.command("add")
def user_add(
    name: Annotated[str, typer.Argument(help="User name, as in --as.")],
    role: RoleOption = "reviewer",
    display_name: Annotated[str, typer.Option("--name", help="The name as people read it.")] = "",
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Add a user, and print a link with which they set their password; it is good once."""
    wanted, actor = _role(role), accounts.local(username=username)

    def add(session: Session) -> tuple[accounts.UserRow, str]:
        added = accounts.add_user(session, name, wanted, actor=actor, display_name=display_name)
        return added, accounts.make_link(session, added.username, actor=actor)

    with opened() as database:
        added, token = database.run(add)
    _say_link(f"user {added.username} added as {added.role}.", asdict(added), token, as_json)


@users.command("link")
def user_link(
    name: Annotated[str, typer.Argument(help="User name.")],
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print a new link with which a user sets a password; earlier links end."""
    actor = accounts.local(username=username)
    with opened() as database:
        token = database.run(lambda session: accounts.make_link(session, name, actor=actor))
    _say_link(f"a new link for {name}.", {"username": name}, token, as_json)


def _say_link(words: str, told: dict[str, Any], token: str, as_json: bool) -> None:
    link = f"{Settings.read().address}/link?token={token}"
    if as_json:
        print_json({**told, "link": link})
    else:
        print_line(words)
        print_line(f"To set a password, once and within 24 hours: {link}")


@users.command("role")
def user_role(
    name: Annotated[str, typer.Argument(help="User name.")],
    role: Annotated[str, typer.Argument(help="reviewer, lead, manager, analyst or admin.")],
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Change a user's role. It counts at once, and the user has to sign in again."""
    actor, wanted = accounts.local(username=username), _role(role)
    with opened() as database:
        changed = database.run(
            lambda session: accounts.set_role(session, name, wanted, actor=actor)
        )
    _say_user(changed, f"user {changed.username} is {changed.role} now.", as_json)


def _say_user(user: accounts.UserRow, words: str, as_json: bool) -> None:
    if as_json:
        print_json(asdict(user))
    else:
        print_line(words)


@users.command("list")
def user_list(as_json: JsonOption = False) -> None:
    """List the users."""
    with opened() as database, database.snapshot() as session:
        found = accounts.list_users(session)
    if as_json:
        print_json({"users": [asdict(user) for user in found]})
        return
    print_table(
        [Cell("user"), Cell("name"), Cell("role"), Cell("kind"), Cell("added"), Cell("disabled")],
        [[u.username, u.display_name, u.role, u.kind, u.created_at, u.disabled_at] for u in found],
    )


@users.command("disable")
def user_disable(
    name: Annotated[str, typer.Argument(help="User name.")],
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Disable a user and sign them out, at once; a lead can release what they hold."""
    actor = accounts.local(username=username)
    with opened() as database:
        changed = database.run(lambda session: accounts.disable_user(session, name, actor=actor))
    _say_user(changed, f"user {changed.username} is disabled.", as_json)


@users.command("enable")
def user_enable(
    name: Annotated[str, typer.Argument(help="User name.")],
    username: AsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a disabled user act again."""
    actor = accounts.local(username=username)
    with opened() as database:
        changed = database.run(lambda session: accounts.enable_user(session, name, actor=actor))
    _say_user(changed, f"user {changed.username} may act again.", as_json)


def stop(as_json: JsonOption = False) -> None:
    """Stop the embedded PostgreSQL, even while others use it; nothing committed is lost."""
    settings = Settings.read()
    if settings.database_url is not None:
        raise BadInput(
            "WORKQUEUE_DATABASE_URL names a server of your own; `workqueue stop` stops only the "
            "embedded one."
        )
    stopped = embedded.stop(settings.home)
    if as_json:
        print_json({"stopped": stopped.was_running, "clients": stopped.clients})
    else:
        print_line(_stop_words(stopped))


def _stop_words(stopped: embedded.Stopped) -> str:
    if not stopped.was_running:
        return "it was not running."
    cut_off = f"; {stopped.clients} connections were cut off" if stopped.clients else ""
    return f"stopped{cut_off}."


def doctor(as_json: JsonOption = False) -> None:
    """Say what is wrong with this installation, and what to do about it."""
    checks = diagnosis.examine()
    ok = all(check.ok for check in checks)
    if as_json:
        print_json({"ok": ok, "checks": [asdict(check) for check in checks]})
    else:
        for check in checks:
            print_line(f"{'ok  ' if check.ok else 'WRONG'} {check.name}: {check.detail}")
    if not ok:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add the commands of this file."""
    app.command("migrate")(migrate)
    app.add_typer(users, name="user")
    app.command("stop")(stop)
    app.command("doctor")(doctor)
