"""``constant_rows`` against its table."""

import numpy as np
from amaranth import Module, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.constants import constant_rows
from bsnn_hw.hdl.formats import operation
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench


class Table(wiring.Component):
    """A table, and the operation that looks it up."""

    def __init__(self, table, raster, pipelined):
        self._table, self._raster, self._pipelined = table, raster, pipelined
        super().__init__({
            "op": In(operation(folds=raster.folds, timesteps=len(table), rows=raster.rows)),
            **{f"constant_{i}": Out(signed(12)) for i in range(raster.width)}})

    def elaborate(self, platform):
        m = Module()
        row = constant_rows(m, "table", self._table, self._raster, self.op,
                            pipelined=self._pipelined)
        m.d.comb += [getattr(self, f"constant_{i}").eq(value) for i, value in enumerate(row)]
        return m


@quick(9, wide=None)
@for_each("same", [False, True])
@for_each("ends", [(-900, 40), (0, 1), (-1, -1), (1, 255)])
@for_each("timesteps, channels, width", [
    (1, 1, 1), (3, 4, 4), (4, 5, 2), (5, 3, 1), (1, 5, 2)])
@for_each("pipelined", [False, True])
def test_constants_of_timestep_and_fold(timesteps, channels, width, ends, same, pipelined):
    """Any operation each cycle; the answer is two cycles behind, or three.  Values are signed."""
    rng = np.random.default_rng(channels)
    raster = Raster(Shape(channels, 2, 3), width)
    table = rng.integers(*ends, (timesteps, channels), endpoint=True)
    table = np.repeat(table[:1], timesteps, axis=0) if same else table
    dut = Table(table, raster, pipelined)

    async def check(context):
        asked = [None, None] + [None] * pipelined
        for cycle in range(40):
            row, t = int(rng.integers(raster.rows)), int(rng.integers(timesteps))
            fold = row % raster.folds
            context.set(dut.op, {"timestep": t, "fold": fold, "row": row, "charge": cycle % 2})
            right, *asked = *asked, table[t, fold * width:][:width].tolist()
            if right is not None:
                given = [context.get(getattr(dut, f"constant_{i}")) for i in range(len(right))]
                assert given == right, f"cycle {cycle}"
            await context.tick()

    Bench(dut).run(check)
