"""Published sets of recordings in a folder, as tonic lays them out there: N-MNIST, DVS-Gesture,
CIFAR10-DVS; each recording becomes one sample of frames.

Nothing is downloaded, and tonic itself is not needed to read what it left.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.arrays import read_npy
from bsnn_hw.errors import InputError
from bsnn_hw.events.decoding import decoded
from bsnn_hw.events.event import as_events
from bsnn_hw.events.framing import Framing, Tally, frames
from bsnn_hw.events.recording import Recording
from bsnn_hw.progress import counted
from bsnn_hw.samples import SampleShape

__all__ = ["SETS", "EventSet", "Labelled", "labelled_frames"]

Clip = tuple[Path, int]  # a recording and its label

_CIFAR = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_GESTURES = ("hand clapping", "right hand wave", "left hand wave", "right arm clockwise",
             "right arm counter-clockwise", "left arm clockwise", "left arm counter-clockwise",
             "arm roll", "air drums", "air guitar", "other gestures")


@dataclass(frozen=True)
class EventSet:
    """A published set of recordings.

    folder : tonic's name of it, and of its folder
    inner : what must be in that folder
    sensor : (width, height), pixels
    classes : names, in the order of the labels
    clips : of a folder, the recordings to train on and those to test with
    pieces : of each recording its arrays of ``EVENT``
    """

    folder: str
    inner: tuple[str, ...]
    sensor: tuple[int, int]
    classes: tuple[str, ...]
    clips: Callable[[Path], tuple[list[Clip], list[Clip]]]
    pieces: Callable[[Sequence[Path]], Iterable[Iterable[np.ndarray]]]


@dataclass(frozen=True)
class Labelled:
    """Samples and their labels, as ``--data`` and training take them.

    train_x, test_x : uint8 (N, T, channels, height, width)
    train_y, test_y : int64 (N,)
    classes : names, in the order of the labels
    """

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    classes: tuple[str, ...]


def labelled_frames(name: str, folder: Path, framing: Framing, timesteps: int, bits: int,
                    tally: Tally | None = None) -> Labelled:
    """All recordings of the set ``name``, the first ``timesteps`` frames of each.

    A recording that ends earlier is followed by silence.

    Parameters
    ----------
    name : one of `SETS`
    folder : what tonic's dataset was given as ``save_to``, or the folder in it
    bits : int, 1 to 8; a position holds 2**bits - 1 events at most
    tally : counts what became of the events

    Raises
    ------
    InputError
        The set is not there, pixels do not become a map, or a recording is damaged.
    """
    if name not in SETS:
        raise InputError(f"`set`: must be one of {', '.join(SETS)}, not {name!r}")
    if timesteps < 1:
        raise InputError(f"`timesteps`: must be 1 or more, not {timesteps}")
    if not 1 <= bits <= 8:
        raise InputError(f"`bits`: must be 1 to 8, not {bits}")
    found, tally = SETS[name], Tally() if tally is None else tally
    shape = framing.shape(found.sensor, timesteps, bits)
    parts = found.clips(_place(name, Path(folder)))
    done = counted(sum(map(len, parts)), "recordings")
    (train_x, train_y), (test_x, test_y) = (
        _framed(found, part, before, framing, shape, tally, done)
        for part, before in zip(parts, (0, len(parts[0])), strict=True))
    return Labelled(train_x, train_y, test_x, test_y, found.classes)


def _place(name: str, folder: Path) -> Path:
    """The folder that holds the set; the message says how it comes there."""
    found = SETS[name]
    for place in (folder, folder / found.folder):
        if all((place / inner).is_dir() for inner in found.inner):
            return place
    raise InputError(f"{name}: the folder(s) {', '.join(found.inner)} must be in {folder} or "
                     f"{folder / found.folder}, and are not; tonic.datasets.{found.folder}"
                     f"({str(folder)!r}) downloads and unpacks them there")


def _framed(found: EventSet, clips: list[Clip], before: int, framing: Framing, shape: SampleShape,
            tally: Tally, done: Callable[[int], None]) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 (N, T, channels, height, width), and labels."""
    values = np.zeros((len(clips), shape.timesteps, shape.size), np.uint8)
    for number, pieces in enumerate(found.pieces([path for path, _ in clips])):
        done(before + number)
        for step, frame in enumerate(frames(pieces, framing, shape, tally)):
            if step < shape.timesteps:
                values[number, step] = frame
            else:
                tally.unused += 1
    labels = np.array([label for _, label in clips], np.int64)
    return values.reshape(len(clips), *shape.image), labels


