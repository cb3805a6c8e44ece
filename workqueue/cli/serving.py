"""`workqueue serve`: the desk. It is a program of its own, since this package has no screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Annotated, NoReturn

import typer

from workqueue.cli.opening import opened
from workqueue.errors import WrongSetting
from workqueue.settings import Settings


def serve(
    production: Annotated[
        bool,
        typer.Option("--production", help="Refuse to start where a server must not be open."),
    ] = False,
    port: Annotated[
        int | None, typer.Option(min=1, max=65535, help="Port (default: WORKQUEUE_PORT).")
    ] = None,
    worker: Annotated[
        bool, typer.Option("--worker", help="Also run `workqueue worker`, until the desk ends.")
    ] = False,
    link: Annotated[
        list[str] | None,
        typer.Option(help="Also print a link that signs this user in once."),
    ] = None,
) -> None:
    """Serve the desk at /queue until Ctrl-C."""
    # Opened once before, so that an empty embedded database is set up and refusals come at once.
    with opened(Settings.read()):
        pass
    arguments = ["--production"] if production else []
    arguments += ["--worker"] if worker else []
    arguments += [f"--link={name}" for name in link or []]
    run_desk(arguments, {"WORKQUEUE_PORT": str(port)} if port else {})


def run_desk(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Become the desk's program, with more variables in its environment; a blank one counts not."""
    if find_spec("dashboard") is None:
        raise WrongSetting("the desk is not part of this installation; install it again.")
    sys.stdout.flush()
    sys.stderr.flush()
    os.execve(  # noqa: S606 - our own program, no shell
        sys.executable,
        [sys.executable, "-m", "dashboard", *arguments],
        {**os.environ, **environment},
    )


def register(app: typer.Typer) -> None:
    """Add the command of this file."""
    app.command("serve")(serve)
