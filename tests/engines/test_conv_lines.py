"""The address map of ConvLines: by hand, and the sums that it makes against a convolution's."""

import numpy as np

from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.engines.registry import geometry_of
from bsnn_hw.ir.network import Conv, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import LayerPlan
from tests.engines.test_conv_events import geometry_and_conv
from tests.for_each import for_each

# source, kernel, stride, padding
CASES = [(Shape(2, 5, 7), (3, 3), (1, 1), (1, 1)), (Shape(1, 8, 8), (5, 5), (2, 2), (2, 2)),
         (Shape(3, 4, 9), (2, 4), (1, 3), (0, 2)), (Shape(2, 3, 2), (3, 2), (1, 1), (1, 1)),
         (Shape(1, 6, 5), (1, 5), (3, 1), (0, 4)), (Shape(4, 1, 4), (1, 2), (1, 1), (0, 0))]


def lines_of(case, **more):
    """Both geometries of a case, and its convolution."""
    one, conv = geometry_and_conv(*case, **more)
    most = int(one.horizontal.count.max())
    return one, ConvLines.of(conv, one.source, LayerPlan(one.lanes, one.parallel,
                                                         places=most)), conv


def test_columns_by_hand():
    """3x3 with stride 1, padded: place x reaches x - 1, x and x + 1, by kernel columns from the
    right; of 7 columns each bank has three at most."""
    _, lines, _ = lines_of(CASES[0])
    assert lines.places == 3
    assert lines.column_bits == 2
    assert lines.columns(0) == [(0, 1), (0, 2), None]
    assert lines.columns(1) == [(0, 0), (0, 1), (0, 2)]
    assert lines.columns(3) == [(1, 1), (1, 2), (0, 0)]
    assert lines.columns(6) == [(2, 1), None, (1, 0)]
    assert lines.walked.tolist() == [[2] * 7, [3] * 7, [3] * 7, [3] * 7, [2] * 7]


@for_each("case", CASES)
@for_each("channels, parallel", [(3, 3), (3, 1), (5, 2)])
def test_sums_are_the_convolution(case, channels, parallel):
    one, lines, conv = lines_of(case, channels=channels, parallel=parallel, lanes=1)
    inputs = np.random.default_rng(1).integers(0, 4, conv.source.size)
    np.testing.assert_array_equal(_sums(lines, conv, inputs), _expected(conv, inputs))
    assert lines.plan == LayerPlan(1, parallel, places=lines.places)
    assert geometry_of(conv, one.source, lines.plan) == lines


def test_a_layer_that_is_no_map_at_one_column():
    """A map of one column has a place in a line, and so a kernel as wide has."""
    conv = Conv(np.ones((1, 1, 1, 3), np.int8), np.ones(1, bool), Shape(1, 1, 3), (1, 1), (0, 0))
    geometry = geometry_of(conv, Raster(conv.source, 1), LayerPlan(1, 1))
    assert int(geometry.horizontal.count.max()) == 1


def _sums(lines, conv, inputs):
    """By the address maps alone: of each bank at its own rows."""
    words = lines.bank_words(conv.weights)
    assert all(len(bank) == lines.depth for bank in words)
    raster, fold_bits = lines.raster, lines.fold_bits
    found = np.zeros((raster.rows, raster.width), np.int64)
    for index in np.flatnonzero(inputs):
        lane, address = (int(n) for n in lines.lane_row(index))
        channel, place = address & (1 << lines.row_bits) - 1, address >> lines.row_bits
        y, x = place >> lines.position_bits[1], place & (1 << lines.position_bits[1]) - 1
        for number in range(int(lines.vertical.count[y])):
            line = int(lines.vertical.first[y]) + number
            down = int(lines.vertical.tap[y]) + number * lines.stride[0]
            for bank, each in enumerate(lines.columns(x)):
                if each is None:
                    continue
                column, right = each
                place = line * lines.out.width + column * lines.places + bank
                for fold in range(lines.folds):
                    tap = ((down << lines.tap_bits[1]) + right << fold_bits) + fold
                    word = words[lane][(tap << lines.row_bits) + channel]
                    signs = [1 if word >> i & 1 else -1 for i in range(raster.width)]
                    found[place * lines.folds + fold] += int(inputs[index]) * np.array(signs)
    return raster.by_neuron(found)


def _expected(conv, inputs):
    (down, right), (high, wide) = conv.padding, conv.kernel
    source = np.pad(inputs.reshape(conv.source.channels, conv.source.height, conv.source.width),
                    [(0, 0), (down, down), (right, right)])
    return np.array([[[int((source[:, y * conv.stride[0]:, x * conv.stride[1]:][:, :high, :wide]
                            * weights).sum()) for x in range(conv.shape.width)]
                      for y in range(conv.shape.height)] for weights in conv.weights]).ravel()
