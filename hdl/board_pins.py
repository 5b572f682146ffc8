"""What stands between a board's pins and its circuit: reset and lights; all but the clock."""

from __future__ import annotations

from amaranth import Cat, ClockSignal, Instance, Module, ResetSignal, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.board_clock import BoardReset

__all__ = ["BoardPins"]


class BoardPins(wiring.Component):
    """An instance of `BoardCore`, its reset held, its state on lights.

    The port ``rst`` may come and go at any time, as `BoardReset` has it.

    Parameters
    ----------
    core : str, the module of the `BoardCore`
    answer_bits : int, bits of the class
    lights : int, how many there are; inverted : bool, they shine where the pin is 0

    Members
    -------
    rx : In; tx : Out, the line
    active : Out, as of `BoardCore`
    lights : Out, the first one ``active``, the others low bits of the last class; not there
        without any
    """

    def __init__(self, core: str, *, answer_bits: int, lights: int, inverted: bool):
        self._core = core
        self._answer_bits = answer_bits
        self._lights = lights
        self._inverted = inverted
        super().__init__({
            "rx": In(1, init=1),
            "tx": Out(1, init=1),
            "active": Out(1),
            **({"lights": Out(lights)} if lights else {}),
        })

    def elaborate(self, platform):
        m = Module()
        m.submodules.reset = reset = BoardReset()
        m.d.comb += reset.asked.eq(ResetSignal())
        answer = Signal(self._answer_bits)
        m.submodules.core = Instance(
            self._core, i_clk=ClockSignal(), i_rst=reset.reset, i_rx=self.rx, o_tx=self.tx,
            o_active=self.active, o_answer=answer)
        if self._lights:
            shown = Cat(self.active, answer)
            m.d.comb += self.lights.eq(~shown if self._inverted else shown)
        return m
