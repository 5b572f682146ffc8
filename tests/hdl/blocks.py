"""Single blocks of a layout, as the tests of components need them."""

from __future__ import annotations

from bsnn_hw.ir.schedule import Rows, Store
from bsnn_hw.layout.blocks import (
    carry_block,
    layer_block,
    neurons_block,
    output_block,
    synapses_block,
)
from bsnn_hw.layout.gate import gate_block

__all__ = ["hidden_block", "readout_block"]


def hidden_block(layer, bounds, geometry, *, shortcuts=(), max_value, direct):
    """The block of a layer whose events come from anywhere.

    shortcuts : per shortcut its synapses laid out, None where it carries rows
    """
    def engine(synapse, geometry, sums):
        return synapses_block(None, synapse, geometry, sum_width=sums.width, max_value=max_value,
                              timesteps=len(layer.neuron.leak),
                              block=Rows().hold(Store.SUMS, geometry.raster.rows))

    beside = tuple(
        engine(shortcut.synapse, shape, sums) if shape is not None else
        carry_block("", 0, current=False, width=1, rows=1, timesteps=1, margin=1)
        for shortcut, shape, sums in zip(layer.shortcuts, shortcuts, bounds.shortcuts, strict=True))
    gate = layer.gate and gate_block(layer.gate, geometry, bounds.gate, max_value=max_value)
    return layer_block(layer.name, direct, engine(layer.synapse, geometry, bounds.acc), beside,
                       neurons_block(layer, bounds, geometry.raster, Rows()), gate)


def readout_block(layer, bounds, geometry, *, timesteps):
    """The block of a readout whose events come from anywhere."""
    synapses = synapses_block(None, layer.synapse, geometry, sum_width=bounds.acc.width,
                              max_value=1, timesteps=timesteps,
                              block=Rows().hold(Store.SUMS, geometry.raster.rows))
    return output_block(layer, bounds, synapses)
