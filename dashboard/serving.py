"""Serves the desk: checks what a server must have, builds it, runs it until it is told to stop."""

from __future__ import annotations

import logging
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import panel as pn
from bokeh.server.auth_provider import AuthModule
from panel.io.server import get_server
from tornado.ioloop import IOLoop

from dashboard.backend import database, feed, settings
from dashboard.detection.page import build_detection
from dashboard.login.handlers import Home
from dashboard.page import build_queue
from dashboard.wording import DETECTION_TITLE, TITLE
from workqueue import provision
from workqueue.errors import WrongSetting
from workqueue.settings import Settings

log = logging.getLogger(__name__)
MESSAGE_LIMIT: Final = 5 * 2**20
_AUTH: Final = Path(__file__).with_name("auth.py")


def check(chosen: Settings, *, production: bool) -> None:
    """Raise WrongSetting, naming each thing that is missing, where the desk must not be served."""
    if not production:
        return
    missing = []
    if not chosen.secure:
        missing.append("WORKQUEUE_PUBLIC_URL must be an https:// address")
    if chosen.secret_key is None:
        missing.append("WORKQUEUE_SECRET_KEY must be set (32 random characters or more)")
    for name in ("admin", "autoreload", "reuse_sessions"):
        if getattr(pn.config, name, None):
            missing.append(f"Panel's {name} must be off")
    if missing:
        raise WrongSetting(f"not served with --production: {'; '.join(missing)}.")


def free_port(chosen: Settings) -> None:
    """Raise WrongSetting where the port cannot be listened on."""
    family = socket.AF_INET6 if ":" in chosen.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((chosen.host, chosen.port))
        except OSError as error:
            raise WrongSetting(
                f"port {chosen.port} of {chosen.host} cannot be used: {error.strerror}. Is a desk "
                "running already? Another port: --port, or WORKQUEUE_PORT."
            ) from None


def build(chosen: Settings) -> Any:
    """The server, listening but not running yet."""
    origins = {urlsplit(chosen.address).netloc, f"{chosen.host}:{chosen.port}"}
    if chosen.public_url is None:
        origins |= {f"localhost:{chosen.port}", f"127.0.0.1:{chosen.port}"}
    auth = AuthModule(str(_AUTH))
    return get_server(
        {"/queue": build_queue, "/detection": build_detection},
        port=chosen.port,
        address=chosen.host,
        websocket_origin=sorted(origins),
        title={"/queue": TITLE, "/detection": DETECTION_TITLE},
        extra_patterns=[("/", Home)],
        auth_provider=auth,
        sign_sessions=True,
        secret_key=(chosen.secret_key or secrets.token_urlsafe(48)).encode(),
        websocket_max_message_size=MESSAGE_LIMIT,
        xheaders=chosen.trust_proxy,
        # A page is opened at once; what is left of it, a minute after it was closed.
        session_token_expiration=300,
        unused_session_lifetime=60_000,
        check_unused_sessions=15_000,
        start=False,
        show=False,
    )


@contextmanager
def worker_beside() -> Iterator[None]:
    """Run `workqueue worker` beside the desk; it ends with it, however the desk ends."""
    command = [sys.executable, "-m", "workqueue.cli", "worker", "--beside"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as worker:
        try:
            yield
        finally:
            # Its standard input ends; a run under way ends before its next step.
            worker.communicate()


def serve(*, production: bool = False, ready: Any = None) -> None:
    """Serve the desk until SIGTERM or Ctrl-C; `ready` is called once it answers.

    Raises WrongSetting, SchemaOutdated and DatabaseUnavailable before anything is served.
    """
    chosen = settings()
    check(chosen, production=production)
    free_port(chosen)
    provision.require_current(database())
    server = build(chosen)
    loop = IOLoop.current()

    def stop(*_signal: object) -> None:
        loop.add_callback_from_signal(loop.stop)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    server.start()
    if ready is not None:
        loop.add_callback(ready)
    try:
        loop.start()
    finally:
        server.stop()
        if feed.cache_info().currsize:
            feed().close()
        database().close()
