"""Class scores and the winner; the reference is reference/readout.py."""

from __future__ import annotations

from itertools import pairwise

from amaranth import Cat, Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from bsnn_hw.hdl.checks import require_instance, require_positive, require_shape
from bsnn_hw.hdl.constants import looked_up
from bsnn_hw.hdl.formats import index_width
from bsnn_hw.hdl.layer import charge_pipeline, group_stream
from bsnn_hw.hdl.memory import StateMemory
from bsnn_hw.hdl.peak import PeakMemory
from bsnn_hw.hdl.sequencer import Cadence
from bsnn_hw.ir.bounds import ReadoutBounds
from bsnn_hw.ir.network import Readout
from bsnn_hw.layout.blocks import Output

__all__ = ["ReadoutLayer", "Scorer", "score_beat"]


def score_beat(*, score_width: int, classes: int) -> data.StructLayout:
    """One class's score, and the class that leads so far; after the last it is the winner."""
    return data.StructLayout({"score": signed(score_width), "leader": index_width(classes),
                              "last": 1})


class Scorer(wiring.Component):
    """Turns rows of sums into scores, one class per cycle, and finds the largest.

    Parameters
    ----------
    layer : Readout
    bounds : ReadoutBounds
    parallel : int, sums per row

    Members
    -------
    sums : In; load : In, take ``sums`` in this cycle; only when ``idle``
    idle : Out
    beats : Out stream of ``score_beat``
    """

    def __init__(self, layer: Readout, bounds: ReadoutBounds, *, parallel: int):
        require_positive(parallel=parallel)
        require_instance(Readout, layer=layer)
        require_instance(ReadoutBounds, bounds=bounds)
        self._layer = layer
        self._bounds = bounds
        self._parallel = parallel
        self._classes = layer.synapse.neurons
        # With constant gains a row holds all timesteps' sums and is scored once.
        self._passes = 1 if layer.constant_gain else len(layer.gain)
        self._peak = (None if layer.peak is None else
                      PeakMemory(layer.peak, width=bounds.score.width))
        beat = score_beat(score_width=bounds.score.width, classes=self._classes)
        super().__init__({
            "sums": In(data.ArrayLayout(signed(bounds.acc.width), parallel)),
            "load": In(1),
            "idle": Out(1),
            "beats": Out(stream.Signature(beat)),
        })

    def elaborate(self, platform):
        m = Module()
        advance = Signal()
        m.d.comb += advance.eq(~self.beats.valid | self.beats.ready)
        place = self._serialize(m, advance)

        # Weigh: one cycle to look up the gain, one to multiply.
        gain = self._gain(m, advance, place[0])
        weighed = Signal(signed(self._bounds.score.width))
        value = Signal.like(self._row[0])
        with m.If(advance):
            m.d.sync += [value.eq(self._row[0]), weighed.eq(value * gain)]
            m.d.sync += [later.eq(sooner) for sooner, later in pairwise(place)]

        # Sum up, then compare; `>` leaves a tie to the lowest index.
        total = Signal(signed(self._bounds.score.width))
        summed = Signal.like(total, name="score")
        best = Signal.like(total)
        leads = Signal()
        score = (summed if self._peak is None else
                 self._largest(m, self._peak, advance, place, summed))
        final = place[-1]
        m.d.comb += [
            total.eq(self._before(m, advance, place, total) + weighed),
            leads.eq((final.index == 0) | (score > best)),
        ]
        beat = self.beats.payload
        with m.If(advance):
            m.d.sync += summed.eq(total)
            m.d.sync += self.beats.valid.eq(final.valid & self._in_pass(final, -1))
            with m.If(final.valid):
                m.d.sync += [
                    beat.score.eq(score),
                    beat.last.eq(final.index == self._classes - 1),
                ]
                with m.If(leads):
                    m.d.sync += [best.eq(score), beat.leader.eq(final.index)]
        return m

    def _largest(self, m, peak, advance, place, potential):
        """The largest membrane so far, an advance after the ``potential`` of this pass."""
        m.submodules.peak = peak
        m.d.comb += [
            peak.advance.eq(advance),
            peak.coming.eq(Mux(advance, place[1].index, place[2].index)),
            peak.index.eq(place[2].index),
            peak.valid.eq(place[2].valid),
            peak.first.eq(self._in_pass(place[2], 0)),
            peak.potential.eq(potential),
        ]
        return peak.largest

    def _serialize(self, m, advance):
        """Shift a row out, first class first; returns each stage's class and pass (``turn``)."""
        layout = data.StructLayout({"valid": 1, "index": index_width(self._classes)}
                                   | ({"turn": index_width(self._passes)} if self._passes > 1
                                      else {}))
        stages = 4 if self._peak is None else 5
        place = [Signal(layout, name=f"place_{stage}") for stage in range(stages)]
        self._row = row = Signal(self.sums.shape(), name="row")
        left = Signal(range(self._parallel + 1))
        index = Signal.like(place[0].index, name="index")

        tail_start = (-(-self._classes // self._parallel) - 1) * self._parallel
        with m.If(self.load):
            m.d.sync += [
                row.eq(self.sums),
                left.eq(Mux(index == tail_start, self._classes - tail_start, self._parallel)),
            ]
        with m.Elif(advance & (left != 0)):
            m.d.sync += [row[i].eq(row[i + 1]) for i in range(self._parallel - 1)]
            m.d.sync += [left.eq(left - 1), index.eq(index + 1)]
            with m.If(index == self._classes - 1):
                m.d.sync += index.eq(0)
        # A class comes again only once what became of it is kept.
        underway = [each.valid for each in place[1:]] if self._peak is not None else []
        m.d.comb += [
            self.idle.eq((left == 0) & ~Cat(underway).any() if underway else left == 0),
            place[0].valid.eq(left != 0),
            place[0].index.eq(index),
        ]
        if self._passes > 1:
            turn = Signal.like(place[0].turn, name="turn")
            m.d.comb += place[0].turn.eq(turn)
            with m.If(place[0].valid & advance & (index == self._classes - 1)):
                m.d.sync += turn.eq(Mux(turn == self._passes - 1, 0, turn + 1))
        return place

    def _in_pass(self, place, number):
        """Whether a class at ``place`` is in pass ``number``, counted as Python indexes."""
        return place.turn == number % self._passes if self._passes > 1 else 1

    def _row_of(self, place):
        """The row of a table (passes, classes)."""
        return place.index if self._passes == 1 else place.turn * self._classes + place.index

    def _gain(self, m, advance, place):
        table = self._layer.gain[: self._passes].flatten().tolist()
        return looked_up(m, "gain", table, self._row_of(place), advance)

    def _before(self, m, advance, place, score):
        """What the score starts from: the bias, or the passes before this one."""
        if self._peak is not None:
            return self._peak.carried + self._peak_bias(m, advance, place)
        bias = looked_up(m, "bias", self._layer.bias.tolist(), place[1].index, advance)
        if self._passes == 1:
            return bias
        m.submodules.partial = partial = StateMemory(rows=self._classes, width=len(score))
        m.d.comb += [
            partial.read_row.eq(Mux(advance, place[1].index, place[2].index)),
            partial.write_enable.eq(place[2].valid & advance),
            partial.write_row.eq(place[2].index),
            partial.write_data.eq(score),
        ]
        return Mux(self._in_pass(place[2], 0), bias, partial.read_data.as_signed())

    def _peak_bias(self, m, advance, place):
        """Of the pass and the class whose membrane is summed next."""
        assert self._layer.peak is not None
        table = self._layer.peak.bias.flatten().tolist()
        return looked_up(m, "bias", table, self._row_of(place[1]), advance)


class ReadoutLayer(wiring.Component):
    """The last layer: groups of events in, one beat per class and inference out.

    Parameters
    ----------
    layer : Readout
    bounds : ReadoutBounds
    block : Output, every number of it

    Members
    -------
    groups : In stream of ``event_group``
    beats : Out stream of ``score_beat``
    """

    def __init__(self, layer: Readout, bounds: ReadoutBounds, block: Output):
        require_instance(Readout, layer=layer)
        require_instance(Output, block=block)
        require_shape(block.synapses.geometry.weights_shape, weights=layer.synapse.weights)
        self._layer = layer
        self._bounds = bounds
        self._block = block
        beat = score_beat(score_width=bounds.score.width, classes=block.scorer.classes)
        super().__init__({
            "groups": In(group_stream(block.synapses)),
            "beats": Out(stream.Signature(beat)),
        })

    def elaborate(self, platform):
        m = Module()
        constant = self._layer.constant_gain
        sequencer, accumulator = charge_pipeline(
            m, self.groups, self._layer.synapse, self._block.synapses,
            cadence=Cadence.LAST_MARK if constant else Cadence.EACH_MARK,
            recovery=1)
        m.submodules.scorer = scorer = Scorer(self._layer, self._bounds,
                                              parallel=self._block.scorer.parallel)

        # A row that left the sequencer owns the scorer until its last class is out.
        loading = Signal()
        pending = Signal()
        starts = Signal()
        m.d.comb += [
            starts.eq(sequencer.op.step & ~sequencer.op.sweep),
            sequencer.room.eq(scorer.idle & ~pending),
            scorer.sums.eq(accumulator.sums),
            scorer.load.eq(loading),
        ]
        m.d.sync += loading.eq(accumulator.op.step & ~accumulator.op.sweep)
        with m.If(starts):
            m.d.sync += pending.eq(1)
        with m.Elif(loading):
            m.d.sync += pending.eq(0)
        connect(m, scorer.beats, wiring.flipped(self.beats))
        return m
