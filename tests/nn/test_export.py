"""Export: the model file computes what the torch network computed, bit of meaning by bit."""

from collections import OrderedDict

import numpy as np
import pytest
import torch

import bsnn_hw
from bsnn_hw.errors import ModelError
from bsnn_hw.model.format import load
from bsnn_hw.model.real import run
from bsnn_hw.nn import (
    IF,
    LIF,
    AGMMGate,
    BatchNorm,
    BinaryConv2d,
    BinaryLinear,
    ConstantGate,
    FewBitConv2d,
    Int8Conv2d,
    Layer,
    Network,
    Pool,
    Readout,
    SpikeShortcut,
    SynapseShortcut,
    calibrate,
    convolutional,
    document,
    fully_connected,
    recurrent,
    residual,
    resnet19,
    save_model,
    vgg,
)
from tests.for_each import for_each

INPUT = {"shape": [12], "bits": 4, "scale": 1 / 15, "offset": 0.0}


def trained(seed, **options):
    """A network whose norms and gates have moved away from their start."""
    torch.manual_seed(seed)
    network = fully_connected((12, 9, 7, 3), **{"timesteps": 3} | options)
    for parameter in network.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    for _ in range(20):
        samples = torch.randint(0, 16, (64, 12)) / 15
        network(samples if options.get("coding") != "events"
                else (samples > 0.5).float().expand(3, 64, 12))
    return network.eval()


def steps(model, samples, coding):
    """Evaluate a loaded model with the equations of bsnn_hw.model.description, in float64."""
    signal = model.input.scale * samples + model.input.offset
    activity = signal if coding == "events" else np.broadcast_to(signal, (3, *signal.shape))
    for layer in model.layers:
        norm = layer.norm
        sums = activity @ np.where(layer.synapse.weight >= 0, 1.0, -1.0).T + layer.synapse.bias
        normed = (sums - norm.mean) / np.sqrt(norm.var + norm.eps) * norm.gamma + norm.beta
        gate = layer.gate[:, None, None]
        if layer.own_gate:
            gate = gate / (1 + np.exp(-normed.mean(axis=-1, keepdims=True)))
        currents = gate * normed
        if layer.neuron is None:
            return currents.mean(0)
        activity = spikes(layer.neuron, currents)
    raise AssertionError("no readout")


def spikes(neuron, currents):
    potential, fired = 0.0, []
    for current in currents:
        charged = neuron.leak * potential + neuron.input_scale * current
        above = charged >= neuron.threshold
        hard = neuron.reset.value == "hard"
        potential = charged * ~above if hard else charged - neuron.threshold * above
        fired.append(above.astype(float))
    return np.stack(fired)


@for_each("options", [{}, {"gate": "none"}, {"reset": "soft"}, {"leak": 1.0},
                                     {"leak": 0.75, "threshold": 0.8}, {"coding": "events"},
                                     {"gate": "agmm-sample"}])
@for_each("seed", [0, 1])
def test_file_computes_the_same_scores(tmp_path, seed, options):
    network = trained(seed, **options)
    coding = options.get("coding", "direct")
    shape = (3, 16, 12) if coding == "events" else (16, 12)
    integers = torch.randint(0, 2 if coding == "events" else 16, shape)
    save_model(tmp_path / "m.pt", network, classes=("a", "b", "c"),
               input={"shape": [12]} if coding == "events" else INPUT)
    model = load(tmp_path / "m.pt")
    wanted = network(integers.float() / (1 if coding == "events" else 15)).logits.detach()
    assert np.allclose(steps(model, integers.numpy(), coding), wanted.numpy(), atol=1e-4)
    assert model.name == "m"
    assert model.classes == ("a", "b", "c")


MAPS = {
    "convolutional": lambda: convolutional((1, 8, 8), (3, 4, 4), (5,), 3, timesteps=2),
    "sample": lambda: convolutional((1, 8, 8), (3, 4, 4), (5,), 3, timesteps=2,
                                    gate="agmm-sample"),
    "residual": lambda: residual((1, 8, 8), (3, 3, 4, 4), 3, timesteps=2),
    "tdbn": lambda: resnet19("tdbn", blocks=(1, 1), channels=(3, 4), neurons=5, classes=3,
                             shape=(1, 8, 8), timesteps=2),
    "bireal": lambda: resnet19("bireal", blocks=(1, 1), channels=(3, 4), neurons=5, classes=3,
                               shape=(1, 8, 8), timesteps=2),
    "vgg": lambda: vgg(((3,), (4, 4)), neurons=5, classes=3, shape=(1, 8, 8), timesteps=2),
    "separable": lambda: Network({
        "a": Layer(Int8Conv2d(1, 4, 3, padding=1, dilation=(1, 2)), BatchNorm(4), AGMMGate(2)),
        "b": Layer(BinaryConv2d(4, 4, 3, padding=1, groups=4), BatchNorm(4), AGMMGate(2)),
        "c": Layer(FewBitConv2d(4, 6, 1, groups=2, bits=3), BatchNorm(6)),
        "d": Layer(BinaryConv2d(6, 6, 2, dilation=2, groups=3), BatchNorm(6), AGMMGate(
            2, over="sample", inference="sample")),
    }, Readout(BinaryLinear(6 * 6 * 4, 3)), timesteps=2),
    "int8": lambda: residual((1, 8, 8), (3, 3, 4), 3, timesteps=2, int8_ends=True),
    "pieces": lambda: Network({
        "a": Layer(BinaryConv2d(1, 2, (3, 2), stride=(2, 1), padding=(1, 0))),
        "b": Layer(BinaryConv2d(2, 2, 1)),
        "c": Layer(BinaryLinear(2 * 4 * 7, 6), source="a", shortcuts=[
            SynapseShortcut("b", BinaryLinear(2 * 2 * 7, 6), BatchNorm(6), AGMMGate(2),
                            pool=Pool("sum", (2, 1)))]),
        "d": Layer(BinaryLinear(6, 6), shortcuts=[SpikeShortcut("c", 0.5)]),
    }, Readout(BinaryLinear(6, 3)), timesteps=2),
}


