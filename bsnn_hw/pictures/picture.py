"""A drawn figure: shown by notebooks as it is, saved as PNG or SVG; same input, same bytes."""

from __future__ import annotations

import importlib.util
import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from bsnn_hw.errors import ToolError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["COLORS", "FORMATS", "Picture", "brief", "drawing", "figure"]

FORMATS = ("png", "svg")
# Okabe and Ito's, which people with any kind of colour vision tell apart.
COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000")
INSTALL = "pip install 'bsnn-hw[show]'"
_STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a name may hold a dollar sign
    "svg.hashsalt": "bsnn-hw", "svg.fonttype": "none", "font.family": "sans-serif",
    "axes.spines.top": False, "axes.spines.right": False, "font.size": 9, "axes.titlesize": 9,
}


@dataclass(frozen=True)
class Picture:
    """A figure of matplotlib."""

    figure: Figure

    def content(self, kind: str) -> bytes:
        """The picture as a file of ``kind``, one of `FORMATS`."""
        file = io.BytesIO()
        dated = {"svg": {"Date": None, "Creator": None}, "png": {"Software": None}}
        with drawing():
            self.figure.savefig(file, format=kind, dpi=120, metadata=dated[kind])
        return file.getvalue()

    def _repr_png_(self) -> bytes:
        return self.content("png")


@contextmanager
def drawing() -> Iterator[None]:
    """The style of all pictures, whatever the user's own is.

    Raises
    ------
    ToolError
        There is no matplotlib.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise ToolError(f"matplotlib: must be installed to draw, and is not; {INSTALL}")
    import matplotlib

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of letters that the font lacks; they become boxes
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def figure(width: float, height: float) -> Figure:
    """An empty one, in inches; within `drawing`."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def brief(name: str, most: int = 40) -> str:
    """A name as it fits into a picture: one line of letters that can be printed."""
    line = "".join(letter if letter.isprintable() else "?" for letter in name[:most + 1])
    return line if len(line) <= most else f"{line[:most - 3]}..."
