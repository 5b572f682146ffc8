"""Synapses and sums of several output places at once; the numbers are in engines/conv_lines.py."""

from __future__ import annotations

from functools import reduce
from operator import or_

import numpy as np
from amaranth import Module, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.hdl.accumulator import Accumulator
from bsnn_hw.hdl.checks import require_instance
from bsnn_hw.hdl.formats import delayed, index_width, operation
from bsnn_hw.hdl.line_walk import places_layout
from bsnn_hw.hdl.synapse import SynapseArray
from bsnn_hw.ir.network import Synapse
from bsnn_hw.layout.blocks import Synapses

__all__ = ["PlaceArray"]


class PlaceArray(wiring.Component):
    """Charges a place in each bank at once, and gives the sums of one at a time.

    An operation comes with what its group has, and with the banks' rows and taps.  One that
    charges does so in all banks that are active; one that steps has a single active bank, whose
    sums go to the neurons.

    Parameters
    ----------
    synapse : Conv
    block : Synapses, of a geometry `ConvLines`

    Members
    -------
    start : In, ``operation``, with places : In, ``places_layout``
    rows, values : In, of the group
    op : Out, ``start`` as the accumulators get it, ``block.delay`` cycles later
    sums : Out, of the place that ``op`` steps, a cycle after it
    """

    def __init__(self, synapse: Synapse, block: Synapses):
        require_instance(ConvLines, geometry=block.geometry)
        assert isinstance(block.geometry, ConvLines)
        self._synapse = synapse
        self._block = block
        self._geometry = geometry = block.geometry
        raster = geometry.raster
        self._synapses = [SynapseArray(geometry, synapse, max_value=block.max_value,
                                       pipelined=block.pipelined)
                          for _ in range(geometry.places)]
        layout = operation(folds=raster.folds, timesteps=block.timesteps, rows=raster.rows)
        super().__init__({
            "start": In(layout),
            "places": In(places_layout(geometry)),
            "rows": In(data.ArrayLayout(index_width(geometry.rows), geometry.lanes)),
            "values": In(data.ArrayLayout(block.max_value.bit_length(), geometry.lanes)),
            "op": Out(layout),
            "sums": Out(data.ArrayLayout(signed(block.sum_width), raster.width)),
        })

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.op.eq(delayed(m, self.start, self._block.delay, "op"))
        sums = [self._bank(m, bank).sums.as_value() for bank in range(self._geometry.places)]
        m.d.comb += self.sums.eq(reduce(or_, sums))
        return m

    def _bank(self, m, number):
        """The accumulator of a bank; its sums are 0 but for a step of its own."""
        block, place, synapses = self._block, self.places[number], self._synapses[number]
        raster = self._geometry.sums_raster
        connected = np.ones(raster.shape.channels, bool)
        connected[:len(self._synapse.connected)] = self._synapse.connected
        accumulator = Accumulator(
            connected, raster, timesteps=block.timesteps, width=block.sum_width,
            delta_shape=synapses.deltas.shape().elem_shape, block=block.sums.block, gated=True,
            event_folds=self._geometry.event_folds, pipelined=block.pipelined)
        m.submodules[f"synapses_{number}"] = synapses
        m.submodules[f"accumulator_{number}"] = accumulator
        m.d.comb += [
            synapses.tap.eq(place.tap),
            synapses.rows.eq(self.rows),
            synapses.values.eq(self.values),
        ]
        start = Signal(accumulator.op.shape(), name=f"start_{number}")
        m.d.comb += [start[field].eq(self.start[field]) for field in start.shape().members]
        m.d.comb += [
            start.row.eq(place.row),
            start.charge.eq(self.start.charge & place.active),
            start.step.eq(self.start.step & place.active),
        ]
        ahead = block.sums.ahead
        next_op = delayed(m, start, block.delay - ahead, f"op_{number}")
        m.d.comb += [
            accumulator.next_row.eq(next_op.row),
            accumulator.op.eq(delayed(m, next_op, ahead, f"accumulator_op_{number}")),
            accumulator.deltas.eq(synapses.deltas),
            accumulator.carries.eq(synapses.carries),
        ]
        return accumulator
