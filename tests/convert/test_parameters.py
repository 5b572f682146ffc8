"""Learned parameters: one per neuron or channel, as torch broadcasts them."""

import pytest
import torch
from torch import nn

from bsnn_hw import convert
from bsnn_hw.errors import ModelError
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.for_each import for_each

EVENTS = {"coding": "events", "readout": "mean"}


def exact(document):
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["ties"] == found["scores_differ"] == 0
    return document["layers"][0]["neuron"]


def leaky(shape, **more):
    snn = pytest.importorskip("snntorch")
    torch.manual_seed(0)
    return snn.Leaky(beta=torch.rand(shape) * 0.9 + 0.1, threshold=torch.rand(shape) + 0.5,
                     learn_beta=True, learn_threshold=True, init_hidden=True, **more)


@for_each("mechanism", ["subtract", "zero", "none"])
def test_learned_beta_and_threshold_per_neuron(mechanism):
    net = nn.Sequential(BinaryLinear(12, 40), leaky(40, reset_mechanism=mechanism),
                        BinaryLinear(40, 3))
    neuron = exact(convert.snntorch(net, (12,), 20, **EVENTS))
    assert neuron["leak"].shape == neuron["threshold"].shape == (40,)
    assert ("reset_by" in neuron) == (mechanism != "zero")


def test_one_learned_beta():
    net = nn.Sequential(BinaryLinear(12, 40), leaky(()), BinaryLinear(40, 3))
    assert isinstance(exact(convert.snntorch(net, (12,), 20, **EVENTS))["leak"], float)


@for_each("shape", [(4, 1, 1), (1, 4, 1, 1)])
def test_one_per_channel(shape):
    net = nn.Sequential(BinaryConv2d(2, 4, 3), leaky(shape), nn.Flatten(), BinaryLinear(144, 3))
    assert exact(convert.snntorch(net, (2, 8, 8), 6, **EVENTS))["leak"].shape == (4,)


def test_one_per_place_is_refused():
    net = nn.Sequential(BinaryConv2d(2, 4, 3), leaky((6,)), nn.Flatten(), BinaryLinear(144, 3))
    with pytest.raises(ModelError, match="module '1': a leak of its own for each place of a map"):
        convert.snntorch(net, (2, 8, 8), 6, **EVENTS)


@pytest.mark.wide
def test_beta_above_one_is_clamped_and_zero_has_no_memory():
    snn = pytest.importorskip("snntorch")
    for beta, leak in ((1.25, 1.0), (0.0, 0.0)):
        torch.manual_seed(0)
        neuron = snn.Leaky(beta=beta, init_hidden=True, reset_mechanism="zero")
        net = nn.Sequential(BinaryLinear(12, 40), neuron, BinaryLinear(40, 3))
        assert exact(convert.snntorch(net, (12,), 20, **EVENTS))["leak"] == leak


@pytest.mark.wide
def test_time_constants_per_neuron_in_sinabs_and_norse():
    layers = pytest.importorskip("sinabs.layers")
    norse = pytest.importorskip("norse.torch")
    from sinabs.activation import SingleSpike

    torch.manual_seed(0)
    lif = layers.LIF(tau_mem=torch.rand(40) * 10 + 2, spike_threshold=torch.rand(40) + 0.2,
                     spike_fn=SingleSpike)
    exact(convert.sinabs(nn.Sequential(BinaryLinear(12, 40), lif, BinaryLinear(40, 3)), (12,), 20,
                         **EVENTS))
    rules = norse.LIFBoxParameters(tau_mem_inv=torch.rand(40) * 400 + 50)
    net = norse.SequentialState(BinaryLinear(12, 40), norse.LIFBoxCell(rules), BinaryLinear(40, 3))
    exact(convert.norse(net, (12,), 20, **EVENTS))
