"""Samples to beats of the network's input port, as hdl/frontend.py reads them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.ir.convolution import ConvGeometry
from bsnn_hw.ir.schedule import Geometry
from bsnn_hw.ir.words import WordGeometry

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


def pack(geometry: Geometry, *, slot_width: int, value_width: int,
         inputs: np.ndarray) -> Stimulus:
    """One packet per sample, each timestep's events lowest address first.

    A convolution's come place by place, as a beat has events of one place only; slot 0 says which
    place, also where it is empty.  A layer of words gets a beat per word that has a spike.

    geometry : of the first layer
    slot_width, value_width : int, bits, from ``PortLayout``
    inputs : integers, (N, size) for direct coding or (N, T, size) for events
    """
    steps = inputs[:, None] if inputs.ndim == 2 else inputs
    samples, marks, _ = steps.shape
    flat = steps.reshape(samples * marks, -1)
    step, address = np.nonzero(flat)
    lane, row = geometry.lane_row(address)
    if isinstance(geometry, WordGeometry):
        data, ends = _words(geometry, slot_width, value_width, len(flat), step, row, lane)
        return _framed(data, ends, samples, marks)
    place, places = np.zeros_like(row), 1
    if isinstance(geometry, ConvGeometry):
        place, places = row >> geometry.row_bits, 1 << sum(geometry.place_bits)

    # Events of one place make beats; a beat's number there is an event's rank in its lane.
    spot, which = np.unique(step * places + place, return_inverse=True)
    key = which * geometry.lanes + lane
    counts = np.bincount(key, minlength=len(spot) * geometry.lanes)
    order = np.argsort(key, kind="stable")
    rank = np.empty(len(key), np.int64)
    rank[order] = np.arange(len(key)) - (np.cumsum(counts) - counts)[key[order]]

    spot_beats = counts.reshape(-1, geometry.lanes).max(axis=1)
    beats = np.bincount(spot // places, spot_beats, len(flat)).astype(np.int64)
    silent = beats == 0  # a lone mark takes a beat
    ends = np.cumsum(beats + silent)
    before = np.cumsum(silent)[spot // places]  # lone marks before a place's events

    data = np.zeros((ends[-1], geometry.lanes, slot_width // 8), np.uint8)
    if isinstance(geometry, ConvGeometry):
        beat = np.arange(spot_beats.sum()) + np.repeat(before, spot_beats)
        row_of_place = (spot % places) << geometry.row_bits
        _put(data, beat, 0, np.repeat(row_of_place << value_width, spot_beats))
    first = np.cumsum(spot_beats) - spot_beats + before
    _put(data, first[which] + rank, lane, (row << value_width) | flat[step, address])
    return _framed(data.reshape(len(data), -1), ends, samples, marks)


def _framed(data, ends, samples, marks):
    """``data`` with the ends of timesteps, and of packets of ``marks`` timesteps each."""
    mark = np.zeros(len(data), bool)
    mark[ends - 1] = True
    last = np.zeros(len(data), bool)
    last[(ends - 1).reshape(samples, marks)[:, -1]] = True
    return Stimulus(data, last, mark)


def _words(geometry, slot_width, value_width, steps, step, row, lane):
    """Beats of one word each, uint8 (beats, bytes), and where each timestep's beats end.

    step, row, lane : of the spikes
    """
    spot, which = np.unique(step * geometry.rows + row, return_inverse=True)
    words = np.bincount(spot // geometry.rows, minlength=steps)
    silent = words == 0  # a lone mark takes a beat
    ends = np.cumsum(words + silent)
    beat = np.arange(len(spot)) + np.cumsum(silent)[spot // geometry.rows]
    bits = np.zeros((ends[-1], slot_width), np.uint8)
    bits[beat[which], lane] = 1
    for bit in range(slot_width - value_width):
        bits[beat, value_width + bit] = spot % geometry.rows >> bit & 1
    return np.packbits(bits, axis=1, bitorder="little"), ends


def _put(data, beat, lane, slot):
    """Write ``slot`` into its bytes, low end first."""
    for byte in range(data.shape[2]):
        data[beat, lane, byte] = slot >> 8 * byte & 255
