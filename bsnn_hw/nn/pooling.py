"""Pooling of the spikes in front of a synapse."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional

from bsnn_hw.nn.synapse import pair

__all__ = ["Pool"]

_KINDS = ("max", "avg", "sum")


class Pool(nn.Module):
    """Windows that do not overlap, each turned into one number.

    Parameters
    ----------
    kind : {"max", "avg", "sum"}; max of spikes is their OR
    size : int or (rows, columns), 1 or more; must divide the map

    Raises
    ------
    ValueError
        For an unknown kind, and for a map that the windows do not fill.
    """

    def __init__(self, kind: str, size: int | Sequence[int]):
        if kind not in _KINDS:
            raise ValueError(f"Pool kind must be one of {_KINDS}, not {kind!r}")
        super().__init__()
        self.kind = kind
        self.size = pair(size)

    def forward(self, spikes: Tensor) -> Tensor:
        """Map ``(steps, batch, channels, h, w)`` to ``(steps, batch, channels, h', w')``."""
        rows, columns = self.size
        if spikes.shape[3] % rows or spikes.shape[4] % columns:
            raise ValueError(f"Pool of {rows}x{columns} must divide the map, which is "
                             f"{spikes.shape[3]}x{spikes.shape[4]}")
        flat = spikes.flatten(0, 1)
        if self.kind == "max":
            pooled = functional.max_pool2d(flat, self.size)
        else:
            pooled = functional.avg_pool2d(flat, self.size,
                                           divisor_override=1 if self.kind == "sum" else None)
        return pooled.unflatten(0, spikes.shape[:2])
