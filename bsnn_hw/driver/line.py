"""What a line to a board does, whatever it is made of."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bsnn_hw.errors import ToolError

__all__ = ["Line", "gone"]


class Line(Protocol):
    """Bytes both ways."""

    def write(self, data: bytes) -> None:
        """Send all of ``data``."""

    def read(self, seconds: float) -> bytes:
        """What has come, after ``seconds`` at most; empty if nothing."""

    def close(self) -> None:
        """Give the line back."""


@contextmanager
def gone(name: Path | str) -> Iterator[None]:
    """What a line says when it is unplugged, or what offers it has ended."""
    try:
        yield
    except OSError as error:
        raise ToolError(f"{name}: must stay connected, {error}; plug it in, or start the board "
                        "again") from None
