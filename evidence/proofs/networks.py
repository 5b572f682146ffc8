"""Proofs of small networks, whole: no layer waits for another for ever, and scores are right.

From the input port to the scores, with every event that may come, every pause on both ports, and
up to three inferences inside.  What stands in a whole network is too much for an invariant: the
rules hold in every run of so many cycles from reset on, in which a whole inference goes through.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from amaranth import Cat, Signal, Value
from amaranth.lib import data

from bsnn_hw.ir.network import CurrentShortcut, JoinKind, Network, SpikeJoin, Summand
from bsnn_hw.ir.schedule import LayerPlan
from bsnn_hw.reference.network import run
from evidence.proofs.events import Expected
from evidence.proofs.harness import Harness, table
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof
from evidence.proofs.small import TIMESTEPS, dense, laid_out, recurrence, small_network, spiking

__all__ = ["PROOFS"]

WAITING = 3  # inferences that are inside at most


def _network(parts: Parts, network: Network, patience: int, *plans: LayerPlan) -> Harness:
    """A network of a single class, each input at most once a timestep.

    patience : int, cycles that something may wait where nothing outside holds it up
    """
    layout = laid_out(network, *plans)
    dut = parts("network").NetworkTop(layout)
    h = Harness(dut=dut)
    row = layout.slots.value_width
    inputs = network.input.size
    h.drive(("valid", dut.s_axis_tvalid), ("event", dut.s_axis_tdata[:row + inputs - 1]),
            ("mark", dut.s_axis_tuser), ("last", dut.s_axis_tlast), ("ready", dut.m_axis_tready))
    ends, code = _sample(h, dut, row, inputs)
    left = dut.m_axis_tvalid & dut.m_axis_tready
    expected = Expected(h, data.ArrayLayout(1, len(code)), WAITING, entry=code, pop=left,
                        push=ends & dut.s_axis_tvalid & dut.s_axis_tready)
    h.limit(~(dut.s_axis_tvalid & ends) | (expected.count < WAITING))
    for name, value in (("taken", dut.s_axis_tready), ("given", dut.m_axis_tvalid),
                        ("score", dut.m_axis_tdata), ("waiting", expected.count)):
        h.show(name, value)
    h.must("a score is the reference's, of an inference that came", ~dut.m_axis_tvalid
           | (expected.count != 0) & (dut.m_axis_tdata == _scores(network, expected.front, layout)))
    _goes_on(h, dut, expected.count, patience)
    return h


def _sample(h: Harness, dut, row: int, inputs: int) -> tuple[Value, Value]:
    """``(ends, code)``: the beat is the last of an inference that counts, and its spikes."""
    m, accepted = h.m, dut.s_axis_tvalid & dut.s_axis_tready
    before = h.register(dut.s_axis_tdata, "event_before")
    flags = h.register(Cat(dut.s_axis_tuser, dut.s_axis_tlast), "flags_before")
    waits = h.register(dut.s_axis_tvalid & ~dut.s_axis_tready, "beat_waits")
    h.limit(~waits | dut.s_axis_tvalid & (dut.s_axis_tdata == before)
            & (flags == Cat(dut.s_axis_tuser, dut.s_axis_tlast)))
    step = Signal(range(TIMESTEPS + 1), name="step")
    spikes = Signal(TIMESTEPS * inputs, name="spikes")
    event, code = Signal.like(spikes), Signal.like(spikes)
    with m.If(dut.s_axis_tdata[0] & (step < TIMESTEPS)):
        m.d.comb += event.eq(1 << (step * inputs + dut.s_axis_tdata[row:]))
    m.d.comb += code.eq(spikes | event)
    h.limit(~dut.s_axis_tvalid | ((spikes & event) == 0))
    live = step < TIMESTEPS
    ends = live & (dut.s_axis_tlast | dut.s_axis_tuser & (step == TIMESTEPS - 1))
    with m.If(accepted):
        m.d.sync += [step.eq(step + (dut.s_axis_tuser & live)), spikes.eq(code)]
        with m.If(dut.s_axis_tlast):
            m.d.sync += [step.eq(0), spikes.eq(0)]
    return ends, code


def _scores(network: Network, code: Value, layout) -> Value:
    """The reference's score of the spikes ``code``."""
    bits = TIMESTEPS * network.input.size
    codes = np.arange(1 << bits)[:, None] >> np.arange(bits) & 1
    scores = run(network, codes.reshape(-1, TIMESTEPS, network.input.size)).scores[:, 0]
    return table(scores.tolist(), layout.slots.output_width, Value.cast(code))


