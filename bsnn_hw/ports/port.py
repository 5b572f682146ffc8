"""What a port is asked: the words of a top level's two streams, and what they cost in cycles.

A port is an object of a class derived from `PortKind`; what it is in Amaranth stands in hdl/ports/.
``ports/registry.py`` lists all ports.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.engines.feed import Feed
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Port
from bsnn_hw.ports.slots import Slots

__all__ = ["ODD_PACKETS", "ByteCounts", "PortKind", "Stimulus"]

ODD_PACKETS = {
    "reset in the middle of a packet":
        "the inference is forgotten; the next beat after reset starts a new packet",
    "invariant": "every tlast on s_axis gives exactly one packet on m_axis, in order, and no input "
                 "changes a later inference",
}


@dataclass(frozen=True)
class Stimulus:
    """Beats in order.

    data : uint8 (beats, bytes of s_axis_tdata), little end first
    last, mark : bool (beats,); ``mark`` is s_axis_tuser, the end of a timestep; of a stateful
        network uint8, `with_resets`
    """

    data: np.ndarray
    last: np.ndarray
    mark: np.ndarray

    def with_resets(self, resets: np.ndarray, bit: int) -> Stimulus:
        """The same, with ``bit`` of s_axis_tuser set in the first beat of each packet before which
        the state is reset; ``resets`` bool (packets,)."""
        ends = np.flatnonzero(self.last)
        user = self.mark.astype(np.uint8) if bit else np.zeros(len(self.mark), np.uint8)
        user[np.concatenate([[0], ends[:-1] + 1])] |= resets.astype(np.uint8) << bit
        return replace(self, mark=user)


@dataclass(frozen=True)
class ByteCounts:
    """Counts of bytes, all 1 or more.

    step : values of a timestep, or of a direct-coded sample; timesteps : of them in a packet
    score : bytes of a score, low end first, sign-extended; answer : bytes of the class behind them
    classes : int
    """

    step: int
    timesteps: int
    score: int
    answer: int
    classes: int

    @property
    def output(self) -> int:
        """Bytes of a packet that goes out."""
        return self.classes * self.score + self.answer


class PortKind(ABC):
    """What the top level's two AXI4-Streams carry.

    Arguments are the network, its first layer laid out, and the fields of its event slots, which
    are inside of a top level whose port is another.

    port : Port, the name that a user calls it by
    queue : int, groups of events that wait between the port and the first layer
    """

    port: ClassVar[Port]
    queue: ClassVar[int]

    @abstractmethod
    def stimulus(self, network: Network, first: Geometry, slots: Slots,
                 inputs: np.ndarray) -> Stimulus:
        """Beats of samples, a packet each.

        inputs : integers, (N, size) for direct coding or (N, T, size) for events
        """

    def reset_bit(self, slots: Slots) -> int:
        """The bit of s_axis_tuser that resets a stateful network's state, behind the mark."""
        return 0

    def packet_bytes(self, network: Network) -> ByteCounts | None:
        """How packets are cut into bytes; None where a beat holds several events, and a score."""
        return None

    def value_order(self, network: Network) -> np.ndarray | None:
        """Index of the input whose value each beat of a timestep holds, int (size,); None where
        events say it themselves."""
        return None

    @abstractmethod
    def answer_beats(self, network: Network) -> int:
        """Beats of a packet out."""

    @abstractmethod
    def answers(self, network: Network, slots: Slots, data: np.ndarray, user: np.ndarray,
                count: int) -> tuple[np.ndarray, np.ndarray]:
        """Scores, int64 (count, classes), and classes of what ``count`` packets out hold.

        data : uint64 (beats, 1 or more), of ``m_axis_tdata``; user : (beats,), of ``m_axis_tuser``
        """

    @abstractmethod
    def input_facts(self, network: Network, first: Geometry, slots: Slots) -> dict[str, Any]:
        """What the manifest says of ``s_axis``."""

    @abstractmethod
    def output_facts(self, network: Network, slots: Slots) -> dict[str, Any]:
        """What the manifest says of ``m_axis``."""

    @abstractmethod
    def odd_input(self, first: Geometry, slots: Slots) -> dict[str, str]:
        """What the manifest says of packets that no sample gives."""

    @abstractmethod
    def cycles(self, network: Network) -> float:
        """Cycles that the ports need for an inference."""

    def marked_events(self, geometry: Geometry, feed: Feed) -> np.ndarray:
        """Whether events come together with the mark behind them, bool (N, marks)."""
        return np.asarray(feed.events.any(axis=-1))

    @abstractmethod
    def walks(self, geometries: Sequence[Geometry], feed: Feed) -> list[np.ndarray]:
        """Positions that groups of events walk over, float64 (N, marks), in engines with equal
        lanes behind this port; where an engine waits, they are no whole numbers."""

    @abstractmethod
    def walk_key(self, geometry: Geometry) -> tuple[Any, ...]:
        """What ``walks`` depends on, of one layer."""

    @abstractmethod
    def parts(self, network: Network, first: Geometry, value_bits: int) -> Parts:
        """What stands between the streams and the network with event slots."""
