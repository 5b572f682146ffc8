"""What a run of the tests makes once: kept where it is whole, and made of the same only."""

import os

import pytest

from tests import once


def test_it_is_made_once_and_again_where_it_failed(tmp_path):
    made = []

    def make(folder, fails=False):
        made.append(folder)
        folder.mkdir()
        if fails:
            raise ZeroDivisionError
        (folder / "x").touch()
        return {"folder": folder}

    place = tmp_path / "a"
    with pytest.raises(ZeroDivisionError):
        once.made_once(place, lambda folder: make(folder, fails=True))
    assert [once.made_once(place, make) for _ in range(2)] == [{"folder": place}] * 2
    assert made == [place] * 2
    once.made_once(tmp_path / "b", make)
    assert made[2:] == [tmp_path / "b"]


def test_yosys_is_asked_once_for_a_circuit(tmp_path, monkeypatch):
    asked = []

    def real(module, request, what, *, folder):
        asked.append(request["top"])
        (folder / "verilog" / "top.v").write_text(request["top"])
        return {"modules": request["top"]}

    ask = once.once_written(real, tmp_path / "kept")
    for number, (text, top, path) in enumerate([
            ("a", "t", "p"), ("a", "t", "p"), ("b", "t", "p"), ("b", "u", "p"), ("b", "u", "q")]):
        folder = tmp_path / str(number)
        (folder / "verilog").mkdir(parents=True)
        (folder / "design.il").write_text(text)
        monkeypatch.setenv("PYTHONPATH", path)  # another Yosys, or none
        answer = ask("bsnn_hw.verilog.passes", {"rtlil": "design.il", "folder": "verilog",
                                                "top": top}, "yosys", folder=folder)
        assert answer == {"modules": top}
        assert (folder / "verilog" / "top.v").read_text() == top
    assert asked == ["t", "t", "u", "u"]


def test_a_program_is_compiled_once(tmp_path):
    compiled = []

    def real(folder, tool, cxx, optimize, names):
        compiled.append(optimize)
        (folder / "simulate").write_text(optimize)
        (folder / "simulate").chmod(0o755)
        return folder / "simulate"

    compile_it = once.once_compiled(real, tmp_path / "kept")
    for number, (text, level) in enumerate([("a", "-O0"), ("a", "-O0"), ("b", "-O0"),
                                            ("b", "-O1")]):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "Vdut.cpp").write_text(text)
        program = compile_it(folder, "verilator", "g++", level, ())
        assert program == folder / "simulate" and program.read_text() == level
        assert os.access(program, os.X_OK)
    assert compiled == ["-O0", "-O0", "-O1"]
