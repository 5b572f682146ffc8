"""Rows seen in the RTL against the reference; the first difference is named."""

from __future__ import annotations

import numpy as np

from bsnn_hw.emission.design import Design
from bsnn_hw.errors import MismatchError
from bsnn_hw.ir.network import Shape
from bsnn_hw.reference.network import LayerTrace, Trace

__all__ = ["check_hidden", "check_scores", "neuron_name", "unpack"]


def unpack(words: np.ndarray, width: int, count: int) -> np.ndarray:
    """Packed two's complement numbers to int64 (rows, count).

    words : uint64 (rows, n), little end first; number i is in bits i*width upward
    width : int, 1..63 bits
    """
    padded = np.concatenate([words, np.zeros((len(words), 1), np.uint64)], axis=1)
    result = np.empty((len(words), count), np.int64)
    for i in range(count):
        word, shift = divmod(i * width, 64)
        low = padded[:, word] >> np.uint64(shift)
        high = padded[:, word + 1] << np.uint64(64 - shift) if shift else np.uint64(0)
        raw = (low | high) << np.uint64(64 - width)
        result[:, i] = raw.view(np.int64) >> np.int64(64 - width)
    return result


def neuron_name(shape: Shape, index: int) -> str:
    """``neuron 7``, and where it is if there is a map; all counted from 0."""
    if shape.positions == 1:
        return f"neuron {index}"
    channel, place = divmod(index, shape.positions)
    line, column = divmod(place, shape.width)
    return f"neuron {index} (channel {channel}, line {line}, column {column})"


def check_hidden(design: Design, rows: dict[str, dict[str, np.ndarray]], trace: Trace,
                 first: int = 0) -> None:
    """Compare every spike and membrane potential of every spiking layer.

    rows : per layer name, its probe's ``charged`` and ``fired`` as uint64 (rows, words)
    first : int, number of the trace's first inference, for messages

    Raises
    ------
    MismatchError
        Names the earliest inference, in it the first layer, timestep and neuron that differ.
    """
    found = []
    for index, (probe, seen) in enumerate(zip(design.probes, trace.hidden, strict=True)):
        values = rows[probe.layer]
        difference = _first_difference(design, index, values[probe.charged.signal],
                                       values[probe.fired.signal], seen)
        if difference is not None:
            inference, timestep, neuron, what, rtl, reference = difference
            name = neuron_name(design.network.hidden[index].shape, neuron)
            found.append(((inference, index, timestep, neuron),
                          f"first difference: inference {first + inference}, layer {probe.layer}, "
                          f"timestep {timestep + 1}, {name}: {what}: RTL {rtl}, "
                          f"reference {reference}"))
    if found:
        raise MismatchError(min(found)[1])


def _first_difference(design, index, charged, fired, seen: LayerTrace):
    raster = design.layout.layers[index].neurons.raster
    width = design.layout.hidden_bounds[index].charged.width
    shape = seen.fired.shape
    wanted = shape[0] * shape[1] * raster.rows
    if len(charged) != wanted:
        # Too few or too many steps: compare what is there, and say so if that agrees.
        complete = min(len(charged), wanted) // (raster.rows * shape[1])
        part = LayerTrace(seen.charged[:complete], seen.fired[:complete], seen.settled[:complete])
        rows = complete * raster.rows * shape[1]
        inner = (_first_difference(design, index, charged[:rows], fired[:rows], part)
                 if complete else None)
        return inner or (complete, 0, 0, "neuron rows", len(charged), wanted)
    rows = *shape[:2], raster.rows, raster.width
    potentials = raster.by_neuron(unpack(charged, width, raster.width).reshape(rows))
    spikes = raster.by_neuron(unpack(fired, 1, raster.width).reshape(rows)) != 0
    wrong = (potentials != seen.charged) | (spikes != seen.fired)
    if not wrong.any():
        return None
    place = tuple(int(i) for i in np.unravel_index(wrong.argmax(), shape))
    if potentials[place] != seen.charged[place]:
        return (*place, "membrane potential", int(potentials[place]), int(seen.charged[place]))
    return (*place, "spike", int(spikes[place]), int(seen.fired[place]))


def check_scores(scores: np.ndarray, classes: np.ndarray, trace: Trace, first: int = 0) -> None:
    """Compare every score, (N, classes), and every class, (N,).

    Raises
    ------
    MismatchError
        Names the first inference and class that differ.
    """
    if scores.shape != trace.scores.shape:
        raise MismatchError(f"scores: RTL gave {scores.shape}, reference {trace.scores.shape}")
    wrong = scores != trace.scores
    if wrong.any():
        n, c = (int(i) for i in np.unravel_index(wrong.argmax(), wrong.shape))
        raise MismatchError(f"first difference: inference {first + n}, class {c}: score: "
                            f"RTL {scores[n, c]}, reference {trace.scores[n, c]}")
    if (classes != trace.classes).any():
        n = int((classes != trace.classes).argmax())
        raise MismatchError(f"first difference: inference {first + n}: class: RTL {classes[n]}, "
                            f"reference {trace.classes[n]}")
