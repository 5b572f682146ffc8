"""The frameworks' own tutorial networks, their neurons one by one, and what is refused by name."""

import importlib.util

import numpy as np
import pytest
import torch
from torch import nn

from bsnn_hw import convert
from bsnn_hw.errors import ModelError
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from evidence.random_networks import check_document
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # of packages that `make install` leaves out

PIXELS = {"coding": "direct", "bits": 8, "scale": 1 / 255}
SEEDS = range(3)


def exact(document):
    """No spike and no score differs; weights here are signs times powers of two."""
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["ties"] == found["scores_differ"] == 0
    return document


def refused(framework, *neurons, shape=(6,), **options):
    """The reasons why a network of these neurons is refused, all at once."""
    layers = [part for neuron in neurons for part in (BinaryLinear(6, 6), neuron)]
    with pytest.raises(ModelError) as failure:
        getattr(convert, framework)(nn.Sequential(*layers, BinaryLinear(6, 3)), shape, 4,
                                    coding="events", readout="mean", **options)
    assert len(failure.value.problems) == len(neurons)
    return "\n".join(failure.value.problems)


# snnTorch

@for_each("mechanism", ["subtract", "zero", "none"])
def test_snntorch_resets(mechanism):
    snn = pytest.importorskip("snntorch")
    for seed in SEEDS:
        torch.manual_seed(seed)
        for beta, threshold in ((0.9, 1.0), (0.5, 1.0), (1.0, 1.0), (0.8, 4.0)):
            for delay in (True, False) if mechanism != "subtract" else (True,):
                leaky = snn.Leaky(beta=beta, threshold=threshold, init_hidden=True,
                                  reset_mechanism=mechanism, reset_delay=delay)
                net = nn.Sequential(BinaryLinear(12, 40), leaky, BinaryLinear(40, 3))
                exact(convert.snntorch(net, (12,), 20, **PIXELS, readout="mean", seed=seed))


@for_each("mechanism", ["subtract", "zero", "none"])
def test_snntorch_lapicque(mechanism):
    snn = pytest.importorskip("snntorch")
    for seed in SEEDS:
        torch.manual_seed(seed)
        for options in ({"beta": 0.8}, {"R": 5.0, "C": 0.7}, {"beta": 0.9, "C": 2.0},
                        {"R": 5.0, "C": 0.7, "time_step": 0.5, "threshold": 2.0}):
            lif = snn.Lapicque(**options, init_hidden=True, reset_mechanism=mechanism)
            net = nn.Sequential(BinaryLinear(12, 40), lif, BinaryLinear(40, 3))
            document = exact(convert.snntorch(net, (12,), 20, **PIXELS, readout="mean", seed=seed))
            assert ("refractory" in document["layers"][0]["neuron"]) == (mechanism == "zero")


class Own(torch.autograd.Function):
    """A surrogate of the user's own, which fires at the threshold, or only above."""

    @staticmethod
    def forward(ctx, x, at):
        return ((x >= 0) if at else (x > 0)).to(x)


@for_each("at, comparison", [(True, ">="), (False, ">")])
def test_surrogates_of_ones_own(at, comparison):
    """Whose decision at the threshold is theirs, as ties are common with weights of signs."""
    def fires(x):
        return Own.apply(x, at)

    torch.manual_seed(0)
    for framework in ("snntorch", "spikingjelly"):
        if importlib.util.find_spec(framework) is None:
            continue
        if framework == "snntorch":
            import snntorch

            neuron = snntorch.Leaky(beta=0.5, spike_grad=fires, init_hidden=True)
        else:
            from spikingjelly.activation_based.neuron import IFNode

            neuron = IFNode(surrogate_function=fires)
        net = nn.Sequential(BinaryLinear(12, 40, bias=False), neuron, BinaryLinear(40, 3))
        document = exact(getattr(convert, framework)(net, (12,), 9, coding="events",
                                                     readout="mean"))
        assert document["layers"][0]["neuron"]["comparison"] == comparison


def test_surrogates_that_do_not_spike():
    pytest.importorskip("spikingjelly")
    from spikingjelly.activation_based import neuron, surrogate

    graded = neuron.IFNode(surrogate_function=surrogate.Sigmoid(spiking=False))
    assert "a surrogate that gives" in refused("spikingjelly", graded)
    broken = neuron.IFNode(surrogate_function=lambda x: x[7])
    assert "a surrogate that fails with IndexError" in refused("spikingjelly", broken)


