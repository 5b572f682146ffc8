"""The real-valued network against its integers: accuracy, classes and spikes that differ."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Network
from bsnn_hw.model.description import Model
from bsnn_hw.model.real import run as run_real
from bsnn_hw.reference.network import run
from bsnn_hw.samples import affordable

__all__ = ["Agreement", "compare_with_real"]

CHUNK_SPIKES = 1 << 24  # of all layers and timesteps that the two networks are compared on


@dataclass(frozen=True)
class Agreement:
    """The real-valued network against the integer network on the same samples.

    real, integer : accuracy, share of 1; None without labels
    predictions : share of samples whose class differs
    spikes : per spiking layer, spikes of only one of them relative to the real-valued ones
    """

    samples: int
    real: float | None
    integer: float | None
    predictions: float
    spikes: tuple[float, ...]


def compare_with_real(model: Model, network: Network, inputs: np.ndarray,
                      labels: np.ndarray | None, chunk: int = 1000) -> Agreement:
    """Run both networks on ``inputs``, ``chunk`` at a time at most."""
    chunk = affordable(network, chunk, CHUNK_SPIKES)
    different, emitted = np.zeros(len(network.hidden)), np.zeros(len(network.hidden))
    real_classes, classes = [], []
    real_state, state = None, None
    for start in range(0, len(inputs), chunk):
        part = inputs[start:start + chunk]
        real = run_real(model, part, keep=("spikes",), state=real_state)
        trace = run(network, part, potentials=False, state=state)
        real_state, state = real.state, trace.state
        assert real.spikes is not None
        for index, (wanted, seen) in enumerate(zip(real.spikes, trace.hidden, strict=True)):
            different[index] += (wanted != seen.fired).sum()
            emitted[index] += wanted.sum()
        real_classes.append(real.classes)
        classes.append(trace.classes)
    real_answers, answers = np.concatenate(real_classes), np.concatenate(classes)
    real_accuracy, accuracy = (None if labels is None else float((a == labels).mean())
                               for a in (real_answers, answers))
    return Agreement(len(inputs), real_accuracy, accuracy,
                     float((real_answers != answers).mean()),
                     tuple(different / np.maximum(emitted, 1)))
