"""Depthwise-separable networks of torch, snnTorch and SpikingJelly: converted, and exact in RTL."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from bsnn_hw import convert
from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.nn import binarize
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.default import default_schedule
from bsnn_hw.reference.network import run
from bsnn_hw.verification.native import build_model, verify_native
from evidence.random_models import random_inputs
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.convert.test_frameworks import exact
from tests.convert.toy import Fire, toy
from tests.for_each import for_each

PIXELS = {"coding": "direct", "bits": 4, "scale": 1 / 15}
EVENTS = {"coding": "events", "readout": "mean"}
SHAPE = (2, 6, 6)
GROUPS = [2, 8, 1, 3, 1]


def separable(neuron):
    """MobileNet's block: depthwise, then pointwise; with a multiplier, a stride and two groups."""
    return nn.Sequential(
        BinaryConv2d(2, 8, 3, padding=1, groups=2), neuron(),
        BinaryConv2d(8, 8, 3, padding=1, stride=2, groups=8), neuron(),
        BinaryConv2d(8, 12, 1), neuron(),
        BinaryConv2d(12, 6, 1, groups=3), neuron(),
        nn.Flatten(), BinaryLinear(54, 3))


def groups_of(document):
    return [layer.get("groups", 1) for layer in document["layers"]]


def exact_in_rtl(document, folder, groups=GROUPS):
    """The network as it is planned by default gives what the reference gives."""
    inputs = random_inputs(0, document, 6)
    network = lower(describe(document), inputs, PrecisionRequest(fraction_bits=6)).network
    assert [getattr(layer.synapse, "groups", 1) for layer in network.layers] == groups
    schedule = default_schedule(network, measure_activity(network, inputs, run(network, inputs)))
    design = emit_verilog(network, schedule, folder)
    verify_native(design, build_model(design, folder / "build", optimize="-O0"), inputs, seed=0)


@for_each("framework", ["snntorch", "spikingjelly"])
def test_binarized_networks(framework, tmp_path):
    """Convolutions of torch with groups and holes, which `binarize` turned into signs."""
    pytest.importorskip(framework)
    torch.manual_seed(0)
    neuron = leaky if framework == "snntorch" else spikingjelly
    net = binarize(nn.Sequential(
        nn.Conv2d(2, 8, 3, padding=1, groups=2), nn.BatchNorm2d(8), neuron(),
        nn.Conv2d(8, 8, 3, padding=1, stride=2, groups=8), nn.BatchNorm2d(8), neuron(),
        nn.Conv2d(8, 6, 3, padding=2, dilation=2, groups=2), neuron(),
        nn.Flatten(), nn.Linear(54, 3)), gate=None).eval()
    document = getattr(convert, framework)(net, SHAPE, 4, **PIXELS, readout="mean")
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["ties"], "weights of 8 bits are no powers of two"
    assert groups_of(document) == [2, 8, 2, 1]
    assert [layer.get("weight_bits", 1) for layer in document["layers"]] == [8, 1, 1, 8]
    exact_in_rtl(document, tmp_path, [2, 8, 2, 1])


@pytest.mark.wide
def test_torch(tmp_path):
    torch.manual_seed(0)
    exact_in_rtl(exact(toy(separable(Fire), SHAPE, 3, **PIXELS, readout="mean")), tmp_path)


def leaky():
    import snntorch

    return snntorch.Leaky(beta=0.9, init_hidden=True)


@pytest.mark.wide
def test_snntorch():
    pytest.importorskip("snntorch")
    torch.manual_seed(1)
    net = separable(leaky)
    document = exact(convert.snntorch(net, SHAPE, 4, **PIXELS, readout="mean"))
    assert groups_of(document) == GROUPS


def spikingjelly():
    from spikingjelly.activation_based.neuron import IFNode

    return IFNode()


def sinabs():
    from sinabs.activation import SingleSpike
    from sinabs.layers import IAFSqueeze

    return IAFSqueeze(batch_size=1, spike_fn=SingleSpike)


@for_each("neuron", [spikingjelly, sinabs])
def test_others(neuron):
    pytest.importorskip(neuron.__name__)
    torch.manual_seed(2)
    document = exact(getattr(convert, neuron.__name__)(separable(neuron), SHAPE, 4, **EVENTS))
    assert groups_of(document) == GROUPS


@pytest.mark.wide
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_nir_file(tmp_path):
    """Of a depthwise and a pointwise convolution, as snnTorch writes it."""
    nir = pytest.importorskip("nir")
    ones = np.ones((4, 4, 4))
    neuron = nir.IF(r=ones, v_threshold=ones, v_reset=0 * ones)
    rng = np.random.default_rng(0)
    nodes = {"input": nir.Input(np.array([4, 4, 4])),
             "depthwise": conv2d(nir, rng, (4, 1, 3, 3), 1, 4), "if1": neuron,
             "pointwise": conv2d(nir, rng, (4, 4, 1, 1), 0, 1), "if2": neuron,
             "flat": nir.Flatten(input_type={"input": np.array([4, 4, 4])}, start_dim=0),
             "fc": nir.Linear(rng.choice([-1.0, 1.0], (3, 64))),
             "output": nir.Output(np.array([3]))}
    nir.write(tmp_path / "net.nir", nir.NIRGraph(nodes, list(pairwise(nodes)), type_check=False))
    document = convert.nir(tmp_path / "net.nir", timesteps=4, dt=1e-3, reset="hard",
                           comparison=">", coding="events", readout="mean")
    assert groups_of(document) == [4, 1, 1]
    assert describe(document).layers[0].synapse.groups == 4


def conv2d(nir, rng, shape, padding, groups):
    return nir.Conv2d(input_shape=(4, 4), weight=rng.choice([-1.0, 1.0], shape), stride=1,
                      padding=padding, dilation=1, groups=groups, bias=np.zeros(shape[0]))
