"""A recording as samples of a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.events.framing import Framing, Tally, frames, samples
from bsnn_hw.events.recording import Recording
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.model.description import Model
from bsnn_hw.samples import SampleShape, shape_of

__all__ = ["sample_shape", "stimulus"]


def sample_shape(network: Model | Network) -> SampleShape:
    """The samples of a network that takes events.

    Raises
    ------
    InputError
        It takes the same values at every timestep.
    """
    shape = shape_of(network)
    if shape.coding is not Coding.EVENTS:
        raise InputError("network: must take events over time to be driven from a recording, not "
                         "the same values at every timestep")
    return shape


def stimulus(path: Path | str, framing: Framing, shape: SampleShape
             ) -> tuple[Iterator[np.ndarray], Tally]:
    """Batches of samples, uint8 (N, T, size), made as they are asked for, and what became of the
    events so far.

    Raises
    ------
    InputError
        The recording cannot be read, has no events, or its pixels are not the network's map.
    """
    recording = Recording(path)
    whole = framing.fit(shape.whole, (recording.width, recording.height))
    tally = Tally()
    steps = frames(recording.pieces(), framing, whole, tally)
    found = (shape.pick(batch) for batch in samples(steps, whole, tally))
    return _some(found, recording.path), tally


def _some(batches: Iterator[np.ndarray], path: Path) -> Iterator[np.ndarray]:
    empty = True
    for batch in batches:
        empty = False
        yield batch
    if empty:
        raise InputError(f"{path}: must have events that fall on the map, and has none; check "
                         "`crop`, `pool` and `polarity`")
