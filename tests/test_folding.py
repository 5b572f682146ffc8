"""Lines and tables at 80 columns of a terminal; files and pipes get them whole."""

import argparse
import io
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from bsnn_hw.command import run_verb
from bsnn_hw.folding import Folding, fold, terminal_width
from bsnn_hw.text import table
from tests.for_each import for_each

ROOT = Path(__file__).parents[1]
LINE = "cycles    " + "word " * 20 + "end"
ROWS = [["layer", *(f"a long heading {number}" for number in range(9))],
        ["fc1", *(str(10**number) for number in range(9))]]


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def columns(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")


def test_a_line_goes_on_below_its_words():
    first, second = fold(LINE, 80).splitlines()
    assert len(first) <= 80 and first.startswith("cycles    word")
    assert second == "          word word word word word word end"


@for_each("line", ["short", " " + "x " * 80, '{"a": "' + "b " * 80 + '"}', ""])
def test_lines_that_stay(line):
    assert fold(line, 80) == line


def test_a_sentence_and_a_long_word():
    sentence = "word " * 20 + "x" * 100
    lines = fold(sentence, 80).splitlines()
    assert lines[1].startswith("  word") and lines[-1] == "  " + "x" * 100


def test_a_table_in_parts():
    text = table(ROWS, 80)
    assert max(map(len, text.splitlines())) <= 80
    parts = text.split("\n\n")
    assert len(parts) == 3 and all(part.startswith("layer") for part in parts)
    assert table(ROWS).split() == [cell for row in ROWS for text in row for cell in text.split()]
    assert len(table(ROWS, 10).split("\n\n")) == 9  # each column is there, however wide


def test_only_a_terminal_is_folded():
    assert terminal_width(io.StringIO()) is None and terminal_width(Terminal()) == 80


def test_a_stream_keeps_what_is_not_whole():
    stream = Terminal()
    folding = Folding(stream)
    print(LINE, end="", file=folding)
    assert stream.getvalue() == ""
    print("\nrest", end="", file=folding, flush=True)
    assert stream.getvalue() == fold(LINE, 80) + "\n"
    folding.end()
    assert stream.getvalue().endswith("\nrest")


def test_results_and_errors_of_a_verb(monkeypatch):
    out, errors = Terminal(), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", errors)

    def act(options):
        print(LINE)
        print(table(ROWS))
        print(LINE, file=sys.stderr)

    assert run_verb(argparse.ArgumentParser(prog="x"), act, []) == 0
    assert max(map(len, out.getvalue().splitlines())) <= 80
    assert errors.getvalue() == LINE + "\n"


def seen_on_a_terminal(arguments, **environment):
    """What a verb shows on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    with subprocess.Popen([sys.executable, "-m", *arguments], cwd=ROOT, stdin=theirs, stdout=theirs,
                          stderr=theirs, env={**os.environ, "TERM": "xterm-256color",
                                              "COLUMNS": "80", **environment}) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # the other side has closed
            pass
        assert process.wait() == 0, shown
    os.close(ours)
    return shown.decode()


@pytest.mark.slow
@for_each("environment", [{}, {"NO_COLOR": "1"}, {"FORCE_COLOR": "1"}])
@for_each("arguments", [
    ["bsnn_hw.check", "examples/digits_fc.pt"], ["bsnn_hw.generate", "--help"],
    ["bsnn_hw.generate", "examples/digits_fc.pt", "--target", "ecp5-25k", "--dry-run", "-v"]])
def test_a_terminal_of_80_columns(arguments, environment):
    """Nothing is cut, and nothing is coloured, asked for or not."""
    shown = seen_on_a_terminal(arguments, **environment)
    assert "\x1b" not in shown
    assert max(map(len, shown.splitlines())) <= 80


def test_help_fits(capsys, monkeypatch):
    from bsnn_hw.__main__ import VERBS, main

    for verb in VERBS:
        with pytest.raises(SystemExit):
            main([verb, "--help"])
    main(["--help"])
    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80
