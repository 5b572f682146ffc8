"""Builders: shapes, shortcuts, and gradients down to every parameter."""

import pytest
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.nn import (
    CurrentShortcut,
    SynapseShortcut,
    convolutional,
    fully_connected,
    recurrent,
    residual,
    resnet19,
    vgg,
)
from tests.for_each import for_each


def images(batch=8, side=28):
    return torch.rand(batch, 1, side, side, generator=torch.Generator().manual_seed(0))


def maps(output):
    return [tuple(spikes.shape[2:]) for spikes in output.spikes]


@for_each("gate", ["agmm", "agmm-sample", "none"])
def test_convolutional_maps(gate):
    network = convolutional((1, 28, 28), (3, 5, 4), (6,), 10, timesteps=2, gate=gate)
    output = network(images())
    assert maps(output) == [(3, 14, 14), (5, 7, 7), (4, 7, 7), (6,)]
    assert list(network.hidden) == ["conv1", "conv2", "conv3", "fc1"]
    assert output.logits.shape == (8, 10)


def test_convolutional_without_dense_layers_and_with_odd_sides():
    output = convolutional((1, 13, 9), (3, 5), (), 4, timesteps=1)(torch.rand(2, 1, 13, 9))
    assert maps(output) == [(3, 7, 5), (5, 4, 3)]
    assert output.logits.shape == (2, 4)


def test_kernels_of_a_convolutional_network():
    network = convolutional((1, 28, 30), (3, 5), (6,), 10, timesteps=2, kernels=((4, 4), (3, 2)))
    assert maps(network(torch.rand(8, 1, 28, 30))) == [(3, 7, 7), (5, 4, 4), (6,)]


def test_a_kernel_larger_than_its_map():
    with pytest.raises(InputError, match="kernels: must fit into the map, 4x4 of conv2 does not"):
        convolutional((1, 12, 12), (3, 5), (6,), 10, timesteps=2, kernels=((4, 4), (4, 4)))


@for_each("gate", ["agmm", "none"])
def test_residual_maps_and_shortcuts(gate):
    network = residual((1, 28, 28), (3, 3, 5, 5), 10, timesteps=2, gate=gate)
    assert maps(network(images())) == [(3, 14, 14), (3, 14, 14), (5, 7, 7), (5, 7, 7)]
    kinds = [[type(shortcut) for shortcut in layer.shortcuts] for layer in network.hidden.values()]
    assert kinds == [[], [CurrentShortcut], [SynapseShortcut], [CurrentShortcut]]
    sources = [layer.shortcuts[0].source for layer in list(network.hidden.values())[1:]]
    assert sources == ["conv1", "conv2", "conv3"]


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    network = residual((1, 12, 12), (4, 4, 6, 6), 3, timesteps=3)
    output = network(images(32, 12))
    (output.logits.square().sum() + output.rates.sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_events_take_spikes_of_images():
    network = convolutional((1, 12, 12), (2, 3), (4,), 3, timesteps=3, coding="events")
    assert network((torch.rand(3, 5, 1, 12, 12) < 0.3).float()).logits.shape == (5, 3)


def test_the_ends_may_have_eight_bits():
    networks = [fully_connected((6, 5, 4, 3), timesteps=2, int8_ends=True),
                convolutional((1, 12, 12), (2, 3), (4,), 3, timesteps=2, int8_ends=True),
                residual((1, 12, 12), (2, 4), 3, timesteps=2, int8_ends=True),
                vgg([(2, 2), (3,)], neurons=4, shape=(3, 8, 8), timesteps=2, int8_ends=True),
                resnet19(blocks=(1, 1), channels=(2, 3), neurons=4, shape=(3, 8, 8),
                         timesteps=2, int8_ends=True)]
    for network in networks:
        bits = [synapse.weight_bits for synapse in network.synapses().values()]
        assert (bits[0], bits[-1]) == (8, 8)
        assert set(bits[1:-1]) == {1}


def test_the_ends_of_a_twin_are_real():
    with pytest.raises(ValueError, match="Binary must be True with"):
        fully_connected((6, 5, 3), timesteps=2, int8_ends=True, binary=False)


def test_a_twin_has_real_weights_everywhere():
    network = residual((1, 12, 12), (2, 4), 3, timesteps=1, binary=False)
    synapses = [module for module in network.modules() if hasattr(module, "binary")]
    assert len(synapses) == 4
    assert not any(synapse.binary for synapse in synapses)


@for_each("bits", [1, 2, 4])
def test_weights_of_few_bits(bits):
    networks = [fully_connected((6, 5, 3), timesteps=2, weight_bits=bits),
                recurrent((6, 5, 4, 3), timesteps=2, weight_bits=bits),
                convolutional((1, 12, 12), (2, 3), (4,), 3, timesteps=2, weight_bits=bits),
                residual((1, 12, 12), (2, 4), 3, timesteps=2, weight_bits=bits)]
    for network in networks:
        assert {synapse.weight_bits for synapse in network.synapses().values()} == {bits}
    ends = fully_connected((6, 5, 4, 3), timesteps=2, weight_bits=bits, int8_ends=True)
    assert [synapse.weight_bits for synapse in ends.synapses().values()] == [8, bits, 8]


@for_each("options", [{}, {"weight_bits": 4}, {"binary": False}, {"gate": "none"}])
def test_recurrent_layers_learn(options):
    torch.manual_seed(0)
    network = recurrent((6, 8, 7, 3), timesteps=5, coding="events", **options)
    output = network((torch.rand(5, 16, 6) < 0.5).float())
    (output.logits.square().sum() + output.rates.sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    assert set(network.synapses()) == {"fc1", "fc1.shortcut0", "fc2", "fc2.shortcut0", "readout"}
