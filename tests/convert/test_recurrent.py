"""Layers that get their own spikes back: of snnTorch, SpikingJelly and NIR, and what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from bsnn_hw import convert
from bsnn_hw.convert.family import NeuronError
from bsnn_hw.convert.recurrence import linear_map
from bsnn_hw.errors import InputError, ModelError
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from tests.convert.signs import BinaryLinear
from tests.for_each import for_each

PIXELS = {"coding": "direct", "bits": 8, "scale": 1 / 255}
EVENTS = {"coding": "events", "readout": "mean"}


class Ternary(nn.Linear):
    """Weights of -1/4, 0 and 1/4."""

    def forward(self, x):
        weight = torch.where(self.weight.abs() < 0.05, 0.0, torch.sign(self.weight)) / 4
        return nn.functional.linear(x, weight, self.bias)


def exact(document):
    """No spike and no score differs, and spikes come back."""
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["ties"] == found["scores_differ"] == 0
    assert any(each["kind"] == "recurrent" for layer in document["layers"]
               for each in layer.get("shortcuts", []))
    return document


# The weights, by what the module does with unit vectors

def test_weights_are_those_that_are_multiplied():
    torch.manual_seed(0)
    module = Ternary(5, 3).double()
    weight, bias = linear_map(module, 5)
    latent = module.weight.detach()
    assert np.allclose(weight, torch.where(latent.abs() < 0.05, 0, latent.sign()) / 4)
    assert np.allclose(bias, module.bias.detach())
    assert linear_map(Ternary(4, 4, bias=False).double(), 4)[1] is None


def test_what_is_no_linear_map():
    with pytest.raises(NeuronError, match="not linear in the spikes"):
        linear_map(lambda spikes: spikes.cumsum(1) ** 2, 3)
    with pytest.raises(NeuronError, match="does not take spikes of shape"):
        linear_map(nn.Linear(4, 4).double(), 3)


# snnTorch

@pytest.mark.wide
@for_each("kind", [BinaryLinear, Ternary])
def test_rleaky_in_a_loop(kind):
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        """The example of RLeaky's documentation."""

        def __init__(self):
            super().__init__()
            self.fc1 = BinaryLinear(12, 20)
            self.lif1 = snn.RLeaky(beta=0.9, linear_features=20)
            self.lif1.recurrent = kind(20, 20)
            self.fc2 = BinaryLinear(20, 3)

        def forward(self, x):
            spk1, mem1 = self.lif1.init_rleaky()
            record = []
            for _ in range(9):
                spk1, mem1 = self.lif1(self.fc1(x), spk1, mem1)
                record.append(self.fc2(spk1))
            return torch.stack(record).mean(0)

    torch.manual_seed(0)
    document = exact(convert.snntorch(Net(), (12,), 9, **PIXELS))
    assert document["layers"][0]["shortcuts"][0].get("weight_bits", 1) == (
        2 if kind is Ternary else 1)


@pytest.mark.wide
@for_each("mechanism, late", [("subtract", True), ("none", True), ("zero", True),
                                             ("zero", False)])
def test_rleaky_that_keeps_its_state(mechanism, late):
    snn = pytest.importorskip("snntorch")
    for seed in range(3):
        torch.manual_seed(seed)
        lif = snn.RLeaky(beta=0.8, linear_features=20, init_hidden=True, threshold=2.0,
                         reset_mechanism=mechanism, reset_delay=late)
        lif.recurrent = BinaryLinear(20, 20)
        net = nn.Sequential(BinaryLinear(12, 20), lif, BinaryLinear(20, 3))
        document = exact(convert.snntorch(net, (12,), 9, **PIXELS, readout="mean", seed=seed))
        rests = document["layers"][0]["neuron"].get("refractory", False)
        assert rests == (mechanism == "zero" and late)


@pytest.mark.wide
def test_rleaky_refusals():
    snn = pytest.importorskip("snntorch")

    def net(**options):
        lif = snn.RLeaky(beta=0.9, init_hidden=True, **options)
        if lif.all_to_all and lif.linear_features:
            lif.recurrent = BinaryLinear(20, 20)
        return nn.Sequential(BinaryLinear(12, 20), lif, BinaryLinear(20, 3))

    for options, words in (
            ({"all_to_all": False, "V": 0.5}, "all_to_all=False, whose V brings each neuron's"),
            ({"conv2d_channels": 2, "kernel_size": 3}, "RLeaky with a convolution"),
            ({"linear_features": 20, "inhibition": True}, "inhibition")):
        with pytest.raises(ModelError, match=words):
            convert.snntorch(net(**options), (12,), 4, **PIXELS, readout="mean")
    latent = nn.Sequential(BinaryLinear(12, 20), snn.RLeaky(
        beta=0.9, linear_features=20, init_hidden=True), BinaryLinear(20, 3))
    with pytest.raises(ModelError, match="its own spikes come back through: weights must be"):
        convert.snntorch(latent, (12,), 4, **PIXELS, readout="mean")