@for_each("kind", MAPS)
def test_file_of_maps_computes_the_same_scores(tmp_path, kind):
    torch.manual_seed(0)
    network = MAPS[kind]()
    for parameter in network.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    calibrate(network, torch.randint(0, 16, (64, 1, 8, 8)) / 15)
    integers = torch.randint(0, 16, (32, 1, 8, 8))
    save_model(tmp_path / "m.pt", network.eval(), input=INPUT | {"shape": [1, 8, 8]})
    model = load(tmp_path / "m.pt")
    wanted = network(integers / 15).logits.detach().double().numpy()
    scores = run(model, integers.flatten(1).numpy(), keep=()).scores
    # Rounding may tip a spike that lies on its threshold; then one sample differs, not all.
    assert np.mean(np.abs(scores - wanted).max(1) < 1e-4) > 0.9


def test_convolutions_shortcuts_and_pools_as_written():
    layers = {layer["name"]: layer for layer in document(
        MAPS["pieces"](), input=INPUT | {"shape": [1, 8, 8]}, name="m")["layers"]}
    assert layers["a"]["type"] == "conv2d"
    assert layers["a"]["weight"].shape == (2, 1, 3, 2)
    assert (layers["a"]["stride"], layers["a"]["padding"]) == ([2, 1], [1, 0])
    assert layers["c"]["input"] == "a"
    shortcut = layers["c"]["shortcuts"][0]
    assert (shortcut["kind"], shortcut["from"]) == ("linear", "b")
    assert shortcut["pool"] == {"kind": "sum", "size": [2, 1]}
    assert shortcut["gate"]["value"].shape == (2,)
    assert layers["d"]["shortcuts"] == [{"kind": "spikes", "from": "c", "scale": 0.5}]
    assert "shortcuts" not in layers["a"]
    carried = document(MAPS["residual"](), input=INPUT | {"shape": [1, 8, 8]}, name="m")["layers"]
    assert carried[1]["shortcuts"] == [{"kind": "current", "from": "conv1"}]


def test_weights_are_stored_as_signs_of_a_byte():
    network = trained(0)
    network.hidden["fc1"].synapse.weight.data[0, :3] = torch.tensor([0.0, -1e-9, 0.5])
    weight = document(network, input=INPUT, name="m")["layers"][0]["weight"]
    assert weight.dtype == torch.int8
    assert weight[0, :3].tolist() == [1, -1, 1]


def test_readout_has_one_scale_for_all_classes():
    norm = document(trained(0), input=INPUT, name="m")["layers"][-1]["norm"]
    for key in ("gamma", "mean", "var"):
        assert norm[key].shape == (3,)
        assert (norm[key] == norm[key][0]).all()
    assert len(set(norm["beta"].tolist())) == 3


def test_own_torch_modules(tmp_path):
    torch.manual_seed(0)
    hidden = Layer(torch.nn.Linear(12, 5), torch.nn.BatchNorm1d(5), ConstantGate(torch.ones(2)),
                   LIF(0.9, comparison=">", reset="soft", input_scale=0.1))
    network = Network(OrderedDict(first=hidden), Readout(torch.nn.Linear(5, 2, bias=False)),
                      timesteps=2)
    save_model(tmp_path / "own.safetensors", network, input=INPUT)
    first, readout = load(tmp_path / "own.safetensors").layers
    assert np.allclose(first.synapse.bias, hidden.synapse.bias.detach())
    assert first.neuron.leak == 0.9
    assert first.neuron.input_scale == 0.1
    assert first.neuron.comparison.value == ">"
    assert first.neuron.reset.value == "soft"
    assert readout.neuron is None
    assert (readout.norm.gamma == 1).all()


def test_neuron_kinds_and_gates():
    network = trained(0, leak=1.0, gate="agmm-sample")
    layer = document(network, input=INPUT, name="m")["layers"][0]
    assert layer["neuron"] == {"type": "if", "threshold": 1.0, "reset": "hard",
                               "comparison": ">=", "input_scale": 1.0}
    assert layer["gate"]["kind"] == "sample"
    assert layer["gate"]["alpha"].shape == (3,)


