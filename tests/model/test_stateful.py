"""``stateful`` in a model file: what it means to the real-valued run, and what is refused."""

import numpy as np
import pytest
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.model.format import load, save
from bsnn_hw.model.real import run
from bsnn_hw.reference.network import run as run_integers
from evidence.random_models import random_inputs
from evidence.random_recurrences import random_recurrences
from evidence.random_streams import random_resets, random_streams, with_state
from tests.for_each import for_each
from tests.model.refusals import problems_of

LIF = {"type": "lif", "leak": 0.5, "threshold": 3.0, "reset": "soft", "comparison": ">="}


@pytest.fixture
def document():
    """An input, a neuron that fires at 3 and leaks half, and a class that counts its spikes."""
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "kept", "timesteps": 2, "stateful": True,
        "input": {"coding": "events", "shape": [1], "bits": 4},
        "layers": [
            {"name": "fc1", "type": "linear", "weight": torch.tensor([[1.]]), "neuron": LIF},
            {"name": "fc2", "type": "linear", "weight": torch.tensor([[1.]]),
             "neuron": {"type": "readout", "score": "sum"}}]}


def samples(*rows):
    return np.array(rows, np.uint8)[:, :, None]


def test_by_hand(document):
    """2, 2/2 + 1 = 2 | 1 + 2 = 3 fires, 0 + 2 = 2 | 1 + 2 = 3 fires, 0 | after a reset 2, 1."""
    trace = run(describe(document), samples([2, 1], [2, 2], [2, 0], [2, 0]),
                resets=np.array([False, False, False, True]))
    assert trace.membranes[0][..., 0].tolist() == [[2, 2], [0, 2], [0, 0], [2, 1]]
    assert trace.scores[:, 0].tolist() == [0, 1, 1, 0]


def test_without_it_each_sample_starts_anew(document):
    document["stateful"] = False
    trace = run(describe(document), samples([2, 1], [2, 2]))
    assert trace.membranes[0][..., 0].tolist() == [[2, 2], [2, 0]]


@pytest.mark.wide
def test_parts_of_a_run_are_the_run():
    for seed in range(8):
        document = (random_streams(seed) if seed % 2 else
                    with_state(seed, random_recurrences(seed)))
        model, inputs = describe(document), random_inputs(seed, document, 9)
        resets = random_resets(seed, 9)
        whole = run(model, inputs, resets=resets)
        first = run(model, inputs[:4], resets=resets[:4], batch=3)
        rest = run(model, inputs[4:], resets=resets[4:], batch=2, state=first.state)
        for number, membranes in enumerate(whole.membranes):
            both = np.concatenate([first.membranes[number], rest.membranes[number]])
            assert np.array_equal(membranes, both), f"seed {seed}"


def test_goes_through_a_file(document, tmp_path):
    for suffix in ("pt", "safetensors"):
        save(tmp_path / f"model.{suffix}", document)
        assert load(tmp_path / f"model.{suffix}").stateful


@for_each("value", [1, "yes", 0.0, [True]])
def test_it_is_true_or_false(document, value):
    assert problems_of(document | {"stateful": value})[0].startswith(
        "model: stateful must be True or False, not ")


def test_scores_alone_keep_no_state(document):
    del document["layers"][0]
    assert problems_of(document)[0].startswith(
        "model: stateful must not be True without a layer with neurons")


def test_a_synaptic_current_is_kept_too(document):
    """By hand, of windows of two timesteps: 3 at t = 1, I = 3, 3/2 | 3/4, 3/8 | 3/16, 3/32 and V =
    3, 3 | 9/4, 3/2 | 15/16, 9/16; after a reset nothing is left of them."""
    document["layers"][0]["neuron"] = LIF | {"current_leak": 0.5, "threshold": 40.0}
    model = describe(document)
    inputs = np.zeros((3, 2, 1), np.uint8)
    inputs[0, 0] = 3
    for resets, last in ((None, [3 * 5 / 16, 3 * 6 / 32]), (np.arange(3) == 2, [0, 0])):
        trace = run(model, inputs, resets=resets)
        assert trace.membranes[0][..., 0].tolist() == [[3, 3], [2.25, 1.5], last]
        found = lower(model, None, PrecisionRequest(fraction_bits=12, leak_bits=2)).network
        whole = run_integers(found, inputs, resets=resets).hidden[0].settled[..., 0] / 4096
        assert np.allclose(whole, trace.membranes[0][..., 0], atol=2 ** -8)


def test_potentials_that_saturate_have_bounds(document):
    """By hand, of -1 at each timestep, F = 4 and 7 bits: -16, -32, -48, -64, and no further."""
    neuron = {"type": "if", "threshold": 3.0, "reset": "soft", "comparison": ">=", "saturate": 7}
    document["layers"][0] |= {"neuron": neuron, "bias": torch.tensor([-1.])}
    model = describe(document)
    network = lower(model, None, PrecisionRequest(fraction_bits=4)).network
    seen = run_integers(network, np.zeros((4, 2, 1), np.uint8)).hidden[0]
    assert seen.settled.ravel().tolist() == [-16, -32, -48, *[-64] * 5]
    assert run(model, np.zeros((4, 2, 1), np.uint8)).membranes[0].min() == -8
    with pytest.raises(InputError, match=r"neuron.saturate must be 8 or more, not 7, as thresholds "
                       r"need so many bits with 5 fraction bits"):
        lower(model, None, PrecisionRequest(fraction_bits=5))
    assert lower(model, samples([2, 3], [3, 1])).precision[0].fraction_bits <= 4


