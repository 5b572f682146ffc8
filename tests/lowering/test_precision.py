"""How precision is chosen, what is refused, and that it is quick."""

import itertools
import time
from dataclasses import replace

import numpy as np
import pytest
from models import LIF, inputs, layer, network, random_model

from bsnn_hw.errors import InputError
from bsnn_hw.ir.store import equal
from bsnn_hw.lowering.gate import GateBits
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.lowering.precision import CANDIDATES, fitting
from bsnn_hw.model import real
from bsnn_hw.model.description import ScoreKind, Scoring
from bsnn_hw.reference.network import run
from tests.for_each import for_each, quick


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


@quick(1, wide=None)
@for_each("seed", range(5))
def test_a_lower_tolerance_takes_more_bits(seed):
    model = random_model(seed, timesteps=4)
    samples = inputs(model, 200, seed)
    requests = [PrecisionRequest(tolerance=share, classes=1.0) for share in (1.0, 0.05, 0.0)]
    results = [lower(model, samples, request).precision[0] for request in requests]
    bits = [each.fraction_bits + each.leak_bits for each in results]
    assert bits == sorted(bits)
    assert results[0].fraction_bits == 0
    assert results[1].mismatch <= 0.05
    assert results[2].mismatch == 0


@pytest.mark.wide
def test_classes_are_kept_by_a_smaller_tolerance():
    model = random_model(0, depth=4, timesteps=6)
    samples = inputs(model, 200)
    wanted = real.run(model, samples).classes
    loose = lower(model, samples, PrecisionRequest(tolerance=1.0, classes=1.0))
    tight = lower(model, samples, PrecisionRequest(tolerance=1.0, classes=0.01))
    first, *_, kept = tight.tried
    assert [each.tolerance for each in loose.tried] == [1.0]
    assert equal(first.network, loose.network) and equal(kept.network, tight.network)
    assert first.changed > 0.01 >= kept.changed and kept.tolerance < 1.0
    for each in tight.tried:
        assert each.samples == 200
        assert each.changed == (run(each.network, samples).classes != wanted).mean()


@pytest.mark.wide
def test_where_no_tolerance_keeps_the_classes_the_best_is_taken():
    model = random_model(0, depth=4, timesteps=6)
    samples = inputs(model, 200)
    result = lower(model, samples, PrecisionRequest(tolerance=1.0, leak_bits=0, classes=0.0))
    assert result.tried[-1].changed == min(each.changed for each in result.tried) > 0
    assert equal(result.network, result.tried[-1].network)


def test_given_bits_are_not_searched_for_classes():
    model = random_model(0, depth=4, timesteps=6)
    samples = inputs(model, 50)
    result = lower(model, samples, PrecisionRequest(fraction_bits=0, leak_bits=1, classes=0.0))
    assert [each.tolerance for each in result.tried] == [0.01]
    assert lower(model, None).tried == ()


def test_the_search_leaves_out_what_does_not_fit():
    # A potential of up to 15 that counts 5e11 times as much: 44 bits without fraction bits.
    neuron = replace(LIF, threshold=3.3, leak=1 / 3)
    model = network(layer("a", [[1.0]], neuron, gate=[1.0, 1e-12, 1.0]),
                    layer("out", [[1.0]], gate=[1.0] * 3))
    samples = inputs(model, 20)
    assert lower(model, samples, PrecisionRequest(tolerance=0.0)).precision[0].fraction_bits < 10
    with pytest.raises(InputError, match="must fit 48 bits"):
        lower(model, samples, PrecisionRequest(fraction_bits=10))


@for_each("request_, message", [
    ({"per_layer": {"fc9": 1}}, "fraction bits: no layer is called fc9; the model has fc0, fc1"),
    ({"per_layer": {"fc0": -1}}, "fraction bits: must be from 0 to 32, not -1"),
    ({"fraction_bits": 33}, "fraction bits: must be from 0 to 32, not 33"),
    ({"leak_bits": 17}, "leak bits: must be from 0 to 16, not 17"),
    ({"gate_bits": GateBits(1, 4, 4)}, "gate bits: weights: must be from 2 to 8, not 1"),
    ({"gate_bits": GateBits(9, 4, 4)}, "gate bits: weights: must be from 2 to 8, not 9"),
    ({"gate_bits": GateBits(4, 11, 4)}, "gate bits: index: must be from 0 to 10, not 11"),
    ({"gate_bits": GateBits(4, 4, 0)}, "gate bits: factor: must be from 1 to 12, not 0"),
    ({"gate_bits": GateBits(4, 4, 63)}, "gate bits: factor: must be from 1 to 12, not 63"),
    ({"tolerance": 1.5}, r"tolerance: must be a share from 0 to 1, not 1\.5"),
    ({"classes": -0.1}, r"classes: must be a share from 0 to 1, not -0\.1"),
    ({"tolerance": float("nan")}, "tolerance: must be a share from 0 to 1, not nan"),
])
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


@for_each("calibrated", [False, True])
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


def test_candidates_up_to_the_finest_that_fits():
    def fold(most):
        def folded(bits):
            if bits > most:
                raise InputError("too wide")
        return folded

    assert fitting(fold(99)) == CANDIDATES
    assert fitting(fold(4)) == range(5)
    assert fitting(fold(0)) == range(1)
    with pytest.raises(InputError, match="too wide"):
        fitting(fold(-1))


def test_leak_bits_of_scores_whose_gain_bits_are_given():
    """Of a membrane's largest value; the only gain bits are the finest."""
    model = random_model(1, timesteps=4)
    model = replace(model, layers=(*model.layers[:-1], replace(
        model.layers[-1], scoring=Scoring(ScoreKind.MAX, leak=0.83))))
    samples = inputs(model, 40)
    (_, chosen_leak), (_, given_leak) = (
        chosen(model, samples, per_layer={"fc1": 7}, leak_bits=leak)[1] for leak in (None, 3))
    assert given_leak == 3 and chosen_leak in CANDIDATES
