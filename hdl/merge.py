"""Groups of several links to one engine: spikes of layers that are added before a synapse."""

from __future__ import annotations

from amaranth import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.hdl.checks import require_instance, require_positive

__all__ = ["GroupMerge"]


class GroupMerge(wiring.Component):
    """Passes each timestep's groups of the first stream on, then those of the next, and the mark of
    the last stream alone: the engine adds up the events of all.

    Nothing is registered on the way, and no cycle is lost between two streams.

    Parameters
    ----------
    group : data.StructLayout, ``event_group``
    count : int, streams, 2 or more

    Members
    -------
    sources : In, streams of groups; groups : Out, likewise
    """

    def __init__(self, group: data.StructLayout, *, count: int):
        require_instance(data.StructLayout, group=group)
        require_positive(count=count)
        if count < 2:
            raise ValueError(f"count must be 2 or more, not {count}")
        self._count = count
        super().__init__({
            "sources": In(stream.Signature(group)).array(count),
            "groups": Out(stream.Signature(group)),
        })

    def elaborate(self, platform):
        m = Module()
        turn = Signal(range(self._count))
        with m.Switch(turn):
            for number, source in enumerate(self.sources):
                with m.Case(number):
                    self._pass(m, source, closes=number == self._count - 1)
                    with m.If(source.valid & source.ready & source.payload.mark):
                        m.d.sync += turn.eq((number + 1) % self._count)
        return m

    def _pass(self, m, source, *, closes):
        """Pass a stream on; unless it ``closes`` the timestep, without its mark."""
        group, offered = self.groups.payload, source.payload
        m.d.comb += [
            group.eq(offered),
            self.groups.valid.eq(source.valid),
            source.ready.eq(self.groups.ready),
        ]
        if not closes:
            m.d.comb += [
                group.mark.eq(0),
                self.groups.valid.eq(source.valid & offered.charge),
                source.ready.eq(self.groups.ready | ~offered.charge),
            ]
