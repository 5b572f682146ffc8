"""The narrow ports, a byte each way: how many bytes a packet has, their order, and their pace."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.feed import Feed
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Coding, Conv, Network
from bsnn_hw.ir.schedule import Port
from bsnn_hw.ports.port import ODD_PACKETS, ByteCounts, PortKind, Stimulus
from bsnn_hw.ports.slots import Slots, signed_values

__all__ = ["ByteCounts", "BytePort", "byte_counts", "byte_walks", "sample_bytes"]

_ODD_BYTES = {
    "packet of too few bytes": "the missing values are 0",
    "packet of too many bytes": "everything after the last value is dropped, up to tlast",
    "a value above the largest": "the bits above are ignored",
    **ODD_PACKETS,
}


def byte_counts(network: Network) -> ByteCounts:
    """The narrow ports of ``network``."""
    events = network.input.coding is Coding.EVENTS
    classes = network.readout.synapse.neurons
    score_width = network_bounds(network)[1].score.width
    return ByteCounts(network.input.size, network.timesteps if events else 1,
                    -(-score_width // 8), -(-max(1, (classes - 1).bit_length()) // 8), classes)


def sample_bytes(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Bytes of samples in the order of the port, uint8 (N, T or 1, size).

    A flat input's are in the order of its index; in front of a convolution they go line by line,
    at each position channel by channel.

    inputs : integers, (N, size) for direct coding or (N, T, size) for events
    """
    steps = inputs[:, None] if inputs.ndim == 2 else inputs
    return steps[..., _order(network)].astype(np.uint8)


def _order(network: Network) -> np.ndarray:
    """Index of the input whose value comes at each position of a timestep."""
    shape, index = network.input.features, np.arange(network.input.size)
    if isinstance(network.layers[0].synapse, Conv):
        return index.reshape(shape.channels, shape.positions).T.ravel()
    return index


class BytePort(PortKind):
    """Values of samples in, bytes of scores and the class out."""

    port = Port.BYTES
    queue = 2  # groups come no faster than bytes do

    def stimulus(self, network: Network, first: Geometry, slots: Slots,
                 inputs: np.ndarray) -> Stimulus:
        """A byte a beat."""
        values = sample_bytes(network, inputs)
        last, mark = np.zeros(values.shape, bool), np.zeros(values.size, bool)
        last[:, -1, -1] = True
        return Stimulus(values.reshape(-1, 1), last.ravel(), mark)

    def packet_bytes(self, network: Network) -> ByteCounts:
        """As in `PortKind`."""
        return byte_counts(network)

    def value_order(self, network: Network) -> np.ndarray:
        """As in `PortKind`."""
        return _order(network)

    def answer_beats(self, network: Network) -> int:
        """A beat per byte."""
        return byte_counts(network).output

    def answers(self, network: Network, slots: Slots, data: np.ndarray, user: np.ndarray,
                count: int) -> tuple[np.ndarray, np.ndarray]:
        """As in `PortKind`."""
        port = byte_counts(network)
        packets = data[:, 0].reshape(count, port.output).astype(np.int64)
        scores = packets[:, :port.classes * port.score].reshape(count, port.classes, port.score)
        return (signed_values(_joined(scores).astype(np.uint64), 8 * port.score),
                _joined(packets[:, port.classes * port.score:]))

    def input_facts(self, network: Network, first: Geometry, slots: Slots) -> dict[str, Any]:
        """As in `PortKind`."""
        port = byte_counts(network)
        order = ("line by line, at each position channel by channel" if first.values_shape[0] > 1
                 or first.placed else "in the order of their index")
        steps = f", timestep by timestep ({port.timesteps})" if port.timesteps > 1 else ""
        return {
            "packet": f"one inference; {port.step} value(s) {order}{steps}; s_axis_tlast with the "
                      "last",
            "tdata_width": 8,
            "tdata": f"a value, 0..{network.input.max_value}",
            "beats": port.step * port.timesteps,
        }

    def output_facts(self, network: Network, slots: Slots) -> dict[str, Any]:
        """As in `PortKind`."""
        port = byte_counts(network)
        return {
            "packet": f"one inference; {port.classes} score(s) of {port.score} byte(s), low end "
                      f"first, then the class in {port.answer}; m_axis_tlast with the last byte",
            "tdata_width": 8,
            "tdata": "a byte; scores are signed, the class is the one with the largest score, the "
                     "lowest on a tie",
            "score_bytes": port.score, "class_bytes": port.answer,
            "beats": self.answer_beats(network),
        }

    def odd_input(self, first: Geometry, slots: Slots) -> dict[str, str]:
        """As in `PortKind`."""
        return _ODD_BYTES

    def cycles(self, network: Network) -> float:
        """A byte per value; or of each class its bytes and a cycle to take them, and the answer's.
        """
        port = byte_counts(network)
        return float(max(port.step * port.timesteps, port.output + port.classes))

    def marked_events(self, geometry: Geometry, feed: Feed) -> np.ndarray:
        """As in `PortKind`: those of the last bytes."""
        found: np.ndarray = _byte_groups(geometry, feed)[0][-1] > 0
        return found

    def walks(self, geometries: Sequence[Geometry], feed: Feed) -> list[np.ndarray]:
        """As in `PortKind`."""
        return byte_walks(geometries, feed)

    def walk_key(self, geometry: Geometry) -> tuple[Any, ...]:
        """While an engine walks, bytes wait."""
        return *geometry.walk_key(), geometry.event_folds

    def parts(self, network: Network, first: Geometry, value_bits: int) -> Parts:
        """hdl/byte_port.py: values gathered, a beat of them, and where they belong; scores
        shifted."""
        lanes, port = first.lanes, byte_counts(network)
        counters = first.value_counters
        counted, out = sum(counters), 8 * (port.score + port.answer)
        kept = value_bits * (2 * lanes - 1)
        return (Parts.adders(counted / len(counters), len(counters))
                + Parts.logic(2 * counted, counted)
                + Parts.logic(value_bits * lanes * 2 + 12, kept + counted + 6)
                + Parts.logic(out + 8, out + 4))


