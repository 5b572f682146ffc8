"""Grouped and dilated convolutions: as torch computes them, and what is refused of them."""

import numpy as np
import pytest
import torch
from torch.nn.functional import conv2d

from bsnn_hw.errors import ModelError
from bsnn_hw.ir.network import Shape
from bsnn_hw.model.check import describe
from bsnn_hw.model.expanded import Spread
from bsnn_hw.model.synapse import of_every_input
from tests.for_each import for_each
from tests.model.refusals import put


@for_each("groups, read, out, dilation", [
    (1, 3, 4, (2, 1)), (4, 1, 4, (1, 1)), (4, 1, 8, (1, 2)), (2, 3, 6, (3, 2))])
def test_the_plain_convolution_computes_the_same(groups, read, out, dilation):
    generator = torch.Generator().manual_seed(groups)
    spikes = (torch.rand(2, groups * read, 9, 8, generator=generator) < 0.4).double()
    weight = torch.randint(-3, 4, (out, read, 3, 2), generator=generator).double()
    spread = Spread(groups, dilation)
    dense = torch.from_numpy(spread.dense(weight.numpy()))
    assert dense.shape == spread.shape(tuple(weight.shape))
    wanted = conv2d(spikes, weight, padding=(1, 0), dilation=dilation, groups=groups)
    assert torch.equal(conv2d(spikes, dense, padding=(1, 0)), wanted)


def test_groups_stay_groups(maps):
    put(maps, "layers.1.weight", torch.randn(4, 2, 3, 3))
    put(maps, "layers.1.groups", 2)
    layer = describe(maps).layers[1]
    assert (layer.synapse.groups, layer.synapse.weight_bits) == (2, 1)
    assert (layer.synapse.weight.shape, layer.shape) == ((4, 2, 3, 3), Shape(4, 6, 6))
    every = of_every_input(layer.synapse)
    assert not every[:2, 2:].any() and not every[2:, :2].any()
    assert (every[:2, :2] == layer.synapse.coefficients[:2]).all()
    assert (every[2:, 2:] == layer.synapse.coefficients[2:]).all()


def test_with_a_gate_of_each_sample_signs_become_weights_that_may_be_nothing(maps):
    latent = torch.tensor([0.3, -0.2, 0.7, -1.0]).reshape(4, 1, 1, 1).expand(4, 1, 3, 3).clone()
    put(maps, "layers.1.weight", latent)
    put(maps, "layers.1.groups", 4)
    maps["layers"][1] |= {"shortcuts": None, "gate": {"kind": "sample", "alpha": torch.ones(3)}}
    synapse = describe(maps).layers[1].synapse
    assert (synapse.groups, synapse.weight_bits) == (1, 2)
    assert synapse.coefficients[:, :, 0, 0].tolist() == np.diag([1, -1, 1, -1]).tolist()


@for_each("groups, shape, problem", [
    (3, (4, 1, 3, 3), r"groups must divide the 4 channels out, not be 3"),
    (0, (4, 1, 3, 3), r"groups must be an integer from 1 to 65536, not 0"),
    (2, (4, 1, 3, 3), r"weight must be \(channels out, 4 / 2, height, width\) because layer "
                      r"'conv1' gives 4 x 6 x 6, not shape \(4, 1, 3, 3\)"),
    (1, (4, 1, 3, 3), "weight must be .* a depthwise convolution has groups of one channel, give"),
])
def test_groups_that_do_not_fit(maps, groups, shape, problem):
    put(maps, "layers.1.weight", torch.ones(1).expand(shape).clone())
    put(maps, "layers.1.groups", groups)
    with pytest.raises(ModelError, match=problem):
        describe(maps)


def test_the_zeros_between_places_count(maps):
    put(maps, "layers.1.weight", torch.ones(8192, 4, 3, 3))
    put(maps, "layers.1.dilation", 30)
    put(maps, "layers.1.padding", 60)
    with pytest.raises(ModelError, match=r"weight must fit the limit of 67108864 weights in all "
                                         r"layers, \d+ with the zeros between its groups or"):
        describe(maps)
