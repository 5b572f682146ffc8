"""What brings an engine its events: the network's input, a link or a shortcut from a layer."""

from __future__ import annotations

from dataclasses import dataclass, field

from bsnn_hw.devices.parts import Parts, Product, bits_of, fifo_parts, pair_parts
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.network import Hidden, Pool, Readout, Shape, Summand, SynapseShortcut
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Port
from bsnn_hw.layout.pooling import POOLING_DELAY, cropped, gathers, pooling_parts
from bsnn_hw.ports.slots import Slots

__all__ = ["POOLING_DELAY", "Carry", "Entry", "Feedback", "Link", "carry_block",
           "feedback_block", "gathers", "link_block"]

FEEDBACK_DELAY = 5  # from a word until the layer's own sequencer has the end of its timestep

# What a queue of spikes holds at most, however many an inference has: beyond a few block RAMs the
# memory costs more than the waiting.
MOST_QUEUED = 512
# A layer with a map has a word per position, and waits in its step for the consumer of all.
MOST_QUEUED_BITS = 1 << 17  # of a map, whose words have a position and an end of about 16 bits


@dataclass(frozen=True)
class Entry:
    """From the network's input port to the first layer's engine.

    geometry : of the first layer; port : Port, of the top level
    depth : int, groups of events that wait
    max_value : int, largest value of an event
    timesteps : int, ends that an inference has; a direct-coded sample has one
    register : bool, a register stands behind the queue
    port_parts : Parts of what makes event slots of another port's words
    factors : by which the values of each channel are multiplied, empty for none
    """

    geometry: Geometry
    port: Port
    slots: Slots
    depth: int
    max_value: int
    timesteps: int
    register: bool
    port_parts: Parts
    factors: tuple[int, ...] = ()

    def parts(self) -> Parts:
        """hdl/frontend.py, and what its engine needs of an event's position."""
        geometry, value = self.geometry, self.max_value.bit_length()
        lanes, row = geometry.lanes, max(1, bits_of(geometry.rows))
        position = geometry.entry_bits
        width = geometry.row_count * row + lanes * value + position + 2
        queue = (pair_parts(width) if self.depth == 2
                 else fifo_parts(self.depth - 1, width, registered=False))
        return (queue + self.port_parts
                + (Parts.delays(width + 1) if self.register else Parts())
                + Parts.adders(row, geometry.row_count)
                + Parts.logic(lanes * (value + 2) + position + 8 + 8 * (self.timesteps > 1), 2)
                + (Parts.adders(bits_of(self.timesteps)) if self.timesteps > 1 else Parts())
                + geometry.lookup_parts(value) + self._factor_parts(value))

    def _factor_parts(self, value: int) -> Parts:
        """hdl/reach.py: a factor for each lane, and its product."""
        if not self.factors:
            return Parts()
        lanes, factor = self.geometry.lanes, max(self.factors).bit_length()
        return (Parts.logic(lanes * factor / 2) + Parts.delays(lanes * 2 * factor)
                + Parts(products=(Product(value + 1, factor + 1, lanes),)))


@dataclass(frozen=True)
class Link:
    """From a layer's spike words to an engine behind it: pooling, queues, encoders.

    name : str, of what stands between two layers
    producer : int, number of the layer that sends; whole : Raster, of its words
    geometry : of the engine that receives
    pool : Pool or None; placed : bool, words go through pooling, which also says where they are
    words : int, words of a timestep that come, at most
    margin : int, words that may still come once a queue is almost full
    depth : int, entries of each queue, one of them in its output register
    pipelined : bool, registers stand behind the queues
    """

    name: str
    producer: int
    whole: Raster
    geometry: Geometry
    pool: Pool | None
    placed: bool
    words: int
    margin: int
    depth: int
    pipelined: bool = field(default=False, kw_only=True)

    @property
    def kept_free(self) -> int:
        """Entries that are left for words that may still come."""
        return self.geometry.arrivals(self.margin)

    def parts(self) -> Parts:
        """What is built of it."""
        found = self.geometry.link_parts(self.depth) + self.geometry.lookup_parts(1)
        found += self._register_parts() if self.pipelined else Parts()
        return found + (self._pool_parts() if self.placed else Parts())

    def _register_parts(self) -> Parts:
        """A register behind each queue, and a hdl/buffer.py StreamBuffer."""
        width = sum(self.geometry.queue_widths)
        return Parts.delays(3 * width) + Parts.logic(width)

    @property
    def cropped(self) -> Shape | None:
        """The part of the map that the windows cover, None where that is all of it."""
        return cropped(self.pool, self.whole.shape)

    def _pool_parts(self) -> Parts:
        return pooling_parts(self.whole, self.geometry.source, self.pool)


