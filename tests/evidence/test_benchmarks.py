"""Tables are kept with the commands and versions that made them; a failure leaves the old one."""

import importlib

import pytest

from bsnn_hw.errors import BsnnError
from evidence import benchmarks
from evidence.benchmarks import BENCHMARKS, Benchmark, main, measure
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program

GOOD = Benchmark("good", "parts", ("bsnn_hw.synth --help", "bsnn_hw.generate --help"))
BAD = Benchmark("good", "parts", (GOOD.commands[0], "bsnn_hw.board nothing --flash --out OUT"))


def test_names_are_files():
    names = [benchmark.name for benchmark in BENCHMARKS]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_kept_with_what_made_it(tmp_path):
    text = measure(GOOD, tmp_path / "results")
    assert (tmp_path / "results" / "good.txt").read_text() == text
    assert text.startswith("parts\n\n    python -m bsnn_hw.synth --help\n")
    assert "torch 2." in text and "bsnn-hw " in text
    assert "usage: python -m bsnn_hw.generate" in text
    assert "usage: python -m bsnn_hw.synth" not in text, "only the last command's table is kept"


def test_a_failure_keeps_what_was_there(tmp_path):
    before = measure(GOOD, tmp_path)
    with pytest.raises(BsnnError, match="board nothing --flash --out OUT: must succeed"):
        measure(BAD, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["good.txt"]
    assert (tmp_path / "good.txt").read_text() == before


def test_printed_without_measuring(tmp_path, capsys):
    assert main(["cycles", "--results", str(tmp_path)]) == 0
    assert "not measured: python -m evidence.benchmarks --measure cycles" in \
        capsys.readouterr().out
    (tmp_path / "cycles.txt").write_text("a table\n")
    assert main(["cycles", "--results", str(tmp_path)]) == 0
    assert "a table" in capsys.readouterr().out


def test_one_failure_does_not_stop_the_others(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmarks, "BENCHMARKS", (BAD, Benchmark("other", "other", GOOD.commands)))
    assert main(["--measure", "--results", str(tmp_path)]) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]
    assert "good: python -m bsnn_hw.board nothing" in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_is_noticed_before_the_work(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(benchmarks, "measure", lambda *_: pytest.fail("must not start"))
    (tmp_path / "file").write_text("")
    assert main(["--measure", "--results", str(tmp_path / "file")]) == 1
    assert "--results: must be a folder to write into, not " in capsys.readouterr().err


@for_each("benchmark", BENCHMARKS)
def test_the_commands_parse(benchmark, monkeypatch):
    for command in benchmark.commands:
        name, *arguments = command.split()
        module = importlib.import_module(name)
        monkeypatch.setattr(module, "run_verb",
                            lambda parser, _, argv: vars(parser.parse_args(argv)) and 0)
        assert module.main(arguments) == 0


def test_unknown_names(capsys):
    assert main(["cycels"]) == 1
    assert "names: must be some of fashion_mnist_ecp5, " in capsys.readouterr().err