@pytest.mark.wide
def test_spikes_of_another_layer_are_no_recurrence():
    snn = pytest.importorskip("snntorch")

    class Crossed(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.out = (BinaryLinear(12, 6), BinaryLinear(6, 6),
                                            BinaryLinear(6, 3))
            self.one, self.two = (snn.RLeaky(beta=0.9, linear_features=6) for _ in range(2))

        def forward(self, x):
            record, (spk, mem), (spk2, mem2) = [], self.one.reset_mem(), self.two.reset_mem()
            for _ in range(4):
                spk, mem = self.one(self.fc1(x), spk2, mem)
                spk2, mem2 = self.two(self.fc2(spk), spk2, mem2)
                record.append(self.out(spk2))
            return torch.stack(record).mean(0)

    with pytest.raises(InputError, match="gets spikes back that are not its own"):
        convert.snntorch(Crossed(), (12,), 4, **PIXELS)


# SpikingJelly

@pytest.mark.wide
@for_each("mode", ["s", "m"])
def test_linear_recurrent_container(mode):
    pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import layer, neuron

    for seed in range(3):
        torch.manual_seed(seed)
        inside = neuron.LIFNode(2.0, v_reset=None) if seed else neuron.IFNode()
        container = layer.LinearRecurrentContainer(inside, 20, 20, step_mode=mode)
        container.rc = Ternary(40, 20)
        net = nn.Sequential(BinaryLinear(12, 20), neuron.IFNode(step_mode=mode), container,
                            BinaryLinear(20, 3))
        options = {"sequence": True} if mode == "m" else {}
        document = exact(convert.spikingjelly(net, (12,), 9, coding="events", readout="mean",
                                              seed=seed, **options))
        assert [layer["name"] for layer in document["layers"]] == ["layer_0", "layer_2", "layer_3"]


@pytest.mark.wide
def test_container_of_more_than_neurons():
    pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import layer, neuron

    inside = nn.Sequential(BinaryLinear(20, 20), neuron.IFNode())
    net = nn.Sequential(BinaryLinear(12, 20), neuron.IFNode(),
                        layer.LinearRecurrentContainer(inside, 20, 20), BinaryLinear(20, 3))
    with pytest.raises(InputError, match="contains something else than one layer of neurons"):
        convert.spikingjelly(net, (12,), 4, **PIXELS, readout="mean")


# NIR

def nir_graph(nir, *more, back=None):
    """input, w, lif, out, output, and the way ``back`` of the neurons' spikes."""
    rng = np.random.default_rng(0)
    weights = {name: rng.choice([-0.5, 0.5], size) for name, size in (
        ("w", (5, 6)), ("back", (5, 5)), ("out", (3, 5)))}
    ones = np.ones(5)
    nodes = {"input": nir.Input(np.array([6])), "w": nir.Linear(weights["w"]),
             "lif": nir.LIF(tau=0.002 * ones, r=2 * ones, v_leak=0 * ones, v_threshold=ones,
                            v_reset=0 * ones),
             "back": nir.Linear(weights["back"]) if back is None else back,
             "out": nir.Linear(weights["out"]), "output": nir.Output(np.array([3]))}
    edges = [("back", "lif"), ("lif", "back"), ("input", "w"), ("w", "lif"), ("lif", "out"),
             ("out", "output"), *more]
    return nir.NIRGraph(nodes, edges, type_check=False), weights


def from_nir(graph):
    return convert.nir(graph, 7, dt=1e-3, decay="euler", reset="hard", comparison=">", **EVENTS)


@pytest.mark.wide
def test_a_way_back_in_nir():
    nir = pytest.importorskip("nir")
    graph, weights = nir_graph(nir)
    model = describe(from_nir(graph))
    inputs = (np.random.default_rng(1).random((4, 7, 6)) < 0.5).astype(np.uint8)
    spikes = run(model, inputs).spikes[0]
    assert spikes.any()
    fired, potential = np.zeros((4, 5)), np.zeros((4, 5))
    for t in range(7):  # tau dv/dt = -v + r I, by Euler with dt / tau = 1/2
        current = inputs[:, t] @ weights["w"].T + fired @ weights["back"].T
        charged = 0.5 * potential + 0.5 * 2 * current
        fired = (charged > 1).astype(float)
        potential = np.where(fired, 0, charged)
        assert np.array_equal(fired, spikes[:, t]), f"timestep {t}"


@pytest.mark.wide
def test_ways_back_that_are_refused():
    nir = pytest.importorskip("nir")
    graph, _ = nir_graph(nir, back=nir.Linear(np.ones((4, 5))))
    with pytest.raises(InputError, match=r"node 'lif': must get its own spikes back through "
                                         r"weights of shape \(5, 5\), not \(4, 5\)"):
        from_nir(graph)
    graph, _ = nir_graph(nir, ("lif", "second"), ("second", "lif"))
    graph.nodes["second"] = nir.Linear(np.ones((5, 5)))
    with pytest.raises(InputError, match="node 'lif': must get its own spikes back through one"):
        from_nir(graph)
