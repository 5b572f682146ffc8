"""Processes that run functions, for what takes hours."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

__all__ = ["process_pool"]


@contextmanager
def process_pool(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """``jobs`` processes for the length of a block; after Ctrl-C or SIGTERM none is waited for.

    None is a copy of this program, whose threads could hold what a copy then waits for.
    """
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _without_ctrl_c) as pool:
        try:
            yield pool
        except KeyboardInterrupt:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _without_ctrl_c() -> None:
    """A terminal tells every process; the program that started this one ends it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
