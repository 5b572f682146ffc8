"""Networks: shapes, rates, both codings, and gradients down to every parameter."""

from collections import OrderedDict

import pytest
import torch

from bsnn_hw.nn import (
    AGMMGate,
    BatchNorm,
    BinaryConv2d,
    BinaryLinear,
    CurrentShortcut,
    Layer,
    Network,
    Readout,
    fully_connected,
    residual,
)
from tests.for_each import for_each


def inputs(seed, *shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@for_each("gate", ["agmm", "agmm-sample", "none"])
@for_each("timesteps", [1, 4])
def test_output_shapes_and_rates(gate, timesteps):
    network = fully_connected((6, 5, 4, 3), timesteps=timesteps, gate=gate)
    output = network(inputs(0, 8, 6))
    assert output.logits.shape == (8, 3)
    assert [spikes.shape for spikes in output.spikes] == [(timesteps, 8, 5), (timesteps, 8, 4)]
    assert output.rates.tolist() == pytest.approx([s.mean().item() for s in output.spikes])


@for_each("seed", [0, 1])
def test_direct_coding_equals_events_of_the_same_input(seed):
    direct = fully_connected((6, 5, 3), timesteps=3).eval()
    events = fully_connected((6, 5, 3), timesteps=3, coding="events").eval()
    events.load_state_dict(direct.state_dict())
    spikes = (inputs(seed, 8, 6) < 0.5).float()
    assert torch.equal(direct(spikes).logits, events(spikes.expand(3, 8, 6)).logits)


def test_every_parameter_gets_a_gradient():
    torch.manual_seed(0)
    network = fully_connected((20, 16, 12, 3), timesteps=3)
    output = network(inputs(0, 64, 20))
    (output.logits.square().sum() + output.rates.sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_readout_is_the_mean_over_timesteps():
    readout = Readout(BinaryLinear(2, 1))
    readout.synapse.weight.data = torch.tensor([[0.5, -0.5]])
    spikes = torch.tensor([[[1.0, 0.0]], [[1.0, 1.0]], [[1.0, 0.0]], [[0.0, 1.0]]])
    assert readout(spikes).item() == pytest.approx((1 + 0 + 1 - 1) / 4)


def test_convolutional_layer_learns():
    torch.manual_seed(0)
    layer = Layer(BinaryConv2d(1, 4, 3, padding=1), BatchNorm(4), AGMMGate(2))
    spikes = layer(inputs(0, 1, 8, 1, 6, 6), 2).spikes
    assert spikes.shape == (2, 8, 4, 6, 6)
    assert 0 < spikes.mean() < 1
    spikes.square().sum().backward()
    assert layer.synapse.weight.grad.abs().sum() > 0


def test_a_network_without_hidden_layers():
    network = Network(OrderedDict(), Readout(BinaryLinear(4, 2)), timesteps=3)
    output = network(inputs(0, 5, 4))
    assert output.logits.shape == (5, 2)
    assert output.rates.shape == (0,)


def test_a_layer_may_read_an_earlier_one():
    torch.manual_seed(0)
    hidden = {"a": Layer(BinaryLinear(4, 3)), "b": Layer(BinaryLinear(3, 5)),
              "c": Layer(BinaryLinear(3, 2), source="a")}
    output = Network(hidden, Readout(BinaryLinear(5, 2), source="b"), timesteps=2)(inputs(0, 6, 4))
    again = hidden["c"](output.spikes[0], 2).spikes
    assert torch.equal(output.spikes[2], again)
    assert output.logits.shape == (6, 2)


def test_weights_of_shortcuts_have_names():
    network = residual((1, 8, 8), (2, 2, 4), 3, timesteps=1)
    shapes = {name: tuple(weight.shape) for name, weight in network.latent_weights().items()}
    assert shapes == {"conv1": (2, 1, 5, 5), "conv2": (2, 2, 3, 3), "conv3": (4, 2, 3, 3),
                      "conv3.shortcut0": (4, 2, 1, 1), "readout": (3, 16)}


def test_a_layer_reads_only_layers_before_it():
    late = {"a": Layer(BinaryLinear(4, 4)), "b": Layer(BinaryLinear(4, 4), source="c")}
    with pytest.raises(ValueError, match=r"Layer 'b' must read a layer before it \(a\), not 'c'"):
        Network(late, Readout(BinaryLinear(4, 2)), timesteps=1)
    own = {"a": Layer(BinaryLinear(4, 4), shortcuts=[CurrentShortcut("a")])}
    with pytest.raises(ValueError, match=r"Layer 'a' must .* \(there is none\), not 'a'"):
        Network(own, Readout(BinaryLinear(4, 2)), timesteps=1)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="Timesteps must be 1 or more, not 0"):
        fully_connected((4, 3, 2), timesteps=0)
    with pytest.raises(ValueError, match=r"Gate must be one of .*, not 'relu'"):
        fully_connected((4, 3, 2), timesteps=1, gate="relu")
    with pytest.raises(ValueError, match="'frames' is not a valid Coding"):
        fully_connected((4, 3, 2), timesteps=1, coding="frames")
