"""`workqueue worker`: runs detection by the clock and on request, one run at a time.

The only module that knows procrastinate, which keeps jobs in PostgreSQL, and psycopg. A job says
nothing but "detect": what is asked for, by whom and how it went is in `detection_runs`, so a job
may be lost, doubled or begun again without harm. A worker that is killed falls silent; its job is
taken away, and a new one begins the run anew, of which nothing had been written.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg
import psycopg_pool
from croniter import croniter
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import ProcrastinateException
from procrastinate.jobs import DeleteJobCondition, Status
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from workqueue.accounts import SYSTEM
from workqueue.database import Database
from workqueue.detection import DetectionRunning, DetectReport, detect
from workqueue.errors import DatabaseUnavailable, Refusal, TriedTooOften, WrongSetting
from workqueue.runs import SILENT_SECONDS, RunStopped

log = logging.getLogger(__name__)

Say = Callable[[str], None]

_BEAT_SECONDS: Final = 3.0
_RESCUE_SECONDS: Final = 5.0
_TRIES: Final = 5
_AGAIN_SECONDS: Final = 10.0
# A run by the clock that fell into a time without a worker is made up for within a day.
_MADE_UP_FOR: Final = 86_400
_LOST: Final = (
    ProcrastinateException,
    psycopg.Error,
    psycopg_pool.PoolTimeout,
    DBAPIError,
    Refusal,
    OSError,
)
# The request is there even where its job was lost, as in a restored backup. A job that has been
# taken up may not have begun its run yet, and answers it.
_WAKE: Final = text("""
SELECT jobs.wake_detection() FROM detection_runs WHERE status = 'REQUESTED' AND NOT EXISTS (
    SELECT FROM jobs.procrastinate_jobs WHERE lock = 'detect' AND status IN ('todo', 'doing'))
""")


def work(database: Database, *, cron: str, say: Say, beside: bool = False) -> None:
    """Work until SIGTERM or Ctrl-C; a run under way then ends before its next step.

    `cron` is when to detect by the clock, in UTC, or "off". With `beside` it also ends when
    standard input does, as when the program that started it is gone. Raises WrongSetting for a
    `cron` that means nothing.
    """
    if cron != "off" and not croniter.is_valid(cron):
        raise WrongSetting(f"WORKQUEUE_DETECT_CRON: {cron!r} is no time as cron has it.")
    asyncio.run(_Worker(database, cron, say).serve(beside=beside))


class _Worker:
    def __init__(self, database: Database, cron: str, say: Say) -> None:
        self._database = database
        self._cron = cron
        self._say = say
        self._stopping = threading.Event()
        self._stopped = asyncio.Event()

    async def serve(self, *, beside: bool) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        if beside:
            threading.Thread(target=self._wait_for_end, args=(loop,), daemon=True).start()
        when = "on request only" if self._cron == "off" else f"at {self._cron} (UTC), on request"
        self._say(f"The worker detects {when}. Ctrl-C stops it.")
        while not self._stopping.is_set():
            try:
                await self._until_stopped()
            except _LOST as error:
                log.warning("the worker lost the database: %s", str(error).partition("\n")[0])
            if not self._stopping.is_set():
                await self._pause(2.0)
                with suppress(DBAPIError, Refusal):
                    # Starts the embedded server again where it was killed.
                    await asyncio.to_thread(self._database.run, lambda session: session.info)

    def _stop(self) -> None:
        if not self._stopping.is_set():
            self._say("Stopping; a run under way ends before its next step.")
        self._stopping.set()
        self._stopped.set()

    def _wait_for_end(self, loop: asyncio.AbstractEventLoop) -> None:
        sys.stdin.buffer.read()
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._stop)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopped.wait(), seconds)

    async def _until_stopped(self) -> None:
        app = self._app()
        async with app.open_async():
            tasks = [
                asyncio.create_task(
                    app.run_worker_async(
                        queues=["detection"],
                        install_signal_handlers=False,
                        delete_jobs=DeleteJobCondition.ALWAYS,
                        update_heartbeat_interval=_BEAT_SECONDS,
                        stalled_worker_timeout=SILENT_SECONDS,
                    )
                ),
                asyncio.create_task(self._rescue(app)),
                asyncio.create_task(self._stopped.wait()),
            ]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
            # Waits for the run under way.
            ended = await asyncio.gather(*tasks, return_exceptions=True)
        for error in ended:
            if isinstance(error, Exception):
                raise error

    def _app(self) -> App:
        connector = PsycopgConnector(
            conninfo=self._database.libpq_url,
            min_size=1,
            max_size=4,
            timeout=10,
            kwargs={
                "application_name": "workqueue worker",
                "options": "-c search_path=jobs,public -c timezone=UTC",
            },
        )
        app = App(connector=connector, periodic_defaults={"max_delay": _MADE_UP_FOR})
        task = app.task(name="detect", queue="detection", lock="detect", queueing_lock="detect")
        detecting: Any = task(self._detect)
        if self._cron != "off":
            app.periodic(cron=self._cron)(detecting)
        return app

    async def _rescue(self, app: App) -> None:
        """Take their jobs away from workers that have fallen silent, and see to requests."""
        while True:
            stalled = await app.job_manager.get_stalled_jobs(
                queue="detection", seconds_since_heartbeat=SILENT_SECONDS
            )
            for job in stalled:
                log.warning("a worker fell silent in the middle of a run; it begins anew")
                await app.job_manager.finish_job(job, Status.FAILED, delete_job=True)
            await asyncio.to_thread(self._wake, bool(list(stalled)))
            await asyncio.sleep(_RESCUE_SECONDS)

    def _wake(self, stalled: bool) -> None:
        with self._database.transaction() as session:
            session.execute(text("SELECT jobs.wake_detection()") if stalled else _WAKE)

    async def _detect(self, timestamp: int | None = None) -> None:
        del timestamp
        await asyncio.to_thread(self._run)

    def _run(self) -> None:
        """One run, whose outcome its record tells; tried again where the database passed away."""
        begun = time.monotonic()
        for attempt in range(1, _TRIES + 1):
            try:
                report = self._once()
            except RunStopped:
                self._say("The run was stopped; it waits, and begins anew with the next worker.")
                return
            except (DatabaseUnavailable, TriedTooOften, DBAPIError) as error:
                log.warning("detection failed: %s", str(error).partition("\n")[0])
                if attempt == _TRIES or self._stopping.wait(_AGAIN_SECONDS):
                    return
            except Exception as error:
                expected = isinstance(error, Refusal)
                log.error("detection failed: %s", error, exc_info=None if expected else error)  # noqa: TRY400
                return
            else:
                self._say(_words(report, time.monotonic() - begun))
                return

    def _once(self) -> DetectReport:
        while True:
            self._go_on("", 0, 1)
            try:
                return detect(self._database, actor=SYSTEM, progress=self._go_on, answering=True)
            except DetectionRunning:
                # Somebody runs one on the command line; what was asked for since comes after it.
                self._stopping.wait(1.0)

    def _go_on(self, step: str, done: int, total: int) -> None:
        del step
        if done < total and self._stopping.is_set():
            raise RunStopped


def _words(report: DetectReport, seconds: float) -> str:
    return (
        f"Detection took {seconds:.1f} s: {report.new:,} new items, {report.refreshed:,} "
        f"refreshed, {report.closed:,} closed, {report.reopened:,} reopened; {report.open:,} open."
    )