def test_spikingjelly_dropout():
    """SpikingJelly's own keeps its mask over time, in training."""
    pytest.importorskip("spikingjelly")
    from spikingjelly.activation_based import layer, neuron

    torch.manual_seed(0)
    net = nn.Sequential(BinaryLinear(12, 40), neuron.IFNode(), layer.Dropout(0.5),
                        BinaryLinear(40, 3))
    exact(convert.spikingjelly(net, (12,), 6, coding="events", readout="mean"))


def test_snntorch_tutorial_loop():
    """Tutorial 5, its forward line by line, with signs for weights and currents for scores."""
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1 = BinaryLinear(28 * 28, 100)
            self.lif1 = snn.Leaky(beta=0.95)
            self.fc2 = BinaryLinear(100, 10)

        def forward(self, x):
            mem1 = self.lif1.init_leaky()
            record = []
            for _ in range(25):
                cur1 = self.fc1(x)
                spk1, mem1 = self.lif1(cur1, mem1)
                record.append(self.fc2(spk1))
            return torch.stack(record, dim=0).mean(0)

    torch.manual_seed(0)
    net = Net()
    net(torch.rand(4, 784)).sum().backward()  # the state that training leaves behind
    document = exact(convert.snntorch(net, (784,), 25, **PIXELS))
    assert [layer["name"] for layer in document["layers"]] == ["fc1", "fc2"]
    neuron = document["layers"][0]["neuron"]
    assert neuron["leak"] == float(torch.tensor(0.95))
    assert neuron["reset_by"] == 1 / neuron["leak"]


def test_snntorch_tutorial_convolutional_net():
    """Tutorial 6: convolution, pooling of its currents, neuron; with signs for weights."""
    snn = pytest.importorskip("snntorch")
    for seed in SEEDS:
        torch.manual_seed(seed)
        net = nn.Sequential(
            BinaryConv2d(1, 6, 5), nn.MaxPool2d(2), snn.Leaky(beta=0.5, init_hidden=True),
            BinaryConv2d(6, 12, 5), nn.MaxPool2d(2), snn.Leaky(beta=0.5, init_hidden=True),
            nn.Flatten(), BinaryLinear(12 * 4 * 4, 10),
            snn.Leaky(beta=0.5, init_hidden=True, output=True))
        document = exact(convert.snntorch(net, (1, 28, 28), 8, **PIXELS, readout="spike_count",
                                          output=0, seed=seed))
        assert [layer.get("current_pool") for layer in document["layers"]] == [
            {"kind": "max", "size": [2, 2]}, {"kind": "max", "size": [2, 2]}, None]


def test_snntorch_tutorial_convolutional_net_by_hand():
    """The same net as its forward, line by line, averages in place of maxima."""
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.lif1 = BinaryConv2d(1, 6, 5), snn.Leaky(beta=0.5)
            self.conv2, self.lif2 = BinaryConv2d(6, 12, 5), snn.Leaky(beta=0.5)
            self.fc1, self.lif3 = BinaryLinear(12 * 4 * 4, 10), snn.Leaky(beta=0.5)

        def forward(self, x):
            mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
            mem3, record = self.lif3.init_leaky(), []
            for _ in range(8):
                cur1 = nn.functional.avg_pool2d(self.conv1(x), 2)
                spk1, mem1 = self.lif1(cur1, mem1)
                cur2 = nn.functional.avg_pool2d(self.conv2(spk1), 2)
                spk2, mem2 = self.lif2(cur2, mem2)
                cur3 = self.fc1(spk2.view(x.shape[0], -1))
                spk3, mem3 = self.lif3(cur3, mem3)
                record.append(spk3)
            return torch.stack(record, dim=0).sum(0)

    torch.manual_seed(0)
    exact(convert.snntorch(Net(), (1, 28, 28), 8, **PIXELS))


def test_snntorch_refusals():
    snn = pytest.importorskip("snntorch")
    text = refused(
        "snntorch", snn.Alpha(alpha=0.9, beta=0.8), snn.Leaky(beta=0.9, reset_delay=False),
        snn.Leaky(beta=0.9, state_quant=lambda mem: mem), snn.Leaky(beta=0.0),
        snn.Leaky(beta=0.9, graded_spikes_factor=2.0), snn.Lapicque(R=1.0, C=0.5))
    for words in ("two synaptic currents (Alpha)", "reset_delay=False subtracts a second time",
                  "a quantised state", "beta 0", "graded spikes", "a timestep longer than R*C"):
        assert words in text


