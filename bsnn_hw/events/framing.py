"""Events to timesteps of a network's input: cut by time or by number, cropped and pooled."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Shape
from bsnn_hw.samples import SampleShape

__all__ = ["Framing", "Tally", "frames", "samples"]

MOST_SAMPLES = 64  # at a time
MOST_VALUES = 1 << 24
MOST_SILENT = 1 << 20  # timesteps; of 1 ms, 17 minutes
LARGEST_TIME = 1 << 60  # microseconds, 36,000 years
POLARITIES = ("both", "merge", "on", "off")


@dataclass(frozen=True)
class Framing:
    """How events become timesteps.

    window : int, microseconds of a timestep from the first event on; or
    per_step : int, events of a timestep, those that are inside of ``crop``
    polarity : "both", two channels, off and on; "merge", one; "on" or "off", only these
    crop : (left, top, width, height) of the sensor, None for all of it
    pool : (height, width) in pixels of what becomes one position of the map
    """

    window: int | None = None
    per_step: int | None = None
    polarity: str = "both"
    crop: tuple[int, int, int, int] | None = None
    pool: tuple[int, int] = (1, 1)

    def __post_init__(self) -> None:
        if (self.window is None) == (self.per_step is None):
            raise InputError("`window` or `per_step`: one of both must be given, the microseconds "
                             "or the number of events of a timestep")
        for name in ("window", "per_step"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise InputError(f"`{name}`: must be 1 or more, not {value}")
        if self.polarity not in POLARITIES:
            raise InputError(f"`polarity`: must be one of {', '.join(POLARITIES)}, not "
                             f"{self.polarity!r}")
        if self.crop and (min(self.crop[:2]) < 0 or min(self.crop[2:]) < 1):
            raise InputError("`crop`: must be left and top, 0 or more, and width and height, 1 or "
                             f"more, not {self.crop}")
        if min(self.pool) < 1:
            raise InputError(f"`pool`: must be two numbers of pixels, 1 or more, not {self.pool}")

    @property
    def channels(self) -> int:
        """Channels of a timestep."""
        return 2 if self.polarity == "both" else 1

    def shape(self, sensor: tuple[int, int], timesteps: int, bits: int) -> SampleShape:
        """The samples that the pixels of ``sensor`` = (width, height) become.

        Raises
        ------
        InputError
            Windows of ``pool`` do not divide the pixels; says which crop would do.
        """
        across, down = self.crop[2:] if self.crop else sensor
        positions = self._map(across, down)
        if positions is None:
            wide, high = (max(1, side // pool) * pool
                          for side, pool in zip((across, down), self.pool[::-1], strict=True))
            raise InputError(f"`pool`: windows of {self.pool[0]},{self.pool[1]} must divide "
                             f"{across} x {down} pixels; crop to 0,0,{wide},{high}, or pool "
                             "otherwise")
        return SampleShape(Coding.EVENTS, positions.size, bits, timesteps, positions)

    def fit(self, shape: SampleShape, sensor: tuple[int | None, int | None]) -> SampleShape:
        """``shape`` as the map that the pixels become.

        shape : of the network's samples; a network that begins with a linear layer may have
            forgotten that its values were a map
        sensor : width and height in pixels, None where unknown

        Raises
        ------
        InputError
            The pixels do not become the map; says which crop would do.
        """
        across, down = self.crop[2:] if self.crop else sensor
        positions = shape.map or self._map(across, down)
        if positions is None or positions.size != shape.size:
            size = f"{across} x {down} pixels" if across else "a sensor of unknown size"
            raise InputError(f"`crop`: {self.channels} channel(s) of {size} with `pool` "
                             f"{self.pool[0]},{self.pool[1]} must become the network's "
                             f"{shape.size} values; crop or pool otherwise")
        if self.channels != positions.channels:
            raise InputError(f"`polarity`: must give {positions.channels} channel(s) as the "
                             f"network's input has, and {self.polarity!r} gives {self.channels}")
        wide, high = positions.width * self.pool[1], positions.height * self.pool[0]
        if (across, down) != (wide, high):
            left = max(0, ((sensor[0] or wide) - wide) // 2)
            top = max(0, ((sensor[1] or high) - high) // 2)
            size = f"{across} x {down} pixels" if across else "a sensor of unknown size"
            raise InputError(f"`crop`: {size} must become a map of {positions.width} x "
                             f"{positions.height}, {wide} x {high} pixels with `pool` "
                             f"{self.pool[0]},{self.pool[1]}; crop to {left},{top},{wide},{high}, "
                             "or pool otherwise")
        return replace(shape, map=positions)

    def _map(self, across: int | None, down: int | None) -> Shape | None:
        """What these pixels become; None where windows of ``pool`` do not divide them."""
        if not across or not down or across % self.pool[1] or down % self.pool[0]:
            return None
        return Shape(self.channels, down // self.pool[0], across // self.pool[1])


@dataclass
class Tally:
    """What became of the events.

    events : read; outside : of another polarity or outside of the crop
    late : older than the open timestep, which they were added to
    lost : beyond the largest number that a position of a timestep has, 1 where it has one bit
    timesteps : whole ones; unused : of them, those behind the last whole sample
    """

    events: int = 0
    outside: int = 0
    late: int = 0
    lost: int = 0
    timesteps: int = 0
    unused: int = 0

    def __str__(self) -> str:
        parts = [f"{self.events:,} events in {self.timesteps:,} timesteps"]
        for name, what in (("outside", "outside of the map"), ("late", "late"),
                           ("lost", "beyond what a position holds")):
            if count := getattr(self, name):
                parts.append(f"{count:,} {what} ({100 * count / self.events:.1f} %)")
        return ", ".join(parts)


@dataclass
class _Open:
    """The timestep that is being filled."""

    counts: np.ndarray
    most: int
    tally: Tally
    number: int = 0
    held: int = field(default=0)

    def add(self, positions: np.ndarray) -> None:
        self.counts += np.bincount(positions, minlength=self.counts.size)
        self.held += len(positions)

    def close(self) -> np.ndarray:
        frame = np.minimum(self.counts, self.most).astype(np.uint8)
        self.tally.lost += int(self.counts.sum()) - int(frame.sum(dtype=np.int64))
        self.tally.timesteps += 1
        self.counts[:] = 0
        self.number, self.held = self.number + 1, 0
        return frame


def frames(pieces: Iterable[np.ndarray], framing: Framing, shape: SampleShape,
           tally: Tally | None = None) -> Iterator[np.ndarray]:
    """Timesteps of a recording, uint8 (size,) each; memory does not grow with it.

    pieces : arrays of events, as of ``Recording.pieces``
    tally : counts what became of the events

    Raises
    ------
    InputError
        Times that no recording has, or a silence of more timesteps than one can wait for.
    """
    tally = Tally() if tally is None else tally
    step = _Open(np.zeros(shape.size, np.int64), (1 << shape.bits) - 1, tally)
    start: int | None = None
    for piece in pieces:
        tally.events += len(piece)
        if start is None and len(piece):
            start = int(piece["t"][0])
        positions, times = _positions(piece, framing, shape)
        tally.outside += len(piece) - len(positions)
        if framing.window is None:
            yield from _by_number(step, positions, framing.per_step or 1)
        else:
            numbers = _numbers(times, start or 0, framing.window)
            growing = np.maximum.accumulate(np.maximum(numbers, step.number))
            tally.late += int(np.count_nonzero(numbers < growing))
            yield from _by_time(step, positions, growing)
    if step.held:
        yield step.close()


def _positions(piece: np.ndarray, framing: Framing, shape: SampleShape
            ) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of the input's values that events fall on, and the events' times."""
    height, width = shape.image[-2:]
    left, top = framing.crop[:2] if framing.crop else (0, 0)
    x = (piece["x"].astype(np.int64) - left) // framing.pool[1]
    y = (piece["y"].astype(np.int64) - top) // framing.pool[0]
    kept = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    if framing.polarity in ("on", "off"):
        kept &= piece["p"] == (framing.polarity == "on")
    channel = piece["p"].astype(np.int64) if framing.polarity == "both" else 0
    return ((channel * height + y) * width + x)[kept], piece["t"][kept]


