"""What binarize makes of a network, and what it refuses by name."""

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrize

from bsnn_hw.errors import InputError, ModelError
from bsnn_hw.nn import LIF, AGMMGate, FlipMonitor, Layer, Network, Readout, binarize, document
from tests.for_each import for_each


class Net(nn.Module):
    """A loop over time, with a norm behind two of its layers."""

    def __init__(self):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4)
        self.fc1, self.fc2 = nn.Linear(16, 8), nn.Linear(8, 3)

    def forward(self, images, steps=2):
        scores = 0
        for _ in range(steps):
            spikes = (self.bn1(self.conv1(images)) > 0).float()
            spikes = (self.bn2(self.conv2(spikes)) > 0).float()
            scores = scores + self.fc2(torch.relu(self.fc1(spikes.flatten(1))))
        return scores


def images():
    return torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))


def kinds(module):
    return {name: type(part.parametrizations.weight[0]).__name__
            for name, part in module.named_modules() if parametrize.is_parametrized(part)}


def gates(module):
    return [name for name, part in module.named_modules() if hasattr(part, "timestep_factors")]


def test_layers_norms_and_ends():
    net = Net()
    made = binarize(net, timesteps=2)
    assert kinds(made) == {"conv1": "Int8Weights", "conv2": "SignWeights", "fc1": "SignWeights",
                           "fc2": "Int8Weights"}
    assert gates(made) == ["bn1.agmm_gate", "bn2.agmm_gate", "fc1.agmm_gate"]
    assert made.conv2.weight.unique().tolist() == [-1, 1], "the norm takes a scale away"
    size = float(net.fc1.weight.detach().abs().mean())
    assert made.fc1.weight.abs().unique().tolist() == pytest.approx([size])
    assert kinds(net) == {} and isinstance(made.conv1, nn.Conv2d)
    assert made(images()).shape == (5, 3)


def test_in_place_and_by_name():
    net = Net()
    weight = net.conv2.weight
    assert binarize(net, gate=None, layers=["conv2"], inplace=True) is net
    assert kinds(net) == {"conv2": "SignWeights"} and gates(net) == []
    assert net.conv2.parametrizations.weight.original is weight, "optimizers still know it"


@for_each("ends, wanted", [(1, "SignWeights"), (8, "Int8Weights"), (None, None)])
def test_bits_of_the_ends(ends, wanted):
    assert kinds(binarize(Net(), timesteps=2, ends=ends)).get("conv1") == wanted


def test_gates_of_ones_own_and_of_samples():
    made = binarize(Net(), timesteps=2, gate=lambda channels: AGMMGate(2, channels=channels))
    assert made.bn2.agmm_gate.gate.channels == 4
    sample = binarize(Net(), timesteps=2, gate="agmm-sample").bn2.agmm_gate.gate
    assert (sample.over, sample.inference) == ("sample", "sample")


@pytest.mark.wide
def test_it_learns_and_its_flips_are_counted():
    torch.manual_seed(0)
    net = binarize(Net(), timesteps=2)
    monitor = FlipMonitor(net)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.2)
    net(images()).square().sum().backward()
    before = net.fc1.weight.detach().clone()
    optimizer.step()
    flips = monitor.epoch()
    share = float((net.fc1.weight != before).float().mean())
    assert flips.by_layer["fc1"] == pytest.approx(share) and share > 0
    assert set(flips.by_layer) == {"conv2", "fc1"}
    assert net.fc1.agmm_gate.gate.alpha.grad is not None


def test_copies_and_states_go_on():
    net = binarize(Net(), timesteps=2).eval()
    other = copy.deepcopy(net)
    assert torch.equal(other(images()), net(images()))
    fresh = binarize(Net(), timesteps=2).eval()
    fresh.load_state_dict(net.state_dict())
    assert torch.equal(fresh(images()), net(images()))


def test_export_of_a_plain_network():
    """What the file says of a layer's sums is what the layer and its norm compute."""
    torch.manual_seed(0)
    net = binarize(nn.Sequential(nn.Linear(4, 5), nn.BatchNorm1d(5), nn.Linear(5, 6),
                                 nn.Linear(6, 3)), timesteps=2, time="flattened").eval()
    net[1].running_mean[:] = 0.25
    first, norm, second, last = net
    network = Network({"a": Layer(first, norm, norm.agmm_gate, LIF(0.5)),
                       "b": Layer(second, None, second.agmm_gate, LIF(0.5))},
                      Readout(last), timesteps=2)
    layers = document(network, input={"shape": [4], "bits": 4, "scale": 1 / 15}, name="x")["layers"]
    assert [layer.get("weight_bits") for layer in layers] == [8, None, 8]
    assert [layer["gate"] and layer["gate"]["value"].tolist() for layer in layers] == [
        [0.5, 0.5], [0.5, 0.5], None]
    for layer, chain, gate in zip(layers, ([first, norm], [second], [last]), (0.5, 0.5, 1.0),
                                  strict=True):
        sums = torch.rand(8, layer["weight"].shape[1])
        its = layer["norm"]
        found = (sums @ layer["weight"].float().T + layer["bias"] - its["mean"]
                 ) / torch.sqrt(its["var"] + its["eps"]) * its["gamma"] + its["beta"]
        assert torch.allclose(gate * found, nn.Sequential(*chain)(sums), atol=1e-5), layer["name"]


