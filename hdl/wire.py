"""What carries bytes between a board and its host, by whatever pins."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping

from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Member, Out

__all__ = ["Wire", "connect_pins"]


class Wire(wiring.Component):
    """A component with pins, bytes from the host and bytes to it.

    Parameters
    ----------
    pins : name -> Member, as the board has them
    byte_cycles : int, clock cycles of a byte on the pins, at least

    Members
    -------
    NAME : of every pin
    byte, valid : Out, a byte has come; it is there for one cycle
    broken : Out, instead of ``valid`` where it came damaged
    bytes : In stream of 8 bits
    """

    def __init__(self, pins: Mapping[str, Member], *, byte_cycles: int):
        self.pins = dict(pins)
        self.byte_cycles = byte_cycles
        super().__init__({
            **self.pins,
            "byte": Out(8),
            "valid": Out(1),
            "broken": Out(1),
            "bytes": In(stream.Signature(8)),
        })

    @abstractmethod
    def elaborate(self, platform):
        """The circuit."""


def connect_pins(m, pins: Mapping[str, Member], inner, outer) -> None:
    """Connect members of a submodule, ``inner``, with those of the same names of ``outer``."""
    for name, member in pins.items():
        ours, theirs = getattr(outer, name), getattr(inner, name)
        m.d.comb += theirs.eq(ours) if member.flow == In else ours.eq(theirs)
