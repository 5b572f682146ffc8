"""Everything that a page shows, finished: names, numbers as text, places in pictures."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw import __version__
from bsnn_hw.emission.design import Design
from bsnn_hw.ir.wording import feature_map
from bsnn_hw.planning.activity import Activity, measure_activity
from bsnn_hw.planning.cycles import event_bound, passes, port_cycles, predicted_cycles
from bsnn_hw.planning.memory import layer_memories
from bsnn_hw.reference.network import Trace, run
from bsnn_hw.reporting import activity as energy
from bsnn_hw.reporting.charts import Histogram, histogram
from bsnn_hw.reporting.drawing import Drawing, draw
from bsnn_hw.reporting.parts import Front, Part, Placed, front, parts, placed
from bsnn_hw.reporting.toggles import Toggles, toggled
from bsnn_hw.reporting.training import Training, read_log
from bsnn_hw.text import percent
from bsnn_hw.verification.record import Check, read_checks

__all__ = ["Changes", "CheckWords", "Facts", "Memory", "Share", "Verdict", "Work", "as_script",
           "gather"]

FORMS = ("weights", "accumulators", "potentials", "constants", "queues", "carried")


@dataclass(frozen=True)
class CheckWords:
    """A check of `verify` for people."""

    what: str
    command: str
    result: str


@dataclass(frozen=True)
class Verdict:
    """``kind`` is exact, different or unverified; checks and notes say more."""

    kind: str
    words: str
    checks: tuple[CheckWords, ...]


@dataclass(frozen=True)
class Share:
    """A number with a bar of ``percent`` of the widest."""

    text: str
    percent: float


@dataclass(frozen=True)
class Work:
    """What a layer does per inference; ``limits`` where it is the one that the others wait for."""

    name: str
    spikes: str
    cycles: Share
    busy: str
    limits: bool
    operations: str
    steps: str
    weight_bits: str
    state_bits: str
    energy: str


@dataclass(frozen=True)
class Rates:
    """Share of a layer's neurons that fire, for each timestep."""

    name: str
    steps: tuple[Share, ...]


@dataclass(frozen=True)
class Membranes:
    """Potentials before the reset: the range seen, the range proven, and how often each was."""

    name: str
    words: str
    plot: Histogram


@dataclass(frozen=True)
class Memory:
    """Kilobits of a layer's memories by form."""

    name: str
    kilobits: tuple[str, ...]


@dataclass(frozen=True)
class Lost:
    """What integers change against real numbers."""

    words: str
    layers: tuple[tuple[str, Share], ...]


@dataclass(frozen=True)
class Changes:
    """Bits of a layer that change in an inference, ``-`` where it has no such; see `Toggles`.

    adders : nJ of what changes in sums and membranes, estimated
    """

    name: str
    sums: str
    membranes: str
    spikes: str
    potentials: str
    adders: str


@dataclass(frozen=True)
class Energy:
    """Sums over all layers, estimated; nJ per inference."""

    events: str
    dense: str
    bytes: str
    full: str
    operations: str
    dense_operations: str
    source: str
    assumptions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Facts:
    """What templates/report.html.j2 reads beside the circuit."""

    generator: str
    name: str
    outline: str
    samples: str
    verdict: Verdict
    drawing: Drawing
    work: tuple[Work, ...]
    limit: str
    lost: Lost | None
    membranes: tuple[Membranes, ...]
    rates: tuple[Rates, ...]
    parts: tuple[Part, ...]
    placed: tuple[Placed, ...]
    front: Front | None
    memory_forms: tuple[str, ...]
    memory: tuple[Memory, ...]
    changes: tuple[Changes, ...]
    energy: Energy
    training: tuple[Training, ...]


def gather(folder: Path, design: Design, samples: np.ndarray, source: str,
           log: Path | None = None) -> Facts:
    """The facts of a bundle, its signals and counts measured on ``samples`` by the reference.

    log : of the training, where there is one
    """
    network = design.network
    trace = run(network, samples)
    seen = measure_activity(network, samples, trace, design.port)
    counts = energy.count(design.layout, seen)
    checks = read_checks(folder)
    outline = "-".join([feature_map(network.input.features),
                        *(feature_map(layer.shape) for layer in network.layers)])
    work, limit = _work(design, seen, trace, counts)
    return Facts(
        f"bsnn-hw {__version__}", network.name, outline, f"{len(samples):,} of {source}",
        _verdict(folder, checks), draw(design), work, limit, _lost(checks),
        tuple(_membranes(design, trace)), tuple(_rates(design, trace)), parts(design, seen),
        placed(folder, design), front(folder, design, seen), FORMS, tuple(_memory(design)),
        tuple(_changes(design, toggled(design.layout, samples, trace), len(samples))),
        _energy(design, counts), read_log(log))


def _verdict(folder: Path, checks: Sequence[Check]) -> Verdict:
    commands = f"python -m bsnn_hw.verify {folder.resolve().name}"
    words = tuple(CheckWords(_what(each), each.command, each.difference or "exact")
                  for each in checks)
    if any(each.difference for each in checks):
        return Verdict("different", "The circuit and the reference differ.", words)
    if not checks:
        return Verdict("unverified", "This circuit was never verified as it lies here.", (
            CheckWords("the bench", commands, "to be run"),
            CheckWords("all samples", f"{commands} --all", "to be run")))
    edits = "; files were edited beforehand" if any(each.edits for each in checks) else ""
    return Verdict("exact", "The circuit computes what the reference computes: every spike, every "
                   f"membrane potential and every score were equal{edits}.", words)