def _numbers(times: np.ndarray, start: int, window: int) -> np.ndarray:
    """Timesteps that events fall into, from the first event on."""
    if len(times) and max(abs(start), int(abs(times).max()), -int(times.min())) > LARGEST_TIME:
        raise InputError(f"events: must have times within {LARGEST_TIME} microseconds, not from "
                         f"{int(times.min())} to {int(times.max())}; the recording is damaged, or "
                         "its unit is another")
    found: np.ndarray = (times - start) // window
    return found


def _by_number(step: _Open, positions: np.ndarray, per_step: int) -> Iterator[np.ndarray]:
    while step.held + len(positions) >= per_step:
        missing = per_step - step.held
        step.add(positions[:missing])
        positions = positions[missing:]
        yield step.close()
    step.add(positions)


def _by_time(step: _Open, positions: np.ndarray, numbers: np.ndarray) -> Iterator[np.ndarray]:
    """``numbers``, of the timesteps of events, grow."""
    ends = np.flatnonzero(np.diff(numbers)) + 1
    silent = np.diff(numbers, prepend=step.number)
    if len(silent) and silent.max() > MOST_SILENT:
        raise InputError(f"events: must not be silent for more than {MOST_SILENT:,} timesteps, and "
                         f"are for {int(silent.max()):,}; the recording is damaged, or `window` "
                         "is too short")
    for part, number in zip(np.split(positions, ends), numbers[[0, *ends]] if len(numbers) else ()):
        while step.number < number:
            yield step.close()
        step.add(part)


def samples(steps: Iterable[np.ndarray], shape: SampleShape, tally: Tally | None = None
            ) -> Iterator[np.ndarray]:
    """Timesteps one behind the other, cut into samples: uint8 (N, T, size), some at a time.

    What is left behind the last whole sample is not used, unless there is none: then silent
    timesteps make it one.
    """
    ready: list[np.ndarray] = []
    made = 0
    batch = max(1, min(MOST_SAMPLES, MOST_VALUES // (shape.timesteps * shape.size)))
    for frame in steps:
        ready.append(frame)
        if len(ready) == batch * shape.timesteps:
            yield _stacked(ready, shape)
            made, ready = made + batch, []
    rest = len(ready) % shape.timesteps
    if rest and not made and len(ready) < shape.timesteps:
        ready += [np.zeros(shape.size, np.uint8)] * (shape.timesteps - rest)
    elif rest:
        ready = ready[:-rest]
        if tally is not None:
            tally.unused += rest
    if ready:
        yield _stacked(ready, shape)


def _stacked(steps: list[np.ndarray], shape: SampleShape) -> np.ndarray:
    return np.stack(steps).reshape(-1, shape.timesteps, math.prod(shape.array[1:]))
