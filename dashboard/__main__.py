"""`python -m dashboard`: what `workqueue serve` runs."""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import nullcontext
from functools import partial
from typing import NoReturn

from sqlalchemy.orm import Session

from dashboard.backend import database, settings
from dashboard.serving import serve, worker_beside
from workqueue.accounts import Purpose, local, make_link
from workqueue.errors import Refusal


def main() -> NoReturn:
    """Serve the desk; exit with 1 and words where it cannot be served."""
    parser = argparse.ArgumentParser(prog="workqueue serve")
    parser.add_argument("--production", action="store_true")
    parser.add_argument("--link", action="append", default=[])
    parser.add_argument("--worker", action="store_true")
    asked = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        with worker_beside() if asked.worker else nullcontext():
            serve(production=asked.production, ready=lambda: _say(asked.link))
    except Refusal as refusal:
        sys.stderr.write(f"workqueue: {refusal}\n")
        sys.exit(1)
    sys.exit(0)


def _say(names: list[str]) -> None:
    address = settings().address
    lines = [f"The desk is at {address}/queue", ""]
    for name in names:
        token = database().run(partial(_sign_in_link, username=name))
        lines.append(f"  sign in once as {name}: {address}/link?token={token}")
    lines += ["", "Ctrl-C stops it."]
    sys.stdout.write("\n".join(lines) + "\n")
    sys.stdout.flush()


def _sign_in_link(session: Session, username: str) -> str:
    return make_link(session, username, actor=local(), purpose=Purpose.SIGN_IN)


if __name__ == "__main__":
    main()
