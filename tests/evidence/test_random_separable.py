"""Random networks of grouped convolutions: every option occurs, and a few of them are exact."""

import pytest

from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Conv2d, SynapseShortcut
from evidence.random_plans import random_schedule
from evidence.random_separable import check_one, random_separable
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [1, 5])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    models = [describe(random_separable(seed), "random") for seed in range(60)]
    layers = [layer for model in models for layer in model.layers
              if isinstance(layer.synapse, Conv2d) and layer.synapse.groups > 1]
    multipliers = {len(layer.synapse.weight) // layer.synapse.groups for layer in layers
                   if layer.synapse.weight.shape[1] == 1}
    assert {1, 2, 3} <= multipliers
    assert {2, 3, 4} <= {layer.synapse.groups for layer in layers
                         if layer.synapse.weight.shape[1] > 1}
    assert {1, 2, 3, 8} <= {layer.synapse.weight_bits for layer in layers}
    assert any(layer.feed.pool for layer in layers) and any(layer.shortcuts for layer in layers)
    assert any(layer.feed.source is None for layer in layers), "at the input"
    assert any(isinstance(each, SynapseShortcut) and getattr(each.synapse, "groups", 1) > 1
               for model in models for layer in model.layers for each in layer.shortcuts)


@pytest.mark.wide
def test_plans_have_blocks_folds_and_lanes_of_groups():
    from bsnn_hw.engines.conv_groups import ConvGroups
    from bsnn_hw.engines.registry import network_geometries

    found = []
    for seed in range(40):
        network = lower(describe(random_separable(seed), "random"), None,
                        PrecisionRequest(fraction_bits=2)).network
        found += [each for each in network_geometries(network, random_schedule(seed, network))
                  if isinstance(each, ConvGroups)]
    counts = [each.group_folds for each in found]
    assert any(each.folds > 1 for each in counts)
    assert any(each.blocks > 1 and not each.one_start for each in counts)
    assert any(each.lanes > 1 for each in found) and any(each.one_start for each in counts)