def _joined(values: np.ndarray) -> np.ndarray:
    """Bytes of the last axis, low end first, to integers."""
    found: np.ndarray = (values << 8 * np.arange(values.shape[-1])).sum(axis=-1)
    return found


def byte_walks(geometries: Sequence[Geometry], feed: Feed) -> list[np.ndarray]:
    """``walk`` of engines with equal lanes, behind a port of bytes: float64 (N, marks) each.

    Bytes come one a cycle, whatever is in them; a group is complete with the last of its lanes'.
    One without an event costs nothing more.  Of others as many wait as hdl/byte_port.py holds, and
    one where hdl/network.py has a register; bytes wait where there are more.  While the neurons
    step, bytes go on, from one sample to the next; in the walk of the last bytes' events they may
    step already.
    """
    groups, sizes = _byte_groups(geometries[0], feed)
    folds = np.array([float(geometry.event_folds) for geometry in geometries])
    rows = np.array([float(geometry.raster.rows) for geometry in geometries])
    shared = rows * [geometry.whole_walks for geometry in geometries]
    passes = feed.passes * rows - (groups[-1] > 0)[..., None] * shared
    register = np.array([geometry.port_register for geometry in geometries])
    walked = np.zeros((*feed.events.shape[:2], len(geometries)))
    before = [np.zeros((len(walked), len(geometries))) - feed.passes * rows] * (BytePort.queue + 2)
    for _ in range(2):  # the second time, a sample begins with what the one before left behind
        reader, *ends = before
        for mark in range(walked.shape[1]):
            costs = groups[:, :, mark, None] * folds
            reader, engine, ends = _take_bytes(costs, sizes, register, reader, ends)
            walked[:, mark] = end = np.maximum(reader, engine)
            reader, *ends = (time - end - passes[:, mark] for time in (reader, *ends))
        before = [np.roll(time, 1, axis=0) for time in (reader, *ends)]
    return list(np.moveaxis(walked / folds, -1, 0))


def _take_bytes(costs: np.ndarray, sizes: Sequence[int], register: np.ndarray, reader: np.ndarray,
                ends: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Times when the last byte is taken and the engine is done, and at which the last groups left
    the queue, the engine free at 0.

    costs : (groups, samples, geometries); sizes : (groups,), of all
    register : bool (geometries,), one more group can wait
    reader, ends : times likewise, of what was before
    """
    engine = np.zeros_like(reader)
    for cost, size in zip(costs, sizes, strict=True):
        some = cost > 0
        arrival = reader + size
        room = np.where(register, ends[0], ends[1])
        reader = np.where(some, np.maximum(arrival, room), arrival)
        engine = np.where(some, np.maximum(reader, engine) + cost, engine)
        ends = [np.where(some, late, soon) for soon, late in pairwise([*ends, engine])]
    return reader, engine, ends


def _byte_groups(geometry: Geometry, feed: Feed) -> tuple[np.ndarray, list[int]]:
    """Positions that each group of values walks over, (groups, N, marks) in the order of the port,
    0 without an event; and the groups' bytes."""
    lanes, (positions, channels) = geometry.lanes, geometry.values_shape
    # Bytes of a map come position by position.
    values = np.swapaxes(feed.events.reshape(*feed.events.shape[:2], channels, positions), -1, -2)
    firsts = np.arange(0, channels, lanes)
    some = np.logical_or.reduceat(values, firsts, axis=-1)
    walked = (some * geometry.values_reach[:, None]).reshape(*values.shape[:2], -1)
    return np.moveaxis(walked, -1, 0), np.diff([*firsts, channels]).tolist() * positions
