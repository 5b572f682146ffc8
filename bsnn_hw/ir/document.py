"""The JSON object of a network and back, key by key as docs/ir.md lists them.

Keys that say what is usual (the layer before, no pooling, no shortcuts) are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bsnn_hw.ir.border import Border
from bsnn_hw.ir.fields import Fields
from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Conv,
    CurrentShortcut,
    Dense,
    Hidden,
    Input,
    JoinKind,
    Network,
    NeuronSpec,
    Peak,
    Pool,
    PoolKind,
    Readout,
    Reset,
    Shape,
    Shortcut,
    SpikeJoin,
    SpikeShortcut,
    Summand,
    Synapse,
    SynapseShortcut,
    largest_weight,
)
from bsnn_hw.ir.neuron import shared_factors
from bsnn_hw.ir.used import Used

__all__ = ["FORMAT", "VERSION", "network_object", "read_network", "window_facts"]

FORMAT = "bsnn-hw/network"
VERSION = 1

MAX_TIMESTEPS = 1024
MAX_SIDE = 4096
MAX_KERNEL = 64
MAX_COUNT = 1 << 40
MAX_FACTOR = 1 << 16


def network_object(network: Network) -> dict[str, Any]:
    """The network as what JSON knows: objects, lists, strings and numbers."""
    entry = network.input
    return {
        "format": FORMAT, "version": VERSION,
        "name": network.name, "timesteps": network.timesteps,
        **({"stateful": True} if network.stateful else {}),
        "input": {"coding": entry.coding.value, "size": entry.size, "bits": entry.bits,
                  "scale": _plain(entry.scale), "offset": _plain(entry.offset),
                  **({} if entry.shape is None else {"shape": _sides(entry.shape)}),
                  **({"factors": list(entry.factors)} if entry.factors else {}),
                  **({} if entry.used is None else _used(entry.used))},
        "hidden": [_hidden(layer) for layer in network.hidden],
        "readout": _readout(network.readout),
        "classes": list(network.classes),
    }


def _used(used: Used) -> dict[str, Any]:
    return {"used": list(used.places), "sample": _sides(used.shape)}


def _plain(number: float | tuple[float, ...]) -> float | list[float]:
    return list(number) if isinstance(number, tuple) else number


def _hidden(layer: Hidden) -> dict[str, Any]:
    spec = layer.neuron
    result = {"name": layer.name, **_source(layer), **_synapse(layer.synapse),
              "fraction_bits": spec.fraction_bits, "leak_bits": spec.leak_bits,
              "leak": _leak(spec.leak),
              "bias": _table(spec.bias),
              "threshold": _table(spec.threshold),
              "reset": spec.reset.value, "comparison": spec.comparison.value}
    if spec.refractory:
        result["refractory"] = True
    if spec.saturation is not None:
        result["saturation"] = spec.saturation
    if spec.floor is not None:
        result["floor"] = _table(spec.floor)
    if spec.current_leak is not None:
        result["current_leak"] = _leak(spec.current_leak)
    if spec.separate_reset_by is not None:
        result["reset_by"] = _table(spec.separate_reset_by)
    if spec.border is not None:
        result["border"] = _border(spec.border)
    if spec.gain is not None:
        result["gain"] = _table(spec.gain)
    if layer.current_pool is not None:
        result["current_pool"] = window_facts(layer.current_pool)
    if layer.shortcuts:
        result["shortcuts"] = [_shortcut(shortcut) for shortcut in layer.shortcuts]
    if layer.gate is not None:
        result["gate"] = _gate(layer.gate)
    if layer.join is not None:
        result["join"] = {"kind": layer.join.kind.value, "back": layer.join.back,
                          **_pool(layer.join.pool)}
    return result


def _leak(factors: np.ndarray) -> list[Any]:
    """One factor per timestep, or one per timestep and channel."""
    shared = shared_factors(factors)
    found: list[Any] = (factors if shared is None else shared).tolist()
    return found


def _border(border: Border) -> dict[str, Any]:
    return {"lines": border.lines.tolist(), "columns": border.columns.tolist(),
            "extra": _table(border.extra.reshape(len(border.extra), -1))}


def _gate(gate: SampleGate) -> dict[str, Any]:
    return {"weights": gate.weights.ravel().tolist(), "weight_bits": gate.weight_bits,
            "offset": gate.offset, "shift": gate.shift, "table": _table(gate.table),
            "factor_bits": gate.factor_bits}


def _readout(layer: Readout) -> dict[str, Any]:
    return {"name": layer.name, **_source(layer), **_synapse(layer.synapse),
            "gain": _table(layer.gain), "bias": layer.bias.tolist(), "scale": layer.scale,
            **({} if layer.peak is None else {"peak": {
                "leak": layer.peak.leak.tolist(), "leak_bits": layer.peak.leak_bits,
                "bias": _table(layer.peak.bias)}})}


def _shortcut(shortcut: Shortcut) -> dict[str, Any]:
    if isinstance(shortcut, CurrentShortcut):
        return {"kind": "current", "back": shortcut.back}
    if isinstance(shortcut, SpikeShortcut):
        return {"kind": "spikes", "back": shortcut.back, "gain": _table(shortcut.gain)}
    return {"kind": "synapse", "back": shortcut.back, **_pool(shortcut.pool),
            **_summands(shortcut.summands), **_synapse(shortcut.synapse),
            "gain": _table(shortcut.gain)}


def _source(layer: Hidden | Readout) -> dict[str, Any]:
    return {**({} if layer.back == 1 else {"back": layer.back}), **_pool(layer.pool),
            **_summands(layer.summands)}


def _summands(summands: tuple[Summand, ...]) -> dict[str, Any]:
    return {} if not summands else {
        "summands": [{"back": each.back, **_pool(each.pool)} for each in summands]}


def _pool(pool: Pool | None) -> dict[str, Any]:
    return {} if pool is None else {"pool": window_facts(pool)}


def window_facts(pool: Pool) -> dict[str, Any]:
    """The windows of a pool; stride and padding where windows do not lie side by side."""
    return {"kind": pool.kind.value, "size": [pool.height, pool.width],
            **({} if pool.step is None else {"stride": list(pool.step)}),
            **({} if pool.padding == (0, 0) else {"padding": list(pool.padding)})}


def _sides(shape: Shape) -> list[int]:
    return [shape.channels, shape.height, shape.width]


def _synapse(synapse: Synapse) -> dict[str, Any]:
    if isinstance(synapse, Conv):
        shape: dict[str, Any] = {"source": _sides(synapse.source), "kernel": list(synapse.kernel),
                 "stride": list(synapse.stride), "padding": list(synapse.padding),
                 **({} if synapse.groups == 1 else {"groups": synapse.groups})}
    else:
        shape = {"fan_in": synapse.fan_in}
    if synapse.weight_bits != 1:
        shape["weight_bits"] = synapse.weight_bits
    rows = synapse.weights.reshape(len(synapse.weights), -1)
    return {**shape, "weights": _hexadecimal(rows, synapse.weight_bits),
            "disconnected": np.flatnonzero(~synapse.connected).tolist()}


def _hexadecimal(weights: np.ndarray, weight_bits: int) -> list[str]:
    """One hexadecimal number per row; weight i is bit i, 1 for +1, or from 2 bits on byte i, two's
    complement."""
    packed = (np.packbits(weights > 0, axis=1, bitorder="little") if weight_bits == 1
              else weights.astype(np.int8).view(np.uint8))
    digits = _digits(weights.shape[1], weight_bits)
    return [row.tobytes().hex()[-digits:] for row in packed[:, ::-1]]


def _digits(inputs: int, weight_bits: int) -> int:
    return -(-inputs // 4) if weight_bits == 1 else 2 * inputs


def _table(rows: np.ndarray) -> list[list[int]]:
    """A table (T, n) as its T rows, or as one row that is the same in every timestep."""
    table: list[list[int]] = (rows[:1] if (rows == rows[0]).all() else rows).tolist()
    return table


def read_network(table: Fields) -> Network:
    """The network that `network_object` made, each value of the right type and range; whether
    they fit together is not looked at.

    Raises
    ------
    InputError
        The first value that is absent or wrong.
    """
    if table.text("format") != FORMAT or table.integer("version") != VERSION:
        table.refuse("format", f"must be {FORMAT!r}, version {VERSION}")
    timesteps = table.integer("timesteps", 1, MAX_TIMESTEPS)
    entry = table.inner("input")
    source = _read_input(entry)
    stateful = table.flag("stateful") if table.has("stateful") else False
    hidden = tuple(_read_hidden(layer, timesteps, stateful) for layer in table.each("hidden"))
    return Network(table.text("name"), timesteps, source, hidden,
                   _read_readout(table.inner("readout"), timesteps), table.texts("classes"))


def _read_input(table: Fields) -> Input:
    shape = _read_shape(table, "shape") if table.has("shape") else None
    size = table.integer("size", 1, MAX_COUNT)
    channels = shape.channels if shape else size
    return Input(table.choice("coding", Coding), size, table.integer("bits", 1, 8),
                 table.positive_numbers("scale", channels), table.numbers("offset", channels),
                 shape, table.integers("factors", channels, 1, MAX_FACTOR)
                 if table.has("factors") else (), _read_used(table, size))


def _read_used(table: Fields, size: int) -> Used | None:
    if not table.has("used"):
        return None
    return Used(table.integers("used", size, 0, MAX_COUNT), _read_shape(table, "sample"))


def _read_hidden(table: Fields, timesteps: int, stateful: bool) -> Hidden:
    name, synapse = table.name(), _read_synapse(table)
    shortcuts = table.each("shortcuts") if table.has("shortcuts") else []
    return Hidden(name, synapse, _read_neuron(table, timesteps, stateful), _read_back(table),
                  _read_pool(table), tuple(_read_shortcut(each, timesteps, len(synapse.weights))
                                           for each in shortcuts),
                  _read_pool(table, "current_pool"),
                  _read_gate(table.inner("gate"), timesteps, synapse)
                  if table.has("gate") else None, _read_summands(table),
                  _read_join(table.inner("join")) if table.has("join") else None)


def _read_summands(table: Fields) -> tuple[Summand, ...]:
    return tuple(Summand(each.integer("back", 1, MAX_COUNT), _read_pool(each))
                 for each in (table.each("summands") if table.has("summands") else []))


def _read_join(table: Fields) -> SpikeJoin:
    return SpikeJoin(table.choice("kind", JoinKind), table.integer("back", 1, MAX_COUNT),
                     _read_pool(table))


def _read_gate(table: Fields, timesteps: int, synapse: Synapse) -> SampleGate:
    shape = synapse.weights.shape[1:]
    weights = table.integers("weights", synapse.weights[0].size, -127, 127)
    return SampleGate(np.array(weights, np.int8).reshape(shape),
                      table.integer("weight_bits", 2, 8), table.integer("offset"),
                      table.integer("shift", 0, 62),
                      table.rows("table", timesteps, table.row_length("table")),
                      table.integer("factor_bits", 0, 62))


def _read_readout(table: Fields, timesteps: int) -> Readout:
    name, synapse = table.name(), _read_synapse(table)
    if not isinstance(synapse, Dense):
        table.refuse("kernel", "must not be in the readout, which is fully connected")
    return Readout(name, synapse, table.rows("gain", timesteps, synapse.neurons),
                   table.vector("bias", synapse.neurons), table.positive("scale"),
                   _read_back(table), _read_pool(table),
                   _read_peak(table.inner("peak"), timesteps, synapse.neurons)
                   if table.has("peak") else None, _read_summands(table))


def _read_peak(table: Fields, timesteps: int, classes: int) -> Peak:
    return Peak(table.vector("leak", classes), table.integer("leak_bits", 0, 62),
                table.rows("bias", timesteps, classes))


def _read_neuron(table: Fields, timesteps: int, stateful: bool) -> NeuronSpec:
    channels = len(table.texts("weights"))
    return NeuronSpec(
        fraction_bits=table.integer("fraction_bits", 0, 62),
        leak_bits=table.integer("leak_bits", 0, 62),
        leak=_read_leak(table, "leak", timesteps, channels),
        bias=table.rows("bias", timesteps, channels),
        threshold=table.rows("threshold", timesteps, channels),
        reset=table.choice("reset", Reset), comparison=table.choice("comparison", Comparison),
        gain=_read_optional_rows(table, "gain", timesteps, channels),
        reset_by=_read_optional_rows(table, "reset_by", timesteps, channels),
        border=_read_border(table.inner("border"), timesteps, channels)
        if table.has("border") else None,
        current_leak=_read_leak(table, "current_leak", timesteps, channels)
        if table.has("current_leak") else None, stateful=stateful,
        refractory=table.flag("refractory") if table.has("refractory") else False,
        saturation=table.integer("saturation", 2, 64) if table.has("saturation") else None,
        floor=_read_optional_rows(table, "floor", timesteps, channels))


def _read_border(table: Fields, timesteps: int, channels: int) -> Border:
    lines, columns = _read_classes(table, "lines"), _read_classes(table, "columns")
    down, across = int(lines.max()) + 1, int(columns.max()) + 1
    extra = table.rows("extra", timesteps, down * across * channels)
    return Border(lines, columns, extra.reshape(timesteps, down, across, channels))


def _read_classes(table: Fields, key: str) -> np.ndarray:
    found = table.vector(key, None)
    different = np.unique(found)
    if not found.size or not np.array_equal(different, np.arange(len(different))):
        table.refuse(key, "must be classes, numbered from 0 on")
    return found


def _read_leak(table: Fields, key: str, timesteps: int, channels: int) -> np.ndarray:
    """One factor per timestep, or one per timestep and channel."""
    return (table.rows(key, timesteps, channels) if table.holds_rows(key)
            else table.vector(key, timesteps))


def _read_optional_rows(table: Fields, key: str, timesteps: int,
                        channels: int) -> np.ndarray | None:
    return table.rows(key, timesteps, channels) if table.has(key) else None


def _read_shortcut(table: Fields, timesteps: int, channels: int) -> Shortcut:
    kind = table.text("kind")
    back = table.integer("back", 0 if kind == "synapse" else 1, MAX_COUNT)
    if kind == "current":
        return CurrentShortcut(back)
    if kind == "spikes":
        return SpikeShortcut(back, table.rows("gain", timesteps, channels))
    if kind != "synapse":
        table.refuse("kind", "must be one of current, spikes, synapse")
    synapse = _read_synapse(table)
    return SynapseShortcut(back, synapse, table.rows("gain", timesteps, len(synapse.weights)),
                           _read_pool(table), _read_summands(table))


def _read_back(table: Fields) -> int:
    return table.integer("back", 1, MAX_COUNT) if table.has("back") else 1


def _read_pool(table: Fields, key: str = "pool") -> Pool | None:
    if not table.has(key):
        return None
    pool = table.inner(key)
    kind, (height, width) = pool.choice("kind", PoolKind), pool.integers("size", 2, 1, MAX_SIDE)
    step = pool.integers("stride", 2, 1, MAX_SIDE) if pool.has("stride") else None
    padding = pool.integers("padding", 2, 0, MAX_SIDE) if pool.has("padding") else (0, 0)
    return Pool(kind, height, width, None if step is None else (step[0], step[1]),
                (padding[0], padding[1]))


def _read_shape(table: Fields, key: str) -> Shape:
    return Shape(*table.integers(key, 3, 1, MAX_COUNT))


def _read_synapse(table: Fields) -> Synapse:
    bits = table.integer("weight_bits", 1, 8) if table.has("weight_bits") else 1
    if not table.has("kernel"):
        weights, connected = _read_weights(table, table.integer("fan_in", 1, MAX_COUNT), bits)
        return Dense(weights, connected, bits)
    source, kernel = _read_shape(table, "source"), table.integers("kernel", 2, 1, MAX_KERNEL)
    groups = table.integer("groups", 1, MAX_COUNT) if table.has("groups") else 1
    if source.channels % groups:
        table.refuse("groups", f"must divide the {source.channels} channels that come in")
    channels = source.channels // groups
    weights, connected = _read_weights(table, channels * kernel[0] * kernel[1], bits)
    down, right = table.integers("stride", 2, 1, MAX_KERNEL)
    top, left = table.integers("padding", 2, 0, MAX_KERNEL - 1)
    return Conv(weights.reshape(len(weights), channels, *kernel), connected, source,
                (down, right), (top, left), bits, groups)


def _read_weights(table: Fields, inputs: int,
                  weight_bits: int) -> tuple[np.ndarray, np.ndarray]:
    """Weights (rows, inputs), and which rows are connected."""
    packed = _read_rows(table, _digits(inputs, weight_bits))
    if weight_bits == 1:
        bits = np.unpackbits(packed, axis=1, bitorder="little")
        if bits[:, inputs:].any():
            table.refuse("weights", f"must have no bit above that of the last of {inputs} inputs")
        weights = np.where(bits[:, :inputs], np.int8(1), np.int8(-1))
    else:
        weights = packed.view(np.int8)
        most = largest_weight(weight_bits)
        if weights.min() < -most or weights.max() > most:
            table.refuse("weights", f"must be from -{most} to {most}")
    silent = table.vector("disconnected", None)
    if silent.size and not (0 <= silent.min() and silent.max() < len(weights)):
        table.refuse("disconnected", f"must be indexes of the {len(weights)} neurons")
    connected = np.ones(len(weights), bool)
    connected[silent] = False
    return weights, connected


def _read_rows(table: Fields, digits: int) -> np.ndarray:
    """One hexadecimal number per row as its bytes, the lowest first."""
    words = table.texts("weights")
    joined = "".join(word.zfill(len(word) + len(word) % 2) for word in words)
    try:
        packed = np.frombuffer(bytes.fromhex(joined), np.uint8)
    except ValueError:
        packed = np.empty(0, np.uint8)
    if any(len(word) != digits or not word.isalnum() for word in words) or (
            packed.size != len(words) * -(-digits // 2) or not words):
        table.refuse("weights", f"must be at least one string of {digits} hexadecimal digits each")
    return packed.reshape(len(words), -1)[:, ::-1].copy()
