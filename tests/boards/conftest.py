"""Boards, made once for all tests that only look."""

from pathlib import Path

import pytest

from bsnn_hw import board as verb
from bsnn_hw import emit, load, lower, plan
from bsnn_hw.emission.bundle import write_bundle
from bsnn_hw.ir.schedule import Port
from bsnn_hw.planning.schedule import make_schedule
from tests.bundles import CHOICES, make_network

ROOT = Path(__file__).parents[2]
VECTORS = 3


def small(folder):
    """Events in eight timesteps: 11 inputs, 10 neurons, 3 classes."""
    network, inputs = make_network(32)
    write_bundle(network, make_schedule(network, *CHOICES[32]), inputs[-VECTORS:], folder,
                 port=Port.BYTES)
    return network, inputs[-VECTORS:]


def digits(folder):
    """The example, as it is planned."""
    lowered = lower(load(ROOT / "examples/digits_fc.pt"))
    design = emit(lowered, plan(lowered, port="bytes"), folder, vectors=VECTORS, port="bytes")
    return design.network, lowered.calibration[:VECTORS]


@pytest.fixture(scope="session", params=[small, pytest.param(digits, marks=pytest.mark.slow)],
                ids=lambda make: make.__name__)
def board(request, tmp_path_factory):
    """(bundle's network, inputs, board's folder)."""
    place = tmp_path_factory.mktemp("board")
    network, inputs = request.param(place / "bundle")
    assert verb.main([str(place / "bundle"), "--out", str(place / "board"), "--clock", "12",
                      "--baud", "3000000"]) == 0
    return network, inputs, place / "board"


@pytest.fixture(scope="session")
def spi_board(board):
    """The same circuit's folder behind SPI."""
    place = board[2].parent
    assert verb.main([str(place / "bundle"), "--out", str(place / "spi"), "--bridge", "spi"]) == 0
    return place / "spi"
