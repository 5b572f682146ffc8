"""A component that nothing is asked of in the first cycles."""

from __future__ import annotations

from amaranth import Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

__all__ = ["Rested"]


class Rested(wiring.Component):
    """``component``, whose inputs and outputs are zeros in the first ``cycles`` behind a reset."""

    def __init__(self, component: wiring.Component, cycles: int):
        self._component, self._cycles = component, cycles
        super().__init__(component.signature)

    def elaborate(self, platform):
        m = Module()
        m.submodules.component = component = self._component
        count = Signal(range(self._cycles + 1))
        awake = count == self._cycles
        m.d.sync += count.eq(count + ~awake)
        inner = {path: value for path, _, value in self.signature.flatten(component)}
        for path, member, value in self.signature.flatten(self):
            outside, inside = Value.cast(value), Value.cast(inner[path])
            given, got = (inside, outside) if member.flow == Out else (outside, inside)
            m.d.comb += got.eq(Mux(awake, given, 0))
        return m