def _what(check: Check) -> str:
    if check.kind == "bench":
        return f"the bench, {check.inferences:,} inferences under 4 patterns of pauses"
    accuracy = f", accuracy {percent(check.accuracy)}" if check.accuracy is not None else ""
    return f"{check.inferences:,} inferences of {check.source}{accuracy}"


def _work(design: Design, activity: Activity, trace: Trace,
          counts: Sequence[energy.Counts]) -> tuple[tuple[Work, ...], str]:
    network = design.network
    cycles = [float(each.mean()) for each in predicted_cycles(network, design.schedule, activity)]
    port = port_cycles(network, activity)
    most = max(*cycles, port)
    work = []
    for number, (ran, done) in enumerate(zip(cycles, counts, strict=True)):
        hidden = number < len(network.hidden)
        spikes = f"{trace.hidden[number].fired.sum(axis=(1, 2)).mean():,.1f}" if hidden else "-"
        work.append(Work(
            done.name, spikes, Share(f"{ran:,.1f}", round(100 * ran / most, 1)),
            f"{100 * ran / most:.0f} %", ran == most, f"{done.operations:,.0f}",
            f"{passes(network, number) * network.layers[number].shape.size:,}",
            f"{done.weight_bits:,.0f}", f"{done.state_bits:,.0f}",
            f"{done.energy / 1e3:,.3f}"))
    slowest = "the port" if port > max(cycles) else \
        f"layer {counts[max(range(len(cycles)), key=cycles.__getitem__)].name}"
    bound = event_bound(network, design.schedule, activity)
    return tuple(work), (f"{slowest} takes the most cycles and limits the rest; no order of work "
                         f"needs fewer than {bound:,.1f} (the event bound)")


def _lost(checks: Sequence[Check]) -> Lost | None:
    real = next((each.real for each in checks if each.real), None)
    if real is None:
        return None
    accuracy = "" if real.real is None else (f"accuracy {percent(real.integer)} in integers, "
                                             f"{percent(real.real)} in real numbers; ")
    most = max(real.spikes.values(), default=0) or 1
    return Lost(f"{accuracy}{percent(real.classes)} of the classes differ on {real.samples:,} "
                "samples",
                tuple((name, Share(percent(share), round(100 * share / most, 1)))
                      for name, share in real.spikes.items()))


def _membranes(design: Design, trace: Trace):
    for layer, bounds, seen in zip(design.network.hidden, design.layout.hidden_bounds, trace.hidden,
                                   strict=True):
        charged, proven = seen.charged, bounds.charged
        yield Membranes(
            layer.name, f"seen {charged.min():,} to {charged.max():,}; proven for every input "
            f"{proven.low:,} to {proven.high:,}, {proven.width} bits",
            histogram(charged, (bounds.threshold.low, bounds.threshold.high)))


def _rates(design: Design, trace: Trace):
    shares = [seen.fired.mean(axis=(0, 2)) for seen in trace.hidden]
    most = max((float(each.max()) for each in shares), default=0) or 1
    for layer, each in zip(design.network.hidden, shares, strict=True):
        yield Rates(layer.name, tuple(Share(percent(float(share)),
                                            round(100 * float(share) / most, 1))
                                      for share in each))


def _memory(design: Design):
    found = layer_memories(design.layout)
    for layer, memory in zip(design.network.layers, found, strict=True):
        yield Memory(layer.name, tuple(f"{getattr(memory, form) / 1024:,.1f}" for form in FORMS))
    yield Memory("all", tuple(f"{sum(getattr(each, form) for each in found) / 1024:,.1f}"
                              for form in FORMS))


def _changes(design: Design, found: Sequence[Toggles], samples: int):
    for layer, each in zip(design.network.layers, found, strict=True):
        yield _change(layer.name, each, samples)
    yield _change("all", Toggles(*(sum(getattr(each, form.name) or 0 for each in found)
                                   for form in fields(Toggles))), samples)


def _change(name: str, found: Toggles, samples: int) -> Changes:
    def mean(bits: int | None) -> str:
        return "-" if bits is None else f"{bits / samples:,.0f}"

    adders = (found.sums + (found.membranes or 0)) * energy.CHANGE / samples
    return Changes(name, mean(found.sums), mean(found.membranes), mean(found.spikes),
                   mean(found.potentials), f"{adders / 1e3:,.3f}")


def _energy(design: Design, counts: Sequence[energy.Counts]) -> Energy:
    def nano(pico: float) -> str:
        return f"{pico / 1e3:,.2f} nJ"

    return Energy(
        nano(sum(each.energy for each in counts)), nano(energy.dense_energy(counts)),
        nano(energy.byte_energy(counts)), nano(energy.full_energy(design.network, counts)),
        f"{sum(each.operations for each in counts):,.0f}",
        f"{sum(each.dense for each in counts):,.0f}", energy.SOURCE,
        (*((f"an addition of {bits}-bit integers", f"{each} pJ")
           for bits, each in energy.ADD.items()),
         *((f"a product of {bits}-bit integers", f"{each} pJ")
           for bits, each in energy.MULTIPLY.items()),
         ("a memory's bit, read or written", f"{energy.BIT:.3f} pJ"),
         ("a bit that changes in an adder, as of random 32-bit integers half of them do",
          f"{energy.CHANGE:.5f} pJ"),
         ("a 32-bit floating-point product and addition", f"{energy.FLOAT:.1f} pJ")))


def as_script(data: Any) -> str:
    """JSON that may stand inside a <script>, whatever names it holds."""
    text = json.dumps(data, separators=(",", ":"))  # ASCII only
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
