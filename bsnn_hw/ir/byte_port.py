"""The narrow ports, a byte each way: how many bytes a packet has, and in which order."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Coding, Conv, Network

__all__ = ["QUEUED_GROUPS", "BytePort", "Port", "byte_port", "sample_bytes"]

QUEUED_GROUPS = 2  # behind the port: they come no faster than bytes do


class Port(enum.Enum):
    """What the top level's two AXI4-Streams carry."""

    EVENTS = "events"  # beats of event slots in, a score a beat out
    BYTES = "bytes"  # values of samples in, bytes of scores and the class out


@dataclass(frozen=True)
class BytePort:
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


def byte_port(network: Network) -> BytePort:
    """The narrow ports of ``network``."""
    events = network.input.coding is Coding.EVENTS
    classes = network.readout.synapse.neurons
    score_width = network_bounds(network)[1].score.width
    return BytePort(network.input.size, network.timesteps if events else 1,
                    -(-score_width // 8), -(-max(1, (classes - 1).bit_length()) // 8), classes)


def sample_bytes(network: Network, inputs: np.ndarray) -> np.ndarray:
    """Bytes of samples in the order of the port, uint8 (N, T or 1, size).

    A flat input's are in the order of its index; in front of a convolution they go line by line,
    at each place channel by channel.

    inputs : integers, (N, size) for direct coding or (N, T, size) for events
    """
    steps = inputs[:, None] if inputs.ndim == 2 else inputs
    shape = network.input.features
    if isinstance(network.layers[0].synapse, Conv):
        maps = steps.reshape(*steps.shape[:2], shape.channels, shape.positions)
        steps = np.swapaxes(maps, -1, -2).reshape(steps.shape)
    return steps.astype(np.uint8)
