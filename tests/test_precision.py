"""python -m bsnn_hw.precision: the table and the exit codes."""

from pathlib import Path

import numpy as np
import pytest

from bsnn_hw.precision import Row, main, table

ROOT = Path(__file__).parents[1]
DIGITS = str(ROOT / "examples" / "digits_fc.pt")


def test_table():
    rows = [Row("F = 0", 0.5, 0.25, (0.125, 0.0), (9, 7)), Row("F = 1", None, 0.0, (), ())]
    assert table(rows).splitlines()[2:] == [
        "| F = 0 | 50.00 % | 25.00 % | 12.50 % / 0.00 % | 9 / 7 |",
        "| F = 1 | - | 0.00 % | - | - |"]


def test_digits(capsys, tmp_path):
    samples = tmp_path / "few.npz"
    values = np.random.default_rng(0).integers(0, 16, (40, 64), dtype=np.uint8)
    np.savez(samples, train_x=values, test_x=values, test_y=np.zeros(40, np.int64))
    assert main([DIGITS, "--data", str(samples), "-v"]) == 0
    printed = capsys.readouterr()
    for step in ("model and samples read", "real-valued network run",
                 "integers chosen and run, F = 0", "integers chosen and run, chosen"):
        assert f"{step}: " in printed.err
    lines = printed.out.splitlines()
    assert lines[0].startswith("digits_fc: 40 samples of few.npz, real-valued accuracy ")
    assert [line.split(" | ")[0] for line in lines[4:]][:6] == [
        f"| F = {bits}" for bits in (0, 1, 2, 4, 6, 8)]
    assert lines[10].startswith("| chosen: fc1 ")
    assert len(lines) == 11


def test_wrong_input(capsys, tmp_path):
    assert main([str(tmp_path / "none.pt")]) == 1
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "must be an existing model file" in error
    assert main([DIGITS, "--data", "imagenet"]) == 1
    assert "data set: must be one of" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        main([])
    assert caught.value.code == 2
