"""What stands between a board's pins and its circuit: reset and lights; all but the clock."""

from __future__ import annotations

from collections.abc import Mapping

from amaranth import Cat, ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Member, Out

from bsnn_hw.hdl.board_clock import BoardReset

__all__ = ["BoardPins"]


class BoardPins(wiring.Component):
    """An instance of `BoardCore`, its reset held, its state on lights.

    The port ``rst`` may come and go at any time, as `BoardReset` has it.

    Parameters
    ----------
    core : str, the module of the `BoardCore`
    pins : name -> Member, of its wire
    answer_bits : int, bits of the class
    lights : int, how many there are; inverted : bool, they shine where the pin is 0

    Members
    -------
    NAME : of every pin of the wire
    active : Out, as of `BoardCore`
    lights : Out, the first one ``active``, the others low bits of the last class; not there
        without any
    """

    def __init__(self, core: str, pins: Mapping[str, Member], *, answer_bits: int, lights: int,
                 inverted: bool):
        self._core = core
        self._pins = dict(pins)
        self._answer_bits = answer_bits
        self._lights = lights
        self._inverted = inverted
        super().__init__({
            **self._pins,
            "active": Out(1),
            **({"lights": Out(lights)} if lights else {}),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.reset = reset = BoardReset()
        m.d.comb += reset.asked.eq(ResetSignal())
        answer = Signal(self._answer_bits)
        wire = {f"{'i' if member.flow == In else 'o'}_{name}": getattr(self, name)
                for name, member in self._pins.items()}
        m.submodules.core = Instance(
            self._core, i_clk=ClockSignal(), i_rst=reset.reset, **wire, o_active=self.active,
            o_answer=answer)
        if self._lights:
            shown = Cat(self.active, answer)
            m.d.comb += self.lights.eq(~shown if self._inverted else shown)
        return m