def test_a_neuron_that_no_input_reaches_must_reach_its_threshold_too(document):
    """Its threshold is 2**8 of its units, so 9 bits and a sign without fraction bits; then it fires
    by its bias, every tenth timestep."""
    document["layers"][0] |= {"norm": {"gamma": torch.tensor([0.]), "beta": torch.tensor([0.3]),
                                       "mean": torch.tensor([0.]), "var": torch.tensor([1.]),
                                       "eps": 0.0}}
    neuron = {"type": "if", "threshold": 3.0, "reset": "hard", "comparison": ">="}
    document["layers"][0]["neuron"] = neuron | {"saturate": 9}
    request = PrecisionRequest(fraction_bits=0)
    with pytest.raises(InputError, match="saturate must be 10 or more, not 9"):
        lower(describe(document), None, request)
    document["layers"][0]["neuron"] = neuron | {"saturate": 10}
    model, silent = describe(document), np.zeros((40, 2, 1), np.uint8)
    fired = run_integers(lower(model, None, request).network, silent).hidden[0].fired
    assert fired.sum() in (7, 8)


@for_each("value", [3, 41, 8.0, True])
def test_bits_to_saturate_in_are_a_number_of_bits(document, value):
    document["layers"][0]["neuron"] = LIF | {"saturate": value}
    assert problems_of(document)[0].startswith(
        "layer 'fc1': neuron.saturate must be an integer from 4 to 40, not ")


def test_only_what_is_kept_saturates(document):
    document["layers"][0]["neuron"] = LIF | {"saturate": 8}
    document["stateful"] = False
    assert problems_of(document) == [
        "model: stateful must be True where neurons saturate, as those of 'fc1' do: all others "
        "have as many bits as they need"]


@for_each("current_leak", [1.0, 0.9999999])
def test_synaptic_currents_without_bounds_are_refused(document, current_leak):
    document["layers"][0]["neuron"] = LIF | {"current_leak": current_leak}
    with pytest.raises(InputError, match=r"layer 'fc1': potentials must fit 48 bits over any "):
        lower(describe(document), None)


@pytest.mark.wide
def test_integers_change_few_spikes(document):
    document["layers"][0]["neuron"] = LIF | {"leak": 0.93, "threshold": 4.7}
    model = describe(document)
    inputs = np.random.default_rng(0).integers(0, 3, (96, 2, 1))
    found, resets = lower(model, inputs), np.arange(96) % 32 == 0  # as precision is chosen
    seen = run_integers(found.network, inputs, resets=resets).hidden[0].fired
    wanted = run(model, inputs, resets=resets).spikes[0]
    assert (seen != wanted).sum() <= 0.02 * wanted.sum()
    assert found.precision[0].leak_bits > 3  # 0.93 is 15/16 in 4 bits, and 1 in 3


@for_each("neuron", [{"type": "if", "reset": "soft"}, {"type": "if", "reset": "hard"},
                     {"leak": 1.0}])
def test_potentials_without_bounds_are_refused(document, neuron):
    """A current may be negative, of two inputs: nothing ends what goes down."""
    document["layers"][0] |= {"neuron": {key: value for key, value in (LIF | neuron).items()
                                         if key != "leak" or neuron.get("type") != "if"},
                              "bias": torch.tensor([-1.])}
    for inputs in (None, samples([2, 1], [2, 2])):
        with pytest.raises(InputError, match=r"layer 'fc1': potentials must fit 48 bits over any "
                           r"number of inferences, .* leak is below 1"):
            lower(describe(document), inputs)


def test_a_leak_that_its_bits_cannot_say_is_refused(document):
    document["layers"][0]["neuron"] = LIF | {"leak": 0.99}
    document["layers"][0]["bias"] = torch.tensor([-1.])
    with pytest.raises(InputError, match="the leak bits can say so"):
        lower(describe(document), None, PrecisionRequest(leak_bits=4))
    assert lower(describe(document), None, PrecisionRequest(leak_bits=8)).network.stateful


def test_a_neuron_that_no_input_reaches_fires_on_in_its_own_time(document):
    """By its bias alone, every seventh timestep or so: no pattern of two timesteps."""
    document["layers"][0] |= {"norm": {"gamma": torch.tensor([0.]), "beta": torch.tensor([0.31]),
                                       "mean": torch.tensor([0.]), "var": torch.tensor([1.]),
                                       "eps": 0.0}}
    document["layers"][0]["neuron"] = LIF | {"leak": 0.99, "threshold": 2.0}
    model, silent = describe(document), np.zeros((40, 2, 1), np.uint8)
    network = lower(model, None, PrecisionRequest(fraction_bits=6, leak_bits=12)).network
    fired = run_integers(network, silent).hidden[0].fired
    assert not network.hidden[0].synapse.connected.any()
    assert 0 < fired.sum() < 40
    assert np.array_equal(fired, run(model, silent).spikes[0])
