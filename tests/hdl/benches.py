"""What every bench of a component needs: a clock, streams that stall, and an end to every wait."""

from __future__ import annotations

from functools import partial
from operator import is_not

import numpy as np
from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.sim import Simulator

__all__ = ["Bench", "pass_by", "receive", "send", "stalls"]


def stalls(seed, chance: float):
    """An endless source of booleans, True (a cycle of no transfer) with probability ``chance``."""
    rng = np.random.default_rng(seed)
    while True:
        yield from (rng.random(256) < chance).tolist()

PERIOD = 10_000_000  # of the clock, in fs


async def pass_by(context, cycles: int):
    """Let so many cycles pass in which the process does nothing, without waking it in each."""
    await context.delay(cycles * PERIOD * 1e-15)


class Bench:
    """A component under a clock and a reset.

    Parameters
    ----------
    dut : Component
    deadline : int
        Cycles until a run that has not ended fails.

    Members
    -------
    reset : Signal of the clock domain
    cycle : int, cycles since the start
    """

    def __init__(self, dut, *, deadline: int = 20_000):
        top = Module()
        top.domains.sync = domain = ClockDomain()
        top.submodules.dut = dut
        self.reset = domain.rst
        self._deadline = deadline
        self._simulator = Simulator(top)
        self._simulator.add_clock(PERIOD * 1e-15)

    @property
    def cycle(self):
        # The first edge comes after half a period.
        return (self._simulator._engine.now + PERIOD // 2) // PERIOD

    def observe(self, name: str):
        """The signal ``name`` inside the component, wherever it is; there must be one."""
        found = [signal for information in self._simulator._design.fragments.values()
                 for signal, own in information.signal_names.items() if own == name]
        assert len(set(map(id, found))) == 1, f"{len(found)} signals are named {name}"
        return found[0]

    def run(self, *processes, background=()):
        """Run every process to its end; ``background`` may go on forever."""

        async def watch(context):
            await context.delay(self._deadline * PERIOD * 1e-15)
            raise AssertionError(f"no end within {self._deadline} cycles")

        values: dict[int, int] = {}
        for process in (watch, *background, *processes):
            self._simulator.add_testbench(partial(_sparing, process, values),
                                          background=process not in processes)
        self._simulator.run()


async def _sparing(process, values, context):
    await process(Sparing(context, values))


class Sparing:
    """A process's context that spares Amaranth work: no signal is set to what it is, after which
    all that may follow from it would be computed again, and a loop's ticks are one trigger.

    values : by the signal's ``id`` what it was set to last, of all processes
    """

    def __init__(self, context, values):
        self.context = context
        self._values = values
        self.get = context.get
        self.loop, self.sampled = None, None

    def set(self, place, value):
        if type(place) is not Signal or type(value) not in (int, bool):
            self._values.clear()  # it may be a part of any signal
        elif self._values.get(id(place)) == value:
            return
        else:
            self._values[id(place)] = value
        self.context.set(place, value)

    def tick(self):
        return Tick(self, ())

    def delay(self, interval):
        self.loop = self.sampled = None
        return self.context.delay(interval)

    def posedge(self, signal):
        self.loop = self.sampled = None
        return self.context.posedge(signal)

    def negedge(self, signal):
        self.loop = self.sampled = None
        return self.context.negedge(signal)


class Tick:
    """`TickTrigger`; of two that follow each other and sample the same objects, the second is kept
    for those that come then."""

    def __init__(self, spare, sampled):
        self._spare = spare
        self._sampled = sampled

    def sample(self, *values):
        return Tick(self._spare, (*self._sampled, *values))

    def __await__(self):
        spare, sampled = self._spare, self._sampled
        before = spare.sampled
        if before is None or len(before) != len(sampled) or any(map(is_not, before, sampled)):
            spare.loop, spare.sampled = None, sampled
            return self._trigger().__await__()
        if spare.loop is None:
            spare.loop = aiter(self._trigger())
        return anext(spare.loop).__await__()

    def __aiter__(self):
        return aiter(self._alone())

    def until(self, condition):
        return self._alone().until(condition)

    def repeat(self, count):
        return self._alone().repeat(count)

    def _alone(self):
        self._spare.loop = self._spare.sampled = None
        return self._trigger()

    def _trigger(self):
        return self._spare.context.tick().sample(*self._sampled)


async def send(context, port, payloads, pauses):
    """Offer ``payloads`` on a stream, one after the other, with pauses in between."""
    ticks = aiter(context.tick().sample(port.ready))
    for payload in payloads:
        while next(pauses):
            context.set(port.valid, 0)
            await anext(ticks)
        context.set(port.payload, payload)
        context.set(port.valid, 1)
        while not (await anext(ticks))[-1]:
            pass
    context.set(port.valid, 0)


async def receive(context, port, count, pauses, taken):
    """Append ``count`` payloads of a stream to ``taken``; what is offered must stay offered."""
    ticks = aiter(context.tick().sample(port.valid, port.payload))
    offered = None
    while len(taken) < count:
        ready = not next(pauses)
        context.set(port.ready, ready)
        *_, valid, payload = await anext(ticks)
        assert offered is None or valid, "an offer was taken back"
        assert offered is None or payload == offered, "a payload changed before it was taken"
        if valid and ready:
            taken.append(payload)
        offered = payload if valid and not ready else None
    context.set(port.ready, 0)
