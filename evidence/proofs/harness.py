"""A component among free inputs, what these may be, and what must then hold in every cycle."""

from __future__ import annotations

from typing import Any

from amaranth import Array, Cat, ClockDomain, Const, Elaboratable, Module, Mux, Signal, Value
from amaranth.hdl import ShapeLike

__all__ = ["Harness", "table"]


class Harness(Elaboratable):
    """What is proven: as long as every limit has held, all rules hold.

    Members
    -------
    m : Module, to put the component and what watches it into
    components : of these, what is proven is the first
    inputs : list of Signal, anything in every cycle
    rules : dict of Signal by what must hold, in words
    shown : dict of Value by name, the columns of a counterexample
    bad : Signal, a rule is broken and no limit was
    """

    def __init__(self, **submodules: Elaboratable):
        self.m = Module()
        self.m.domains.sync = self.clock = ClockDomain("sync", reset_less=True)
        self.components = tuple(submodules.values())
        for name, component in submodules.items():
            self.m.submodules[name] = component
        self.inputs: list[Signal] = []
        self.rules: dict[str, Signal] = {}
        self.shown: dict[str, Value] = {}
        self.bad = Signal()
        self._limits: list[Value] = []

    def anything(self, name: str, shape: ShapeLike = 1) -> Signal:
        """An input that may change in every cycle."""
        signal = Signal(shape, name=name)
        self.inputs.append(signal)
        self.show(name, signal)
        return signal

    def chosen(self, name: str, shape: ShapeLike = 1) -> Value:
        """A number that may be any, and stays."""
        first = Signal(init=1, name=f"{name}_first")
        held = Signal(shape, name=f"{name}_held")
        now = self.anything(name, shape)
        self.m.d.sync += first.eq(0)
        with self.m.If(first):
            self.m.d.sync += held.eq(now)
        return Mux(first, now, held)

    def drive(self, *ports: Any) -> None:
        """Let inputs of a component be anything; ``ports`` : pairs of name and port."""
        for name, port in ports:
            value = Value.cast(port)
            self.m.d.comb += value.eq(self.anything(name, len(value)))

    def limit(self, condition: Value) -> None:
        """What inputs may be: nothing is said of what follows where it does not hold."""
        self._limits.append(Value.cast(condition).bool())

    def must(self, rule: str, condition: Value) -> None:
        """What is to be proven, in every cycle."""
        signal = Signal(name=f"rule_{len(self.rules)}")
        self.m.d.comb += signal.eq(Value.cast(condition).bool())
        self.rules[rule] = signal

    def show(self, name: str, value: Any) -> None:
        """Have a column in a counterexample."""
        self.shown[name] = Value.cast(value)

    def register(self, value: Any, name: str, init: int = 0) -> Signal:
        """``value`` as it was a cycle ago."""
        value = Value.cast(value)
        signal = Signal(value.shape(), name=name, init=init)
        self.m.d.sync += signal.eq(value)
        return signal

    def delayed(self, value: Any, cycles: int, name: str) -> Value:
        """``value`` as it was ``cycles`` cycles ago."""
        for stage in range(cycles):
            value = self.register(value, f"{name}_{stage}")
        return Value.cast(value)

    def soon(self, name: str, condition: Value, within: int) -> Value:
        """Whether ``condition``, which must not last, has held for at most ``within`` cycles."""
        lasted = Signal(range(within + 2), name=f"{name}_lasted")
        with self.m.If(condition & (lasted <= within)):
            self.m.d.sync += lasted.eq(lasted + 1)
        with self.m.Elif(~condition):
            self.m.d.sync += lasted.eq(0)
        return lasted <= within

    def elaborate(self, platform: Any) -> Module:
        """Amaranth's."""
        lawful = Signal()
        before = Signal(init=1)
        self.m.d.comb += [
            lawful.eq(before & Cat(self._limits).all()),
            self.bad.eq(lawful & ~Cat(self.rules.values()).all()),
        ]
        self.m.d.sync += before.eq(lawful)
        return self.m


def table(values: list[int], width: int, index: Value) -> Value:
    """``values[index]`` in ``width`` bits of two's complement: what a reference gives for whatever
    comes in."""
    return Value.cast(Array(Const(value & (1 << width) - 1, width) for value in values)[index])
