"""Every child process of this program, none of which outlives it.

A child is a process group of its own, with what its tools start.  The group is killed when the
block that started it ends, by Ctrl-C and SIGTERM too (`ending_signals`), and by the guard
(`bsnn_hw.guard`) when this program is killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from bsnn_hw.guard import forget_group, watch_group
from bsnn_hw.scratch import scratch_root

__all__ = ["NOT_RUN", "Terminated", "ending_signals", "run", "started"]

NOT_RUN = (126, 127)  # codes of a child whose program is not there, or is none

# The child waits at its stdin until the guard knows of it.  With the program it has an empty one,
# and the same process number.
_GATE = ("/bin/sh", "-c", 'read -r go && exec "$@" </dev/null', "sh")


@contextmanager
def started(command: Sequence[str | Path], *, cwd: Path | None = None,
            env: Mapping[str, str] | None = None,
            stderr: int | None = subprocess.PIPE) -> Iterator[subprocess.Popen[str]]:
    """A child for the length of a block, its output in pipes as UTF-8.

    Temporary files of the child lie in this program's scratch folder.  At the block's end, or at
    an exception, what is left of the child's process group is killed and the child waited for.

    env : the child's environment; None for this program's
    stderr : ``subprocess.PIPE``, ``subprocess.STDOUT`` for both in one, None for this program's
    """
    environment = {**(os.environ if env is None else env), "TMPDIR": str(scratch_root())}
    process = subprocess.Popen(
        [*_GATE, *map(str, command)], cwd=cwd, env=environment, stdin=subprocess.PIPE,
        stdout=subprocess.PIPE, stderr=stderr, encoding="utf-8", errors="replace",
        start_new_session=True)
    try:
        watch_group(process.pid)
        assert process.stdin is not None
        with suppress(BrokenPipeError):
            process.stdin.write("go\n")
            process.stdin.close()
        process.stdin = None  # `communicate` has nothing to send
        yield process
    finally:
        with suppress(ProcessLookupError, PermissionError):  # a Mac refuses where all have ended
            os.killpg(process.pid, signal.SIGKILL)
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
        process.wait()
        forget_group(process.pid)


def run(command: Sequence[str | Path], *, cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        stderr: int | None = subprocess.PIPE) -> subprocess.CompletedProcess[str]:
    """Run a child to its end; what it printed is in the result.  Arguments as of `started`."""
    with started(command, cwd=cwd, env=env, stderr=stderr) as process:
        printed, complaints = process.communicate()
    return subprocess.CompletedProcess(command, process.returncode, printed, complaints or "")


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP came; whatever cleans up after Ctrl-C cleans up after these too.

    code : int, the exit code by which shells know the signal
    """

    def __init__(self, number: int):
        super().__init__(signal.Signals(number).name)
        self.code = 128 + number


def _end(number, frame):
    raise Terminated(number)


@contextmanager
def ending_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP raise `Terminated` in the block, where they would end the program."""
    if threading.current_thread() is not threading.main_thread():
        yield  # Python takes signals in the main thread alone
        return
    taken = [number for number in (signal.SIGTERM, signal.SIGHUP)
             if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
