"""A process that has imported what tests need of others, and forks one for each run of them.

It is a script with their modules as arguments, run in a copy of the checkout, with requests and
answers as lines of JSON on stdin and stdout: nothing of ours is imported before the fork.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import tempfile
import time
from contextlib import suppress
from typing import IO, Any


def main() -> None:
    """Answer each request until there is none."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # a fork has none of its parent's threads
    sys.path[0] = os.getcwd()  # not the folder of this script
    for name in sys.argv[1:]:
        with suppress(ImportError):
            importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as log:
            print(json.dumps(_answer(**request, log=log)), flush=True)


def _answer(module: str, arguments: list[str], limit: float, log: IO[str]) -> dict[str, Any]:
    """The exit code of a module's `main`, None where it had no end in ``limit`` seconds; what it
    printed last; and the seconds of processor time of the process and its children."""
    if (child := os.fork()) == 0:
        _run(module, arguments, log.fileno())
    ends, code = time.monotonic() + limit, None
    while (found := os.wait4(child, os.WNOHANG))[0] == 0 and time.monotonic() < ends:
        time.sleep(0.02)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # and its children's, which may live on
    if found[0]:
        code = os.waitstatus_to_exitcode(found[1])
    else:
        found = os.wait4(child, 0)
    log.seek(0)
    return {"code": code, "cpu": found[2].ru_utime + found[2].ru_stime,
            "lines": log.read().splitlines()[-20:]}


def _run(module: str, arguments: list[str], log: int) -> None:
    """The child, which does not return."""
    code = 70
    try:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        code = int(importlib.import_module(module).main(arguments))
        sys.stdout.flush()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    main()