@dataclass(frozen=True)
class Feedback(Link):
    """From a layer's words to its own engine of a recurrence, a timestep later.

    timesteps : int, of an inference, the last of which sends no spikes back
    stateful : bool, it sends them to the next inference
    latency : int, cycles from the last operation of a step until the engine has the end of the
        timestep that this sends back
    """

    timesteps: int
    latency: int
    stateful: bool = False

    def parts(self) -> Parts:
        """With hdl/feedback.py."""
        bits = 0 if self.stateful else bits_of(self.timesteps)
        return super().parts() + Parts.adders(bits) + Parts.logic(self.whole.width + 3, bits + 1)


@dataclass(frozen=True)
class Carry:
    """The FIFO of a shortcut that carries rows past the layers between.

    name, producer : as in `Link`
    current : bool, currents are carried, else spikes
    width : int, bits of a row; rows : int, of a timestep
    timesteps : int, that it holds; margin : int, rows that may still come once it is almost full
    depth : int, rows
    """

    name: str
    producer: int
    current: bool
    width: int
    rows: int
    timesteps: int
    margin: int
    depth: int

    def parts(self) -> Parts:
        """hdl/carry.py."""
        return (fifo_parts(self.depth - 1, self.width) + Parts.delays(self.width)
                + Parts.logic(12, 3))


def link_block(name: str, producer: int, whole: Raster,
               consumer: Hidden | Readout | SynapseShortcut | Summand, geometry: Geometry,
               timesteps: int, margin: int, pipelined: bool = False) -> Link:
    """What stands between a layer, which may send ``margin`` words late, and an engine."""
    source, pool = geometry.source, consumer.pool
    placed = geometry.placed or pool is not None
    words = source.rows
    if placed:
        margin += POOLING_DELAY
        if not gathers(pool):
            window = pool.height * pool.width if pool else 1
            words = 1 << max(1, (source.rows * window - 1).bit_length())
    # All words of an inference, up to a sensible memory, so that a layer seldom waits for one that
    # is slower now and then.
    late = geometry.arrivals(margin)
    entries = min(geometry.entries(words, timesteps, margin), max(_most_queued(source), late + 2))
    return Link(name, producer, whole, geometry, pool, placed, words, margin, queue_depth(entries),
                pipelined=pipelined)


def feedback_block(link: Link, timesteps: int, stateful: bool = False) -> Feedback:
    """The same from a layer to an engine of its own.  Its queue is empty when a step starts, as the
    engine had the end of the timestep before; so a timestep is all that it must hold."""
    entries = link.geometry.entries(link.words, 1, link.margin)
    return Feedback(link.name, link.producer, link.whole, link.geometry, link.pool, link.placed,
                    link.words, link.margin, queue_depth(entries), timesteps,
                    link.margin - 1 + FEEDBACK_DELAY + 2 * link.pipelined, stateful,
                    pipelined=link.pipelined)


def queue_depth(entries: int) -> int:
    """The least depth for ``entries`` whose memory is a power of two; one more is in a register."""
    return (1 << (entries - 1).bit_length()) + 1


def _most_queued(source: Raster) -> int:
    if source.shape.positions == 1:
        return MOST_QUEUED
    fitting = MOST_QUEUED_BITS // (source.width + 16)
    return max(MOST_QUEUED, 1 << fitting.bit_length() - 1)


def carry_block(name: str, producer: int, *, current: bool, width: int, rows: int, timesteps: int,
                margin: int) -> Carry:
    """A FIFO of whole timesteps.  One is all that it takes for the producer to end its own,
    whatever the consumer waits for; one per layer between lets all of them work at once.

    width : int, bits of a row
    """
    return Carry(name, producer, current, width, rows, timesteps, margin,
                 max(3, rows * timesteps + margin))
