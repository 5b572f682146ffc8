"""Workers that run functions: processes of this machine or a Dask cluster, behind Python's own
executor.

Exceptions of a worker arrive here as they are.  A worker that dies is replaced, and what it had in
work is given to another one.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from bsnn_hw.errors import ToolError
from bsnn_hw.scratch import scratch_folder

__all__ = ["Workers", "WorkersGoneError", "dask_workers", "in_order", "outcome"]

WAIT = "30s"  # for a scheduler that does not answer
Item = TypeVar("Item")
Result = TypeVar("Result")


class WorkersGoneError(ToolError):
    """The cluster has ended before its work."""


@dataclass(frozen=True)
class Workers:
    """An executor, and ``count``, which says how many functions it can run at a time."""

    executor: Executor
    count: Callable[[], int]


@contextmanager
def dask_workers(count: int = 2, scheduler: str | None = None) -> Iterator[Workers]:
    """A Dask cluster for the length of a block.

    Parameters
    ----------
    count : int, processes of a cluster on this machine, which the block's end closes
    scheduler : address of one that is there, ``"tcp://host:8786"``; ``count`` is not used then

    Raises
    ------
    ToolError
        Dask is not installed, or no scheduler answers there.
    """
    try:
        import dask
        import distributed
    except ImportError:
        raise ToolError("distributed: must be installed to run on a Dask cluster, none was found; "
                        "pip install 'bsnn-hw[explore]'") from None
    dask.config.set({"distributed.comm.timeouts.connect": WAIT})
    with scratch_folder() as scratch:
        own = None if scheduler else distributed.LocalCluster(
            n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None,
            memory_limit=None, local_directory=str(scratch), silence_logs=logging.CRITICAL)
        try:
            client = distributed.Client(scheduler or own, set_as_default=False)
        except (OSError, ValueError) as error:
            raise ToolError(f"`scheduler`: must be the address of a Dask scheduler that answers, "
                            f"{scheduler} does not: {str(error).splitlines()[0]}") from None
        try:
            # Functions of ours are no pure ones: they read files.
            yield Workers(client.get_executor(pure=False), lambda: sum(client.nthreads().values()))
        finally:
            client.close()
            if own is not None:
                own.close()


def outcome(future: Future[Result]) -> Result:
    """What a future's function gave, or raise what it raised.

    Raises
    ------
    WorkersGoneError
        The scheduler is no longer there.
    ToolError
        Workers died at it, again and again.
    """
    try:
        return future.result()
    except CancelledError:
        raise WorkersGoneError("scheduler: must be there until the end, and has gone; start "
                               "again, what is done is kept") from None
    except Exception as error:
        if type(error).__name__ == "KilledWorker":
            raise ToolError("worker: must live until its work is done, and several died at this; "
                            "give them more memory, or fewer threads each") from None
        raise


def in_order(executor: Executor, function: Callable[[Item], Result],
             items: Iterable[Item]) -> Iterator[Result]:
    """``function`` of every item, the results in the items' order.

    Where one raises, what comes after it is not begun, and what comes before it is waited for: what
    is raised is what a loop over the items would have raised.
    """
    futures: list[Future[Result]] = []

    failed = threading.Event()

    def stop_later(index: int, future: Future[Result]) -> None:
        if not future.cancelled() and future.exception() is not None:
            failed.set()
            for later in futures[index + 1:]:
                later.cancel()

    try:
        for index, item in enumerate(items):
            if failed.is_set():
                break
            futures.append(executor.submit(function, item))
            futures[index].add_done_callback(partial(stop_later, index))
        for future in futures:
            yield outcome(future)
    finally:
        for future in futures:
            future.cancel()
