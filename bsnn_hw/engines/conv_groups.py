"""How a grouped convolution is laid out, a depthwise one being the extreme.

As `ConvEvents`, but for what groups change (engines/groups.py).  At each position an event walks
over the folds of its own group, from the first of them on, and the fold of a tap counts from
there::

    tap = (ty * kernel width + tx) * folds of a group + fold        first fold = starts[channel]

A word has the weights to channels of one group.  Where a fold has several groups, each a block of
its neighbouring channels, the word is for the block that ``blocks`` says, and the others get 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bsnn_hw.devices.parts import Access, Memory, Parts, bits_of
from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.groups import GroupFolds, group_folds
from bsnn_hw.ir.network import Conv, Network, Synapse
from bsnn_hw.ir.raster import Raster, pack_words
from bsnn_hw.ir.schedule import LayerPlan

__all__ = ["ConvGroups"]


@dataclass(frozen=True)
class ConvGroups(ConvEvents):
    """As `ConvEvents`, see the module's text.

    groups : int, 2 or more; ``parallel`` must fit them, and lanes that are several words whose
        channels start at one fold each
    """

    groups: int = field(default=2, kw_only=True)

    def __post_init__(self) -> None:
        folds = self.group_folds
        if not folds.fits:
            raise ValueError(f"parallel must divide {folds.outputs} or be a multiple of it, "
                             f"not {self.parallel}")
        if self.lanes > 1 and not (folds.one_start or folds.words_fit(self.source_width)):
            raise ValueError(f"lanes must be 1 where they take channels that start at several "
                             f"folds, not {self.lanes}")

    @classmethod
    def weighs(cls, synapse: Synapse) -> bool:
        """Whether such synapses are of this engine's kind."""
        return isinstance(synapse, Conv) and synapse.groups > 1

    @classmethod
    def parallel_problem(cls, synapse: Synapse, parallel: int) -> str | None:
        """As in `Geometry`."""
        assert isinstance(synapse, Conv)
        if group_folds(synapse, parallel).fits:
            return None
        outputs = len(synapse.weights) // synapse.groups
        return f"divide the {outputs} output channels of a group, or be a multiple of them"

    @classmethod
    def most_lanes(cls, network: Network, number: int, parallel: Sequence[int]) -> tuple[int, str]:
        """As in `EventGeometry`; a beat at the network's input has slots of any channels."""
        layer = network.layers[number]
        assert isinstance(layer.synapse, Conv)
        folds, producer = group_folds(layer.synapse, parallel[number]), number - layer.back
        if folds.one_start or (producer >= 0 and folds.words_fit(parallel[producer])):
            return super().most_lanes(network, number, parallel)
        return 1, "lanes that words with channels of several groups can have"

    @classmethod
    def may_share(cls, synapse: Synapse, parallel: int) -> bool:
        """Not where they start at several folds."""
        assert isinstance(synapse, Conv)
        return group_folds(synapse, parallel).one_start

    @classmethod
    def folds_reached(cls, synapse: Synapse, parallel: int) -> int:
        """Those of a group."""
        assert isinstance(synapse, Conv)
        return group_folds(synapse, parallel).folds

    @classmethod
    def place_choices(cls, network: Network, number: int) -> list[int]:
        """Places one by one."""
        return [1]

    @classmethod
    def of(cls, synapse: Synapse, source: Raster, plan: LayerPlan) -> ConvGroups:
        """The layer laid out."""
        assert isinstance(synapse, Conv)
        return cls(source, synapse.shape, synapse.kernel, synapse.stride, synapse.padding,
                   plan.lanes, plan.parallel, plan.shared, groups=synapse.groups)

    @property
    def group_folds(self) -> GroupFolds:
        """Where groups lie."""
        return GroupFolds(self.groups, self.source.shape.channels // self.groups,
                          self.event_channels, self.parallel)

    @property
    def event_folds(self) -> int:
        """Those of a group."""
        return self.group_folds.folds

    @property
    def event_channels(self) -> int:
        """Those of a group."""
        return self.out.channels // self.groups

    @property
    def word_weights(self) -> int:
        """To channels of one group."""
        return self.group_folds.width

    @property
    def weights_shape(self) -> tuple[int, ...]:
        """Shape of the weights that belong here."""
        return self.out.channels, self.group_folds.inputs, *self.kernel

    @property
    def starts(self) -> np.ndarray:
        """First fold of events with each number of a channel, int (1 << row_bits,).

        Several lanes take channels of one word, which start alike.
        """
        fold, slot = np.divmod(np.arange(1 << self.row_bits), 1 << self.slot_bits)
        of_word = np.minimum(slot * self.banks, self.source_width - 1)
        channel = np.minimum(fold * self.source_width + of_word, self.source.shape.channels - 1)
        return self.group_folds.first_fold(channel)

    @property
    def blocks(self) -> np.ndarray:
        """Block of a fold that events of each bank and number of a channel reach, int (banks,
        1 << row_bits)."""
        bank, number = self._numbers()
        block = self.group_folds.block(np.arange(len(bank)))
        found = np.zeros((self.banks, 1 << self.row_bits), np.int64)
        found += block[:self.banks, None]  # numbers without a channel, as the bank's first
        found[bank, number] = block
        return found

    def _numbers(self) -> tuple[np.ndarray, np.ndarray]:
        """Bank and number of each channel that comes in."""
        shape = self.source.shape
        return self.lane_row(np.arange(shape.channels) * shape.positions)

    def worth_sharing(self, weight_bits: int) -> bool:
        """Not where lanes would take events of words that start at several folds."""
        return self.group_folds.one_start and super().worth_sharing(weight_bits)

    def bank_words(self, weights: np.ndarray, weight_bits: int = 1) -> list[list[int]]:
        """As in `ConvEvents`, of weights in `weights_shape`."""
        folds, across, (height, width) = self.event_folds, self.word_weights, self.kernel
        inputs = self.group_folds.inputs
        turned = weights[..., ::-1, ::-1].reshape(self.groups, folds, across, inputs, height, width)
        by_channel = turned.transpose(0, 3, 4, 5, 1, 2).reshape(-1, height, width, folds, across)
        banks = np.zeros((self.banks, 1 << self.row_bits, *by_channel.shape[1:]), np.int8)
        banks[self._numbers()] = by_channel
        flat = np.moveaxis(banks, 1, 4).reshape(self.banks, self.depth, across)
        return [pack_words(bank, weight_bits) for bank in flat]

    def walk_key(self) -> tuple[Any, ...]:
        """As in `Geometry`."""
        return *super().walk_key(), self.groups

    # What it is made of.

    def walk_parts(self) -> Parts:
        """hdl/group_walk.py: a fold to start from, and folds to come."""
        fold = bits_of(self.folds)
        return super().walk_parts() + Parts.adders(fold) + Parts.logic(2 * fold, 2 * fold)

    def lookup_parts(self, value_bits: int) -> Parts:
        """hdl/group_lookup.py: a table of first folds, and one more addition."""
        parts = super().lookup_parts(value_bits)
        if self.group_folds.one_start:
            return parts
        fold = bits_of(self.folds)
        return (parts + Parts.adders(self.reach_bits[0]) + Parts.delays(fold)
                + Parts(memories=(Memory(1 << self.row_bits, fold, Access.TABLE),)))

    def synapse_parts(self, weight_bits: int, max_value: int) -> Parts:
        """hdl/group_synapse.py: in each block the lanes that reach it, and for a lane that reaches
        several a table that says which."""
        blocks, reached = self.group_folds.blocks, [len(set(table)) for table in self.blocks]
        if blocks == 1:
            return super().synapse_parts(weight_bits, max_value)
        of_lanes = [reached[lane % self.banks] for lane in range(self.lanes)]
        each = -(-sum(of_lanes) // blocks)
        block = ConvEvents(self.source, self.out, self.kernel, self.stride, self.padding, each,
                           self.word_weights)
        late = (self.delay(weight_bits) - self.banks_delay(weight_bits)) - (
            block.delay(weight_bits) - block.banks_delay(weight_bits))
        parts = blocks * block.synapse_parts(weight_bits, max_value)
        parts += Parts.delays(late * self.parallel * (max_value.bit_length() + weight_bits))
        several = [count for count in of_lanes if count > 1]
        table = Memory(1 << self.row_bits, bits_of(blocks), Access.TABLE, count=len(several))
        return (parts + Parts.logic(sum(several) * max_value.bit_length())
                + Parts.delays(len(several) * bits_of(blocks))
                + Parts(memories=(table,) if several else ()))
