"""Joined spikes in integers: against plain integers and real numbers, bounds, and where they are
read."""

import functools
from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.network import JoinKind, Pool, PoolKind, SpikeJoin, SpikeShortcut, Summand
from bsnn_hw.ir.store import equal, read, save
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run as run_real
from bsnn_hw.reference.network import run
from evidence.random_models import random_inputs
from evidence.random_sew import random_sew
from tests.for_each import for_each, quick
from tests.lowering.plain import same_as_plain, within_bounds

SEEDS = range(24)
NEURON = {"type": "lif", "leak": 0.5, "threshold": 1.5, "reset": "soft", "comparison": ">="}


@functools.cache
def lowered(seed):
    document = random_sew(seed)
    inputs = random_inputs(seed, document, 5)
    model = describe(document, "random")
    return model, lower(model, inputs if seed % 2 else None, PrecisionRequest()).network, inputs


def block(kind, **more):
    """A stem, two blocks of one convolution each, a layer with shortcuts, and a readout."""
    torch.manual_seed(0)

    def conv(name, fan_in=4, **more):
        return {"name": name, "type": "conv2d", "weight": torch.randn(4, fan_in, 3, 3),
                "padding": 1, "neuron": NEURON, **more}

    return describe({
        "format": "bsnn-hw/model", "version": 1, "name": "block", "timesteps": 3,
        "input": {"coding": "events", "shape": [2, 4, 4]},
        "layers": [conv("stem", 2), conv("one", join={"kind": kind, "from": "stem"}),
                   conv("two", join={"kind": kind, "from": "one"}),
                   conv("three", shortcuts=[{"kind": "spikes", "from": "two", "scale": 0.5}]),
                   {"name": "out", "type": "linear", "weight": torch.randn(3, 4 * 4),
                    "input": "three", "pool": {"kind": "avg", "size": 2},
                    "neuron": {"type": "readout"}}]})


@quick(1, wide=None)
@for_each("seed", SEEDS)
def test_matches_plain_integers(seed):
    _, network, inputs = lowered(seed)
    assert problem(network) is None
    assert same_as_plain(network, inputs)


@quick(1, wide=None)
@for_each("seed", SEEDS)
def test_nothing_leaves_its_bounds(seed):
    _, network, inputs = lowered(seed)
    assert within_bounds(network, inputs)


def test_what_is_added_comes_from_each_layer():
    network = lower(block("add")).network
    stem, one, two, three = network.hidden
    assert [layer.join for layer in network.hidden] == [None] * 4
    assert two.summands == (Summand(2),)
    assert three.summands == (Summand(3), Summand(2))
    assert [type(each) for each in three.shortcuts] == [SpikeShortcut] * 3
    assert [each.back for each in three.shortcuts] == [3, 2, 1]
    bounds, _ = network_bounds(network)
    assert bounds[1].acc.high <= 4 * 9 < bounds[2].acc.high <= 2 * 4 * 9
    assert (stem.summands, one.summands) == ((), ())


def test_what_is_joined_leaves_the_layer():
    for kind in JoinKind:
        network = lower(block(kind.value)).network
        assert [layer.join for layer in network.hidden] == [
            None, SpikeJoin(kind, 1), SpikeJoin(kind, 1), None]
        trace = run(network, np.random.default_rng(0).integers(0, 2, (9, 3, 32), np.uint8))
        stem, one, *_ = trace.hidden
        own, other = one.fired, stem.sent
        assert np.array_equal(one.sent, {
            JoinKind.AND: own & other, JoinKind.IAND: ~own & other,
            JoinKind.INHIBIT: own & ~other}[kind])
        assert stem.sent is stem.fired


@pytest.mark.wide
def test_real_numbers_and_integers_agree():
    """Thresholds of halves and leaks of one half are exact."""
    samples = np.random.default_rng(1).integers(0, 2, (20, 3, 32), np.uint8)
    for kind in ("add", "and", "iand", "inhibit"):
        model = block(kind)
        wanted = run_real(model, samples)
        for calibration in (None, samples):
            network = lower(model, calibration, PrecisionRequest(tolerance=0.0)).network
            got = run(network, samples)
            for some, other in zip(wanted.spikes, got.hidden, strict=True):
                assert np.array_equal(some, other.fired), kind
            assert np.array_equal(wanted.classes, got.classes), kind


@quick(1, wide=None)
@for_each("seed", range(8))
def test_kept_as_json(tmp_path, seed):
    _, network, _ = lowered(seed)
    save(tmp_path / "network.json", network)
    assert equal(read(tmp_path / "network.json"), network)


def broken(network, number, **change):
    hidden = list(network.hidden)
    hidden[number] = replace(hidden[number], **change)
    return problem(replace(network, hidden=tuple(hidden)))


def test_what_does_not_fit():
    network = lower(block("add")).network
    assert broken(network, 3, summands=(Summand(2), Summand(3))) == (
        "layer 'three': summands must come from layers before those that they are added to, each "
        "once and the earliest first, not [2, 3, 1] layers back")
    assert broken(network, 3, summands=(Summand(4),)) == (
        "layer 'three': back must lead to an earlier layer")
    halves = Pool(PoolKind.MAX, 2, 2)
    assert broken(network, 3, summands=(Summand(3, halves),)) == (
        "layer 'three': spikes that are added must have the shape 4 x 4 x 4 of those that come "
        "in, not 4 x 2 x 2")
    assert broken(network, 2, join=SpikeJoin(JoinKind.AND, 1, halves)) == (
        "layer 'two': what is joined must have the shape 4 x 4 x 4 of the layer, not 4 x 2 x 2")
    assert broken(network, 2, join=SpikeJoin(JoinKind.AND, 1, Pool(PoolKind.SUM, 1, 1))) == (
        "layer 'two': a join's pool must be a maximum")