# SpikingJelly

def test_spikingjelly_neurons():
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    for seed in SEEDS:
        torch.manual_seed(seed)
        for reset in (0.0, None, -0.5, 0.25):
            rules = {"v_threshold": 1.0, "v_reset": reset}
            for made in (neuron.IFNode(**rules), neuron.LIFNode(2.0, True, **rules),
                         neuron.LIFNode(4.0, False, **rules),
                         neuron.ParametricLIFNode(2.0, True, **rules)):
                net = nn.Sequential(BinaryLinear(12, 40), made, BinaryLinear(40, 3))
                document = convert.spikingjelly(net, (12,), 20, **PIXELS, readout="mean",
                                                seed=seed)
                found = document["recipe"]["converted"]
                # Moved by v_reset, potentials are rounded otherwise.
                assert found["spikes_differ"] <= 60 * found["ties"] and found["ties"] < 4


def test_spikingjelly_fashion_mnist():
    """The CSNN of its examples, its forward line by line, with signs for weights."""
    pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import functional, layer, neuron

    class CSNN(nn.Module):
        def __init__(self, timesteps, channels):
            super().__init__()
            self.T = timesteps
            self.conv_fc = nn.Sequential(
                layer.SeqToANNContainer(BinaryConv2d(1, channels, 3, padding=1, bias=False)),
                layer.BatchNorm2d(channels), neuron.IFNode(), layer.MaxPool2d(2, 2),
                layer.SeqToANNContainer(BinaryConv2d(channels, channels, 3, padding=1,
                                                     bias=False)),
                layer.BatchNorm2d(channels), neuron.IFNode(), layer.MaxPool2d(2, 2),
                layer.Flatten(), BinaryLinear(channels * 7 * 7, 64, bias=False), neuron.IFNode(),
                BinaryLinear(64, 10, bias=False))
            functional.set_step_mode(self, step_mode="m")

        def forward(self, x):
            x_seq = x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)
            x_seq = self.conv_fc(x_seq)
            return x_seq.mean(0)

    torch.manual_seed(0)
    exact(convert.spikingjelly(CSNN(4, 8), (1, 28, 28), 4, **PIXELS))


def test_spikingjelly_refusals():
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    text = refused("spikingjelly", neuron.KLIFNode(), neuron.QIFNode(), neuron.PSN(T=4),
                   neuron.IFNode(v_threshold=0.5, v_reset=0.5),
                   type("Mine", (neuron.IFNode,), {})())
    for words in ("KLIF, with a ReLU", "a quadratic neuron", "a parallel neuron",
                  "a reset to 0.5, not below the threshold 0.5",
                  "Mine, a class of your own on IFNode, is not known here"):
        assert words in text


# sinabs

def test_sinabs_neurons():
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import MembraneReset, SingleSpike

    for seed in SEEDS:
        torch.manual_seed(seed)
        for made in (layers.IAF(spike_fn=SingleSpike), layers.LIF(5.0, spike_fn=SingleSpike),
                     layers.LIF(5.0, spike_fn=SingleSpike, norm_input=False),
                     layers.LIF(5.0, spike_fn=SingleSpike, reset_fn=MembraneReset())):
            net = nn.Sequential(BinaryLinear(12, 40), made, BinaryLinear(40, 3))
            exact(convert.sinabs(net, (12,), 20, coding="events", readout="mean", seed=seed))


