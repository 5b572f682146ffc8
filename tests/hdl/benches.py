"""What every bench of a component needs: a clock, streams that stall, and an end to every wait."""

from __future__ import annotations

import numpy as np
from amaranth.hdl import ClockDomain, Module
from amaranth.sim import Simulator

__all__ = ["Bench", "receive", "send", "stalls"]


def stalls(seed, chance: float):
    """An endless source of booleans, True (a cycle of no transfer) with probability ``chance``."""
    rng = np.random.default_rng(seed)
    while True:
        yield from (rng.random(256) < chance).tolist()


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
        self.cycle = 0
        self._deadline = deadline
        self._simulator = Simulator(top)
        self._simulator.add_clock(1e-8)

    def observe(self, name: str):
        """The signal ``name`` inside the component, wherever it is; there must be one."""
        found = [signal for information in self._simulator._design.fragments.values()
                 for signal, own in information.signal_names.items() if own == name]
        assert len(set(map(id, found))) == 1, f"{len(found)} signals are named {name}"
        return found[0]

    def run(self, *processes, background=()):
        """Run every process to its end; ``background`` may go on forever."""

        async def watch(context):
            while True:
                await context.tick()
                self.cycle += 1
                assert self.cycle < self._deadline, f"no end within {self._deadline} cycles"

        for process in (watch, *background):
            self._simulator.add_testbench(process, background=True)
        for process in processes:
            self._simulator.add_testbench(process)
        self._simulator.run()


async def send(context, port, payloads, pauses):
    """Offer ``payloads`` on a stream, one after the other, with pauses in between."""
    for payload in payloads:
        while next(pauses):
            await context.tick()
        context.set(port.payload, payload)
        context.set(port.valid, 1)
        await context.tick().until(port.ready)
        context.set(port.valid, 0)


async def receive(context, port, count, pauses, taken):
    """Append ``count`` payloads of a stream to ``taken``; what is offered must stay offered."""
    offered = None
    while len(taken) < count:
        ready = not next(pauses)
        context.set(port.ready, ready)
        *_, valid, payload = await context.tick().sample(port.valid, port.payload)
        assert offered is None or valid, "an offer was taken back"
        assert offered is None or payload == offered, "a payload changed before it was taken"
        if valid and ready:
            taken.append(payload)
        offered = payload if valid and not ready else None
    context.set(port.ready, 0)
