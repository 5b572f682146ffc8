"""ABC, which decides or runs out of time: seconds of a processor, so that a busy machine says what
an idle one does."""

from __future__ import annotations

import signal
from pathlib import Path

from bsnn_hw.errors import ToolError
from bsnn_hw.processes import run

__all__ = ["ask_abc"]

_LIMITED = ("/bin/sh", "-c", 'ulimit -t "$1" && exec "$2" -c "$3"', "sh")
_OUT_OF_TIME = (-signal.SIGXCPU, -signal.SIGKILL)


def ask_abc(commands: str, folder: Path, patience: int) -> str | None:
    """What ABC prints to ``commands`` in ``folder``; None where it ran out of time.

    patience : int, seconds of a processor

    Raises
    ------
    ToolError
        It ended in some other way.
    """
    import pyosys

    program = Path(pyosys.__file__).parent / "yosys-abc"
    result = run([*_LIMITED, str(patience), program, commands], cwd=folder)
    if result.returncode in _OUT_OF_TIME:
        return None
    if result.returncode != 0:
        raise ToolError(f"abc: must end with 0, ended with {result.returncode}: "
                        f"{(result.stdout + result.stderr)[-200:]!r}")
    return result.stdout
