"""Where scratch folders lie, and what is left of them."""

import sys
from pathlib import Path

import pytest

from bsnn_hw.child import environment
from bsnn_hw.processes import run
from bsnn_hw.scratch import keep_log, removed_after, scratch_folder
from tests.for_each import for_each

CODE = ("from bsnn_hw.scratch import *\nwith scratch_folder() as folder: print(folder)\n"
        "print(cache_folder())")


def places(**variables):
    """A scratch folder and the cache folder of a process with these variables."""
    result = run([sys.executable, "-c", "import os; os.environ.update("
                  f"{variables!a})\n{CODE}"], env=environment())
    assert result.returncode == 0, result.stderr
    return [Path(line) for line in result.stdout.splitlines()]


@pytest.mark.wide
@for_each("name", ["with space", "caf\u00e9"])
def test_a_tmpdir_that_make_cannot_take(plain, name):
    odd = plain / name
    odd.mkdir()
    scratch, cache = places(TMPDIR=str(odd), XDG_CACHE_HOME=str(plain / "cache"))
    assert scratch.is_relative_to(cache)
    assert not list(cache.iterdir())
    scratch, _ = places(TMPDIR=str(odd), XDG_CACHE_HOME="/dev/null")
    assert scratch.parents[1] == Path("/tmp")


def test_a_cache_that_cannot_be_written_is_scratch(tmp_path):
    scratch, cache = places(TMPDIR=str(tmp_path), XDG_CACHE_HOME="/dev/null")
    assert cache.parent == scratch.parent
    assert not list(tmp_path.iterdir())


def test_removed_after_a_block_or_renamed_in_it(tmp_path):
    with removed_after(tmp_path / "draft") as draft:
        draft.mkdir()
        (draft / "file").touch()
    with removed_after(tmp_path / "draft") as draft:
        draft.write_bytes(b"")
        draft.rename(tmp_path / "kept")
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


def test_scratch_goes_after_an_exception():
    with pytest.raises(RuntimeError), scratch_folder() as folder:
        raise RuntimeError
    assert not folder.exists()


def test_a_log_lies_where_the_message_says(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    words = keep_log("what the tool said")
    assert Path(words.removeprefix("; see ")).read_text(encoding="utf-8") == "what the tool said"
    monkeypatch.setenv("XDG_CACHE_HOME", "/dev/null")
    assert keep_log("x") == ""
