"""BorderClasses against the classes of the network: every place of two passes, with gaps."""

import numpy as np
import pytest

from bsnn_hw.hdl.border import BorderClasses
from bsnn_hw.ir.border import Border, axis_classes
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.tables import class_bits
from tests.for_each import for_each
from tests.hdl.benches import Bench, stalls

# map of the neurons, width of a row, kernel and padding of each axis
CASES = [(Shape(3, 5, 4), 2, (3, 1), (5, 2)), (Shape(1, 1, 6), 1, (1, 0), (3, 1)),
         (Shape(2, 4, 1), 2, (3, 1), (3, 1)), (Shape(5, 3, 3), 2, (1, 0), (1, 0))]


def border_of(shape, *axes):
    classes = [axis_classes(side, side, kernel, 1, padding)[0]
               for side, (kernel, padding) in zip((shape.height, shape.width), axes, strict=True)]
    counts = [each.max() + 1 for each in classes]
    return Border(*classes, np.zeros((1, *counts, shape.channels), np.int64))


@for_each("case", CASES)
def test_the_class_of_every_row(case):
    shape, width, *axes = case
    border, raster = border_of(shape, *axes), Raster(shape, width)
    dut, seen = BorderClasses(border, raster, timesteps=2), []

    async def drive(context):
        rows, gaps = iter([*range(raster.rows)] * 2), stalls(3, .3)
        row = next(rows)
        while row is not None:
            step = not next(gaps)
            context.set(dut.op, {"row": row, "fold": row % raster.folds, "timestep": 0,
                                 "charge": 0, "step": step, "clear": 0, "close": 0, "sweep": 0})
            if step:
                seen.append(context.get(dut.place))
                row = next(rows, None)
            await context.tick()

    Bench(dut).run(drive)
    columns = class_bits(border)[1]
    wanted = [int(border.lines[y] << columns | border.columns[x]) for y in range(shape.height)
              for x in range(shape.width) for _ in range(raster.folds)]
    assert seen == wanted * 2


def test_wrong_arguments():
    with pytest.raises(TypeError, match="border must be a Border"):
        BorderClasses(None, Raster(Shape(1, 2, 2), 1), timesteps=1)
    border = border_of(Shape(1, 2, 2), (1, 0), (1, 0))
    with pytest.raises(ValueError, match="must have classes of 3 lines and 2 columns, not 2 and 2"):
        BorderClasses(border, Raster(Shape(1, 3, 2), 1), timesteps=1)
