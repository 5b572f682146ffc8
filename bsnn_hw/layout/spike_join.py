"""Where the spikes that leave a layer are joined with those of an earlier one."""

from __future__ import annotations

from dataclasses import dataclass

from bsnn_hw.devices.parts import Parts
from bsnn_hw.ir.network import JoinKind, Pool, Shape, SpikeJoin
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.pooling import POOLING_DELAY, cropped, pooling_parts
from bsnn_hw.layout.supply import Carry, carry_block

__all__ = ["JoinedRows", "joined_rows"]


@dataclass(frozen=True)
class JoinedRows:
    """The rows of the earlier layer's spikes, past the layers between.

    kind : JoinKind; carry : Carry, their FIFO
    whole, source : Raster, of the earlier layer's words before and behind the pooling
    pool : Pool or None
    """

    kind: JoinKind
    carry: Carry
    whole: Raster
    source: Raster
    pool: Pool | None

    @property
    def cropped(self) -> Shape | None:
        """The part of the map that the windows cover, None where that is all of it."""
        return cropped(self.pool, self.whole.shape)

    @property
    def producer_margin(self) -> int:
        """Words that may still come from the earlier layer once the FIFO is almost full."""
        return self.carry.margin - (POOLING_DELAY if self.pool else 0)

    def parts(self) -> Parts:
        """The pooling, the FIFO, and a gate for each neuron of a row."""
        pooling = pooling_parts(self.whole, self.source, self.pool) if self.pool else Parts()
        return self.carry.parts() + pooling + Parts.logic(self.source.width)


def joined_rows(name: str, number: int, join: SpikeJoin, whole: Raster, source: Raster, *,
                margin: int) -> JoinedRows:
    """The block of layer ``number``, for an earlier layer that may send ``margin`` words late.

    whole : Raster, of that layer's words; source : of the layer's own neurons
    """
    carry = carry_block(name, number - join.back, current=False, width=source.width,
                        rows=source.rows, timesteps=join.back,
                        margin=margin + (POOLING_DELAY if join.pool else 0))
    return JoinedRows(join.kind, carry, whole, source, join.pool)
