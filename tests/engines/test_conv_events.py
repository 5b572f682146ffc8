"""The reach of a convolution's events, against the definition of a convolution."""

import numpy as np

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.ir.network import Conv, Shape
from bsnn_hw.ir.raster import Raster
from tests.for_each import for_each
from tests.hdl.maps import CONVS, walk_of


def geometry_and_conv(source, kernel, stride, padding, channels=3, width=2, lanes=1, parallel=2,
                      seed=0):
    weights = np.random.default_rng(seed).choice([-1, 1], (channels, source.channels, *kernel))
    conv = Conv(weights.astype(np.int8), np.ones(channels, bool), source, stride, padding)
    geometry = ConvEvents(Raster(source, width), conv.shape, kernel, stride, padding, lanes,
                            parallel)
    return geometry, conv


def sums(geometry, conv, inputs):
    """Accumulators (neurons,) by the address maps alone."""
    banks = geometry.bank_words(conv.weights)
    rows = np.zeros((geometry.raster.rows, geometry.parallel), np.int64)
    for index in np.flatnonzero(inputs):
        lane, address = (int(n) for n in geometry.lane_row(index))
        channel = address & ((1 << geometry.row_bits) - 1)
        place = address >> geometry.row_bits
        y, x = place >> geometry.position_bits[1], place & ((1 << geometry.position_bits[1]) - 1)
        for row, _, tap in walk_of(geometry, y, x):
            word = banks[lane][(tap << geometry.row_bits) + channel]
            for position in range(geometry.parallel):
                rows[row, position] += inputs[index] * (1 if word >> position & 1 else -1)
    return geometry.raster.by_neuron(rows)


def expected(conv, inputs):
    """Accumulators (neurons,) by the equation in docs/ir.md."""
    source, out = conv.source, conv.shape
    image = inputs.reshape(source.channels, source.height, source.width)
    acc = np.zeros((out.channels, out.height, out.width), np.int64)
    for c, y, x, i, ky, kx in np.ndindex(*acc.shape, *conv.weights.shape[1:]):
        sy = y * conv.stride[0] + ky - conv.padding[0]
        sx = x * conv.stride[1] + kx - conv.padding[1]
        if 0 <= sy < source.height and 0 <= sx < source.width:
            acc[c, y, x] += int(conv.weights[c, i, ky, kx]) * image[i, sy, sx]
    return acc.reshape(-1)


@for_each("case", CONVS)
def test_address_maps_are_the_convolution(case):
    source, kernel, stride, padding, channels, width, lanes, parallel = case
    geometry, conv = geometry_and_conv(source, kernel, stride, padding, channels, width, lanes,
                                       parallel)
    inputs = np.random.default_rng(1).integers(0, 4, source.size)
    np.testing.assert_array_equal(sums(geometry, conv, inputs), expected(conv, inputs))


@for_each("case", CONVS)
def test_reach_is_the_number_of_outputs_that_see_a_pixel(case):
    source, kernel, stride, padding = case[:4]
    geometry, _ = geometry_and_conv(source, kernel, stride, padding)
    ones = Conv(np.ones((1, 1, *kernel), np.int8), np.ones(1, bool),
                Shape(1, source.height, source.width), stride, padding)
    for y, x in np.ndindex(source.height, source.width):
        pixel = np.zeros((source.height, source.width), np.int64)
        pixel[y, x] = 1
        assert geometry.reach[y, x] == expected(ones, pixel.reshape(-1)).sum()


@for_each("shape, width", [(Shape(5, 2, 3), 2), (Shape(4), 3), (Shape(1, 3, 1), 1)])
def test_raster_puts_every_neuron_where_it_locates_it(shape, width):
    raster = Raster(shape, width)
    row, bit = raster.locate(np.arange(shape.size))
    values = np.full((2, raster.rows, width), -1)
    values[:, row, bit] = np.arange(shape.size)
    np.testing.assert_array_equal(raster.by_neuron(values), np.stack([np.arange(shape.size)] * 2))
