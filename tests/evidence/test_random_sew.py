"""Random networks of joined spikes: every option occurs, and a few of them are exact."""

import pytest

from bsnn_hw.ir.network import JoinKind
from bsnn_hw.model.check import describe
from evidence.random_sew import check_one, random_sew
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [8, 3, 12, 7, 13])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    models = [describe(random_sew(seed), "random") for seed in range(80)]
    layers = [layer for model in models for layer in model.layers if layer.join]
    joins = [layer.join for layer in layers]
    assert {join.kind for join in joins} == {None, *JoinKind}
    pools = [join.feed.pool for join in joins if join.feed.pool]
    assert any(pool.step for pool in pools) and any(pool.padding != (0, 0) for pool in pools)
    added = [{layer.name: layer.join for layer in model.layers if layer.join
              and layer.join.kind is None} for model in models]
    assert any(join.source in names for names in added for join in names.values()), "a chain"
    assert any(shortcut.source in names for names, model in zip(added, models, strict=True)
               for layer in model.layers for shortcut in layer.shortcuts), "a shortcut of a sum"
    assert any(layer.recurrences for model in models for layer in model.layers)
    assert any(layer.own_gate and layer.feed.source in names
               for names, model in zip(added, models, strict=True) for layer in model.layers)
