"""Flips are counted by the optimizers' own steps."""

import gc
import weakref

import pytest
import torch
from torch import nn

from bsnn_hw.errors import InputError
from bsnn_hw.nn import BinaryLinear, FlipMonitor
from tests.for_each import for_each


def model():
    layer = BinaryLinear(2, 2)
    layer.weight.data = torch.tensor([[0.1, -0.1], [0.2, -0.2]])
    return nn.Sequential(layer)


def step(network, optimizer, gradient):
    network[0].weight.grad = torch.tensor(gradient)
    optimizer.step()


def test_flips_by_hand():
    network = model()
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    monitor = FlipMonitor(network)
    step(network, optimizer, [[0.2, 0.0], [0.0, 0.0]])  # one flips
    step(network, optimizer, [[-0.2, -0.2], [0.0, 0.0]])  # it flips back, and another
    found = monitor.epoch()
    assert (found.steps, found.per_step, found.per_epoch) == (2, 3 / 8, 1 / 4)
    assert found.by_layer == {"0": 3 / 8}
    assert monitor.epoch() == (0, 0.0, 0.0, {"0": 0.0})


@for_each("kind", [torch.optim.Adam, torch.optim.RMSprop, torch.optim.Adagrad])
def test_any_optimizer(kind):
    network = model()
    monitor = FlipMonitor(network)
    optimizer = kind(network.parameters(), lr=0.15)
    step(network, optimizer, [[1.0, 0.0], [0.0, 0.0]])
    assert monitor.epoch().per_step == 1 / 4


def test_optimizers_of_other_models_do_not_count():
    monitor, other = FlipMonitor(model()), model()
    step(other, torch.optim.SGD(other.parameters(), lr=1.0), [[1.0, 1.0], [1.0, 1.0]])
    assert monitor.epoch().steps == 0


def test_a_monitor_goes_with_its_model():
    network = model()
    reference = weakref.ref(network)
    monitor = FlipMonitor(network)
    del network, monitor
    gc.collect()
    assert reference() is None


def test_a_model_without_binary_weights():
    with pytest.raises(InputError, match=r"Linear: must have binary weights, has none; binarize"):
        FlipMonitor(nn.Linear(2, 2))
    with pytest.raises(InputError, match="must have binary weights"):
        FlipMonitor(BinaryLinear(2, 2, binary=False))
