"""What a page needs to feed the circuit and to judge it: how samples become beats, stored samples,
and the reference's answers."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from typing import Any

import numpy as np

from bsnn_hw.emission.design import Design
from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.ir.network import Coding
from bsnn_hw.ir.schedule import Engine, Port
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import most_cycles
from bsnn_hw.ports.bytes import byte_counts, sample_bytes
from bsnn_hw.reference.network import Trace
from bsnn_hw.reporting.circuit import Circuit

__all__ = ["checksum", "packed", "page_data"]

SPREAD = 2654435761  # an odd number near 2**32 over the golden ratio


def checksum(values: np.ndarray) -> list[int]:
    """A number for each row of integers (N, n): the sum of value i times ``(2 i + 1) * SPREAD``,
    modulo 2**32; the page computes it of what the circuit did."""
    spread = (2 * np.arange(values.shape[1], dtype=np.uint64) + 1) * SPREAD & 0xFFFFFFFF
    terms = values.astype(np.int64).astype(np.uint64) * spread & np.uint64(0xFFFFFFFF)
    return (terms.sum(axis=1) & 0xFFFFFFFF).tolist()


def packed(content: bytes) -> str:
    """``content`` compressed and in base64, as the page unpacks it."""
    return base64.b64encode(gzip.compress(content, mtime=0)).decode()


def page_data(design: Design, circuit: Circuit, samples: np.ndarray, trace: Trace,
              labels: Sequence[int] | None) -> dict[str, Any]:
    """Plain JSON values for templates/report.js.

    samples : uint8 (N, size) or (N, T, size); trace : of these, with potentials
    labels : the right class of each, or None
    """
    network = design.network
    most = _most_cycles(design, samples, trace)
    marks = network.timesteps if network.input.coding is Coding.EVENTS else 1
    shape = network.input.features
    return {
        "wasm": base64.b64encode(circuit.wasm).decode(),
        "classes": list(network.classes),
        "timesteps": network.timesteps,
        "scoreScale": network.readout.scale,
        "input": {"map": [shape.channels, shape.height, shape.width], "marks": marks,
                  "top": network.input.max_value, **_input(design)},
        "output": _output(design),
        "layers": [_layer(design, number, trace) for number in range(len(network.hidden))],
        "samples": packed(samples.astype(np.uint8).tobytes()),
        "count": len(samples),
        "labels": None if labels is None else [int(label) for label in labels],
        "scores": trace.scores.tolist(),
        "answers": trace.classes.tolist(),
        "cycles": most // len(samples),
        "watchdog": most,
    }


def _most_cycles(design: Design, samples: np.ndarray, trace: Trace) -> int:
    """Cycles in which the circuit must be done with all samples."""
    activity = measure_activity(design.network, samples, trace, design.port)
    return most_cycles(design.network, design.schedule, activity,
                       len(design.stimulus(samples).data))


def _input(design: Design) -> dict[str, Any]:
    """How the port takes a sample: see `Geometry.beats`."""
    size = design.network.input.size
    index = np.arange(size)
    if design.port is Port.BYTES:
        # Which value comes at each place: an index as a sample, a byte at a time.
        low, high = (sample_bytes(design.network, part.reshape(1, -1)).ravel().astype(int)
                     for part in (index & 255, index >> 8))
        return {"kind": "bytes", "beat": 1, "order": (low + 256 * high).tolist()}
    geometry, slots = design.geometries[0], design.layout.slots
    lane, row = (found.tolist() for found in geometry.lane_row(index))
    return {
        "kind": "words" if geometry.takes is Engine.WORDS else "slots",
        "beat": slots.input_width // 8, "slot": slots.slot_width // 8,
        "valueBits": slots.value_width,
        # A convolution's beats have events of one place, and all say which.
        "rowsOfPlace": 1 << geometry.row_bits if isinstance(geometry, ConvEvents) else 0,
        "lane": lane, "row": row,
    }


def _output(design: Design) -> dict[str, Any]:
    if design.port is Port.BYTES:
        port = byte_counts(design.network)
        return {"kind": "bytes", "score": port.score, "answer": port.answer}
    return {"kind": "scores", "bits": design.layout.slots.output_width}


def _layer(design: Design, number: int, trace: Trace) -> dict[str, Any]:
    layer, seen = design.network.hidden[number], trace.hidden[number]
    raster, bounds = design.geometries[number].raster, design.layout.hidden_bounds[number]
    shape, samples = layer.shape, len(seen.fired)
    return {
        "name": layer.name, "map": [shape.channels, shape.height, shape.width],
        "parallel": raster.width, "folds": raster.folds, "rows": raster.rows,
        "bits": bounds.charged.width,
        "threshold": layer.neuron.threshold.tolist(),  # (T, channels)
        "chargedSums": checksum(seen.charged.reshape(samples, -1)),
        "firedSums": checksum(seen.fired.reshape(samples, -1)),
    }
