"""The document around converted layers: the input, the readout, and what they need to be said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from bsnn_hw.convert.assemble import Assembled
from bsnn_hw.convert.scores import READOUTS, Scores
from bsnn_hw.errors import InputError
from bsnn_hw.model.check import FORMAT, VERSION, describe

__all__ = ["Entry", "document_of"]

MAX_BITS = 8  # of a value that comes in


@dataclass(frozen=True)
class Entry:
    """What a user says of time, input and scores; see ``Converter``."""

    timesteps: int
    coding: str
    bits: int | None
    scale: float | Sequence[float] | None
    offset: float | Sequence[float]
    readout: str | None

    @property
    def factor(self) -> np.ndarray:
        """``scale``, as (1, 1, 1) or (channels, 1, 1)."""
        return np.reshape(1.0 if self.scale is None else self.scale, (-1, 1, 1))

    @property
    def summand(self) -> np.ndarray:
        """``offset``, likewise."""
        return np.reshape(self.offset, (-1, 1, 1))

    def __post_init__(self) -> None:
        for key in ("scale", "offset"):
            object.__setattr__(self, key, _numbers(getattr(self, key)))
        if not isinstance(self.timesteps, int) or self.timesteps < 1:
            raise InputError(f"`timesteps`: must be a number of 1 or more, not {self.timesteps!r}")
        if self.coding not in ("direct", "events"):
            raise InputError(f"`coding`: must be 'direct' or 'events', not {self.coding!r}")
        if self.bits is not None and (not isinstance(self.bits, (int, np.integer))
                                      or not 1 <= self.bits <= MAX_BITS):
            raise InputError(f"`bits`: must be 1 to {MAX_BITS}, not {self.bits!r}")
        if self.readout is not None and self.readout not in READOUTS:
            raise InputError(f"`readout`: must be one of {', '.join(READOUTS)}, not "
                             f"{self.readout!r}")
        if self.coding == "direct" and (self.bits is None or self.scale is None):
            raise InputError("`bits` and `scale`: must be given for direct inputs, which are scale "
                             "* integer + offset; of pixels in 0..1, 8 and 1/255")


def _numbers(given: Any) -> Any:
    """A number as it is, and a sequence, array or tensor of them as a tuple of floats."""
    if isinstance(given, (list, tuple)) or getattr(given, "shape", ()) != ():
        return tuple(float(each) for each in given)
    return given


def _worth(values: np.ndarray) -> Any:
    """A number where all channels have the same, else a tensor of one each."""
    flat = values.ravel()
    return float(flat[0]) if (flat == flat[0]).all() else torch.from_numpy(flat.copy())


def document_of(made: Assembled, entry: Entry, shape: Sequence[int], scores: Scores, name: str,
                classes: Sequence[str] | None) -> dict[str, Any]:
    """A checked document; ``shape`` is that of a sample at one timestep.

    Raises
    ------
    ModelError
        The network is none that can be computed; every problem.
    """
    shape = list(made.shape or shape)
    source: dict[str, Any] = {"coding": entry.coding, "shape": shape}
    scale, offset = made.scale * entry.factor, made.scale * entry.summand + made.offset
    bits = entry.bits or 1
    if entry.coding == "direct" or bits > 1 or np.any(scale != 1.0) or np.any(offset):
        source |= {"bits": bits, "scale": _worth(scale), "offset": _worth(offset)}
    document: dict[str, Any] = {
        "format": FORMAT, "version": VERSION, "name": name, "timesteps": entry.timesteps,
        "input": source, "layers": made.layers}
    if scores.kind == "spike_count":
        document["readout"] = {"type": "spike_count", "group": scores.group}
    if classes is not None:
        document["classes"] = list(classes)
    describe(document, name)
    return document
