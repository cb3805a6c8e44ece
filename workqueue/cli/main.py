"""The commands put together, and the one place where refusals become words and exit codes."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

import psycopg2.errors
import typer
from sqlalchemy.exc import DBAPIError

from workqueue.cli.printing import fail
from workqueue.errors import Refusal

# Which file of this folder has which command: only that one is imported, since the libraries of
# all of them together take two seconds to import.
FILES = {
    "migrate": "admin",
    "user": "admin",
    "stop": "admin",
    "doctor": "admin",
    "load": "loading",
    "load-reference": "loading",
    "rejects": "loading",
    "detect": "loading",
    "rules": "ruling",
    "inbox": "working",
    "claim": "working",
    "claim-next": "working",
    "show": "working",
    "act": "acting",
    "export": "auditing",
    "export-corrections": "auditing",
    "audit": "auditing",
    "backup": "auditing",
    "restore": "auditing",
    "demo": "demonstrating",
    "serve": "serving",
}

_INTERRUPTED = 130

# What PostgreSQL refuses for reasons that a person can do something about, by SQLSTATE.
_DATABASE_WORDS = {
    "53100": "the database's disk is full; free some space and try again. Nothing was written.",
    "53200": "the database is out of memory; try again with less going on at once.",
    "53300": "the database has too many connections open; close some, or raise max_connections.",
    "57014": "the database gave up: the request took longer than is allowed.",
    "42501": "the database role may not do this; `workqueue doctor` checks the roles.",
    "25006": "this connection is read-only (the analyst's?); nothing was changed.",
}


def main() -> NoReturn:
    """Run the command line and exit with its status."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    # As an exit, so that the embedded server is left in order.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        command_line(sys.argv[1:])()
    except Refusal as refusal:
        fail(str(refusal), type(refusal).__name__)
    except DBAPIError as error:
        code = error.orig.pgcode if isinstance(error.orig, psycopg2.Error) else None
        fail(_DATABASE_WORDS.get(code or "", _unforeseen(error)), "DatabaseError")
    except KeyboardInterrupt:
        _interrupted()
    except SystemExit as ended:
        # typer turns Ctrl-C into this exit status, without a word.
        if ended.code == _INTERRUPTED:
            _interrupted()
        raise
    except BrokenPipeError:
        # The reader of our output went away (`| head`): not an error, and nothing to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    sys.exit(0)


def _interrupted() -> NoReturn:
    words = "interrupted; what was committed stays, the rest was rolled back."
    fail(words, "Interrupted", _INTERRUPTED)


def command_line(arguments: Sequence[str]) -> typer.Typer:
    """The command line with the commands that `arguments` need: all, where they name none."""
    app = typer.Typer(
        name="workqueue",
        help="Finds the problems in healthcare provider records and takes people through them.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
    )
    # Keeps a lone command a subcommand.
    app.callback()(lambda: None)
    named = next((word for word in arguments if not word.startswith("-")), None)
    wanted = [FILES[named]] if named in FILES else list(dict.fromkeys(FILES.values()))
    for file in wanted:
        import_module(f"workqueue.cli.{file}").register(app)
    return app


def _unforeseen(error: DBAPIError) -> str:
    first = (str(error.orig).strip().splitlines() or ["no reason given"])[0]
    return f"the database refused: {first}. Nothing was written; `workqueue doctor` may know more."