def test_the_same_network_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save_model(tmp_path / name / "m.pt", trained(3), input=INPUT, recipe={"seed": 3})
    assert (tmp_path / "a/m.pt").read_bytes() == (tmp_path / "b/m.pt").read_bytes()


class Foreign(torch.nn.Module):
    """A join that no circuit here has."""

    def __init__(self, source):
        super().__init__()
        self.source = source


def test_groups_and_dilation_are_written():
    hidden = OrderedDict(deep=Layer(torch.nn.Conv2d(4, 8, 3, groups=4, dilation=(1, 2))))
    network = Network(hidden, Readout(BinaryLinear(8, 2)), timesteps=1)
    written = document(network, input=INPUT, name="m")["layers"][0]
    assert (written["groups"], written["dilation"]) == (4, [1, 2])
    assert written["weight"].shape == (8, 1, 3, 3)


@pytest.mark.slow
def test_verilog_of_groups_and_dilation_is_exact(tmp_path):
    torch.manual_seed(0)
    network = MAPS["separable"]()
    calibrate(network, torch.randint(0, 16, (64, 1, 8, 8)) / 15)
    save_model(tmp_path / "m.pt", network.eval(), input=INPUT | {"shape": [1, 8, 8]})
    bsnn_hw.generate(tmp_path / "m.pt", out=tmp_path / "hw")
    assert bsnn_hw.verify(tmp_path / "hw").inferences == 32


def test_all_that_cannot_be_written_is_listed_at_once():
    hidden = OrderedDict(
        synapse=Layer(torch.nn.Bilinear(2, 2, 3)),
        twin=Layer(BinaryLinear(3, 3, binary=False)),
        padding=Layer(torch.nn.Conv2d(4, 4, 3, padding="same")),
        norm=Layer(BinaryLinear(4, 3), torch.nn.BatchNorm1d(3, track_running_stats=False)),
        gate=Layer(BinaryLinear(3, 3), BatchNorm(3), torch.nn.Sigmoid()),
        neuron=Layer(BinaryLinear(3, 3), neuron=torch.nn.ReLU()),
        join=Layer(BinaryLinear(3, 3), shortcuts=[SynapseShortcut("gate", BinaryLinear(
            3, 3, binary=False)), Foreign("gate")]),
        fine=Layer(BinaryLinear(3, 3), BatchNorm(3), AGMMGate(1), IF()))
    network = Network(hidden, Readout(BinaryLinear(3, 2)), timesteps=1)
    with pytest.raises(ModelError) as caught:
        document(network, input=INPUT, name="m")
    synapse, twin, padding, norm, gate, neuron, real, foreign = caught.value.problems
    assert synapse.startswith("layer 'synapse': synapse must have a weight of (neurons, fan_in) or "
                              "(channels, channels_in, rows, columns), Bilinear has none; use")
    assert twin.startswith("layer 'twin': weights must be binary, not those of a full-precision")
    assert padding.startswith("layer 'padding': padding must be numbers of zeros, not 'same' of")
    assert norm.startswith("layer 'norm': norm must keep a running mean and variance, BatchNorm1d")
    assert gate.startswith("layer 'gate': gate must be AGMMGate, ConstantGate or None, not Sigmoid")
    assert neuron.startswith("layer 'neuron': neuron must be LIF or IF, not ReLU")
    assert real.startswith("layer 'join', shortcut 0: weights must be binary")
    assert foreign.startswith("layer 'join', shortcut 1: must be CurrentShortcut, SpikeShortcut, "
                              "SynapseShortcut or Recurrence, not Foreign")


@pytest.mark.wide
@for_each("options", [{}, {"weight_bits": 2}, {"weight_bits": 5}, {"gate": "none", "leak": 0.75}])
def test_a_recurrent_network(tmp_path, options):
    torch.manual_seed(1)
    network = recurrent((12, 9, 7, 3), timesteps=6, coding="events", **options)
    for _ in range(20):
        network((torch.rand(6, 64, 12) < 0.4).float())
    save_model(tmp_path / "m.pt", network.eval(), input=INPUT | {"bits": 1})
    model = load(tmp_path / "m.pt")
    assert model.layers[0].shortcuts[0].synapse.weight.shape == (9, 9)
    spikes = (torch.rand(6, 100, 12) < 0.4).float()
    wanted = network(spikes).logits.detach().double().numpy()
    scores = run(model, spikes.movedim(0, 1).numpy().astype(int), keep=()).scores
    assert np.mean(np.abs(scores - wanted).max(1) < 1e-4) > 0.9


def test_counts_of_events_keep_their_bits():
    network = fully_connected((12, 9, 3), timesteps=3, coding="events")
    counted = document(network, input=INPUT, name="m")["input"]
    assert counted == {"coding": "events", **INPUT}
    spikes = document(network, input={"shape": [12]}, name="m")["input"]
    assert spikes == {"coding": "events", "shape": [12], "scale": 1.0, "offset": 0.0}
