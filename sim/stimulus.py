"""Samples to beats of the network's input port, as hdl/frontend.py reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.schedule import LayerGeometry

__all__ = ["Stimulus", "pack"]


@dataclass(frozen=True)
class Stimulus:
    """Beats in order.

    data : uint8 (beats, bytes of s_axis_tdata), little end first
    last, mark : bool (beats,); ``mark`` is s_axis_tuser, the end of a timestep
    """

    data: np.ndarray
    last: np.ndarray
    mark: np.ndarray


def pack(geometry: LayerGeometry, *, slot_width: int, value_width: int,
         inputs: np.ndarray) -> Stimulus:
    """One packet per sample, each timestep's events lowest address first.

    geometry : of the first layer
    slot_width, value_width : int, bits, from ``PortLayout``
    inputs : integers, (N, size) for direct coding or (N, T, size) for events
    """
    steps = inputs[:, None] if inputs.ndim == 2 else inputs
    samples, marks, _ = steps.shape
    flat = steps.reshape(samples * marks, -1)
    step, address = np.nonzero(flat)
    lane, row = geometry.lane_row(address)

    # An event's beat within its step is its rank among the step's events of the same lane.
    key = step * geometry.lanes + lane
    order = np.argsort(key, kind="stable")
    starts = np.searchsorted(key[order], np.arange(len(flat) * geometry.lanes))
    rank = np.empty(len(key), np.int64)
    rank[order] = np.arange(len(key)) - starts[key[order]]
    counts = np.bincount(key, minlength=len(flat) * geometry.lanes)
    beats = np.maximum(counts.reshape(-1, geometry.lanes).max(axis=1), 1)
    first = np.cumsum(beats) - beats

    slot_bytes = slot_width // 8
    data = np.zeros((beats.sum(), geometry.lanes, slot_bytes), np.uint8)
    word = (row.astype(np.uint64) << np.uint64(value_width)) | flat[step, address].astype(np.uint64)
    for byte in range(slot_bytes):
        data[first[step] + rank, lane, byte] = word >> np.uint64(8 * byte) & np.uint64(255)
    mark = np.zeros(len(data), bool)
    mark[first + beats - 1] = True
    last = np.zeros(len(data), bool)
    last[(first + beats - 1).reshape(samples, marks)[:, -1]] = True
    return Stimulus(data.reshape(len(data), -1), last, mark)
