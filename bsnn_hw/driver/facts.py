"""What a host must know of a board: ``link.json`` in the board's folder."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.link.bridge import Bridge
from bsnn_hw.link.frames import LinkShape

__all__ = ["LINK_FILE", "BoardFacts"]

LINK_FILE = "link.json"
FORMAT, VERSION = "bsnn-hw/link", 3


@dataclass(frozen=True)
class BoardFacts:
    """A board's network, as seen over the line.

    identifier : 16 hexadecimal digits, of the circuit
    size : values of a timestep, or of a direct-coded sample
    timesteps : of them in a sample; largest : what a value can be at most
    map : (channels, height, width) of ``size`` values
    by_place : values go line by line, at each position channel by channel, not in their own order
    score_bytes, class_bytes : of a result
    classes : names
    score_scale : float, of a score's unit
    baud : of the line; divisor : clock cycles of a bit
    bridge : what the host is connected by
    stateful : bool, a sample starts from the state that the one before left
    used : indexes of the ``size`` values in a sample of ``sample`` values, ascending; empty where
        the network takes them all
    """

    identifier: str
    size: int
    timesteps: int
    largest: int
    map: tuple[int, int, int]
    by_place: bool
    score_bytes: int
    class_bytes: int
    classes: tuple[str, ...]
    score_scale: float
    baud: int
    divisor: int
    bridge: Bridge = Bridge.UART
    stateful: bool = False
    used: tuple[int, ...] = ()
    sample: int = 0

    @property
    def shape(self) -> LinkShape:
        """What the two sides of the line agree on."""
        return LinkShape(bytes.fromhex(self.identifier), self.size * self.timesteps,
                         len(self.classes) * self.score_bytes + self.class_bytes, self.stateful)

    def write(self, folder: Path) -> None:
        """Write ``link.json``."""
        facts = asdict(self)
        if not self.used:
            facts = {key: value for key, value in facts.items() if key not in ("used", "sample")}
        text = json.dumps({"format": FORMAT, "version": VERSION, **facts}, indent=2)
        (folder / LINK_FILE).write_text(text + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> BoardFacts:
        """The facts in a board's folder; InputError where there are none."""
        try:
            facts = json.loads((folder / LINK_FILE).read_text(encoding="utf-8"))
            if (facts.pop("format"), facts.pop("version")) != (FORMAT, VERSION):
                raise ValueError
            found = cls(**{**facts, "map": tuple(facts["map"]), "classes": tuple(facts["classes"]),
                           "bridge": Bridge(facts["bridge"]),
                           "used": tuple(facts.get("used", ()))})
            if not (isinstance(facts["classes"], list)
                    and isinstance(facts.get("used", []), list) and found._is_whole()):
                raise ValueError
            return found
        except OSError as error:
            raise InputError(f"{folder}: must be a board's folder with {LINK_FILE}, "
                             f"{error.strerror}; make one with python -m bsnn_hw.board") from None
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise InputError(f"{folder}/{LINK_FILE}: must be a {FORMAT} of version {VERSION}; "
                             "make the board again") from None

    def _is_whole(self) -> bool:
        """Whether every value is of its kind, and a size that there can be."""
        whole = (self.size, self.timesteps, self.largest, *self.map, self.score_bytes,
                 self.class_bytes, self.baud, self.divisor)
        return (all(type(value) is int and value >= 1 for value in whole)
                and len(self.map) == 3 and math.prod(self.map) == self.size
                and self.largest <= 255 and max(self.score_bytes, self.class_bytes) <= 8
                and type(self.by_place) is type(self.stateful) is bool
                and type(self.score_scale) in (int, float)
                and bool(self.classes) and all(type(name) is str for name in self.classes)
                and len(self.shape.identifier) == 8 and self._picks())

    def _picks(self) -> bool:
        """Whether ``used`` are indexes of a sample's values, ascending, or none."""
        ends = (-1, *self.used, self.sample)
        if not self.used:
            return self.sample == 0 and type(self.sample) is int
        return (len(self.used) == self.size and all(type(place) is int for place in ends)
                and all(each < after for each, after in pairwise(ends)))

    def sample_bytes(self, samples: np.ndarray) -> list[bytes]:
        """Samples in the order of the board, one ``bytes`` each.

        samples : integers, (N, size), (N, channels, height, width), and with several timesteps
            (N, T, ...); where the network leaves values out, whole samples or those that it takes

        Raises
        ------
        InputError
            They are of another shape or kind, or out of range.
        """
        values = np.asarray(samples)
        count = len(values) if values.ndim else 0
        if self.used and count and values.size == count * self.sample * self.timesteps:
            values = values.reshape(count, self.timesteps, self.sample)[..., list(self.used)]
        if values.dtype.kind not in "ui" or values.size != count * self.size * self.timesteps:
            steps = "" if self.timesteps == 1 else f"{self.timesteps}, "
            raise InputError(f"samples: must be integers of shape (N, {steps}{self.size}), not "
                             f"{values.dtype} of shape {values.shape}")
        if values.size and not 0 <= values.min() <= values.max() <= self.largest:
            raise InputError(f"samples: must lie in 0..{self.largest}, not {values.min()}.."
                             f"{values.max()}")
        flat = values.reshape(count, self.timesteps, self.size)
        if self.by_place:
            maps = flat.reshape(count, self.timesteps, self.map[0], self.size // self.map[0])
            flat = np.swapaxes(maps, -1, -2)
        return [each.tobytes() for each in flat.astype(np.uint8)]

    def scores(self, result: bytes) -> tuple[np.ndarray, int]:
        """Scores, int64 (classes,), and the class of a result."""
        width, count = self.score_bytes, len(self.classes)
        scores = [int.from_bytes(result[place * width:(place + 1) * width], "little", signed=True)
                  for place in range(count)]
        return np.array(scores, np.int64), int.from_bytes(result[count * width:], "little")
