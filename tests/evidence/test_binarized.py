"""Each framework's network: at most three lines more, a model file, and RTL that is exact."""

import pytest

import bsnn_hw
from evidence.binarized_networks import FRAMEWORKS, TIMESTEPS, WEIGHTS, available, train
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    if not available(FRAMEWORKS[request.param]):
        pytest.skip(f"{request.param} is not installed")
    return FRAMEWORKS[request.param]


@for_each("weights", WEIGHTS)
def test_it_trains(framework, weights):
    trained = train(framework, weights, epochs=1, seed=0)
    assert trained.accuracy > 0.4
    assert (trained.flips is None) == (weights == "float")


def test_its_gates_and_bits_reach_the_model_file(framework, tmp_path):
    trained = train(framework, "gated", epochs=1, seed=0)
    framework.save(trained.network, tmp_path / "network.pt")
    *hidden, readout = bsnn_hw.load(tmp_path / "network.pt").layers
    assert all(len(layer.gate) == TIMESTEPS for layer in hidden)
    assert readout.gate is None or set(readout.gate.tolist()) == {1.0}


@pytest.mark.slow
def test_its_verilog_is_exact(framework, tmp_path):
    trained = train(framework, "gated", epochs=1, seed=0)
    framework.save(trained.network, tmp_path / "network.pt")
    bsnn_hw.generate(tmp_path / "network.pt", out=tmp_path / "hw")
    assert bsnn_hw.verify(tmp_path / "hw").inferences == 32