def test_sinabs_floors():
    """Spike for spike, and in most networks the floor matters."""
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import MembraneReset, MembraneSubtract, SingleSpike

    differ, low = 0, torch.tensor(0.25)
    for seed in SEEDS:
        torch.manual_seed(seed)
        for made, floor in (
                (layers.IAF(spike_fn=SingleSpike, min_v_mem=-1.0), -1),
                (layers.IAF(spike_fn=SingleSpike, min_v_mem=0, reset_fn=MembraneReset()), 0),
                (layers.IAF(spike_fn=SingleSpike, min_v_mem=-0.5,
                            reset_fn=MembraneSubtract(1.5)), -0.5),  # a spike may leave the floor
                (layers.LIF(5.0, spike_fn=SingleSpike, min_v_mem=-0.125, spike_threshold=low),
                 -0.125),
                (layers.LIF(5.0, spike_fn=SingleSpike, min_v_mem=-1.0, norm_input=False,
                            reset_fn=MembraneReset()), -1),
                (layers.LIF(5.0, 2.0, spike_fn=SingleSpike, min_v_mem=-0.25,
                            spike_threshold=low), -0.25)):
            net = nn.Sequential(BinaryLinear(12, 40), made, BinaryLinear(40, 3))
            document = exact(convert.sinabs(net, (12,), 20, coding="events", readout="mean",
                                            seed=seed))
            neuron = document["layers"][0]["neuron"]
            assert neuron["min_potential"] == floor
            inputs = (np.random.default_rng(seed).random((20, 20, 12)) < 0.4).astype(np.uint8)
            fired = run(describe(document), inputs).spikes[0]
            del neuron["min_potential"]
            differ += not np.array_equal(run(describe(document), inputs).spikes[0], fired)
    assert differ >= 5 * len(SEEDS)


def test_a_sinabs_floor_in_rtl():
    """As networks for Speck are trained: IAF neurons in maps, average pooling, a floor of -1."""
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import SingleSpike

    torch.manual_seed(0)
    options = {"spike_fn": SingleSpike, "min_v_mem": -1.0, "batch_size": 1}
    net = nn.Sequential(
        BinaryConv2d(2, 4, 3, padding=1, bias=False), layers.IAFSqueeze(**options), nn.AvgPool2d(2),
        BinaryConv2d(4, 6, 3, bias=False), layers.IAFSqueeze(**options), nn.Flatten(),
        BinaryLinear(24, 3, bias=False))
    document = exact(convert.sinabs(net, (2, 8, 8), 6, coding="events", readout="mean"))
    assert document["recipe"]["converted"]["spikes"] > 0
    assert check_document(1, document, lint=True).endswith(": exact")


def test_sinabs_squeezed():
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import SingleSpike

    for fixed in ({"batch_size": 1}, {"num_timesteps": 6}):
        torch.manual_seed(0)
        net = nn.Sequential(BinaryConv2d(2, 4, 3), layers.IAFSqueeze(spike_fn=SingleSpike, **fixed),
                            nn.AvgPool2d(2), nn.Flatten(), BinaryLinear(36, 3))
        exact(convert.sinabs(net, (2, 8, 8), 6, coding="events", readout="mean"))


def test_sinabs_time_in_the_axis_of_samples():
    """FlattenTime makes one axis of two in front of layers that squeeze, or forward does."""
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import SingleSpike

    class Flattened(nn.Module):
        def __init__(self, body):
            super().__init__()
            self.body = body

        def forward(self, x):
            return self.body(x.flatten(0, 1)).unflatten(0, (4, -1)).mean(1)

    torch.manual_seed(0)
    body = nn.Sequential(BinaryConv2d(2, 4, 3), layers.IAFSqueeze(spike_fn=SingleSpike,
                                                                  batch_size=4),
                         nn.AvgPool2d(2), nn.Flatten(), BinaryLinear(36, 3))
    whole = nn.Sequential(layers.FlattenTime(), *body, layers.UnflattenTime(4))
    options = {"coding": "events"}
    found = exact(convert.sinabs(whole, (2, 8, 8), 6, readout="mean", **options))
    assert found["recipe"]["converted"]["samples"] == 4
    exact(convert.sinabs(Flattened(body), (2, 8, 8), 6, sequence="batch_first", **options))
    exact(convert.sinabs(body, (2, 8, 8), 6, readout="mean", **options))


def test_sinabs_refusals():
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import MembraneReset, SingleSpike

    text = refused("sinabs", layers.IAF(), layers.ALIF(5.0, 5.0),
                   layers.LIF(5.0, spike_fn=SingleSpike, min_v_mem=0.5),
                   layers.IAF(spike_fn=SingleSpike, reset_fn=MembraneReset(0.5)))
    for words in ("a neuron of several spikes per timestep (spike_fn MultiSpike",
                  "an adaptive threshold", "a floor of the membrane above 0",
                  "known are MembraneSubtract"):
        assert words in text


