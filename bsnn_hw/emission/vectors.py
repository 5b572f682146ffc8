"""A bundle's test vectors: stimulus beats, and everything that must come of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.arrays import read_npy
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import HiddenBounds, network_bounds
from bsnn_hw.ir.network import Network
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import most_cycles, watchdog
from bsnn_hw.reference.network import Trace, run
from bsnn_hw.samples import fit, shape_of

__all__ = ["check_vectors", "most_vectors", "read_inputs", "read_resets", "vector_facts",
           "vector_names", "write_vectors"]

RESET = 0.25  # of the vectors of a stateful network start from a state of 0
VECTOR_BYTES = 32 << 20  # of all layers' expected potentials and spikes


def vector_facts(count: int, watchdog: int, cycles: int,
                 stateful: bool = False) -> dict[str, Any]:
    """What the manifest says of ``count`` test vectors.

    stateful : bool, of a network that keeps its state from one to the next
    watchdog : int, cycles without a beat on either port after which a run hangs
    cycles : int, in which all must be out if neither port pauses
    """
    resets = {"resets": "vectors/resets.npy: bool (inferences,), before which the state is reset"}
    mark = ("last.npy: bool (beats,); mark.npy: uint8 (beats,), s_axis_tuser" if stateful else
            "last.npy, mark.npy: bool (beats,)")
    return {
        "inferences": count,
        "watchdog": watchdog,
        "cycles": cycles,
        "inputs": "vectors/inputs.npy: the samples themselves",
        **(resets if stateful else {}),
        "stimulus": "vectors/stimulus.npy: uint8 (beats, bytes of s_axis_tdata), little end first; "
                    f"{mark}",
        "expected": "vectors/scores.npy: int64 (inferences, classes); classes.npy: (inferences,); "
                    "per spiking layer charged_NAME.npy and fired_NAME.npy: membrane potential "
                    "before the reset, and spikes, (inferences, timesteps, neurons)",
    }


def vector_names(design: Design) -> list[str]:
    """Names of the vectors' files in the bundle."""
    layers = [f"{kind}_{layer.name}" for layer in design.network.hidden
              for kind in ("charged", "fired")]
    resets = ["resets"] if design.network.stateful else []
    return [f"vectors/{name}.npy" for name in
            ("inputs", *resets, "stimulus", "last", "mark", "scores", "classes", *layers)]


def most_vectors(network: Network) -> int:
    """How many test vectors are kept at most, 1 or more: large maps need much room."""
    hidden, _ = network_bounds(network)
    each = sum(layer.shape.size * (_dtype(bounds).itemsize + 1)
               for layer, bounds in zip(network.hidden, hidden, strict=True)) * network.timesteps
    return max(1, VECTOR_BYTES // max(1, each))


def write_vectors(design: Design, samples: np.ndarray, folder: Path) -> dict[str, Any]:
    """Write the vectors of the first ``most_vectors`` of ``samples`` into the new ``folder``;
    return the manifest's facts."""
    folder.mkdir()
    samples = fit(shape_of(design.network), samples, "test vectors")
    samples = samples[:most_vectors(design.network)]
    resets = _drawn_resets(len(samples)) if design.network.stateful else None
    trace = run(design.network, samples, resets=resets)
    for name, values in _arrays(design, samples, resets, trace).items():
        np.save(folder / f"{name}.npy", values)
    return _facts(design, samples, trace)


def _drawn_resets(count: int) -> np.ndarray:
    """Before which of ``count`` samples the state is reset: some at random, and not the first,
    which starts from 0 anyway."""
    resets = np.random.default_rng(0).random(count) < RESET
    resets[0] = False
    resets[count // 2:count // 2 + 1] |= count > 1
    return resets


def _facts(design: Design, samples: np.ndarray, trace: Trace) -> dict[str, Any]:
    activity = measure_activity(design.network, samples, trace, design.port)
    plan = design.network, design.schedule, activity
    return vector_facts(len(samples), watchdog(*plan),
                        most_cycles(*plan, len(design.stimulus(samples).data)),
                        design.network.stateful)


def read_inputs(design: Design, folder: Path) -> np.ndarray:
    """The samples in a bundle's folder ``vectors``, as the network takes them.

    Raises
    ------
    InputError
        They are missing or damaged.
    """
    return fit(shape_of(design.network), _load(folder / "inputs.npy"), f"{folder}/inputs.npy")


def read_resets(design: Design, folder: Path, count: int) -> np.ndarray | None:
    """Before which of the ``count`` samples of ``folder`` the state is reset, bool (count,); None
    of a network that keeps none.

    Raises
    ------
    InputError
        They are missing or damaged.
    """
    if not design.network.stateful:
        return None
    found = _load(folder / "resets.npy")
    if found.dtype != bool or found.shape != (count,):
        raise InputError(f"{folder}/resets.npy: must be bool of shape ({count},), not "
                         f"{found.dtype} of shape {found.shape}; generate the bundle again")
    resets: np.ndarray = found
    return resets


def check_vectors(design: Design, folder: Path, stated: dict[str, Any]) -> None:
    """Make sure that the vectors are what the network says, so that a bench's verdict counts.

    stated : what the manifest says of them

    Raises
    ------
    InputError
        Names the file that is missing or differs.
    """
    samples = read_inputs(design, folder)
    resets = read_resets(design, folder, len(samples))
    trace = run(design.network, samples, resets=resets)
    if stated != _facts(design, samples, trace):
        raise InputError(f"{folder.parent}/manifest.json: vectors must be described as this "
                         "version does it, but are not; generate the bundle again")
    for name, values in _arrays(design, samples, resets, trace).items():
        path = folder / f"{name}.npy"
        found = _load(path)
        if found.dtype != values.dtype or not np.array_equal(found, values):
            raise InputError(f"{path}: must be what the network in network.json makes of "
                             "inputs.npy, but is not; generate the bundle again")


def _load(path):
    try:
        return read_npy(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be an array of the bundle's vectors, "
                         f"{getattr(error, 'strerror', None) or error}; "
                         "generate the bundle again") from None


def _arrays(design: Design, samples: np.ndarray, resets: np.ndarray | None,
            trace: Trace) -> dict[str, np.ndarray]:
    """Stimulus and the reference's answers, by file name."""
    stimulus = design.stimulus(samples, resets)
    arrays = {"inputs": samples, "stimulus": stimulus.data, "last": stimulus.last,
              "mark": stimulus.mark, "scores": trace.scores, "classes": trace.classes}
    if resets is not None:
        arrays["resets"] = resets
    for layer, bounds, seen in zip(design.network.hidden, design.layout.hidden_bounds, trace.hidden,
                                   strict=True):
        arrays |= {f"charged_{layer.name}": seen.charged.astype(_dtype(bounds)),
                   f"fired_{layer.name}": seen.fired}
    return arrays


def _dtype(bounds: HiddenBounds) -> np.dtype:
    """The smallest integers that hold a layer's potentials."""
    return np.min_scalar_type(min(bounds.charged.low, -bounds.charged.high - 1, -1))
