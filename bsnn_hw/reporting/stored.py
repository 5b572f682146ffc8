"""What a page needs to feed the circuit and to judge it: how samples become beats, stored samples,
and the reference's answers."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Sequence
from typing import Any

import numpy as np

from bsnn_hw.emission.design import Design
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import most_cycles
from bsnn_hw.ports.registry import PORTS
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
    used = network.input.used
    shape = network.input.features if used is None else used.shape
    return {
        "wasm": base64.b64encode(circuit.wasm).decode(),
        "classes": list(network.classes),
        "timesteps": network.timesteps,
        "scoreScale": network.readout.scale,
        "input": {"map": [shape.channels, shape.height, shape.width], "marks": marks,
                  "top": network.input.max_value, **_input(design),
                  **({} if used is None else {"used": list(used.places)})},
        "output": _output(design),
        "layers": [_layer(design, number, trace) for number in range(len(network.hidden))],
        "samples": packed(_whole(network, samples).astype(np.uint8).tobytes()),
        "count": len(samples),
        "labels": None if labels is None else [int(label) for label in labels],
        "scores": trace.scores.tolist(),
        "answers": trace.classes.tolist(),
        "cycles": most // len(samples),
        "watchdog": most,
    }


def _whole(network: Network, samples: np.ndarray) -> np.ndarray:
    """Samples with 0 in place of the values that the network leaves out."""
    used = network.input.used
    return samples if used is None else used.spread(samples)


def _most_cycles(design: Design, samples: np.ndarray, trace: Trace) -> int:
    """Cycles in which the circuit must be done with all samples."""
    activity = measure_activity(design.network, samples, trace, design.port)
    return most_cycles(design.network, design.schedule, activity,
                       len(design.stimulus(samples).data))


def _input(design: Design) -> dict[str, Any]:
    """How the port takes a sample: see `Geometry.beats`."""
    order = PORTS[design.port].value_order(design.network)
    if order is not None:
        return {"kind": "bytes", "beat": 1, "order": order.tolist()}
    geometry, slots = design.geometries[0], design.layout.slots
    lane, row = (found.tolist()
                 for found in geometry.lane_row(np.arange(design.network.input.size)))
    return {
        "kind": geometry.slot_kind,
        "beat": slots.input_width // 8, "slot": slots.slot_width // 8,
        "valueBits": slots.value_width,
        # Where not 0, all slots of a beat say the position that its events are of.
        "rowsOfPlace": geometry.position_rows,
        "lane": lane, "row": row,
    }


def _output(design: Design) -> dict[str, Any]:
    port = PORTS[design.port].packet_bytes(design.network)
    if port is not None:
        return {"kind": "bytes", "score": port.score, "answer": port.answer}
    return {"kind": "scores", "bits": design.layout.slots.output_width}


def _layer(design: Design, number: int, trace: Trace) -> dict[str, Any]:
    layer, seen = design.network.hidden[number], trace.hidden[number]
    raster = design.layout.layers[number].neurons.raster
    bounds = design.layout.hidden_bounds[number]
    shape, samples = layer.shape, len(seen.fired)
    return {
        "name": layer.name, "map": [shape.channels, shape.height, shape.width],
        "parallel": raster.width, "folds": raster.folds, "rows": raster.rows,
        "bits": bounds.charged.width,
        "threshold": layer.neuron.threshold.tolist(),  # (T, channels)
        "chargedSums": checksum(seen.charged.reshape(samples, -1)),
        "firedSums": checksum(seen.fired.reshape(samples, -1)),
    }
