"""Spikes that a module joins behind neurons: SpikingJelly's own SEW blocks, and what is refused."""

import sys
import types

import pytest
import torch
from torch import nn

import bsnn_hw
from bsnn_hw import convert as converters
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.model.format import save
from evidence.random_networks import check_document
from tests.convert.converting import convert, refused
from tests.convert.signs import BinaryLinear, signs
from tests.convert.toy import Fire
from tests.for_each import for_each

TIMESTEPS = 4


class Three(nn.Module):
    """Three layers with neurons and a readout; ``forward`` is a function of them."""

    def __init__(self, forward):
        super().__init__()
        self.a, self.b, self.c = BinaryLinear(6, 5), BinaryLinear(5, 5), BinaryLinear(5, 5)
        self.one, self.two, self.three = Fire(), Fire(), Fire()
        self.out = BinaryLinear(5, 3)
        self._forward = forward

    def forward(self, x):
        spikes = self.one(self.a(x))
        return self._forward(self, spikes, self.two(self.b(spikes)))


def joins(document):
    return {layer["name"]: layer["join"] for layer in document["layers"] if "join" in layer}


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


# Each operation, and which side is inverted

def test_kinds():
    for kind, operation in (("add", lambda x, s: x + s), ("and", lambda x, s: s * x),
                            ("iand", lambda x, s: x * (1.0 - s)),
                            ("inhibit", lambda x, s: (1 - x) * s)):
        module = Three(lambda self, x, s, operation=operation: self.out(operation(x, s)))
        assert joins(convert(module)) == {"b": {"kind": kind, "from": "a"}}


def test_chains_and_shortcuts():
    def forward(self, x, s):
        joined = x + s
        return self.out(self.three(self.c(joined)) + joined)

    assert joins(convert(Three(forward))) == {"b": {"kind": "add", "from": "a"},
                                              "c": {"kind": "add", "from": "b"}}

    def current(self, x, s):
        joined = x * s
        return self.out(self.three(self.c(joined) + 0.5 * joined))

    document = convert(Three(current))
    assert joins(document) == {"b": {"kind": "and", "from": "a"}}
    assert document["layers"][2]["shortcuts"] == [{"kind": "spikes", "from": "b", "scale": 0.5}]


def test_what_no_layer_gives():
    refused("takes spikes of module 'two' that are joined with others", Three(
        lambda self, x, s: self.out(self.three(self.c(s) + self.b(x + s)))))
    refused("adds spikes that are inverted", Three(
        lambda self, x, s: self.out(x + (1 - s))))
    refused("both inverted", Three(lambda self, x, s: self.out((1 - x) * (1 - s))))
    refused("takes a sum of more than spikes", Three(
        lambda self, x, s: self.out(0.5 * x + s)))
    refused("'and' joins spikes, 0 or 1, and a sum of them can be 2", Three(
        lambda self, x, s: self.out(self.three(self.c(x + s)) * (x + s))))
    refused("subtracts values of the network", Three(lambda self, x, s: self.out(x + s - x * s)))


# SpikingJelly's own blocks

@pytest.fixture
def sew(monkeypatch):
    """The module of SEW ResNets; of torchvision it only wants a function that downloads."""
    pytest.importorskip("spikingjelly")
    try:
        import torchvision  # noqa: F401
    except ImportError:
        package = types.ModuleType("torchvision")
        utils = types.ModuleType("torchvision._internally_replaced_utils")
        utils.load_state_dict_from_url = None
        monkeypatch.setitem(sys.modules, package.__name__, package)
        monkeypatch.setitem(sys.modules, utils.__name__, utils)
    from spikingjelly.activation_based.model import sew_resnet
    return sew_resnet


def residual(sew, cnf, *, pooled):
    """A stem, with the maximum of SEWResNet's where ``pooled``, two blocks, one that changes the
    shape, and a readout of averages."""
    from spikingjelly.activation_based import functional, layer, neuron

    class Conv(layer.Conv2d):
        def _conv_forward(self, x, weight, bias):
            return super()._conv_forward(x, signs(weight, 0.125), bias)

    class Linear(layer.Linear):
        def forward(self, x):
            return nn.functional.linear(x, signs(self.weight), self.bias)

    def block(*sizes, **more):
        return sew.BasicBlock(*sizes, cnf=cnf, spiking_neuron=neuron.IFNode, **more)

    down = nn.Sequential(sew.conv1x1(8, 12, 2), layer.BatchNorm2d(12))
    net = nn.Sequential(
        layer.Conv2d(1, 8, 3, padding=1, bias=False), layer.BatchNorm2d(8), neuron.IFNode(),
        *([layer.MaxPool2d(3, 2, 1)] if pooled else []), block(8, 8), block(8, 8),
        block(8, 12, stride=2, downsample=down), layer.AdaptiveAvgPool2d(1), layer.Flatten(),
        layer.Linear(12, 10, bias=False))
    for part in net.modules():
        if type(part) in (layer.Conv2d, layer.Linear):
            part.__class__ = Conv if type(part) is layer.Conv2d else Linear
        if isinstance(part, layer.BatchNorm2d):
            for values, low, high in ((part.running_mean, -.3, .3), (part.running_var, .1, .6),
                                      (part.weight, .3, .9), (part.bias, .1, .6)):
                nn.init.uniform_(values, low, high)
    functional.set_step_mode(net, "m")
    return Repeated(net)


class Repeated(nn.Module):
    """An image at every timestep, the mean of what comes of it."""

    def __init__(self, net):
        super().__init__()
        self.net = net

    def forward(self, x):
        return self.net(x.unsqueeze(0).repeat(TIMESTEPS, 1, 1, 1, 1)).mean(0)


def converted(sew, cnf, *, pooled):
    """The document; no spike and no score differs."""
    document = converters.spikingjelly(residual(sew, cnf, pooled=pooled), (1, 14, 14), TIMESTEPS,
                                       coding="direct", bits=4, scale=1 / 15)
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["ties"] == found["scores_differ"] == 0
    return document


@for_each("cnf, pooled", [(cnf, pooled) for cnf in ("ADD", "AND", "IAND")
                          for pooled in (False, True)])
def test_sew_blocks(sew, cnf, pooled):
    document = converted(sew, cnf, pooled=pooled)
    found = [(join["kind"], "pool" in join) for join in joins(document).values()]
    # Where the shape changes, the neurons of the shortcut come after those of the block.
    last = "inhibit" if cnf == "IAND" else cnf.lower()
    assert found == [(cnf.lower(), pooled), (cnf.lower(), False), (last, False)]
    network = lower(describe(document), None, PrecisionRequest()).network
    assert [len(layer.summands) for layer in network.layers] == (
        [0, 0, 0, 1, 0, 2, 0, 2, 1] if cnf == "ADD" else [0] * 9)


@pytest.mark.slow
@for_each("cnf, pooled", [("ADD", True), ("AND", False), ("IAND", True), ("ADD", False),
                          ("IAND", False)])
def test_sew_blocks_in_rtl(sew, cnf, pooled):
    document = converted(sew, cnf, pooled=pooled)
    assert check_document(1, document, False).endswith(": exact")


@pytest.mark.slow
def test_sew_blocks_from_end_to_end(sew, tmp_path):
    save(tmp_path / "sew.pt", converted(sew, "ADD", pooled=True))
    bsnn_hw.generate(tmp_path / "sew.pt", tmp_path / "sew_hw", vectors=2)
    assert bsnn_hw.verify(tmp_path / "sew_hw")
