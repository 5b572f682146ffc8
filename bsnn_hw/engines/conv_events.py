"""How a convolution is laid out: which rows an event at a position reaches, and by which weights.

An event at position (y, x) walks over the output positions that its pixel reaches, line by line,
and at each over the folds.  Outputs and kernel run in opposite directions, so weights are stored
with the kernel turned by 180 degrees: then row and tap both only count up.

    row = (oy * out.width + ox) * folds + fold           of the state memories
    tap = (ty * kernel width + tx) * folds + fold        ty = kernel height - 1 - ky, tx likewise

A weight bank holds at ``{tap, channel}`` the weights of ``parallel`` output channels, where
``channel = {fold of the source, slot}`` is the input channel's number within the bank.  Per axis, a
table says for each input coordinate where the walk starts and how long it is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts, bits_of, fifo_parts
from bsnn_hw.engines.costs import collector_parts, encoder_parts, placed_bits
from bsnn_hw.engines.events import EventGeometry, pack_events
from bsnn_hw.engines.feed import Feed, pool_positions
from bsnn_hw.ir.memory import bank_parts, block_rams
from bsnn_hw.ir.network import Conv, Hidden, Network, Shape, Synapse
from bsnn_hw.ir.raster import Raster, pack_words
from bsnn_hw.ir.schedule import LayerPlan

__all__ = ["AxisReach", "ConvEvents"]

COPY_BLOCKS = 16  # block RAMs that the further copies of the weights may take
LOOKUP_DELAY = 2  # cycles in which what a group reaches is looked up
ENCODER_SLACK = 1.1  # of the cycles, where events reach fewer positions than there are lanes


@dataclass(frozen=True)
class AxisReach:
    """Along one axis, for each input coordinate, the output coordinates that it reaches.

    first : int (side,), the lowest one; count : int (side,), how many, 0 or more
    tap : int (side,), turned kernel coordinate at ``first``; it grows by the stride per output
    """

    first: np.ndarray
    count: np.ndarray
    tap: np.ndarray


def _axis(side: int, outputs: int, kernel: int, stride: int, padding: int) -> AxisReach:
    padded = np.arange(side) + padding
    first = np.maximum(0, -((kernel - 1 - padded) // stride))
    last = np.minimum(outputs - 1, padded // stride)
    return AxisReach(first, np.maximum(0, last - first + 1), kernel - 1 - (padded - first * stride))


@dataclass(frozen=True)
class ConvEvents(EventGeometry):
    """Counts and address maps of one convolution, see the module's text.

    source : Raster of the words that come in, pooled
    out : Shape of the output map
    kernel, stride, padding : (vertical, horizontal)
    lanes : int, 1..source width: events of one position that are taken per cycle
    parallel : int, 1..output channels
    shared : bool, every lane takes any event, as in `LayerPlan`
    """

    source: Raster
    out: Shape
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    lanes: int
    parallel: int
    shared: bool = False

    searched: ClassVar = (1, 2, 3, 4, 6, 8, 12)  # events of one position come together

    @classmethod
    def weighs(cls, synapse: Synapse) -> bool:
        """Whether such synapses are of this engine's kind."""
        return isinstance(synapse, Conv) and synapse.groups == 1

    @classmethod
    def problem(cls, network: Network, number: int) -> str | None:
        """Why layer ``number`` cannot have this engine; None where it can."""
        synapse = network.layers[number].synapse
        if not isinstance(synapse, Conv):
            return "a fully connected layer has no map"
        return None if cls.weighs(synapse) else "it has groups"

    @classmethod
    def place_choices(cls, network: Network, number: int) -> list[int]:
        """One, or as many of a line as an event reaches; a gate sums places one by one."""
        layer = network.layers[number]
        assert isinstance(layer.synapse, Conv)
        gated = isinstance(layer, Hidden) and layer.gate is not None
        whole = cls.of(layer.synapse, Raster(layer.synapse.source, 1), LayerPlan(1, 1))
        most = int(whole.horizontal.count.max())
        return [1] if gated or most < 2 else [1, most]

    @classmethod
    def of(cls, synapse: Synapse, source: Raster, plan: LayerPlan) -> ConvEvents:
        """The layer laid out."""
        assert isinstance(synapse, Conv)
        return cls(source, synapse.shape, synapse.kernel, synapse.stride, synapse.padding,
                   plan.lanes, plan.parallel, plan.shared)

    def worth_sharing(self, weight_bits: int) -> bool:
        """Whether one encoder, an event a cycle, keeps the lanes busy, and the further copies of
        the weights, one for two lanes, take few block RAMs."""
        walks = self.walked * self.folds
        waits = np.maximum(walks, self.lanes * (walks > 0))
        width, copies = self.word_weights * weight_bits, self.places * (-(-self.lanes // 2) - 1)
        return bool(waits.sum() <= ENCODER_SLACK * walks.sum()
                    and copies * sum(block_rams(part, width, 2) for part in
                                     bank_parts(self.depth, width, 2)) <= COPY_BLOCKS)

    def single(self) -> ConvEvents:
        """As in `EventGeometry`."""
        return replace(self, out=Shape(1, self.out.height, self.out.width), parallel=1)

    @property
    def raster(self) -> Raster:
        """Order of the layer's own neurons."""
        return Raster(self.out, self.parallel)

    @property
    def fold_first(self) -> bool:
        """A weight's address is ``{tap, channel}``."""
        return True

    @property
    def neurons(self) -> int:
        """Neurons of the map."""
        return self.out.size

    @property
    def rows(self) -> int:
        """Input channels of one weight bank, and unused numbers among them."""
        return self.source.folds << self.slot_bits

    @property
    def row_bits(self) -> int:
        """Bits of an input channel's number in an address."""
        return (self.rows - 1).bit_length()

    @property
    def taps(self) -> int:
        """Weight words of one input channel."""
        return self.kernel[0] * self.kernel[1] * self.event_folds

    @property
    def depth(self) -> int:
        """Words of one weight bank."""
        return self.taps << self.row_bits

    @property
    def vertical(self) -> AxisReach:
        """Reach of each input line."""
        return _axis(self.source.shape.height, self.out.height, self.kernel[0], self.stride[0],
                     self.padding[0])

    @property
    def horizontal(self) -> AxisReach:
        """Reach of each input column."""
        return _axis(self.source.shape.width, self.out.width, self.kernel[1], self.stride[1],
                     self.padding[1])

    @property
    def reach(self) -> np.ndarray:
        """Output positions that an event reaches, int (height, width) of the input map."""
        found: np.ndarray = np.multiply.outer(self.vertical.count, self.horizontal.count)
        return found

    @property
    def walked(self) -> np.ndarray:
        """Operations, for each fold, of an event, int (height, width) of the input map."""
        return self.reach

    @property
    def fan_out(self) -> np.ndarray:
        """As in `Geometry`."""
        return self.reach * self.event_channels

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """Shape of the weights that belong here."""
        return self.out.channels, self.source.shape.channels, *self.kernel

    @property
    def reach_bits(self) -> tuple[int, int, int, int]:
        """Bits of what a position reaches: the first row and tap, and how many columns and lines of
        positions follow the first."""
        columns, lines = (int(axis.count.max(initial=1))
                          for axis in (self.horizontal, self.vertical))
        return (max(1, bits_of(self.raster.rows)), max(1, bits_of(self.taps)),
                max(1, bits_of(columns)), max(1, bits_of(lines)))

    @property
    def position_bits(self) -> tuple[int, int]:
        """Bits of an input line's and of a column's number."""
        height, width = self.source.shape.height, self.source.shape.width
        return (height - 1).bit_length(), (width - 1).bit_length()

    @property
    def address_bits(self) -> int:
        """Bits of what ``lane_row`` gives, in an event at the network's input."""
        return max(1, sum(self.position_bits) + self.row_bits)

    def lane_row(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Bank, which is the lane unless lanes are shared, and ``{y, x, channel}`` as a number, of
        the inputs ``index``."""
        row, bit = self.source.locate(index)
        position, fold = np.divmod(row, self.source.folds)
        y, x = np.divmod(position, self.source.shape.width)
        channel = (fold << self.slot_bits) + bit // self.banks
        return bit % self.banks, (((y << self.position_bits[1]) + x) << self.row_bits) + channel

    def bank_words(self, weights: np.ndarray, weight_bits: int = 1) -> list[list[int]]:
        """Weight banks, ``banks`` lists of ``depth`` integers, see ``raster.pack_words``.

        weights : int8 (output channels, input channels, kernel height, kernel width)
        """
        outputs, inputs, height, width = weights.shape
        padded = np.zeros((self.folds * self.parallel, inputs, height, width), np.int8)
        padded[:outputs] = weights[:, :, ::-1, ::-1]
        fold, bit = np.divmod(np.arange(inputs), self.source_width)
        channel = (fold << self.slot_bits) + bit // self.banks
        banks = np.zeros((self.banks, 1 << self.row_bits, height, width, self.folds,
                          self.parallel), np.int8)
        by_fold = padded.reshape(self.folds, self.parallel, inputs, height, width)
        banks[bit % self.banks, channel] = by_fold.transpose(2, 3, 4, 0, 1)
        taps = self._spaced(np.moveaxis(banks, 1, 4))
        flat = taps.reshape(self.banks, self.depth, self.parallel)
        return [pack_words(bank, weight_bits) for bank in flat]

    def _spaced(self, taps: np.ndarray) -> np.ndarray:
        """Weights (banks, kernel height, kernel width, folds, channels, parallel) as far apart as
        their addresses are."""
        return taps

    # The queue in front.

    @property
    def placed(self) -> bool:
        """Words come with their position in the map."""
        return True

    @property
    def queue_widths(self) -> list[int]:
        """One queue, of placed words without their row, which no encoder needs."""
        return [self.source.width + self._placed_bits + 1]

    @property
    def _placed_bits(self) -> int:
        """Bits of a queued word's position and fold."""
        return placed_bits(self.source) - max(1, bits_of(self.source.rows))

    # Cycles.

    def walk(self, feed: Feed) -> np.ndarray:
        """Positions that groups of events walk over, (N, marks), as the lanes get them."""
        if self.shared:
            return self._shared_walk(feed)
        groups = pool_positions(self._word_groups(feed), feed.window)
        found: np.ndarray = np.einsum("nmyx,yx->nm", groups, self.walked)
        return found

    @property
    def link_delay(self) -> int:
        """A register behind the queue, a collector, and the lookup of what is reached."""
        return 1 + self.shared + LOOKUP_DELAY

    def even_walk(self, feed: Feed) -> np.ndarray:
        """The same if every group were full."""
        counts = pool_positions(feed.totals, feed.window)
        found: np.ndarray = np.einsum("nmyx,yx->nm", -(-counts // self.lanes), self.walked)
        return found

    def _shared_walk(self, feed: Feed) -> np.ndarray:
        """Where lanes take any event, of all words of a position that come one after the other: of
        a line of what a sum makes one position.  The encoder gives an event a cycle."""
        counts = pool_positions(feed.totals, (1, feed.window[1]))
        reach = np.repeat(self.walked, feed.window[0], axis=0)
        groups = -(-counts // self.lanes)
        found: np.ndarray = np.maximum(groups * reach, counts / self.event_folds).sum(axis=(2, 3))
        return found

    def _word_groups(self, feed: Feed) -> np.ndarray:
        """Groups at each position before the pooling, int32 (N, marks, height, width): of every
        word as many as its fullest lane has events."""
        events, lanes, width = feed.map, self.lanes, self.source_width
        if lanes == 1:
            return feed.totals
        if feed.port is not None:
            width = events.shape[2]
        groups = np.zeros((*events.shape[:2], *events.shape[3:]), np.int32)
        for first in range(0, events.shape[2], width):
            word = events[:, :, first:first + width]
            groups += np.max([word[:, :, lane::lanes].sum(axis=2, dtype=np.int32)
                              for lane in range(min(lanes, word.shape[2]))], axis=0)
        return groups

    # The input port.

    @property
    def position_rows(self) -> int:
        """Numbers of input channels."""
        return 1 << self.row_bits

    @property
    def port_register(self) -> bool:
        """None: the lookup of what a position reaches has registers."""
        return False

    @property
    def values_shape(self) -> tuple[int, int]:
        """Line by line, at each position channel by channel."""
        return self.source.shape.positions, self.source.shape.channels

    @property
    def values_reach(self) -> np.ndarray:
        """Positions that an event walks over, for each of its own."""
        return self.walked.ravel()

    def beats(self, steps: np.ndarray, slot_width: int,
              value_width: int) -> tuple[np.ndarray, np.ndarray]:
        """As in `Geometry`; events come position by position."""
        return pack_events(self, steps, slot_width, value_width, self.row_bits,
                           1 << sum(self.position_bits))

    def slot_facts(self, slot_width: int, value_width: int) -> dict[str, dict[str, Any]]:
        """As in `Geometry`."""
        channel, (_, horizontal) = self.row_bits, self.position_bits
        rest = slot_width - value_width - channel - horizontal
        return {
            "value": {"meaning": "of the event; 0 means that the slot is empty", "inputs": 1},
            "row": {
                "meaning": f"slot e with {{y, x, r}} is channel r * {self.slots} + e at line y, "
                           "column x; all slots of a beat are of one position, which slot 0 says "
                           "even if it is empty",
                "fields": {"r": {"low": 0, "width": channel},
                           "x": {"low": channel, "width": horizontal},
                           "y": {"low": channel + horizontal, "width": rest}}}}

    @property
    def odd_input(self) -> dict[str, str]:
        """As in `Geometry`."""
        return {
            "address beyond the layer": "coordinates beyond the map and channels beyond the "
                                        "input's: the slot is ignored",
            "slots of different positions in a beat": "all count as events of slot 0's position"}

    # What it is made of.

    def walk_parts(self) -> Parts:
        """hdl/walk.py: counters of rows, taps, positions and folds."""
        fold, row, tap = bits_of(self.folds), bits_of(self.raster.rows), bits_of(self.taps)
        position = bits_of(self.out.positions) + bits_of(self.kernel[0])
        return (Parts.adders(row, 3) + Parts.adders(tap, 4) + Parts.adders(position / 2, 2)
                + Parts.adders(fold) + Parts.logic(3 * row + 3 * tap + 3 * position + fold,
                                                   2 * row + 2 * tap + 2 * position + fold))

    def link_parts(self, depth: int) -> Parts:
        """hdl/map_link.py: a queue of placed words, encoders, and what deals events out."""
        source, lanes, banks = self.source, self.lanes, self.banks
        positions, (width,) = self._placed_bits, self.queue_widths
        parts = fifo_parts(depth - 1, width) + Parts.logic(source.width / 3 + 2)
        parts += Parts(registers=2 * width, bare=2 * width, luts=width)
        for bank in range(banks):
            parts += encoder_parts(len(range(bank, source.width, banks)), 0)
        row = max(1, self.row_bits)
        parts += Parts.delays(2 * positions + 1 + banks * row + 2) + Parts.logic(banks + 4, banks)
        return parts + (collector_parts(lanes, row + positions / lanes) if self.shared else Parts())

    def lookup_parts(self, value_bits: int) -> Parts:
        """hdl/reach.py: a table per axis, and the sums of both."""
        row, tap, columns, lines = self.reach_bits
        channel, shape = max(1, self.row_bits), self.source.shape
        tables = tuple(Memory(side, row + tap + more + 1, Access.TABLE)
                       for side, more in ((shape.height, lines), (shape.width, columns)))
        return (Parts.delays(2 * self.lanes * (channel + value_bits) + sum(self.position_bits) + 8)
                + Parts.adders(row) + Parts.adders(tap) + Parts.logic(10, row + tap)
                + Parts(memories=tables) + Parts.path("reach"))

    @property
    def entry_bits(self) -> int:
        """Of the position."""
        return sum(max(1, bits) for bits in self.position_bits)

    @property
    def value_counters(self) -> list[int]:
        """Lane, channel, column and line."""
        return [bits_of(self.lanes), max(1, self.row_bits), *self.position_bits]
