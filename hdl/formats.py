"""Layouts of what travels between the components, and small width helpers."""

from __future__ import annotations

from amaranth import Signal
from amaranth.lib import data

__all__ = ["delayed", "index_width", "lane_event", "operation", "spike_word"]


def index_width(count: int) -> int:
    """Bits of an index into ``count`` things, 1 or more."""
    return max(1, (count - 1).bit_length())


def lane_event(*, address_width: int, value_width: int) -> data.StructLayout:
    """What a lane offers: an event, an end-of-timestep mark, or an event that is the last.

    address : of the event's first weight word in the lane's bank
    value : of a graded event, 1 for a spike
    event, mark : whether each is present
    """
    return data.StructLayout({"address": address_width, "value": value_width,
                              "event": 1, "mark": 1})


def spike_word(*, parallel: int, folds: int) -> data.StructLayout:
    """One fold's spikes; ``last`` marks the end of the timestep."""
    return data.StructLayout({"spikes": parallel, "fold": index_width(folds), "last": 1})


def operation(*, folds: int, timesteps: int) -> data.StructLayout:
    """What a layer's pipeline does in one cycle to one fold.

    charge : add the lanes' weighted events to the accumulators
    step : let the neurons take their accumulators in, fire and settle
    clear : the accumulators are empty afterwards
    close : the inference ends; potentials are zero afterwards
    sweep : no step at all, only the clearing after a reset
    """
    return data.StructLayout({"fold": index_width(folds), "timestep": index_width(timesteps),
                              "charge": 1, "step": 1, "clear": 1, "close": 1, "sweep": 1})


def delayed(m, signal, cycles: int, name: str):
    """``signal`` as it was ``cycles`` cycles ago."""
    for stage in range(1, cycles + 1):
        register = Signal.like(signal, name=f"{name}_{stage}")
        m.d.sync += register.eq(signal)
        signal = register
    return signal
