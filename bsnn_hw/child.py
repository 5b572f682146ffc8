"""Work in a child process of this interpreter; the request and the answer are files.

What a child prints is its log and nothing else: a tool's own stdout is flushed when it likes, in
the middle of anybody's line. A Yosys error ends its whole process, which is why such work is done
in a child.

A module that is to run as a child ends with ``child.serve(function)``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bsnn_hw.errors import ToolError
from bsnn_hw.processes import run
from bsnn_hw.scratch import scratch_folder

__all__ = ["ask", "environment", "first_error", "serve"]


def environment() -> dict[str, str]:
    """Variables of a child: this package importable, and the same bytes in every run."""
    import bsnn_hw

    root = str(Path(bsnn_hw.__file__).parents[1])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    return {**os.environ, "PYTHONPATH": path, "PYTHONHASHSEED": "0"}


def first_error(log: str) -> str:
    """The line of a tool's log that says why it failed: its first error, else its last line."""
    lines = log.strip().splitlines() or ["no message"]
    return next((line for line in lines if line.startswith("ERROR")), lines[-1])


def ask(module: str, request: Any, what: str, *, folder: Path | None = None,
        arguments: Sequence[str] = ()) -> Any:
    """Have ``module`` answer ``request`` in a process of its own.

    Parameters
    ----------
    request : what JSON can hold; so is the answer
    what : str, names the work in messages, ``"yosys: RTLIL to Verilog"``
    folder : Path, where the child runs and its tools leave files; None for a scratch folder
    arguments : str, for the child's command line, before the names of the two files

    Raises
    ------
    ToolError
        The child failed, or ended without an answer.
    """
    with scratch_folder() as scratch:
        question, answer = scratch / "request.json", scratch / "answer.json"
        question.write_text(json.dumps(request), encoding="utf-8")
        result = run([sys.executable, "-m", module, *arguments, question, answer],
                     cwd=folder or scratch, env=environment())
        if result.returncode:
            raise ToolError(f"{what} failed with code {result.returncode}: "
                            f"{first_error(result.stdout + result.stderr)}")
        try:
            return json.loads(answer.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            raise ToolError(f"{what} must leave an answer, and left none: "
                            f"{first_error(result.stdout + result.stderr)}") from None


def serve(act: Callable[[Any], Any], argv: Sequence[str] | None = None) -> None:
    """The child's side: read the request, act, and write the answer under its name at the end."""
    question, answer = map(Path, sys.argv[1:] if argv is None else argv)
    found = act(json.loads(question.read_text(encoding="utf-8")))
    draft = answer.with_suffix(".draft")
    draft.write_text(json.dumps(found), encoding="utf-8")
    draft.replace(answer)
