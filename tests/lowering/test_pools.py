"""Pooling of currents in integers: against plain Python, and as JSON."""

import json

import numpy as np
import pytest
import torch

from bsnn_hw.ir import store
from bsnn_hw.ir.check import problem
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model import real
from bsnn_hw.model.check import describe
from bsnn_hw.model.composed import averages, without_average
from bsnn_hw.model.currents import currents, sums
from bsnn_hw.reference.network import run
from evidence.random_models import random_inputs
from evidence.random_pools import random_pools
from tests.for_each import for_each, quick
from tests.model.test_current_pool import line
from tests.reference.networks import execute


def lowered(seed):
    document = random_pools(seed)
    request = PrecisionRequest(fraction_bits=seed % 4, leak_bits=3)
    return document, describe(document), lower(describe(document), None, request).network


@quick(3, wide=24)
@for_each("seed", range(40))
def test_against_plain_python(seed, tmp_path_factory):
    document, _, network = lowered(seed)
    assert problem(network) is None
    inputs = random_inputs(seed, document, 3)
    trace = run(network, inputs)
    for n, sample in enumerate(inputs):
        layers, scores, best = execute(network, sample)
        for layer, steps in zip(trace.hidden, layers, strict=True):
            for t, rows in enumerate(steps):
                assert layer.charged[n, t].tolist() == [charged for charged, _, _ in rows]
                assert layer.fired[n, t].tolist() == [fired for _, fired, _ in rows]
        assert trace.scores[n].tolist() == scores and trace.classes[n] == best
    path = tmp_path_factory.mktemp("json") / "network.json"
    store.save(path, network)
    assert store.equal(store.read(path), network)
    assert json.loads(path.read_text(encoding="utf-8"))["name"] == network.name


@pytest.mark.wide
def test_windows_give_the_real_networks_spikes():
    """With so many fraction bits, integers differ in next to nothing."""
    differ = spikes = 0
    for seed in range(20):
        document = random_pools(seed)
        model = describe(document)
        network = lower(model, None, PrecisionRequest(fraction_bits=10, leak_bits=10)).network
        inputs = random_inputs(seed, document, 8)
        wanted, got = real.run(model, inputs).spikes, run(network, inputs).hidden
        differ += sum(int((a != b.fired).sum()) for a, b in zip(wanted, got, strict=True))
        spikes += sum(int(np.count_nonzero(a)) for a in wanted)
    assert differ < 0.01 * spikes


def test_a_wider_kernel_keeps_bias_and_norm():
    found = 0
    for seed in range(40):
        model = describe(random_pools(seed))
        for layer in filter(averages, model.layers):
            shape = (3, model.timesteps, layer.feed.source_shape.size)
            values = torch.from_numpy(np.random.default_rng(seed).integers(0, 2, shape))
            wanted, got = (currents(each, sums(each, values.to(torch.uint8)))
                           for each in (layer, without_average(layer)))
            assert torch.allclose(wanted, got), (seed, layer.name)
            found += bool(layer.norm.mean.any() and layer.norm.beta.any())
    assert found > 5


def test_what_is_measured_takes_the_largest_of_negated_sums():
    """A channel of gamma -1, whose integers are exact: no spike is found changed."""
    model = describe(line("max"))
    samples = np.random.default_rng(0).integers(0, 8, (40, 6)).astype(np.uint8)
    assert real.run(model, samples).spikes[0].any()
    assert lower(model, samples).precision[0].mismatch == 0
