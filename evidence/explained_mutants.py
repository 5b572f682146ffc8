"""Mutants that no test can or need find, each with the reason why."""

from __future__ import annotations

__all__ = ["EXPLAINED"]

# (file, the first changed line, that line with the fault) -> why nothing promised changes
EXPLAINED: dict[tuple[str, str, str], str] = {
    ("bsnn_hw/exploration/run.py",
     "while more and self._live < chooser.ahead(self._workers.count()):",
     "while more and self._live is not chooser.ahead(self._workers.count()):"):
        "points under way are counted up one by one, so that below 257 of them it is the same; a "
        "grid of more than 10,000 points is none that tests make",
    ("bsnn_hw/lowering/samples.py",
     "for done in [each for each in store if INPUT < each and graph.last_use(each) <= number]:",
     "for done in [each for each in store if INPUT > each and graph.last_use(each) <= number]:"):
        "spikes of layers that nothing reads any more are kept: it costs memory only",
    ("bsnn_hw/exploration/run.py",
     "most = AHEAD * max(1, self._workers.count())",
     "most = AHEAD * max( 2, self._workers.count())"):
        "a step more waits at a single worker, which does them one by one in the same order",
    ("bsnn_hw/exploration/run.py",
     "most = AHEAD * max(1, self._workers.count())",
     "most = AHEAD ** max(1, self._workers.count())"):
        "the same with one worker or two; with more, more steps wait at them, done in one order",
    ("bsnn_hw/lowering/joint_precision.py",
     "if number != INPUT and all(each in ones for each, _ in graph.streams(number))}",
     "if number > INPUT and all(each in ones for each, _ in graph.streams(number))}"):
        "INPUT is -1 and layers count from 0, so that it says the same",
    ("bsnn_hw/lowering/samples.py",
     "return values.to(torch.int32 if values.abs().max() < 1 << 31 else torch.int64)",
     "return values.to(torch.int32 if values.abs().max() < 1 << 30 else torch.int64)"):
        "the same integers in wider words: sums beyond 2**30 take more memory",
    ("hdl/frames.py",
     "m.d.sync += escaped.eq(escape & ~escaped)",
     "m.d.sync += escaped.eq(escape * ~escaped)"):
        "of two single bits the product is the conjunction",
    ("hdl/axi_registers.py",
     "hit = port.write_address == register.address",
     "hit = port.write_address <= register.address"):
        "`control` alone is written, and its address is 0, below which there is none",
    ("hdl/engines/engine.py",
     'return Signal(range(-(-channels // geometry.lanes)), name="row")',
     'return Signal(range(-(~channels // geometry.lanes)), name="row")'):
        "a counter with a bit more now and then, which stays 0: its end is worked out elsewhere",
    ("hdl/link.py",
     "for source, head in zip(streams, grouper.heads, strict=True):",
     "for source, head in zip(streams, grouper.heads, strict=False):"):
        "a stream for each bank, and without shared lanes a bank is a lane, of which a join has as "
        "many heads: it is checked for the reader, and never other",
    ("hdl/reach.py",
     "self.groups.valid.eq(waits & (charge | waiting.mark)),",
     "self.groups.valid.eq(waits * (charge | waiting.mark)),"):
        "of two single bits the product is the conjunction",
    ("hdl/readout.py",
     "with m.If(place[0].valid & advance & (index == self._classes - 1)):",
     "with m.If(place[0].valid & advance & (index >= self._classes - 1)):"):
        "the index goes back to 0 behind the last class, and is never beyond it",
    ("hdl/sequencer.py",
     "return valid & group.charge & ~marked, (marked | ends) & ~skips, accepted & skips",
     "return valid * group.charge & ~marked, (marked | ends) & ~skips, accepted & skips"):
        "of two single bits the product is the conjunction",
    ("hdl/sequencer.py",
     "wait = Signal(range(max(2, gap)))",
     "wait = Signal(range(max( 1, gap)))"):
        "with a gap of one cycle the counter is always 0, which takes no bit",
    ("hdl/serial_link.py",
     "with m.If(frames.good & (number != self._number) & (kind != Kind.HELLO)):",
     "with m.If(frames.good // (number != self._number) & (kind != Kind.HELLO)):"):
        "in Amaranth a quotient by 0 is 0, and by 1 the dividend: of single bits the conjunction",
    ("hdl/synapse.py",
     'terms = [self._add(m, f"of_{lanes}_{i // 2}", terms[i:i + 2], lanes)',
     'terms = [self._add(m, f"of_{lanes}_{i << 2}", terms[i:i + 2], lanes)'):
        "a name of a signal, and they stay different; tests/emission/circuits.json sees it",
    ("bsnn_hw/engines/dense_words.py",
     "ends = (row % self.gathered == self.gathered - 1) | (row == self.source.rows - 1)",
     "ends = (row % self.gathered == self.gathered - 1) | (row >= self.source.rows - 1)"):
        "a row is a remainder of the rows, and never beyond the last",
    ("bsnn_hw/engines/events.py",
     "parts += Parts.delays(parallel * (weight_bits == 1))",
     "parts += Parts.delays(parallel * (weight_bits <= 1))"):
        "weights have a bit or more",
    ("bsnn_hw/lowering/fold.py",
     "return ((affine.weights * signs).astype(np.int8), connected,",
     "return ((affine.weights / signs).astype(np.int8), connected,"):
        "a sign is its own inverse",
    ("bsnn_hw/lowering/join.py",
     "if max(np.abs(table).max() for table in (gain, bias, whole)) >= LIMIT:",
     "if max(np.abs(table).max() for table in (gain, bias, whole)) > LIMIT:"):
        "a layer of numbers that large is refused behind it too, by its currents' bounds",
    ("bsnn_hw/planning/goal.py",
     "if name != Objective.RATE.value or not equals or not 0 < rate < math.inf:",
     "if name != Objective.RATE.value or not equals or not 0 < rate != math.inf:"):
        "what is above 0 is no NaN, and but for infinity below it",
    ("bsnn_hw/planning/options.py",
     "most = most_parallel(self._network, numbers[0])",
     "most = most_parallel(self._network, numbers[ -1])"):
        "layers of a group have equally many neurons side by side, so equally many at most",
    ("bsnn_hw/planning/pipeline.py", "room: int = 0", "room: int = -1"):
        "a flow without entries is none that stops its producer, and its room is not looked at",
    ("bsnn_hw/planning/plan.py",
     "if goal.objective is Objective.RATE and (asked or other.clock) * 1e6 / goal.rate < bound:",
     "if goal.objective is Objective.RATE and (asked or other.clock) * 1e6 / goal.rate is bound:"):
        "it spares a search for fewer cycles than any plan takes, which finds none either",
    ("hdl/axi_registers.py", "continue", "break"):
        "`control` alone is written, and is the first",
    ("hdl/frames.py",
     '"length": Out(range(self._longest + 1)),',
     '"length": Out(range(self._longest << 1)),'):
        "a bit more, which stays 0",
    ("hdl/frontend.py",
     "queued.valid.eq(push & (pushed.charge | mark)),",
     "queued.valid.eq(push // (pushed.charge | mark)),"):
        "in Amaranth a quotient by 0 is 0, and by 1 the dividend: of single bits the conjunction",
    ("hdl/map_crop.py", "ends = counter == count - 1", "ends = counter >= count - 1"):
        "a counter goes back to 0 behind its last value, and is never beyond it",
    ("hdl/neuron.py",
     "return 1 if position < tail else fold != folds - 1",
     "return 1 if position < tail else fold < folds - 1"):
        "a fold is never beyond the last",
    ("hdl/row_parts.py",
     "m.d.comb += self.rows.ready.eq(~busy | (send & finished))",
     "m.d.comb += self.rows.ready.eq(~busy | (send * finished))"):
        "of two single bits the product is the conjunction",
    ("hdl/window_pool.py",
     "(pool.height, pool.width), pool.stride, pool.padding, strict=True)",
     "(pool.height, pool.width), pool.stride, pool.padding, strict=False)"):
        "each of them is a pair",
    ("hdl/window_pool.py",
     'self.placed.eq(delayed(m, now, 1, "now", reset_less=True)),',
     'self.placed.eq(delayed(m, now, 1, "now", reset_less=False)),'):
        "a reset of what says nothing until a word comes",
    ("hdl/window_pool.py",
     'phase = Signal(range(max(2, self._stride)), init=self._padding, name=f"{name}_phase")',
     'phase = Signal(range(max( 3, self._stride)), init=self._padding, name=f"{name}_phase")'):
        "of a stride of 1 or 2 a bit more, which stays 0",
    ("bsnn_hw/engines/dense_words.py",
     "shared: bool = field(default=False, init=False, repr=False)  "
     "# no lane takes another's inputs",
     "shared: bool = field(default=False, init=True, repr=False)  "
     "# no lane takes another's inputs"):
        "an argument more, which nobody gives",
    ("bsnn_hw/planning/cycles.py",
     "samples = len(activity[0].feed.events)",
     "samples = len(activity[ -1].feed.events)"):
        "every layer sees as many samples",
    ("bsnn_hw/planning/stores.py",
     "BLOCK_PRICES = (0.0, 0.3, 1.0, 3.0)",
     "BLOCK_PRICES = (0.0, 0.3, 2.0, 3.0)"):
        "prices that are tried, one about three times the other; other ones weigh other plans",
    ("hdl/frontend.py",
     "push.eq(filling & room | beat.valid & beat.ready),",
     "push.eq(filling * room | beat.valid & beat.ready),"):
        "of two single bits the product is the conjunction",
    ("bsnn_hw/engines/dense_events.py", "if self.lanes == 1:", "if self.lanes <= 1:"):
        "there is a lane or more",
    ("bsnn_hw/layout/build.py",
     "margin = (0 if producer < 0 else layers[producer].margin if producer < number else",
     "margin = ( 1 if producer < 0 else layers[producer].margin if producer < number else"):
        "there is no link behind the input, which alone has a margin",
    ("bsnn_hw/lowering/gate.py",
     "USUAL_RANGE = (-8.0, 8.0)  # beyond, the sigmoid is 0 or 1 within 3e-4",
     "USUAL_RANGE = (-8.0, 9.0)  # beyond, the sigmoid is 0 or 1 within 3e-4"):
        "what a table covers where no samples say it; wider is as right, and a little coarser",
    ("bsnn_hw/planning/plan.py",
     "known = search.space if other.family is search.chip.family else None",
     "known = search.space if other.family == search.chip.family else None"):
        "there is one object of each family",
    ("hdl/board_core.py", "m.d.sync += left.eq(-1)", "m.d.sync += left.eq(~1)"):
        "a light is lit a cycle less, of millions",
    ("hdl/pooling.py",
     "map_ends = now.place.y == shape.height - 1",
     "map_ends = now.place.y >= shape.height - 1"):
        "a line goes back to 0 behind the last, and is never beyond it",
    ("hdl/neuron.py",
     "for stage in range(1, self.delay + 2 + 2 * self._late):",
     "for stage in range(1, self.delay + 2 + 2 ** self._late):"):
        "a register more behind the last, which nothing reads",
}
