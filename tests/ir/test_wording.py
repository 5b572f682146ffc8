"""Layers in words: a window's or a kernel's stride is named where it is not the usual one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from bsnn_hw.ir.network import Comparison, Conv, Hidden, NeuronSpec, Pool, PoolKind, Reset, Shape
from bsnn_hw.ir.wording import lane_count, layer_kind, parallel_count, synapse_kind
from tests.for_each import for_each


@for_each("kind, size, step, padding, words", [
    (PoolKind.MAX, (2, 2), None, (0, 0), "max 2x2"),
    (PoolKind.SUM, (1, 3), None, (0, 0), "sum 1x3"),
    (PoolKind.MAX, (2, 2), (2, 2), (0, 0), "max 2x2"),
    (PoolKind.MAX, (3, 3), (2, 2), (1, 1), "max 3x3/2"),
    (PoolKind.MAX, (3, 2), (2, 1), (0, 0), "max 3x2/2,1"),
    (PoolKind.MAX, (2, 2), (1, 1), (0, 0), "max 2x2/1")])
def test_windows(kind, size, step, padding, words):
    assert synapse_kind(conv((1, 1)), Pool(kind, *size, step, padding)) == f"{words} conv 3x5"


@for_each("stride, words", [((1, 1), "conv 3x5"), ((2, 2), "conv 3x5/2"), ((1, 2), "conv 3x5/1,2")])
def test_kernels(stride, words):
    assert synapse_kind(conv(stride), None) == words


def test_layers():
    one = np.ones((2, 1), np.int64)
    for leak, pool, words in ((None, None, "conv 3x5"),
                              (np.array([0, 1]), None, "conv 3x5, second order"),
                              (np.array([0, 1]), Pool(PoolKind.MAX, 2, 2),
                               "conv 3x5, max 2x2, second order")):
        spec = NeuronSpec(0, 1, np.array([0, 1]), one, one, Reset.HARD, Comparison.ABOVE,
                          current_leak=leak)
        assert layer_kind(Hidden("l", conv((1, 1)), spec, current_pool=pool)) == words
        assert layer_kind(Hidden("l", conv((1, 1)), replace(spec, floor=-one),
                                 current_pool=pool)) == f"{words}, floor"


def test_lanes():
    assert (lane_count(4, 1), lane_count(4, 3)) == ("4", "4x3")


def test_parallel_neurons():
    assert (parallel_count(8, None), parallel_count(8, 2), parallel_count(8, 8)) == (
        "8", "8/2", "8/8")


def test_groups():
    weights = np.ones((8, 1, 3, 3), dtype=np.int8)
    depthwise = Conv(weights, np.ones(8, dtype=bool), Shape(4, 8, 8), groups=4)
    assert synapse_kind(depthwise, None) == "conv depthwise 3x3"
    two = replace(depthwise, weights=np.ones((8, 2, 3, 3), dtype=np.int8), groups=2)
    assert synapse_kind(two, None) == "conv 2 groups 3x3"


def conv(stride: tuple[int, int]) -> Conv:
    weights = np.ones((1, 1, 3, 5), dtype=np.int8)
    return Conv(weights, np.ones(1, dtype=bool), Shape(1, 8, 8), stride)
