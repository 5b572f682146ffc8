"""Address maps of DenseWords, worked out by hand and for every input."""

import numpy as np

from bsnn_hw.engines.dense_words import DenseWords
from tests.for_each import for_each

# inputs, source width, lanes
SHAPES = [(1, 1, 1), (7, 7, 3), (12, 4, 4), (13, 5, 2), (23, 4, 12), (16, 4, 16), (9, 3, 1)]


def test_parts_of_a_row_by_hand():
    geometry = DenseWords.flat(10, 5, 6, 2, 3)
    assert (geometry.parts, geometry.part_bits, geometry.gathered) == (3, 2, 1)
    assert (geometry.rows, geometry.folds, geometry.depth) == (8, 2, 16)
    lane, row = geometry.lane_row(np.arange(10))
    # Row 0 has the parts {0, 1}, {2, 3}, {4}; row 1 starts at the next power of two.
    assert lane.tolist() == [0, 1, 0, 1, 0, 0, 1, 0, 1, 0]
    assert row.tolist() == [0, 0, 1, 1, 2, 4, 4, 5, 5, 6]


def test_rows_gathered_by_hand():
    geometry = DenseWords.flat(10, 2, 4, 4, 4)
    assert (geometry.parts, geometry.gathered, geometry.rows, geometry.depth) == (1, 2, 3, 3)
    lane, row = geometry.lane_row(np.arange(10))
    assert lane.tolist() == [0, 1, 2, 3, 0, 1, 2, 3, 0, 1]
    assert row.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 2, 2]


@for_each("shape", SHAPES)
def test_the_memory_holds_every_weight_once(shape):
    inputs, width, lanes = shape
    neurons, parallel = 5, 2
    geometry = DenseWords.flat(inputs, width, neurons, lanes, parallel)
    rng = np.random.default_rng(sum(shape))
    weights = np.where(rng.random((neurons, inputs)) < .5, 1, -1).astype(np.int8)
    bank = geometry.bank_words(weights)
    assert len(bank) == geometry.depth
    lane, row = geometry.lane_row(np.arange(inputs))
    assert lane.max() < lanes
    assert row.max() < geometry.rows
    assert len(set(zip(lane.tolist(), row.tolist(), strict=True))) == inputs
    for neuron in range(neurons):
        fold, position = divmod(neuron, parallel)
        for index in range(inputs):
            word = bank[(int(row[index]) << geometry.fold_bits) + fold]
            bit = word >> int(lane[index]) * parallel + position & 1
            assert bit == (weights[neuron, index] > 0)
    assert sum(word.bit_count() for word in bank) == (weights > 0).sum()


@for_each("inputs, width, lanes, rows, words", [
    (12, 4, 4, 5, 5),    # every row is a word
    (12, 4, 2, 5, 5),    # and so where it is cut behind the queue
    (16, 4, 8, 5, 3),    # pairs: the second, fourth and sixth row
    (12, 4, 8, 4, 3),    # of three rows the second and the third complete one
    (16, 4, 16, 3, 1), (16, 4, 16, 5, 2),
])
def test_words_completed_by_hand(inputs, width, lanes, rows, words):
    assert DenseWords.flat(inputs, width, 1, lanes, 1).arrivals(rows) == words
