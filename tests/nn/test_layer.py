"""Layers: the pool in front, the shortcuts into the current, and what they hand on."""

import pytest
import torch

from bsnn_hw.nn import (
    IF,
    AGMMGate,
    BatchNorm,
    BinaryConv2d,
    BinaryLinear,
    CurrentShortcut,
    Layer,
    Pool,
    Readout,
    Recurrence,
    Scale,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.nn.layer import Activity
from tests.for_each import for_each


def identity():
    """A synapse that hands a single value on."""
    synapse = BinaryLinear(1, 1)
    synapse.weight.data.fill_(0.5)
    return synapse


def column(*values):
    """One value per timestep, (T, 1, 1)."""
    return torch.tensor(values).view(-1, 1, 1)


EARLIER = {"a": Activity(column(0.25, -0.5), column(0.0, 1.0))}


@for_each("shortcut, wanted", [
    (CurrentShortcut("a"), [0.75, 0.5]),
    (SpikeShortcut("a"), [0.5, 2.0]),
    (SpikeShortcut("a", 0.25), [0.5, 1.25]),
    (SynapseShortcut("a", identity()), [0.5, 2.0]),
])
def test_shortcuts_add_to_the_current(shortcut, wanted):
    done = Layer(identity(), neuron=IF(), shortcuts=[shortcut])(column(0.5, 1.0), 2, EARLIER)
    assert done.currents.flatten().tolist() == wanted
    assert done.spikes.flatten().tolist() == [0, 1]


def test_several_shortcuts_add_up():
    layer = Layer(identity(), shortcuts=[CurrentShortcut("a"), SpikeShortcut("a")])
    assert layer(column(0.0, 0.0), 2, EARLIER).currents.flatten().tolist() == [0.25, 0.5]


def test_a_static_current_is_added_at_every_timestep():
    earlier = {"a": Activity(column(0.25), column(0.0, 1.0))}
    done = Layer(identity(), shortcuts=[CurrentShortcut("a")])(column(0.5, 1.0), 2, earlier)
    assert done.currents.flatten().tolist() == [0.75, 1.25]


def test_the_current_that_goes_on_includes_the_shortcuts():
    first = Layer(identity(), shortcuts=[CurrentShortcut("a")])
    earlier = EARLIER | {"b": first(column(0.0, 0.0), 2, EARLIER)}
    second = Layer(identity(), shortcuts=[CurrentShortcut("b")])
    assert second(column(1.0, 1.0), 2, earlier).currents.flatten().tolist() == [1.25, 0.5]


def test_norm_and_gate_are_in_front_of_the_join():
    torch.manual_seed(0)
    layer = Layer(identity(), BatchNorm(1), AGMMGate(2), shortcuts=[CurrentShortcut("a")]).eval()
    # Untrained: the norm divides by sqrt(1 + 1e-5), the gate is sigmoid(0) = 1/2.
    currents = layer(column(0.5, 1.0), 2, EARLIER).currents
    assert currents.flatten().tolist() == pytest.approx([0.5, 0.0], abs=1e-4)


def test_pool_is_in_front_of_the_synapse():
    torch.manual_seed(0)
    spikes = (torch.rand(2, 3, 2, 4, 4) < 0.3).float()
    synapse = BinaryConv2d(2, 5, 1)
    pooled = Layer(synapse, pool=Pool("max", 2))(spikes, 2).currents
    assert torch.equal(pooled, synapse(Pool("max", 2)(spikes)))
    shortcut = SynapseShortcut("a", synapse, pool=Pool("max", 2))
    assert torch.equal(shortcut(Activity(spikes, spikes)), pooled)


def test_a_linear_synapse_flattens_its_map_in_torch_order():
    torch.manual_seed(0)
    # In memory the channels are innermost, as a convolution leaves them.
    spikes = (torch.rand(6, 3, 2, 2) < 0.5).float().contiguous(memory_format=torch.channels_last)
    spikes = spikes.unflatten(0, (2, 3))
    synapse = BinaryLinear(12, 4)
    wanted = synapse(torch.stack([spikes[..., c, y, x] for c in range(3) for y in range(2)
                                  for x in range(2)], dim=-1))
    assert torch.equal(Layer(synapse)(spikes, 2).currents, wanted)
    assert torch.equal(Readout(synapse)(spikes), wanted.mean(0))


def test_wrong_scale():
    with pytest.raises(ValueError, match="Scale must be positive, not 0"):
        SpikeShortcut("a", 0)


def test_own_spikes_come_back_a_timestep_later():
    layer = Layer(identity(), neuron=IF(), shortcuts=[Recurrence(identity(), Scale(1, -0.75))])
    done = layer(column(1.0, 1.0, 0.5, 0.0), 4)
    # H: 1 fires; 1 - 0.75; 0.25 + 0.5; 0.75
    assert done.spikes.flatten().tolist() == [1, 0, 0, 0]
    assert done.currents.flatten().tolist() == [1, 0.25, 0.5, 0]


def test_a_recurrence_beside_another_shortcut_and_a_static_input():
    layer = Layer(identity(), neuron=IF(), shortcuts=[SpikeShortcut("a", 0.5),
                                                      Recurrence(identity(), Scale(1, 0.25))])
    done = layer(column(1.0), 2, EARLIER)
    assert done.currents.flatten().tolist() == [1, 1.75]
    assert done.spikes.flatten().tolist() == [1, 1]
