"""Where work of a session runs: in a thread beside the event loop, its answer back on the loop.

A page's events arrive on the server's only event loop; a query there would hold up every session.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from typing import Any, Protocol, TypeVar

from bokeh.document import Document

T = TypeVar("T")
WORKERS = 8
log = logging.getLogger(__name__)


class Run(Protocol):
    """How a session gets work done: `then` gets the answer, `failed` what was raised."""

    def __call__(
        self,
        work: Callable[[], T],
        then: Callable[[T], None],
        failed: Callable[[Exception], None],
    ) -> None:
        """Do `work`, and call one of the others with what came of it."""
        ...


def at_once(
    work: Callable[[], T], then: Callable[[T], None], failed: Callable[[Exception], None]
) -> None:
    """Run in this thread, as in a notebook, whose kernel serves one person."""
    try:
        answer = work()
    except Exception as error:
        failed(error)
        return
    then(answer)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="desk")


async def answer_of(work: Callable[[], T]) -> T:
    """What `work` gives, done in a thread of the same pool, for whoever can await it."""
    return await asyncio.get_running_loop().run_in_executor(_threads(), work)


def beside(document: Document) -> Run:
    """Run in a thread of the process's pool; the answer comes as a callback of `document`."""

    def run(
        work: Callable[[], Any], then: Callable[[Any], None], failed: Callable[[Exception], None]
    ) -> None:
        def thread() -> None:
            try:
                answer = work()
            except Exception as error:
                _answer(document, partial(failed, error))
            else:
                _answer(document, partial(then, answer))

        _threads().submit(thread)

    return run


def _answer(document: Document, callback: Callable[[], None]) -> None:
    try:
        document.add_next_tick_callback(callback)
    except RuntimeError:
        log.debug("the session ended before its answer came")