def _goes_on(h: Harness, dut, waiting: Value, patience: int) -> None:
    h.must("where the sink is ready, a score comes for an inference that is whole", h.soon(
        "stuck", (waiting != 0) & dut.m_axis_tready & ~dut.m_axis_tvalid, patience))
    h.must("where the sink is ready, a beat is taken", h.soon(
        "refused", dut.s_axis_tvalid & ~dut.s_axis_tready & dut.m_axis_tready, patience))
    waits = h.register(dut.m_axis_tvalid & ~dut.m_axis_tready, "score_waits")
    before = h.register(dut.m_axis_tdata, "score_before")
    h.must("a score stays until it is taken",
           ~waits | dut.m_axis_tvalid & (dut.m_axis_tdata == before))


def _chain(parts: Parts) -> Harness:
    return _network(parts, small_network(1, spiking("a", dense(1, 1))), 34, LayerPlan(1, 1))


def _joined(parts: Parts) -> Harness:
    network = small_network(1, spiking("a", dense(1, 1), gained=True),
                            spiking("b", dense(1, 1), CurrentShortcut(1)))
    return _network(parts, network, 50, LayerPlan(1, 1), LayerPlan(1, 1))


def _recurrent(parts: Parts) -> Harness:
    return _network(parts, small_network(1, spiking("a", dense(1, 1), recurrence(1))), 50,
                    LayerPlan(1, 1))


def _recurrent_joined(parts: Parts) -> Harness:
    """A recurrent layer behind another, whose current it gets too."""
    network = small_network(1, spiking("a", dense(1, 1), gained=True),
                            spiking("b", dense(1, 1), CurrentShortcut(1), recurrence(1)))
    return _network(parts, network, 62, LayerPlan(1, 1), LayerPlan(1, 1))


def _spikes_joined(parts: Parts) -> Harness:
    """A layer whose spikes leave it where those of the layer before are silent."""
    network = small_network(1, spiking("a", dense(1, 1)),
                            spiking("b", dense(1, 1), join=SpikeJoin(JoinKind.INHIBIT, 1)))
    return _network(parts, network, 50, LayerPlan(1, 1), LayerPlan(1, 1))


def _spikes_added(parts: Parts) -> Harness:
    """A readout of the spikes of two layers, one behind the other."""
    network = small_network(1, spiking("a", dense(1, 1)), spiking("b", dense(1, 1)))
    network = replace(network, readout=replace(network.readout, summands=(Summand(2),)))
    return _network(parts, network, 50, LayerPlan(1, 1), LayerPlan(1, 1))


PROOFS = (
    Proof("layer to readout", _chain, Fault(
        "layer", "self.words_valid.eq(neurons.words_valid)",
        "self.words_valid.eq(neurons.words_valid & neurons.words.spikes.any())"), quick=False,
        cycles=38),
    Proof("layers with a shortcut past them", _joined, Fault(
        "carry", "self.whole.eq(count != 0)", "self.whole.eq(count > 1)"), quick=False,
        cycles=54),
    Proof("recurrent layer", _recurrent, Fault(
        "feedback", "Signal(init=1)  # after a reset", "Signal()  # after a reset"), quick=False,
        cycles=54),
    Proof("recurrent layer with a shortcut", _recurrent_joined, Fault(
        "carry", "self.whole.eq(count != 0)", "self.whole.eq(count > 1)"), quick=False,
        cycles=66),
    Proof("layers with spikes that are joined", _spikes_joined, Fault(
        "layer", "self.take_joined.eq(taken.step & ~taken.sweep)",
        "self.take_joined.eq(taken.step & ~taken.close)"), quick=False, cycles=54),
    Proof("layers with spikes that are added", _spikes_added, Fault(
        "merge", "turn.eq((number + 1) % self._count)", "turn.eq(1)"), quick=False, cycles=54),
)
