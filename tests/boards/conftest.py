"""The digits example as a board, made once for all tests that only look."""

from pathlib import Path

import pytest

from bsnn_hw import board as verb
from bsnn_hw import emit, load, lower, plan

ROOT = Path(__file__).parents[2]
VECTORS = 3


@pytest.fixture(scope="session")
def board(tmp_path_factory):
    """(bundle's network, inputs, board's folder)."""
    place = tmp_path_factory.mktemp("board")
    lowered = lower(load(ROOT / "examples/digits_fc.pt"))
    design = emit(lowered, plan(lowered, port="bytes"), place / "bundle", vectors=VECTORS,
                  port="bytes")
    assert verb.main([str(place / "bundle"), "--out", str(place / "board"), "--clock", "12",
                      "--baud", "3000000"]) == 0
    return design.network, lowered.calibration[:VECTORS], place / "board"


@pytest.fixture(scope="session")
def spi_board(board):
    """The same circuit's folder behind SPI."""
    place = board[2].parent
    assert verb.main([str(place / "bundle"), "--out", str(place / "spi"), "--bridge", "spi"]) == 0
    return place / "spi"
