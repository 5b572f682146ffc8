"""Whole data sets through the Verilated model at native speed, compared with the reference."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from bsnn_hw.emission.design import Design
from bsnn_hw.ir.network import Network
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import most_cycles, pause_cycles, watchdog
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.reference.network import Trace, run
from bsnn_hw.reference.neuron import State
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.sim.native import Group, NativeModel, build_native
from bsnn_hw.sim.native_run import Beats, NativeResult, run_native
from bsnn_hw.verification.compare import check_hidden, check_scores

__all__ = ["Left", "Outcome", "build_model", "input_beats", "simulate", "single_latency",
           "together", "verify_native"]

PIECE = 1 << 24  # potentials that are compared at a time, about 40 bytes each


@dataclass(frozen=True)
class Outcome:
    """What a verified run measured.

    inferences : int, all exact
    cycles : float, mean per inference, back to back
    classes : int64 (inferences,)
    """

    inferences: int
    cycles: float
    classes: np.ndarray


@dataclass
class Left:
    """What samples left of a stateful network, for those that come next.

    simulation : file of the model's state, once there is one
    reference : the reference's, as of `Trace`
    """

    simulation: Path
    reference: Mapping[int, State] = field(default_factory=dict)


def build_model(design: Design, folder: Path, *, probes: bool = True,
                optimize: str = "-O1") -> NativeModel:
    """Compile the design's simulation in ``folder``; with ``probes`` it records neuron rows."""
    groups = [Group(p.layer, p.firing, (p.charged, p.fired)) for p in design.probes]
    return build_native(design.verilog.paths, design.verilog.top, folder,
                        groups if probes else (), optimize, design.network.stateful)


def simulate(design: Design, model: NativeModel, inputs: np.ndarray, trace: Trace,
             seed: int = 0, pause_in: float = 0.0, pause_out: float = 0.0,
             resets: np.ndarray | None = None, state: Path | None = None) -> NativeResult:
    """Stream ``inputs`` through the model, a packet each.

    trace : the reference's on ``inputs``, which says after how many cycles the model hangs or is
        too slow
    resets : bool (N,), before which samples a stateful network's state is reset; None for none
    state : file of the model's state, see `run_native`

    Raises
    ------
    MismatchError
        It is, or its packets are not what they must be in length and in protocol.
    """
    beats = input_beats(design, inputs, resets)
    plan = (design.network, design.schedule,
            measure_activity(design.network, inputs, trace, design.port))
    given = PORTS[design.port].answer_beats(design.network)
    limit = (most_cycles(*plan, len(beats.data)) + pause_cycles(len(beats.data), pause_in)
             + pause_cycles(len(inputs) * given, pause_out))
    return run_native(model, beats, len(inputs), seed=seed, pause_in=pause_in,
                      pause_out=pause_out, watchdog=watchdog(*plan), packet_beats=given,
                      most_cycles=limit, most_rows=_most_rows(design, model, len(inputs)),
                      state=state)


def input_beats(design: Design, inputs: np.ndarray, resets: np.ndarray | None = None) -> Beats:
    """``inputs`` as a model of ``design`` takes them, a packet each; see `Design.stimulus`."""
    stimulus = design.stimulus(inputs, resets)
    padded = np.zeros((len(stimulus.data), -(-stimulus.data.shape[1] // 8) * 8), np.uint8)
    padded[:, : stimulus.data.shape[1]] = stimulus.data
    return Beats(padded.view("<u8"), stimulus.last, stimulus.mark)


def _most_rows(design: Design, model: NativeModel, count: int) -> list[int]:
    """Neuron rows that each layer has for ``count`` samples, and one: there must be no more."""
    rows = [count * design.network.timesteps * layer.neurons.raster.rows + 1
            for layer in design.layout.layers]
    return rows[:len(model.groups)]


def verify_native(design: Design, model: NativeModel, inputs: np.ndarray, *, chunk: int = 1000,
                  progress: Callable[[int], None] | None = None, seed: int = 0,
                  pause_in: float = 0.0, pause_out: float = 0.0, number: int = 0,
                  resets: np.ndarray | None = None, before: Left | None = None) -> Outcome:
    """Run all ``inputs`` and compare every score, and with probes every spike and potential.

    chunk : int, inferences per simulation at most; fewer of large maps, so that memory stays
        bounded
    progress : called with the number of inferences done
    number : of the first of ``inputs``, for messages
    resets : bool (N,), before which samples a stateful network's state is reset; None for none
    before : what the samples before left of a stateful network; None starts from a state of 0

    Raises
    ------
    MismatchError
        Names the first difference.
    """
    if design.network.stateful and before is None:
        with scratch_folder() as folder:
            return verify_native(design, model, inputs, chunk=chunk, progress=progress, seed=seed,
                                 pause_in=pause_in, pause_out=pause_out, number=number,
                                 resets=resets, before=Left(folder / "state.bin"))
    outcomes, first = [], 0
    chunk = min(chunk, _most_at_once(design.network, bool(model.groups)))
    # Of equal sizes: one sample that was left would have its latency in place of a rate.
    for part in np.array_split(inputs, -(-len(inputs) // chunk)):
        asked = None if resets is None else resets[first:first + len(part)]
        trace = run(design.network, part, potentials=bool(model.groups), resets=asked,
                    state=before.reference if before else None)
        result = simulate(design, model, part, trace, seed=seed, pause_in=pause_in,
                          pause_out=pause_out, resets=asked,
                          state=before.simulation if before else None)
        if before:
            before.reference = trace.state
        if model.groups:
            check_hidden(design, result.groups, trace, number + first)
        scores, answers = _answers(design, result, len(part))
        check_scores(scores, answers, trace, number + first)
        outcomes.append(Outcome(len(part), _cycles_per_inference(result), answers))
        first += len(part)
        if progress:
            progress(first)
    return together(outcomes)


def together(outcomes: Sequence[Outcome]) -> Outcome:
    """One of the pieces', in order; each counts for its inferences."""
    counts = [each.inferences for each in outcomes]
    return Outcome(sum(counts),
                   float(np.average([each.cycles for each in outcomes], weights=counts)),
                   np.concatenate([each.classes for each in outcomes]))


def single_latency(design: Design, model: NativeModel, inputs: np.ndarray) -> float:
    """Mean cycles from an image's first beat in to its last beat out, one image at a time."""
    latencies = []
    for sample in inputs:
        trace = run(design.network, sample[None], potentials=False)
        result = simulate(design, model, sample[None], trace)
        latencies.append(result.produced[0, 1] - result.accepted[0, 0] + 1)
    return float(np.mean(latencies))


def _most_at_once(network: Network, potentials: bool) -> int:
    """Inferences whose traces and rows fit into memory, enough of them to see the steady state."""
    values = sum(layer.shape.size for layer in network.hidden) * network.timesteps
    return max(6, PIECE * (1 if potentials else 8) // max(1, values))


def _answers(design, result, count):
    return PORTS[design.port].answers(design.network, design.layout.slots, result.output.data,
                                      result.output.user, count)


def _cycles_per_inference(result):
    """In the steady state: without the time that the first results take to appear."""
    ends = result.produced[:, 1]
    if len(ends) < 2:
        return float(ends[0] + 1)
    skip = min(len(ends) - 2, 4)
    return float(ends[-1] - ends[skip]) / (len(ends) - 1 - skip)