def test_convolutions_with_groups_and_holes():
    """As they were, and as the model file has them."""
    torch.manual_seed(0)
    net = binarize(nn.Sequential(nn.Conv2d(2, 4, 3), nn.Conv2d(4, 8, 3, groups=4),
                                 nn.Conv2d(8, 6, 2, groups=2, dilation=(1, 2)), nn.Flatten(),
                                 nn.Linear(6 * 3 * 2, 3)), gate=None).eval()
    first, depthwise, holes, _, last = net
    network = Network({"a": Layer(first), "b": Layer(depthwise), "c": Layer(holes)},
                      Readout(last), timesteps=2)
    _, *layers, _ = document(network, input={"shape": [2, 8, 8]}, name="x")["layers"]
    assert [layer["groups"] for layer in layers] == [4, 2]
    assert [layer.get("dilation") for layer in layers] == [None, [1, 2]]
    spikes = (torch.rand(3, 4, 6, 6) < 0.4).float()
    for layer, module in zip(layers, (depthwise, holes), strict=True):
        sums = nn.functional.conv2d(spikes, layer["weight"].float(), groups=layer["groups"],
                                    dilation=layer.get("dilation", 1))
        scale, added = layer["norm"]["gamma"][:, None, None], layer["bias"][:, None, None]
        torch.testing.assert_close(scale * (sums + added), module(spikes))
        spikes = (module(spikes) > 0).float()


def shared_norm():
    net = Net()
    net.bn2 = net.bn1
    return net


def tied():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4))
    net[2].weight = net[1].weight
    return net


def weight_norm():
    return nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)), nn.Linear(4, 4))


@for_each("make, message", [
    (shared_norm, r"layer 'conv1': BatchNorm 'bn1' must be its own, and is shared with bn2"),
    (tied, r"layer '1': weights must be its own, and are tied to 2\.weight; untie"),
    (weight_norm, r"layer '0': weights must be plain, and are parametrized already"),
    (lambda: binarize(Net(), timesteps=2), r"layer 'fc2': .* parametrized already; .* once"),
    (lambda: nn.Sequential(nn.LazyLinear(4), nn.Linear(4, 4)), "layer '0': must know its shape"),
])
def test_layers_that_cannot_be_binary_are_named(make, message):
    with pytest.raises(ModelError, match=message):
        binarize(make(), timesteps=2)


@for_each("options, message", [
    ({"gate": "fast"}, "`gate`: must be one of"), ({"timesteps": 0}, "`timesteps`: must be 1 or"),
    ({"timesteps": None}, "`timesteps`: must be 1 or more with a gate, not None"),
    ({"ends": 4}, r"`ends`: must be one of \(8, 1, None\), not 4"),
    ({"estimator": "x"}, "`estimator`: must be one of"), ({"time": "x"}, "`time`: must be one of"),
    ({"layers": ["conv9"]}, r"`layers`: must be names of .*, not conv9"),
    ({"norms": {"conv9": "bn1"}}, "`norms`: must say which layer .* for conv9"),
    ({"norms": {"conv1": None}}, "`norms`: must say which layer .* for bn1"),
])
def test_wrong_options(options, message):
    with pytest.raises(InputError, match=message):
        binarize(Net(), **{"timesteps": 2, **options})


def test_norms_that_are_registered_elsewhere():
    class Apart(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = nn.Linear(4, 4), nn.Linear(4, 3)
            self.norm2, self.norm1 = nn.BatchNorm1d(3), nn.BatchNorm1d(4)

    with pytest.raises(InputError, match=r"`norms`: .* not for norm1"):
        binarize(Apart(), timesteps=2)
    made = binarize(Apart(), timesteps=2, norms={"fc1": "norm1", "fc2": "norm2"})
    assert gates(made) == ["norm1.agmm_gate"]


class Twice(nn.Module):
    """Its second layer has two places; called once for each of the steps."""

    def __init__(self, steps=1):
        super().__init__()
        self.fc1, self.fc2, self.fc3 = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)
        self.steps = steps

    def forward(self, values):
        currents = self.fc1(values)
        return sum(self.fc3(self.fc2(self.fc2(currents))) for _ in range(self.steps))


def test_a_layer_called_twice_is_named_whatever_is_said_of_time():
    said = "layer 'fc2': must be called once per timestep, once{} in a forward pass, not {} times"
    for steps, options, words in (
            (4, {"timesteps": 4}, (" or 4 times", 8)),
            (1, {"timesteps": 2, "time": "flattened"}, ("", 2)),
            (1, {"timesteps": 2, "time": "steps", "gate": None}, ("", 2)),
            (3, {"gate": None}, (" or 3 times", 6))):
        with pytest.raises(InputError, match=said.format(*words)):
            binarize(Twice(steps), **options)(torch.rand(2, 4))


def test_a_layer_in_front_of_all_timesteps_is_no_layer_called_twice():
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2, self.fc3 = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, values):
            currents = self.fc1(values)
            return sum(self.fc3(self.fc2(currents)) for _ in range(3))

    binarize(Net(), gate=None)(torch.rand(2, 4))
    binarize(Net(), timesteps=3)(torch.rand(2, 4))


def test_a_layer_called_twice_is_named():
    net = binarize(Twice(), timesteps=4)
    with pytest.raises(InputError, match="layer 'fc2': must be called once per timestep, once "
                       "or 4 times in a forward pass, not 2 times"):
        net(torch.rand(2, 4))


def test_a_module_without_layers():
    with pytest.raises(InputError, match="must have Linear or Conv2d layers, has none"):
        binarize(nn.ReLU(), timesteps=1)