def _digits(folder: Path) -> tuple[list[Clip], list[Clip]]:
    """N-MNIST: Train/7/00016.bin, in MNIST's order."""
    train, test = (sorted(((path, label) for label in range(10)
                           for path in (folder / part / str(label)).glob("*.bin")),
                          key=lambda clip: (_number(clip[0]), clip[1]))
                   for part in ("Train", "Test"))
    return _enough(folder, train, test, "Train/0/*.bin")


def _gestures(folder: Path) -> tuple[list[Clip], list[Clip]]:
    """DVS-Gesture as tonic cuts it: ibmGestureTrain/user01_led/3.npy, by person, light, label."""
    train, test = (sorted(((path, int(path.stem)) for path in
                           (folder / f"ibmGesture{part}").glob("*/*.npy")
                           if path.stem.isdecimal() and int(path.stem) < len(_GESTURES)),
                          key=lambda clip: (clip[0].parent.name, clip[1]))
                   for part in ("Train", "Test"))
    return _enough(folder, train, test, "ibmGestureTrain/user01_led/*.npy")


def _pictures(folder: Path) -> tuple[list[Clip], list[Clip]]:
    """CIFAR10-DVS: airplane/cifar10_airplane_12.aedat4; the last tenth of each class tests."""
    parts: tuple[list[tuple[int, Clip]], ...] = ([], [])
    for label, name in enumerate(_CIFAR):
        paths = sorted((folder / name).glob("*.aedat4"), key=_number)
        cut = len(paths) - max(1, len(paths) // 10)
        for rank, path in enumerate(paths):
            parts[rank >= cut].append((rank, (path, label)))
    train, test = ([clip for _, clip in sorted(part, key=lambda each: (each[0], each[1][1]))]
                   for part in parts)
    return _enough(folder, train, test, "airplane/*.aedat4")


def _number(path: Path) -> int:
    """The last number in a file's name, by which the sets count."""
    return int((re.findall(r"\d+", path.stem) or ["0"])[-1])


def _enough(folder: Path, train: list[Clip], test: list[Clip], like: str
            ) -> tuple[list[Clip], list[Clip]]:
    if not train or not test:
        raise InputError(f"{folder}: must have recordings to train on and to test with, such as "
                         f"{like}, has {len(train)} and {len(test)}; unpack the set again")
    return train, test


def _gesture(path: Path) -> Iterator[np.ndarray]:
    """Rows x, y, p, t, the time in milliseconds."""
    try:
        rows = read_npy(path)
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be a whole recording; {error}") from None
    if rows.ndim != 2 or rows.shape[1] != 4 or not len(rows):
        raise InputError(f"{path}: must have rows of x, y, p and t, not the shape {rows.shape}")
    events = np.empty(len(rows), [(field, np.int64) for field in "xypt"])
    for column, field in enumerate("xypt"):
        events[field] = rows[:, column]
    events["t"] *= 1000
    yield as_events(path, events)


def _each_digit(paths: Sequence[Path]) -> Iterator[Iterator[np.ndarray]]:
    return (Recording(path).pieces() for path in paths)


def _each_gesture(paths: Sequence[Path]) -> Iterator[Iterator[np.ndarray]]:
    return map(_gesture, paths)


SETS = {
    "n-mnist": EventSet("NMNIST", ("Train", "Test"), (34, 34), tuple("0123456789"), _digits,
                        _each_digit),
    "dvs-gesture": EventSet("DVSGesture", ("ibmGestureTrain", "ibmGestureTest"), (128, 128),
                            _GESTURES, _gestures, _each_gesture),
    "cifar10-dvs": EventSet("CIFAR10DVS", _CIFAR, (128, 128), _CIFAR, _pictures, decoded),
}
