"""Scores: spikes that are counted, groups that vote, membranes that are never reset."""

import pytest
import torch
from torch import nn

from bsnn_hw import convert
from bsnn_hw.errors import InputError, ModelError
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # of packages that `make install` leaves out

PIXELS = {"coding": "direct", "bits": 8, "scale": 1 / 255}


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


def exact(document):
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["ties"] == found["scores_differ"] == 0
    assert found["scores"] > 0
    return document


def tutorial(snn, give, **rules):
    """snnTorch's tutorial 5: 784 inputs, a spiking output; ``give`` makes what is returned."""

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = BinaryLinear(784, 64)
            self.lif1 = snn.Leaky(beta=0.95)
            self.fc2 = BinaryLinear(64, 10)
            self.lif2 = snn.Leaky(beta=0.95, **rules)

        def forward(self, x):
            mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
            spk2_rec, mem2_rec = [], []
            for _ in range(12):
                spk1, mem1 = self.lif1(self.fc1(x), mem1)
                spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
                spk2_rec.append(spk2)
                mem2_rec.append(mem2)
            return give(torch.stack(spk2_rec, dim=0), torch.stack(mem2_rec, dim=0))

    return Net()


@for_each("give, options", [
    (lambda spikes, mem: (spikes, mem), {"output": 0, "readout": "spike_count"}),
    (lambda spikes, mem: spikes.sum(dim=0), {}),
    (lambda spikes, mem: spikes.mean(0), {})])
def test_spikes_of_the_tutorial_network(give, options):
    snn = pytest.importorskip("snntorch")
    document = exact(convert.snntorch(tutorial(snn, give), (784,), 12, **PIXELS, **options))
    assert document["readout"] == {"type": "spike_count", "group": 1}
    assert [layer["neuron"]["type"] for layer in document["layers"]] == ["lif", "lif"]


@for_each("kind", ["sum", "mean", "last", "max"])
def test_membranes_that_are_never_reset(kind):
    snn = pytest.importorskip("snntorch")
    net = tutorial(snn, lambda spikes, mem: mem, reset_mechanism="none")
    document = exact(convert.snntorch(net, (784,), 12, **PIXELS, readout=kind))
    readout = document["layers"][1]["neuron"]
    assert readout["type"] == "readout" and readout["leak"] == float(torch.tensor(0.95))


def test_what_cannot_be_scores():
    snn = pytest.importorskip("snntorch")
    reset = tutorial(snn, lambda spikes, mem: mem)
    with pytest.raises(ModelError, match="the scores are the membrane of 'lif2', which spikes"):
        convert.snntorch(reset, (784,), 12, **PIXELS, readout="sum")
    with pytest.raises(InputError, match="`readout`: must be 'spike_count', as forward gives "
                                         "spikes"):
        convert.snntorch(tutorial(snn, lambda spikes, mem: spikes), (784,), 12, **PIXELS)
    with pytest.raises(InputError, match="must be the sum or mean of spikes, not their max"):
        convert.snntorch(tutorial(snn, lambda spikes, mem: spikes.amax(0)), (784,), 12, **PIXELS)


def test_voting_groups():
    pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import functional, layer, neuron

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(
                layer.SeqToANNContainer(BinaryConv2d(1, 4, 3, padding=1)), neuron.LIFNode(),
                layer.MaxPool2d(2, 2), layer.Flatten(), BinaryLinear(64, 30), neuron.LIFNode(),
                layer.VotingLayer(10))
            functional.set_step_mode(self, "m")

        def forward(self, x):
            return self.body(x.unsqueeze(0).repeat(4, 1, 1, 1, 1)).mean(0)

    document = exact(convert.spikingjelly(Net(), (1, 8, 8), 4, **PIXELS))
    assert document["readout"] == {"type": "spike_count", "group": 10}


@for_each("give, options", [
    (lambda spikes: spikes.sum(0).view(-1, 5, 2).sum(-1), {}),
    (lambda spikes: spikes.unflatten(2, (5, 2)).mean(dim=3).mean(0), {}),
    (lambda spikes: spikes.sum(0).view(-1, 5, 2).sum(2) / 24, {}),
    (lambda spikes: spikes.view(12, -1, 5, 2).sum(-1), {"readout": "spike_count"})])
def test_populations(give, options):
    """Neurons that stand side by side count for a class, snnTorch's population_code."""
    snn = pytest.importorskip("snntorch")
    net = tutorial(snn, lambda spikes, mem: give(spikes))
    document = exact(convert.snntorch(net, (784,), 12, **PIXELS, **options))
    assert document["readout"] == {"type": "spike_count", "group": 2}


@for_each("give, message", [
    (lambda spikes: spikes.sum(0).view(-1, 2, 5).sum(1), "the sum over something else than the"),
    (lambda spikes: spikes.sum(0).view(-1, 5, 2).amax(-1), "the max over something else than the"),
    (lambda spikes: spikes.sum(0).sum(-1), "the sum over something else than the timesteps")])
def test_what_is_no_population(give, message):
    snn = pytest.importorskip("snntorch")
    with pytest.raises(InputError, match=message):
        convert.snntorch(tutorial(snn, lambda spikes, mem: give(spikes)), (784,), 12, **PIXELS)


def test_spikes_of_a_step_by_step_network():
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    net = nn.Sequential(BinaryLinear(12, 20), neuron.IFNode(), BinaryLinear(20, 4),
                        neuron.IFNode())
    exact(convert.spikingjelly(net, (12,), 6, coding="events", readout="spike_count"))


def test_a_loop_over_events():
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.lif1 = BinaryLinear(12, 20), snn.Leaky(beta=0.9)
            self.fc2, self.lif2 = BinaryLinear(20, 3), snn.Leaky(beta=0.9)

        def forward(self, x):
            mem1, mem2, record = self.lif1.init_leaky(), self.lif2.init_leaky(), []
            for step in range(x.size(0)):
                spk1, mem1 = self.lif1(self.fc1(x[step].flatten(1)), mem1)
                spk2, mem2 = self.lif2(self.fc2(spk1), mem2)
                record.append(spk2)
            return torch.stack(record)

    exact(convert.snntorch(Net(), (3, 2, 2), 6, coding="events", sequence=True,
                           readout="spike_count"))


def test_a_firing_rate_that_is_summed_up():
    """SpikingJelly's older examples: a loop around a network of single timesteps."""
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = nn.Sequential(BinaryConv2d(1, 4, 3), neuron.IFNode(), nn.Flatten(),
                                      BinaryLinear(144, 5), neuron.IFNode())

        def forward(self, x):
            rate = 0.0
            for _ in range(4):
                rate += self.body(x)
            return rate / 4

    assert "readout" in exact(convert.spikingjelly(Net(), (1, 8, 8), 4, **PIXELS))


def test_norse_neurons_of_whole_sequences():
    norse = pytest.importorskip("norse.torch")
    net = norse.SequentialState(BinaryLinear(12, 20), norse.IAF(), BinaryLinear(20, 3))
    exact(convert.norse(net, (12,), 6, coding="events", sequence=True, readout="last", output=0))
