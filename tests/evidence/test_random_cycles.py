"""A few networks take as many cycles as forecast, and a wrong forecast is told."""

import pytest

import bsnn_hw.planning.throughput
from bsnn_hw.errors import BsnnError
from bsnn_hw.planning.throughput import Throughput
from evidence.random_cycles import check_one
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [102, 103, 105])
def test_as_forecast(seed):
    """Fully connected, and with maps."""
    assert check_one(seed).startswith(f"seed {seed}: ")


@pytest.mark.slow
def test_a_wrong_forecast_is_told(monkeypatch):
    monkeypatch.setattr(bsnn_hw.planning.throughput, "throughput",
                        lambda *given: Throughput((), 50.0))
    with pytest.raises(BsnnError, match=r"seed 102: .* must be within"):
        check_one(102)
