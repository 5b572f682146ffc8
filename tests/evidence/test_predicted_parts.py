"""The small networks whose forecasts are compared: each has the part that it is named after."""

from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.reference.network import run
from evidence.predicted_parts import NETWORKS, TARGETS, document, right
from evidence.predictions import Compared
from evidence.random_models import random_inputs
from tests.for_each import for_each, quick


@quick(2, wide=None)
@for_each("name", NETWORKS)
def test_networks_fire_and_have_their_part(name):
    described = document(name)
    inputs = random_inputs(0, described, 24)
    network = lower(describe(described), inputs, PrecisionRequest(fraction_bits=6)).network
    spikes = [float(layer.fired.mean()) for layer in run(network, inputs).hidden]
    assert all(0.02 < rate < 0.9 for rate in spikes), spikes
    assert PARTS.get(name, bool)(network)


PARTS = {
    "few-bit": lambda network: network.layers[0].synapse.weight_bits == 4,
    "recurrent": lambda network: network.hidden[0].shortcuts,
    "second order": lambda network: network.hidden[0].neuron.current_leak is not None,
    "SEW": lambda network: network.layers[-1].summands,
    "depthwise": lambda network: network.layers[1].synapse.groups == 8,
    "groups and dilation": lambda network: network.layers[1].synapse.groups == 2,
    "gate of the sample": lambda network: network.hidden[0].gate is not None,
    "stateful": lambda network: network.stateful,
    "pooled currents": lambda network: network.hidden[0].current_pool is not None,
}


def test_two_families():
    assert len({target.split("-")[0] for target, _ in TARGETS}) == 2 and len(NETWORKS) >= 8


@for_each("words, forecast, found, expected", [
    ("MHz", 110, 100, True), ("MHz", 111, 100, False), ("MHz", 80, 100, True),
    ("logic cells", 80, 100, False), ("cycles/inf.", 100, 100, True)])
def test_only_a_clock_may_be_better_than_its_bound(words, forecast, found, expected):
    assert right(Compared(words, forecast, found, 0.101)) == expected
