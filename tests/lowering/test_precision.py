"""How precision is chosen, what is refused, and that it is quick."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from models import LIF, inputs, layer, network, random_model

from bsnn_hw.errors import InputError
from bsnn_hw.lowering.lower import PrecisionRequest, lower


def chosen(model, calibration=None, **request):
    result = lower(model, calibration, PrecisionRequest(**request))
    return [(each.fraction_bits, each.leak_bits) for each in result.precision]


def test_given_bits_are_taken():
    model = random_model(1)
    assert chosen(model, fraction_bits=3, leak_bits=5) == [(3, 5), (3, None)]
    assert chosen(model, fraction_bits=3, per_layer={"fc1": 7}) == [(3, 8), (7, None)]
    assert chosen(model) == [(6, 8), (6, None)]
    some = chosen(model, inputs(model, 20), per_layer={"fc0": 2}, leak_bits=4)
    assert some[0] == (2, 4)


@pytest.mark.parametrize("seed", range(5))
def test_a_lower_tolerance_takes_more_bits(seed):
    model = random_model(seed, timesteps=4)
    samples = inputs(model, 200, seed)
    results = [lower(model, samples, PrecisionRequest(tolerance=tolerance)).precision[0]
               for tolerance in (1.0, 0.05, 0.0)]
    bits = [each.fraction_bits + each.leak_bits for each in results]
    assert bits == sorted(bits)
    assert results[0].fraction_bits == 0
    assert results[1].mismatch <= 0.05
    assert results[2].mismatch == 0


def test_the_search_leaves_out_what_does_not_fit():
    # A potential of up to 15 that counts 5e11 times as much: 44 bits without fraction bits.
    neuron = replace(LIF, threshold=3.3, leak=1 / 3)
    model = network(layer("a", [[1.0]], neuron, gate=[1.0, 1e-12, 1.0]),
                    layer("out", [[1.0]], gate=[1.0] * 3))
    samples = inputs(model, 20)
    assert lower(model, samples, PrecisionRequest(tolerance=0.0)).precision[0].fraction_bits < 10
    with pytest.raises(InputError, match="must fit 48 bits"):
        lower(model, samples, PrecisionRequest(fraction_bits=10))


@pytest.mark.parametrize(("request_", "message"), [
    ({"per_layer": {"fc9": 1}}, "fraction bits: no layer is called fc9; the model has fc0, fc1"),
    ({"per_layer": {"fc0": -1}}, "fraction bits: must be from 0 to 32, not -1"),
    ({"fraction_bits": 33}, "fraction bits: must be from 0 to 32, not 33"),
    ({"leak_bits": 17}, "leak bits: must be from 0 to 16, not 17"),
    ({"tolerance": 1.5}, r"tolerance: must be a share from 0 to 1, not 1\.5"),
    ({"tolerance": float("nan")}, "tolerance: must be a share from 0 to 1, not nan"),
], ids=str)
def test_wrong_requests(request_, message):
    with pytest.raises(InputError, match=message):
        lower(random_model(1), None, PrecisionRequest(**request_))


def test_wrong_calibration():
    model = random_model(1)
    size = model.input.size
    with pytest.raises(InputError, match="calibration: must have at least one sample"):
        lower(model, np.zeros((0, size), np.uint8))
    with pytest.raises(InputError, match="inputs: must have shape"):
        lower(model, np.zeros((1, size + 1), np.uint8))
    with pytest.raises(InputError, match="inputs: must be integers from 0"):
        lower(model, np.full((1, size), 255, np.uint8))


@pytest.mark.parametrize("calibrated", [False, True])
def test_too_wide(calibrated):
    model = network(layer("wide", [[1.0]], replace(LIF, threshold=3.0), gate=[1.0, 1e-20]),
                    layer("out", [[1.0]], gate=[1.0, 1.0]))
    message = r"layer 'wide': potentials and scores must fit 48 bits, not \d+; its BatchNorm"
    with pytest.raises(InputError, match=message):
        lower(model, inputs(model, 4) if calibrated else None)


def test_lowering_is_quick():
    rng = np.random.default_rng(0)
    sizes = (784, 256, 256, 10)
    layers = [layer(f"fc{i}", rng.choice([-1.0, 1.0], (n, m)), LIF if i < 2 else None, [1.0] * 4,
                    gamma=rng.random(n) * 0.02, beta=rng.normal(size=n))
              for i, (m, n) in enumerate(itertools.pairwise(sizes))]
    model = network(*layers)
    start = time.process_time()
    lower(model, inputs(model, 256))
    assert time.process_time() - start < 4
