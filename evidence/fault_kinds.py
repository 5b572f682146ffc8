"""Single edits of the emitted Verilog, and where the reference says that each must show first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.ir.memory import bank_parts

__all__ = ["Fault", "fault_makers"]


@dataclass(frozen=True)
class Fault:
    """One edit of one emitted file.

    name : what it is; file : of the bundle's rtl/; old, new : text, ``old`` stands there once
    expected : text that the failure must contain
    """

    name: str
    file: str
    old: str
    new: str
    expected: str


def fault_makers():
    """Functions of (design, texts by file name, trace, inputs) that give a Fault, or None where
    these inputs cannot show it."""
    return _weight_bit, _threshold, _comparison, _dropped_events


def _module(texts, design, suffix):
    return f"{design.verilog.top}_{suffix}.v", texts[f"{design.verilog.top}_{suffix}.v"]


def _constant(text, memory, row):
    """The line that initialises one row of a memory: (line, width, value); None without one."""
    match = re.search(rf"^ *{memory}\[{row}\] = (\d+)'([hd])([0-9a-f]+);$", text, re.MULTILINE)
    if match is None:
        return None
    return match[0], int(match[1]), int(match[3], 16 if match[2] == "h" else 10)


def _set(line, width, value):
    return re.sub(r"\d+'[hd][0-9a-f]+", f"{width}'h{value:x}", line)


def _where(design, inference, index, timestep, neuron):
    from bsnn_hw.verification.compare import neuron_name

    layer = design.network.hidden[index]
    return (f"inference {inference}, layer {layer.name}, timestep {timestep + 1}, "
            f"{neuron_name(layer.shape, neuron)}:")


def _weight_bit(design, texts, trace, inputs):
    """The weight that the first event meets first, of a channel whose sums count."""
    layer, geometry = design.network.hidden[0], design.geometries[0]
    counts = layer.synapse.connected
    if layer.neuron.gain is not None:
        counts = counts & (layer.neuron.gain != 0).all(axis=0)
    if not counts.any() or layer.synapse.weight_bits != 1:
        return None
    channel = int(counts.argmax())
    fold, position = divmod(channel, geometry.parallel)
    for sample, *timestep, source in np.argwhere(inputs).tolist():
        bank, row = (int(n) for n in geometry.lane_row(np.array(source)))
        step = (timestep or [0])[0]
        if isinstance(geometry, ConvEvents):
            found = _first_place(layer.synapse, geometry, inputs[(sample, *timestep)], source)
            if found is None:
                continue
            tap, place = found
            number = row & (1 << geometry.row_bits) - 1
            address = (tap * geometry.folds + fold << geometry.row_bits) + number
        else:
            place = 0
            address = ((row << geometry.fold_bits) + fold if isinstance(geometry, DenseWords)
                       else geometry.address(row, fold))
        if isinstance(geometry, DenseWords):  # all lanes side by side
            bank, bit = 0, bank * geometry.parallel + position
        else:
            bit = position
        file, text = _module(texts, design, f"layer_{layer.name}_synapses")
        parts = ([geometry.depth] if isinstance(geometry, DenseWords)
                 else bank_parts(geometry.depth, geometry.parallel))
        part, within = divmod(address, parts[0])
        memory = f"bank_{bank}_part_{part}" if len(parts) > 1 else f"bank_{bank}"
        line, width, value = _constant(text, memory, within)
        neuron = channel * layer.shape.positions + place
        return Fault("one weight bit", file, line, _set(line, width, value ^ 1 << bit),
                     _where(design, sample, 0, step, neuron))
    return None


def _first_place(synapse, geometry, values, source):
    """The first tap of the event ``source``, and the first output place where its input channel
    meets the same weight; None if it reaches none.

    values : (inputs,), of the same timestep
    """
    shape = synapse.source
    channel, place = divmod(source, shape.positions)
    y, x = divmod(place, shape.width)
    down, right = geometry.vertical, geometry.horizontal
    if not (down.count[y] and right.count[x]):
        return None
    taps = int(down.tap[y]), int(right.tap[x])
    offsets = [side - 1 - tap - padding for side, tap, padding in zip(
        synapse.kernel, taps, synapse.padding, strict=True)]
    image = values.reshape(shape.channels, shape.height, shape.width)[channel]
    for out in range(synapse.shape.positions):
        at = [place * stride + offset for place, stride, offset in zip(
            divmod(out, synapse.shape.width), synapse.stride, offsets, strict=True)]
        inside = 0 <= at[0] < shape.height and 0 <= at[1] < shape.width
        if inside and image[at[0], at[1]]:
            return taps[0] * synapse.kernel[1] + taps[1], out
    raise AssertionError(source)


def _threshold(design, texts, trace, inputs):
    """The threshold of the first neuron that fires becomes one more than its potential."""
    for index, (layer, seen) in enumerate(zip(design.network.hidden, trace.hidden, strict=True)):
        geometry = design.geometries[index]
        file, text = _module(texts, design, f"layer_{layer.name}_neurons")
        fold_bits = (geometry.folds - 1).bit_length()
        steady = bool((layer.neuron.threshold == layer.neuron.threshold[0]).all())
        tried: set[Any] = set()
        for sample, timestep, neuron in np.argwhere(seen.fired)[:20000].tolist():
            channel = neuron // layer.shape.positions
            row = (0 if steady else timestep << fold_bits) + channel // geometry.parallel
            # All places of a channel share its threshold, so the first one to fire shows it.
            if (row, channel) in tried or len(tried) > 200:
                continue
            tried.add((row, channel))
            found = _constant(text, "threshold", row)
            if found is None:
                continue
            line, width, value = found
            bits, position = width // geometry.parallel, channel % geometry.parallel
            raised = int(seen.charged[sample, timestep, neuron]) + 1
            if raised < 1 << bits - 1:
                mask = (1 << bits) - 1 << bits * position
                return Fault("one threshold", file, line,
                             _set(line, width, value & ~mask | raised << bits * position),
                             _where(design, sample, index, timestep, neuron))
    return None


def _comparison(design, texts, trace, inputs):
    """The comparison of the first position where a potential equals its threshold."""
    for index, (layer, seen) in enumerate(zip(design.network.hidden, trace.hidden, strict=True)):
        threshold = layer.neuron.threshold.repeat(layer.shape.positions, axis=1)
        ties = np.argwhere(seen.charged == threshold).tolist()
        geometry = design.geometries[index]
        tried: set[Any] = set()
        for sample, timestep, neuron in ties:
            position = neuron // layer.shape.positions % geometry.parallel
            if position in tried:
                continue
            tried.add(position)
            file, text = _module(texts, design, f"layer_{layer.name}_neurons")
            old, new = layer.neuron.comparison.value, {">=": ">", ">": ">="}
            signed = rf"\$signed\(charged\[{_bits(design, index, position)}\]\) {old} \$signed"
            match = re.search(signed, text)
            if match is None or text.count(match[0]) != 1:
                continue
            return Fault(f"{new[old]} for {old}", file, match[0],
                         match[0].replace(f" {old} ", f" {new[old]} "),
                         _where(design, sample, index, timestep, neuron))
    return None


def _bits(design, index, position):
    width = design.layout.hidden_bounds[index].charged.width
    return f"{(position + 1) * width - 1}:{position * width}"


def _dropped_events(design, texts, trace, inputs):
    """The link behind the first layer loses the spikes of the first neuron that fires."""
    if not trace.hidden or not trace.hidden[0].fired.any() or design.network.layers[1].back != 1:
        return None
    name, geometry = design.network.hidden[0].name, design.geometries[1]
    if isinstance(geometry, ConvEvents):
        return _dropped_channel(design, texts, trace)
    if design.network.layers[1].pool is not None:
        return None
    sample, timestep, neuron = np.argwhere(trace.hidden[0].fired)[0].tolist()
    word, bit = (int(n) for n in geometry.source.locate(np.array(neuron)))
    if isinstance(geometry, DenseWords):
        return _dropped_bit(design, texts, word, bit, _reader(design, sample, timestep))
    slot = bit // geometry.banks
    file, text = _module(texts, design, f"link_{name}_encoder_{bit % geometry.banks}")
    match = re.search(r"assign pending_next = words__ready \? (words__payload\[(\d+):0\])", text)
    if match is None:
        return None
    slots = int(match[2]) + 1
    fold_width = max(1, (geometry.words - 1).bit_length())
    fold = f"words__payload[{slots + fold_width - 1}:{slots}] == {fold_width}'d{word}"
    dropped = f"(words__payload[{match[2]}:0] & ~({{{slots}{{{fold}}}}} & {slots}'d{1 << slot}))"
    return Fault("dropped events", file, match[0], match[0].replace(match[1], dropped),
                 _reader(design, sample, timestep))


def _dropped_bit(design, texts, row, bit, expected):
    """The words behind the first layer lose one bit of one row."""
    geometry = design.geometries[1]
    file, text = _module(texts, design, f"link_{design.network.hidden[0].name}")
    match = re.search(r"\.rows\((\w+)\)" if geometry.gathered > 1 else
                      r"\.w_data\((?:\{ \w+, )?(\w+)", text)
    if match is None:
        return None
    width, number = geometry.source_width, max(1, (geometry.source.rows - 1).bit_length())
    here = f"{match[1]}[{width + number - 1}:{width}] == {number}'d{row}"
    bits = width + number + 1
    dropped = f"({match[1]} & ~({{{bits}{{{here}}}}} & {bits}'d{1 << bit}))"
    start, end = (place - match.start() for place in match.span(1))
    return Fault("dropped events", file, match[0], match[0][:start] + dropped + match[0][end:],
                 expected)


def _dropped_channel(design, texts, trace):
    """The convolution behind the first layer loses the spikes of one position of its words."""
    layer, geometry = design.network.hidden[0], design.geometries[1]
    pool = design.network.hidden[1].pool
    height, width = (pool.height, pool.width) if pool else (1, 1)
    for sample, timestep, neuron in np.argwhere(trace.hidden[0].fired)[:20000].tolist():
        channel, place = divmod(neuron, layer.shape.positions)
        y, x = divmod(place, layer.shape.width)
        if not geometry.reach[y // height, x // width]:
            continue
        slot, bank = divmod(channel % geometry.source_width, geometry.banks)
        file, text = _module(texts, design, f"link_{layer.name}_encoder")
        match = re.search(rf"assign pending_{bank}_next = words__ready \? ([^?]+) : ", text)
        if match is None:
            return None
        slots = len(range(bank, geometry.source_width, geometry.banks))
        dropped = f"({match[1]} & ~{slots}'d{1 << slot})"
        return Fault("dropped events", file, match[0], match[0].replace(match[1], dropped),
                     _reader(design, sample, timestep))
    return None


def _reader(design, sample, timestep):
    """Where the second layer shows what it misses."""
    if len(design.network.hidden) == 1:
        return f"inference {sample}"
    return f"inference {sample}, layer {design.network.hidden[1].name}, timestep {timestep + 1}"
