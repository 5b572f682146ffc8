"""A virtual board behind a damaged line, in small; and a line that damages as it says."""

from pathlib import Path

import numpy as np
import pytest

from evidence.serial_damage import Damaged, measure

pytestmark = pytest.mark.wide  # an experiment, no part of the program

DIGITS = Path(__file__).parents[2] / "examples/digits_fc.pt"


class Kept:
    """A line that keeps what is written."""

    def __init__(self):
        self.data = b""

    def write(self, data):
        self.data += data


@pytest.mark.slow
def test_exact_over_a_damaged_line(tmp_path):
    lines = measure(DIGITS, 24, 0.01, 2, tmp_path)
    assert lines[0].startswith("images    24 of 64 bytes, every score the reference's")
    assert " 0 of them came damaged" not in lines[2]


def test_faults_are_what_they_are_called():
    line = Damaged(Kept(), 0.3, 0)
    data = np.random.default_rng(1).bytes(4000)
    line.write(data)
    faults, kept = line.faults, line._line.data
    assert all(300 < count < 500 for count in faults.values()) and len(faults) == 3
    assert len(kept) == len(data) - faults["lost"] + faults["doubled"]
    line.chance = 0.0
    line.write(b"abc")
    assert line._line.data[-3:] == b"abc" and line.bytes == 4003