def test_a_sinabs_spike_that_goes_below_the_floor():
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import MembraneSubtract, SingleSpike

    text = refused("sinabs", layers.IAF(spike_fn=SingleSpike, min_v_mem=-0.5,
                                        reset_fn=MembraneSubtract(2.0)))
    assert "reset_by must be at most threshold - min_potential, 1.5, not 2: a spike" in text


# Norse

def test_norse_neurons():
    norse = pytest.importorskip("norse.torch")
    for seed in SEEDS:
        torch.manual_seed(seed)
        for made in (norse.LIFBoxCell(),
                     norse.LIFBoxCell(norse.LIFBoxParameters(v_th=torch.tensor(0.35))),
                     norse.LIFBoxCell(norse.LIFBoxParameters(
                         v_leak=torch.tensor(-0.5), v_reset=torch.tensor(-0.5)), dt=0.002),
                     norse.IAFCell()):
            net = norse.SequentialState(BinaryLinear(12, 40), made, BinaryLinear(40, 3))
            document = convert.norse(net, (12,), 20, coding="events", readout="mean", seed=seed)
            found = document["recipe"]["converted"]
            assert found["spikes_differ"] <= 60 * found["ties"] and found["ties"] < 4


def test_norse_all_timesteps_at_once():
    norse = pytest.importorskip("norse.torch")
    torch.manual_seed(0)
    net = norse.Lift(norse.SequentialState(BinaryLinear(12, 40), norse.LIFBoxCell(),
                                           BinaryLinear(40, 3)))
    exact(convert.norse(net, (12,), 9, coding="events", sequence=True, readout="mean",
                        output=0))


def test_norse_refusals():
    norse = pytest.importorskip("norse.torch")
    text = refused("norse", norse.LIFRecurrentCell(6, 6), norse.LSNNCell(),
                   norse.LIFBoxCell(norse.LIFBoxParameters(v_leak=torch.tensor(0.5))))
    for words in ("a recurrent layer of second-order neurons",
                  "an adaptive threshold", "must rest where it is reset to"):
        assert words in text


# Brevitas

def test_brevitas_few_bits_at_the_ends():
    quantised = pytest.importorskip("brevitas.nn")
    snn = pytest.importorskip("snntorch")
    from brevitas.quant import SignedBinaryWeightPerTensorConst

    torch.manual_seed(0)
    net = nn.Sequential(quantised.QuantLinear(12, 20, bias=True, weight_bit_width=4),
                        snn.Leaky(beta=0.5, threshold=0.25, init_hidden=True),
                        quantised.QuantLinear(20, 20, bias=False,
                                              weight_quant=SignedBinaryWeightPerTensorConst),
                        snn.Leaky(beta=0.5, threshold=0.25, init_hidden=True),
                        quantised.QuantLinear(20, 3, bias=True, weight_bit_width=2))
    document = convert.brevitas(net, (12,), 6, coding="events", readout="mean")
    assert document["recipe"]["converted"]["spikes"] > 0
    levels = [np.unique(layer["weight"].numpy()).tolist() for layer in document["layers"]]
    assert set(levels[0]) <= set(range(-7, 8)) and levels[1] == [-1, 1]
    assert set(levels[2]) <= {-1, 0, 1}


def test_brevitas_with_either_neuron():
    quantised = pytest.importorskip("brevitas.nn")
    snn = pytest.importorskip("snntorch")
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    from brevitas.quant import SignedBinaryWeightPerTensorConst

    for made in (lambda: snn.Leaky(beta=0.5, threshold=0.03, init_hidden=True),
                 lambda: neuron.LIFNode(2.0, v_threshold=0.03)):
        torch.manual_seed(0)
        binary = {"weight_quant": SignedBinaryWeightPerTensorConst, "bias": False}
        net = nn.Sequential(quantised.QuantConv2d(1, 4, 3, **binary), made(), nn.Flatten(),
                            quantised.QuantLinear(144, 3, **binary))
        document = convert.brevitas(net, (1, 8, 8), 4, **PIXELS, readout="mean")
        found = document["recipe"]["converted"]
        assert found["spikes_differ"] <= 20 * found["ties"]
        weight = document["layers"][0]["weight"].numpy()
        assert np.array_equal(weight, np.where(net[0].weight.detach().numpy() >= 0, 1, -1))
