"""The integer network as readable JSON, specified in docs/ir.md; the same network, the same text.

Reading trusts nothing: a file that is damaged, or describes a network that does not hold together
or cannot be executed in 64 bits, is refused with the first thing that is wrong.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.check import problem
from bsnn_hw.ir.fields import Fields
from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Dense,
    Hidden,
    Input,
    Network,
    NeuronSpec,
    Readout,
    Reset,
)

__all__ = ["FORMAT", "VERSION", "equal", "from_json", "read", "save", "to_json"]

FORMAT = "bsnn-hw/network"
VERSION = 1


def to_json(network: Network) -> str:
    """The network as JSON text, ending in a line feed."""
    document = {
        "format": FORMAT, "version": VERSION,
        "name": network.name, "timesteps": network.timesteps,
        "input": {"coding": network.input.coding.value, "size": network.input.size,
                  "bits": network.input.bits, "scale": network.input.scale,
                  "offset": network.input.offset},
        "hidden": [_hidden(layer) for layer in network.hidden],
        "readout": _readout(network.readout),
        "classes": list(network.classes),
    }
    return _text(document) + "\n"


def save(path: str | os.PathLike, network: Network) -> None:
    """Write the network, completely or not at all.

    Raises
    ------
    InputError
        The file cannot be written there.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        try:
            temporary.write_bytes(to_json(network).encode())
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
    except OSError as error:
        raise InputError(f"{path}: the folder must exist and allow writing there; "
                         f"{error.strerror}") from None


def read(path: str | os.PathLike) -> Network:
    """Read what ``save`` wrote.

    Raises
    ------
    InputError
        The file cannot be read, is damaged, or describes no network; the first problem.
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: must be a network as JSON text, and is no text; save it with "
                         "bsnn_hw.ir.store.save") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{path}: must be a readable network file; {reason}") from None
    return from_json(text, str(path))


def from_json(text: str, source: str = "network") -> Network:
    """The network that ``to_json`` made into ``text``.

    source : what messages begin with, usually the file's name

    Raises
    ------
    InputError
        The text is damaged or describes no network; the first problem.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: must be a network as JSON, and is damaged: "
                         f"{str(error)[:200]}; save it again") from None
    network = _network(Fields(source, "", document))
    wrong = problem(network)
    if wrong:
        raise InputError(f"{source}: {wrong}")
    return network


def equal(a: Any, b: Any) -> bool:
    """Whether two networks, or two parts of networks, are the same in every value and type."""
    if type(a) is not type(b):
        return False
    if is_dataclass(a):
        return all(equal(getattr(a, each.name), getattr(b, each.name)) for each in fields(a))
    if isinstance(a, tuple):
        return len(a) == len(b) and all(map(equal, a, b))
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and np.array_equal(a, b)
    return a == b


def _hidden(layer):
    spec = layer.neuron
    return {"name": layer.name, **_dense(layer.synapse),
            "fraction_bits": spec.fraction_bits, "leak_bits": spec.leak_bits,
            "leak": spec.leak.tolist(), "bias": _table(spec.bias),
            "threshold": _table(spec.threshold),
            "reset": spec.reset.value, "comparison": spec.comparison.value}


def _readout(layer):
    return {"name": layer.name, **_dense(layer.synapse), "gain": _table(layer.gain),
            "bias": layer.bias.tolist(), "scale": layer.scale}


def _dense(synapse):
    """Weights as one hexadecimal number per neuron; bit i, 1 for +1, is the weight of input i."""
    packed = np.packbits(synapse.weights > 0, axis=1, bitorder="little")
    digits = -(-synapse.fan_in // 4)
    return {"fan_in": synapse.fan_in,
            "weights": [row.tobytes().hex()[-digits:] for row in packed[:, ::-1]],
            "disconnected": np.flatnonzero(~synapse.connected).tolist()}


def _table(rows):
    """A table (T, n) as its T rows, or as one row that is the same in every timestep."""
    return rows[:1].tolist() if (rows == rows[0]).all() else rows.tolist()


def _text(value, indent=""):
    """JSON with one line per key, per weight and per row of a table."""
    inner = indent + " "
    if isinstance(value, dict):
        lines = [f"{json.dumps(key)}: {_text(item, inner)}" for key, item in value.items()]
    elif isinstance(value, list) and any(isinstance(item, (list, dict, str)) for item in value):
        lines = [_text(item, inner) for item in value]
    else:
        return json.dumps(value)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return opening + "\n" + ",\n".join(inner + line for line in lines) + f"\n{indent}{closing}"


def _network(table):
    if table.text("format") != FORMAT or table.integer("version") != VERSION:
        table.refuse("format", f"must be {FORMAT!r}, version {VERSION}")
    timesteps = table.integer("timesteps", 1, 1 << 16)
    entry = table.inner("input")
    source = Input(entry.choice("coding", Coding), entry.integer("size", 1, 1 << 40),
                   entry.integer("bits", 1, 8), entry.positive("scale"), entry.number("offset"))
    hidden = tuple(Hidden(layer.name(), _synapse(layer), _neuron(layer, timesteps))
                   for layer in table.each("hidden"))
    last = table.inner("readout")
    synapse = _synapse(last)
    readout = Readout(last.name(), synapse, last.rows("gain", timesteps, synapse.neurons),
                      last.vector("bias", synapse.neurons), last.positive("scale"))
    return Network(table.text("name"), timesteps, source, hidden, readout, table.texts("classes"))


def _synapse(table):
    fan_in, words = table.integer("fan_in", 1, 1 << 40), table.texts("weights")
    digits = -(-fan_in // 4)
    joined = "".join(word.zfill(len(word) + len(word) % 2) for word in words)
    try:
        packed = np.frombuffer(bytes.fromhex(joined), np.uint8)
    except ValueError:
        packed = np.empty(0, np.uint8)
    if any(len(word) != digits or not word.isalnum() for word in words) or (
            packed.size != len(words) * -(-digits // 2) or not words):
        table.refuse("weights", f"must be at least one string of {digits} hexadecimal digits each")
    bits = np.unpackbits(packed.reshape(len(words), -1)[:, ::-1], axis=1, bitorder="little")
    if bits[:, fan_in:].any():
        table.refuse("weights", f"must have no bit above that of the last of {fan_in} inputs")
    silent = table.vector("disconnected", None)
    if silent.size and not (0 <= silent.min() and silent.max() < len(words)):
        table.refuse("disconnected", f"must be indexes of the {len(words)} neurons")
    connected = np.ones(len(words), bool)
    connected[silent] = False
    weights = np.where(bits[:, :fan_in], np.int8(1), np.int8(-1))
    return Dense(weights, connected)


def _neuron(table, timesteps):
    neurons = len(table.texts("weights"))
    return NeuronSpec(
        fraction_bits=table.integer("fraction_bits", 0, 62),
        leak_bits=table.integer("leak_bits", 0, 62),
        leak=table.vector("leak", timesteps),
        bias=table.rows("bias", timesteps, neurons),
        threshold=table.rows("threshold", timesteps, neurons),
        reset=table.choice("reset", Reset), comparison=table.choice("comparison", Comparison))
