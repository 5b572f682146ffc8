"""Recordings that compiled packages read, in a child process: a damaged file that makes one abort
takes no more than the child along, and what it prints goes nowhere."""

from __future__ import annotations

import importlib.util
import io
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from bsnn_hw.child import environment
from bsnn_hw.errors import ToolError
from bsnn_hw.events.event import EVENT, FAILED, damaged, some
from bsnn_hw.processes import started

__all__ = ["PACKAGES", "decoded", "sides"]

PACKAGES = {**dict.fromkeys((".aedat4", ".raw", ".es"), "faery"), ".dat": "expelliarmus"}
AT_ONCE = 500  # paths of a child


def sides(path: Path) -> tuple[int | None, int | None]:
    """Width and height of the sensor, None where the file does not say.

    Raises
    ------
    InputError
        The file is damaged.
    ToolError
        The package that reads it is not installed.
    """
    with _child("sides", [path]) as answers:
        return answers.sides(path)


def decoded(paths: Sequence[Path]) -> Iterator[Iterator[np.ndarray]]:
    """Of each path the pieces, arrays of ``EVENT``, all to be taken before those of the next.

    Raises
    ------
    InputError
        A file is damaged, or has no event.
    ToolError
        The package that reads it is not installed.
    """
    for first in range(0, len(paths), AT_ONCE):
        part = paths[first:first + AT_ONCE]
        with _child("events", part) as answers:
            for path in part:
                answers.sides(path)
                yield some(path, answers.pieces(path))


class _Answers:
    """What a child writes."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert isinstance(process.stdout, io.TextIOWrapper)
        self._process, self._pipe = process, process.stdout.buffer

    def sides(self, path: Path) -> tuple[int | None, int | None]:
        self._good(path)
        return self._number(path) or None, self._number(path) or None

    def pieces(self, path: Path) -> Iterator[np.ndarray]:
        while count := self._good(path):
            yield np.frombuffer(self._bytes(path, count * EVENT.itemsize), EVENT)

    def _good(self, path: Path) -> int:
        number = self._number(path)
        if number == FAILED:
            raise damaged(path, self._bytes(path, self._number(path)).decode())
        return number

    def _number(self, path: Path) -> int:
        return int.from_bytes(self._bytes(path, 8), "little", signed=True)

    def _bytes(self, path: Path, count: int) -> bytes:
        found: bytes = self._pipe.read(count)
        if len(found) < count:
            code = self._process.wait()
            how = signal.Signals(-code).name if code < 0 else f"code {code}"
            raise damaged(path, f"what reads it ended with {how}")
        return found


@contextmanager
def _child(what: str, paths: Sequence[Path]) -> Iterator[_Answers]:
    for name in sorted({PACKAGES[path.suffix.lower()] for path in paths}):
        if importlib.util.find_spec(name) is None:
            raise ToolError(f"{name}: the package must be installed to read this recording; pip "
                            "install 'bsnn-hw[events]'")
    command = [sys.executable, "-m", "bsnn_hw.events.decoding_child", what,
               *(str(path.absolute()) for path in paths)]
    with started(command, env=environment(), stderr=subprocess.DEVNULL) as process:
        yield _Answers(process)
