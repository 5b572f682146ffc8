"""Gates per timestep, behind layers of `bsnn_hw.nn.binarize` or put by hand."""

import pytest
import torch
from torch import nn

from bsnn_hw import convert
from bsnn_hw.errors import InputError, ModelError
from bsnn_hw.nn import ConstantGate, binarize
from bsnn_hw.nn.timed import TimedGate
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.convert.toy import Fire, looped, toy
from tests.for_each import for_each

OPTIONS = {"coding": "direct", "bits": 4, "scale": 1 / 15}
FACTORS = torch.tensor([0.5, 2.0, 1.0])


def gate(*factors):
    values = torch.tensor(factors) if factors else FACTORS
    return TimedGate(ConstantGate(values), len(values))


def exact(document):
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["scores_differ"] == 0
    return document


def test_a_gate_in_a_loop_over_time():
    torch.manual_seed(0)
    net = looped(nn.Sequential(BinaryLinear(6, 8), nn.BatchNorm1d(8), gate(), Fire(),
                               BinaryLinear(8, 3)))
    first, last = exact(toy(net, (6,), 3, **OPTIONS))["layers"]
    assert first["gate"]["value"].tolist() == FACTORS.tolist()
    assert "norm" in first and "gate" not in last


def test_a_gate_in_a_module_of_one_timestep():
    torch.manual_seed(0)
    net = nn.Sequential(BinaryLinear(6, 8), gate(), Fire(), BinaryLinear(8, 3))
    document = exact(toy(net, (6,), 3, readout="mean", **OPTIONS))
    assert document["layers"][0]["gate"]["value"].tolist() == FACTORS.tolist()


def test_a_binarized_network():
    torch.manual_seed(0)
    body = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), Fire(0.2), nn.Linear(8, 7),
                         Fire(0.2), nn.Linear(7, 3))
    net = looped(binarize(body, timesteps=3))
    layers = exact(toy(net, (6,), 3, **OPTIONS))["layers"]
    assert [layer.get("weight_bits", 1) for layer in layers] == [8, 1, 8]
    assert [layer["gate"]["value"].tolist() for layer in layers[:-1]] == [[0.5] * 3] * 2


class Timed(nn.Module):
    """A constant for each timestep, as SpikingJelly's TEBN multiplies by, in front of neurons or
    behind the last layer; samples come before timesteps or behind them."""

    def __init__(self, where, constant=FACTORS, batch_first=False):
        super().__init__()
        self.where, self.constant, self.batch_first = where, constant, batch_first
        self.first, self.fire, self.last = BinaryLinear(6, 8), Fire(0.2), BinaryLinear(8, 3)

    def forward(self, x):
        axis = int(self.batch_first)
        shape = [1, 1, 1]
        shape[axis] = -1
        factors = self.constant.view(shape[axis:]) if self.constant.ndim == 1 else self.constant
        x = x.unsqueeze(axis).repeat([1, 3, 1] if axis else [3, 1, 1])
        current = self.first(x) * (factors if self.where == "neurons" else 1.0)
        spikes = torch.stack([self.fire(each) for each in current.unbind(axis)], axis)
        scores = self.last(spikes)
        return (scores / factors if self.where == "scores" else scores).mean(axis)


@for_each("batch_first", [False, True])
def test_a_constant_of_each_timestep(batch_first):
    torch.manual_seed(0)
    layers = exact(toy(Timed("neurons", batch_first=batch_first), (6,), 3, **OPTIONS))["layers"]
    assert layers[0]["gate"]["value"].tolist() == FACTORS.tolist() and "gate" not in layers[1]
    layers = exact(toy(Timed("scores", batch_first=batch_first), (6,), 3, **OPTIONS))["layers"]
    assert layers[1]["gate"]["value"].tolist() == (1 / FACTORS).tolist() and "gate" not in layers[0]


def test_other_constants_of_timesteps():
    for constant, message in ((torch.rand(3, 1, 8), "a constant of its own for each sample or"),
                              (-FACTORS, "gate.value must be above 0")):
        with pytest.raises((InputError, ModelError), match=message):
            toy(Timed("neurons", constant), (6,), 3, **OPTIONS)


def test_spikingjelly_s_norm_with_a_scale_of_each_timestep():
    pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import functional, layer, neuron

    torch.manual_seed(0)
    norm = layer.TemporalEffectiveBatchNorm2d(4, 3)
    norm.scale.data = torch.tensor([0.5, 1.5, 0.25, 1.0])
    net = nn.Sequential(layer.SeqToANNContainer(BinaryConv2d(2, 3, 3)), norm,
                        neuron.LIFNode(v_threshold=0.4), layer.Flatten(), BinaryLinear(48, 4))
    functional.set_step_mode(net, "m")
    document = exact(convert.spikingjelly(net, (2, 6, 6), 4, coding="events", sequence=True,
                                          readout="mean"))
    assert document["layers"][0]["gate"]["value"].tolist() == norm.scale.tolist()


@for_each("parts, message", [
    ((gate(1.0, 2.0), Fire()), r"is a gate of \(2,\) factors, and must have one for each of 3"),
    ((gate(), nn.BatchNorm1d(8), Fire()), "gated currents; gate them last"),
])
def test_gates_that_are_refused(parts, message):
    net = looped(nn.Sequential(BinaryLinear(6, 8), *parts, BinaryLinear(8, 3)))
    with pytest.raises((InputError, ModelError), match=message):
        toy(net, (6,), 3, **OPTIONS)


def test_a_gate_of_spikes_is_refused():
    net = looped(nn.Sequential(BinaryLinear(6, 8), Fire(), gate(), BinaryLinear(8, 3)))
    with pytest.raises(ModelError, match="must take spikes or the input, not a gate"):
        toy(net, (6,), 3, **OPTIONS)


def test_a_gate_of_the_sample_is_refused():
    body = nn.Sequential(nn.Linear(6, 8), Fire(), nn.Linear(8, 3))
    net = looped(binarize(body, timesteps=3, gate="agmm-sample"))
    with pytest.raises(InputError, match=r"is a gate of no constants: .* running average"):
        toy(net, (6,), 3, **OPTIONS)
