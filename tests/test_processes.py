"""Children end with the program, however it ends; so do drafts and scratch folders."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from bsnn_hw.child import environment
from bsnn_hw.processes import NOT_RUN, Terminated, ending_signals, run, started
from evidence.kills import ctrl_c_works
from tests.for_each import for_each, quick

PARENT = """
import subprocess, sys
from pathlib import Path
from bsnn_hw.command import run_verb
from bsnn_hw.guard import watch_empty
from bsnn_hw.processes import run
from bsnn_hw.scratch import removed_after, scratch_folder
import argparse
def act(options):
    with scratch_folder() as scratch, removed_after(Path("draft")) as draft:
        draft.mkdir()
        watch_empty(Path("parent").absolute())
        Path("parent").mkdir()
        (draft / "file").write_text("half")
        Path("where").write_text(str(scratch), encoding="utf-8")
        # A child with a child of its own, as make has compilers.
        run(["sh", "-c", f"sleep 600 & echo $! >grandchild; touch there; wait"])
sys.exit(run_verb(argparse.ArgumentParser(prog="parent"), act))
"""


def alive(pid):
    """Whether the process runs; one that has ended may be kept by who should wait for it."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2][1] != "Z"
    except OSError:
        return False


def until(condition):
    deadline = time.monotonic() + 30
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


@quick(1, wide=None)
@for_each("stdin", ["inherited", "closed"])
@for_each("number, codes", [
    (signal.SIGINT, {130}), (signal.SIGTERM, {143}), (signal.SIGHUP, {129}),
    (signal.SIGKILL, {-9})])
def test_nothing_outlives_the_program(tmp_path, number, codes, stdin):
    place, temporary = tmp_path / "cwd", tmp_path / "tmp"
    place.mkdir()
    temporary.mkdir()
    close = "<&-" if stdin == "closed" else ""
    with ctrl_c_works():
        process = subprocess.Popen(
            ["bash", "-c", f'exec "$@" {close}', "bash", sys.executable, "-c", PARENT], cwd=place,
            env={**environment(), "TMPDIR": str(temporary)}, stderr=subprocess.PIPE, text=True)
    try:
        until((place / "there").exists)
        scratch = Path((place / "where").read_text(encoding="utf-8"))
        grandchild = int((place / "grandchild").read_text(encoding="utf-8"))
        assert alive(grandchild) and scratch.is_dir()
        process.send_signal(number)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode in codes, errors
    assert errors in ("", "parent: interrupted\n")
    until(lambda: not alive(grandchild))
    # After SIGKILL, it is another process that tidies up.
    until(lambda: {path.name for path in place.iterdir()} == {"grandchild", "there", "where"})
    until(lambda: not scratch.exists() and not list(temporary.iterdir()))


def test_exception_kills_the_child():
    with pytest.raises(RuntimeError), started(["sleep", "600"]) as process:
        raise RuntimeError
    assert process.returncode == -signal.SIGKILL


def test_output_is_utf_8_in_any_locale():
    result = run([sys.executable, "-c", "import os; os.write(1, bytes([0xc3, 0xa9]))"],
                 env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"})
    assert (result.returncode, result.stdout) == (0, "é")


def test_a_program_that_is_not_there():
    result = run(["/nowhere/program"])
    assert result.returncode in NOT_RUN
    assert "/nowhere/program" in result.stderr


def test_children_have_an_empty_stdin_and_a_scratch_folder():
    result = run(["sh", "-c", 'cat; echo "$TMPDIR"'])
    assert Path(result.stdout.strip()).name.startswith("bsnn_hw_")


def test_sigterm_is_an_exception_in_the_block_alone():
    def wait():
        with ending_signals():
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(5)

    with pytest.raises(Terminated) as caught:
        wait()
    assert caught.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_a_forked_process_has_a_guard_of_its_own(plain):
    code = ("import os, sys, time\nfrom bsnn_hw.scratch import scratch_root\n"
            "first = scratch_root()\n"
            "if not os.fork():\n    second = scratch_root()\n"
            "    os._exit(not (second != first and second.is_dir()))\n"
            "_, status = os.wait()\n"
            "deadline = time.monotonic() + 5\n"
            "while len(os.listdir(sys.argv[1])) > 1 and time.monotonic() < deadline:\n"
            "    time.sleep(0.01)\n"
            "assert os.listdir(sys.argv[1]) == [first.name], os.listdir(sys.argv[1])\n"
            "sys.exit(status != 0)")
    result = run([sys.executable, "-W", "error", "-c", "import os; os.environ['TMPDIR'] = "
                  f"{str(plain)!r}\n{code}", plain], env=environment())
    assert result.returncode == 0, result.stderr
    assert not list(plain.iterdir())
