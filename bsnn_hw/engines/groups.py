"""Where the groups of a convolution lie in the folds of its output channels.

A group's output channels fill whole folds, or a fold holds whole groups side by side, its blocks.
So an event, which reaches those of its own group only, walks over the folds of one group, and a
weight word has no place for what it does not reach::

    first fold = group * outputs // parallel        block = group % blocks
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.network import Conv

__all__ = ["GroupFolds", "group_folds"]


@dataclass(frozen=True)
class GroupFolds:
    """Counts of one convolution; without groups it is one group, which any ``parallel`` fits.

    groups, parallel : int
    inputs, outputs : int, channels of one group that come in and go out
    """

    groups: int
    inputs: int
    outputs: int
    parallel: int

    @property
    def fits(self) -> bool:
        """Whether folds have whole groups, or groups whole folds."""
        return self.groups == 1 or 0 in (self.parallel % self.outputs,
                                         self.outputs % self.parallel)

    @property
    def folds(self) -> int:
        """Folds of one group."""
        return -(-self.outputs // self.parallel)

    @property
    def blocks(self) -> int:
        """Groups of one fold."""
        return 1 if self.groups == 1 else max(1, self.parallel // self.outputs)

    @property
    def width(self) -> int:
        """Weights of one word."""
        return self.parallel // self.blocks

    @property
    def span(self) -> int:
        """Neighbouring channels that come in whose events start at the same fold."""
        return self.inputs * self.blocks

    def words_fit(self, width: int) -> bool:
        """Whether words of so many channels have events of one first fold each."""
        return self.one_start or self.span % width == 0

    @property
    def one_start(self) -> bool:
        """Whether all events start at the first fold."""
        return self.span >= self.groups * self.inputs

    def first_fold(self, channel: np.ndarray) -> np.ndarray:
        """Where events of channels that come in start."""
        found: np.ndarray = channel // self.inputs * self.outputs // self.parallel
        return found

    def block(self, channel: np.ndarray) -> np.ndarray:
        """Which of a fold's blocks they reach."""
        found: np.ndarray = channel // self.inputs % self.blocks
        return found


def group_folds(conv: Conv, parallel: int) -> GroupFolds:
    """The groups of ``conv`` in folds of ``parallel`` channels."""
    return GroupFolds(conv.groups, conv.weights.shape[1], len(conv.weights) // conv.groups,
                      parallel)
