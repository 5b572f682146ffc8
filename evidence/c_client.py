"""The C driver of a bundle, with sanitizers, on a pseudo-terminal whose other end is any line.

It is used as `bsnn_hw.driver.Device` is, so that what is shown of one is shown of both.
"""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
import tty
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.errors import MismatchError, ToolError
from bsnn_hw.processes import run

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.driver import Statistics
    from bsnn_hw.driver.facts import BoardFacts
    from bsnn_hw.driver.lines import Line

__all__ = ["CDevice", "build_client"]

FLAGS = ("-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Werror", "-O1", "-g",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all")
PATIENCE = 100.0  # seconds for a sample
_STATISTICS = re.compile(
    r"(\d+) inferences, (\d+) frames sent, (\d+) blocks repeated, "
    r"(\d+) frames damaged from the board, (\d+) to it, (\d+) questions without an answer")


def build_client(bundle: Path, folder: Path, *options: str, spi: bool = False) -> Path:
    """The program of the bundle's driver in ``folder``, compiled with ``options`` too.

    spi : bool, for SPI behind a terminal, evidence/spi_client.c

    Raises
    ------
    ToolError
        The compiler is missing, or has something to say.
    """
    program, driver = folder / "classify", bundle / "driver"
    main = Path(__file__).with_name("spi_client.c") if spi else driver / "bsnn_host.c"
    result = run([os.environ.get("CC") or "cc", *FLAGS, *options, "-I", driver, driver / "bsnn.c",
                  main, "-o", program])
    if result.returncode:
        raise ToolError(f"C compiler: must take the driver, but {result.stderr.strip()[:500]}")
    return program


class CDevice:
    """The program behind a line.

    statistics, damaged_frames : as of `Device`, once it is closed
    """

    statistics: Statistics
    damaged_frames: int

    def __init__(self, program: Path, line: Line, facts: BoardFacts):
        self._line, self._facts = line, facts
        self._master, slave = pty.openpty()
        tty.setraw(self._master)
        os.set_blocking(self._master, False)
        self._child = subprocess.Popen(
            [program, os.ttyname(slave)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, bufsize=0)
        self._slave, self._printed = slave, b""

    def __enter__(self) -> CDevice:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        """Let the program end, and keep what it says at its end."""
        try:
            if kind is None:
                self._finish()
        finally:
            with self._child:  # its pipes too
                self._child.kill()
            for file in (self._master, self._slave):
                os.close(file)
            self._line.close()

    def scores(self, samples: np.ndarray) -> np.ndarray:
        """Scores of the samples, int64 (N, classes)."""
        import numpy as np

        assert self._child.stdin is not None
        found = []
        flat = np.asarray(samples, np.uint8).reshape(len(samples), -1)
        for sample in flat:
            try:
                self._child.stdin.write(sample.tobytes())
            except BrokenPipeError:
                raise self._failure() from None
            answer, *scores = map(int, self._line_printed().split())
            assert len(scores) == len(self._facts.classes) and answer == int(np.argmax(scores))
            found.append(scores)
        return np.array(found, np.int64).reshape(-1, len(self._facts.classes))

    def _line_printed(self) -> bytes:
        """The next line that the program prints."""
        end = time.monotonic() + PATIENCE
        while b"\n" not in self._printed:
            if not self._turn() or time.monotonic() > end:
                raise self._failure()
        line, _, self._printed = self._printed.partition(b"\n")
        return line

    def _turn(self) -> bool:
        """Bytes both ways; whether the program still prints."""
        assert self._child.stdout is not None
        ready, _, _ = select.select([self._master, self._child.stdout.fileno()], [], [], 0)
        if self._master in ready:
            self._line.write(os.read(self._master, 1 << 12))
        if self._child.stdout.fileno() in ready:
            printed = os.read(self._child.stdout.fileno(), 1 << 12)
            self._printed += printed
            return bool(printed)
        heard = self._line.read(0.0005)
        with suppress(BlockingIOError):  # what nobody fetches is lost, as on a wire
            os.write(self._master, heard)
        return True

    def _finish(self) -> None:
        from bsnn_hw.driver import Statistics

        assert self._child.stdin is not None and self._child.stderr is not None
        self._child.stdin.close()
        while self._turn():
            pass
        said = self._child.stderr.read().decode()
        found = _STATISTICS.fullmatch(said.strip())
        if self._child.wait() or not found:
            raise MismatchError(f"C driver: must end well, but {said.strip()[:500]}")
        inferences, frames, repeated, damaged, self.damaged_frames, timeouts = map(
            int, found.groups())
        self.statistics = Statistics(inferences, frames, repeated, damaged, 0, timeouts)

    def _failure(self) -> MismatchError:
        self._child.kill()
        _, said = self._child.communicate()
        return MismatchError(f"C driver: must classify, but "
                             f"{said.decode(errors='replace').strip()[:500] or 'gives nothing'}")
