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
}
