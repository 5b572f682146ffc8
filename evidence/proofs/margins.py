"""Proofs of margins: what a layer may still send when `room` goes is what its consumers keep free.

A layer of each engine sends so many words at most as its block says, and can send as many: with a
margin of one less there is a counterexample.  A link to banks, to shared lanes and to words, whose
producer sends as many as its margin says, loses none.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from amaranth import Mux, Signal, Value

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.network import Network, Pool, PoolKind, Shape
from bsnn_hw.ir.schedule import Engine, LayerPlan
from evidence.proofs.harness import Harness
from evidence.proofs.parts import Fault, Parts
from evidence.proofs.proof import Proof
from evidence.proofs.small import (
    TIMESTEPS,
    dense,
    laid_out,
    pixels,
    recurrence,
    small_network,
    spiking,
)
from evidence.proofs.streams import follow, heeded, heeds

__all__ = ["PROOFS"]

SQUARE = Shape(1, 2, 2)
LATE, DEPTH = 2, 3  # words that come late, and what a queue holds, one more in its register


def _layer(parts: Parts, network: Network, plan: LayerPlan) -> Harness:
    """The first layer of ``network``, whatever its engines and FIFOs are given."""
    layout = laid_out(network, plan)
    block = layout.layers[0]
    dut = parts("layer").HiddenLayer(network.hidden[0], layout.hidden_bounds[0], block)
    h = Harness(dut=dut)
    for name, member in dut.signature.members.items():
        port = getattr(dut, name)
        if member.is_signature:
            h.drive((f"{name}_valid", port.valid), (name, port.payload))
        elif name == "room" or name.startswith("whole"):
            h.drive((name, port))
    h.show("word", dut.words_valid)
    held = block.neurons.held
    margin = parts("layout.blocks").layer_margin(held.store.ahead if held else block.delay,
                                                 block.neurons.delay)
    h.must(f"{margin} words come at most, from the cycle before there is no room on",
           heeded(h, dut.words_valid, dut.room, margin, before=True))
    return h


def _events(parts: Parts) -> Harness:
    return _layer(parts, small_network(2, spiking("fc", dense(4, 2))), LayerPlan(1, 1))


def _pipelined(parts: Parts) -> Harness:
    return _layer(parts, small_network(2, spiking("fc", dense(4, 2))),
                  LayerPlan(1, 1, pipelined=True))


def _units(parts: Parts) -> Harness:
    # More rows than may come late, as units pause until those of the next timestep are there.
    return _layer(parts, small_network(2, spiking("fc", dense(9, 2))), LayerPlan(1, 1, units=1))


def _words(parts: Parts) -> Harness:
    return _layer(parts, small_network(2, spiking("fc", dense(4, 2))),
                  LayerPlan(2, 1, engine=Engine.WORDS))


def _map(parts: Parts) -> Harness:
    return _layer(parts, small_network(SQUARE, spiking("conv", pixels(SQUARE))), LayerPlan(1, 1))


def _lines(parts: Parts) -> Harness:
    return _layer(parts, small_network(SQUARE, spiking("conv", pixels(SQUARE))),
                  LayerPlan(1, 1, places=2))


def _largest(parts: Parts) -> Harness:
    pooled = spiking("conv", pixels(SQUARE), current_pool=Pool(PoolKind.MAX, 1, 1))
    return _layer(parts, small_network(SQUARE, pooled), LayerPlan(1, 1))


def _joining(parts: Parts) -> Harness:
    return _layer(parts, small_network(2, spiking("fc", dense(4, 2), recurrence(4))),
                  LayerPlan(1, 1))


def _second_order(parts: Parts) -> Harness:
    return _layer(parts, small_network(2, spiking("fc", dense(4, 2), second_order=True)),
                  LayerPlan(1, 1))


def _gated(parts: Parts) -> Harness:
    gate = SampleGate(np.array([1, -1], np.int8), 2, 1, 0, np.array([[1, 3]] * TIMESTEPS), 1)
    return _layer(parts, small_network(2, spiking("fc", dense(4, 2), gate=gate)), LayerPlan(1, 1))


def _link(h: Harness, dut: Any, words: Any, valid: Value, rows: int, most: int,
          late: int = LATE) -> Harness:
    """Words in raster order into ``words``, and the groups of ``dut``, timestep by timestep.

    rows : int, words of a timestep; most : int, timesteps that are inside; late : int, words that
    come late
    """
    m = h.m
    group = dut.groups.payload
    h.drive(("write", valid), ("spikes", words.spikes), ("ready", dut.groups.ready))
    row = Signal(range(max(2, rows)))
    came = Signal(range(rows * len(words.spikes) + 1))
    gone = Signal.like(came)
    now = Signal.like(came)
    seen = Signal.like(came)
    taken = Signal()
    m.d.comb += [
        words.row.eq(row), words.last.eq(row == rows - 1), now.eq(came + sum(words.spikes)),
        seen.eq(gone + sum(group.values)), taken.eq(dut.groups.valid & dut.groups.ready),
    ]
    with m.If(valid):
        m.d.sync += [row.eq(Mux(words.last, 0, row + 1)), came.eq(Mux(words.last, 0, now))]
    with m.If(taken):
        m.d.sync += gone.eq(Mux(group.mark, 0, seen))
    heeds(h, valid, dut.room, late, before=True)
    for name, value in (("room", dut.room), ("given", dut.groups.valid), ("values", group.values),
                        ("mark", group.mark)):
        h.show(name, value)
    # A word is the timestep's number of spikes: a lost one has others in its place.
    follow(h, enters=valid & words.last, word=now, leaves=taken & group.mark, seen=seen, most=most,
           within=12, ready=dut.groups.ready)
    return h


def _spike_link(parts: Parts, shared: bool, pipelined: bool = False, lanes: int = 2) -> Harness:
    dut = parts("link").SpikeLink(DenseEvents.flat(2, 2, 1, lanes, 1, shared), depth=DEPTH,
                                  margin=LATE, pipelined=pipelined)
    return _link(Harness(dut=dut), dut, dut.words, dut.words_valid, 1, DEPTH + 4 + 4 * pipelined)


def _banks(parts: Parts) -> Harness:
    return _spike_link(parts, shared=False)


def _shared(parts: Parts) -> Harness:
    return _spike_link(parts, shared=True)


def _pipelined_bank(parts: Parts) -> Harness:
    return _spike_link(parts, shared=False, pipelined=True, lanes=1)


def _pipelined_shared(parts: Parts) -> Harness:
    return _spike_link(parts, shared=True, pipelined=True)


def _word_link(parts: Parts, pipelined: bool = False) -> Harness:
    # Three rows of 1 in words of two: three late rows make two words.
    late = 3
    dut = parts("word_link").WordLink(DenseWords.flat(3, 1, 1, 2, 1), depth=DEPTH, margin=late,
                                     pipelined=pipelined)
    return _link(Harness(dut=dut), dut, dut.words, dut.words_valid, 3,
                 DEPTH + 1 + 3 * pipelined, late)


def _pipelined_words(parts: Parts) -> Harness:
    return _word_link(parts, pipelined=True)


NO_REGISTER = Fault("layout.blocks", "return delay + neuron_delay + 1",
                    "return delay + neuron_delay")
LATE_ROOM = Fault("link", "depth=self._depth, margin=self._margin,",
                  "depth=self._depth, margin=self._margin - 1,")
PROOFS = (
    Proof("margin of a layer of events", _events, NO_REGISTER),
    Proof("margin of a layer of words", _words, NO_REGISTER),
    Proof("margin of a pipelined layer", _pipelined, NO_REGISTER),
    Proof("margin of a layer with units of its own", _units, NO_REGISTER),
    Proof("margin of a convolution", _map, NO_REGISTER),
    Proof("margin of a convolution by lines", _lines, NO_REGISTER),
    Proof("margin with pooled currents", _largest, NO_REGISTER),
    Proof("margin of a recurrent layer", _joining, NO_REGISTER),
    Proof("margin of second order", _second_order, NO_REGISTER),
    Proof("margin of a layer with a gate", _gated, NO_REGISTER),
    Proof("link to banks", _banks, Fault("link", "levels_low.all()", "levels_low.any()"),
          quick=False),
    Proof("link to shared lanes", _shared, LATE_ROOM, quick=False),
    Proof("link to a bank, pipelined", _pipelined_bank, LATE_ROOM, quick=False),
    Proof("link to shared lanes, pipelined", _pipelined_shared, LATE_ROOM, quick=False),
    Proof("link to words", _word_link, Fault(
        "word_link", "geometry.arrivals(margin)", "geometry.arrivals(margin) - 1"), quick=False),
    Proof("link to words, pipelined", _pipelined_words, Fault(
        "word_link", "geometry.arrivals(margin)", "geometry.arrivals(margin) - 1"), quick=False),
)
