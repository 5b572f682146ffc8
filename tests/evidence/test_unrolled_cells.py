"""Cells of unrolled layers beside their forecast, for the smallest."""

import pytest

from evidence.unrolled_cells import main


@pytest.mark.slow
def test_the_smallest(capsys):
    assert main(["--sizes", "1"]) == 0
    row = capsys.readouterr().out.splitlines()[-1].split()
    assert row[:5] == ["16", "8", "1", "205", "1.60"] and int(row[-1]) > 205
