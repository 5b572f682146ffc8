"""What this program must not leave behind, told to a process that outlives it.

A program cannot clean up after SIGKILL.  So the first thing that could be left behind starts a
small process, the guard, that reads names from a pipe.  The pipe ends with the program, however
it ends; then the guard kills the process groups and removes the files that are still named.
"""

from __future__ import annotations

import atexit
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

__all__ = ["forget_empty", "forget_group", "forget_tree", "watch_empty", "watch_group",
           "watch_tree"]

# Names come as "+KIND NAME" and go as "-KIND NAME", a line each, paths as hexadecimal digits.
_PROGRAM = """
import os, signal, sys
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    signal.signal(number, signal.SIG_IGN)
left = {}
for line in sys.stdin:
    if line[0] == "+":
        left[line[1:-1]] = None
    else:
        left.pop(line[1:-1], None)
def names(kind):
    return [name[len(kind) + 1:] for name in left if name.startswith(kind + " ")]
def alive(group):
    try:
        os.killpg(group, signal.SIGKILL)
    except OSError:
        return False
    return True
import shutil, time
deadline, groups = time.monotonic() + 0.5, list(map(int, names("group")))
while any(list(map(alive, groups))) and time.monotonic() < deadline:
    time.sleep(0.01)
for name in names("tree"):
    path = os.fsdecode(bytes.fromhex(name))
    for _ in range(3):
        shutil.rmtree(path, ignore_errors=True)
    try:
        os.unlink(path)
    except OSError:
        pass
for name in reversed(names("empty")):
    try:
        os.rmdir(os.fsdecode(bytes.fromhex(name)))
    except OSError:
        pass
"""

_guard: subprocess.Popen[bytes] | None = None


def watch_group(group: int) -> None:
    """Have the process group killed when this program ends."""
    _tell(f"+group {group}")


def forget_group(group: int) -> None:
    """The process group has ended."""
    _tell(f"-group {group}")


def watch_tree(path: Path) -> None:
    """Have the file, or the folder with all that is in it, removed when this program ends.

    Tell of a draft before it is made.
    """
    _tell(f"+tree {_digits(path)}")


def forget_tree(path: Path) -> None:
    """The file or folder is gone, or stays."""
    _tell(f"-tree {_digits(path)}")


def watch_empty(path: Path) -> None:
    """Have the folder removed when this program ends, if it is empty then; parents first."""
    _tell(f"+empty {_digits(path)}")


def forget_empty(path: Path) -> None:
    """The folder is gone, or stays."""
    _tell(f"-empty {_digits(path)}")


def _digits(path: Path) -> str:
    return os.fsencode(path.absolute()).hex()


def _tell(line: str) -> None:
    global _guard
    if _guard is None:
        # A session of its own: no Ctrl-C and no closing terminal reaches it.
        _guard = subprocess.Popen([sys.executable, "-I", "-S", "-c", _PROGRAM], cwd="/",
                                  stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL, start_new_session=True, bufsize=0)
    assert _guard.stdin is not None
    with suppress(BrokenPipeError):  # somebody killed the guard
        _guard.stdin.write(line.encode("ascii") + b"\n")


def _dismiss() -> None:
    """At the program's end: whatever is still named goes before the program does."""
    global _guard
    if _guard is not None:
        assert _guard.stdin is not None
        _guard.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            _guard.wait(timeout=5)
        _guard = None


def _leave_to_the_parent() -> None:
    """In a forked process: the guard is the parent's, and so is all that it was told of."""
    global _guard
    if _guard is not None:
        assert _guard.stdin is not None
        _guard.stdin.close()
        _guard.returncode = 0  # it is not ours to wait for
        _guard = None


atexit.register(_dismiss)
os.register_at_fork(after_in_child=_leave_to_the_parent)
