"""Layouts of what travels between the components, and small width helpers."""

from __future__ import annotations

from amaranth import Cat, Signal
from amaranth.lib import data

from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.schedule import BLOCK_ROWS

__all__ = ["delayed", "event_group", "index_width", "lane_event", "operation", "place_layout",
           "rom_attributes", "spike_word", "with_carry"]


def index_width(count: int) -> int:
    """Bits of an index into ``count`` things, 1 or more."""
    return max(1, (count - 1).bit_length())


def lane_event(*, row_width: int, **more) -> data.StructLayout:
    """A spike's row in a weight bank, an end-of-timestep mark, or both: the timestep's last.

    more : ``place`` of a spike in a map
    """
    return data.StructLayout({"row": row_width, "event": 1, "mark": 1, **more})


def event_group(*, lanes: int, row_width: int, value_width: int, row_count: int | None = None,
                **more) -> data.StructLayout:
    """What a layer takes at a time: an event per lane at most, and perhaps the mark behind them.

    In a stream, a group that is offered may grow until it is taken: by events of lanes that had
    none, and then by the mark.  What was offered stays, and nothing comes behind the mark.

    rows : in each lane's weight bank, anything in a lane without an event; one for all lanes of
        an engine of words, ``row_count`` of them then
    values : of the events, 1 for a spike, 0 in a lane without an event
    charge : whether there is an event at all
    mark : no more events in this timestep
    more : where all events of the group are, in a map: ``place``, and later ``reach``
    """
    return data.StructLayout({"rows": data.ArrayLayout(row_width, row_count or lanes),
                              "values": data.ArrayLayout(value_width, lanes),
                              "charge": 1, "mark": 1, **more})


def place_layout(shape: Shape) -> data.StructLayout:
    """Where in a map of ``shape``."""
    return data.StructLayout({"y": index_width(shape.height), "x": index_width(shape.width)})


def spike_word(*, parallel: int, rows: int) -> data.StructLayout:
    """One row's spikes; ``last`` marks the end of the timestep."""
    return data.StructLayout({"spikes": parallel, "row": index_width(rows), "last": 1})


def operation(*, folds: int, timesteps: int, rows: int | None = None) -> data.StructLayout:
    """What a layer's pipeline does in one cycle to one row of its neurons.

    row : of the state memories; fold : of the channels' constants.  Without ``rows`` of its own a
        layer has a row per fold
    charge : add the lanes' weighted events to the accumulators
    step : let the neurons take their accumulators in, fire and settle
    clear : the accumulators are empty afterwards
    close : the inference ends; potentials are zero afterwards, but for those that are kept
    sweep : no step at all, only the clearing after a reset
    """
    return data.StructLayout({"row": index_width(rows or folds), "fold": index_width(folds),
                              "timestep": index_width(timesteps),
                              "charge": 1, "step": 1, "clear": 1, "close": 1, "sweep": 1})


def delayed(m, signal, cycles: int, name: str, *, reset_less: bool = False):
    """``signal`` as it was ``cycles`` cycles ago; ``reset_less`` where only its data matters."""
    for stage in range(1, cycles + 1):
        register = Signal.like(signal, name=f"{name}_{stage}", reset_less=reset_less)
        m.d.sync += register.eq(signal)
        signal = register
    return signal


def with_carry(left, right, carry):
    """``left + right + carry`` of signed numbers and a bit in one adder, a bit longer."""
    return (Cat(1, left).as_signed() + Cat(carry, right).as_signed()) >> 1


def rom_attributes(rows: int, block: bool | None = None) -> dict[str, str]:
    """Where synthesis should put a ROM; ``block`` : in block RAM, None for where it is the cheaper
    place: a LUT holds 16 rows of a bit."""
    if rows >= BLOCK_ROWS if block is None else block:
        return {"rom_style": "block"}
    return {"rom_style": "logic"} if rows >= BLOCK_ROWS else {}
