"""Real sequences out of the package aeon (BSD-3), as files of samples to train on.

`pip install --no-deps aeon==1.6.0` is enough, as the package is looked into and not imported.

- vowels: UCI's Japanese Vowels (Kudo, Toyama and Shimbo 1999): nine men say "ae"; a timestep is one
  frame of 12 coefficients of linear prediction, 7 to 29 of them.  Who speaks?
- power: ItalyPowerDemand of the UCR archive (Keogh and others): the demand of electric power of an
  Italian town over a day, an hour a timestep.  Winter or summer half of the year?
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np

from bsnn_hw.errors import ToolError

__all__ = ["SEQUENCES", "write_samples"]

SEQUENCES = {"vowels": "JapaneseVowels", "power": "ItalyPowerDemand"}
COEFFICIENT_BITS = 4
LEVELS = 16  # of power


def write_samples(name: str, path: Path) -> None:
    """Write one of `SEQUENCES` as ``train FILE.npz`` takes it; the package's split stays.

    vowels : each coefficient as an integer of 4 bits, 0 behind the last frame
    power : one spike an hour, of the input that stands for the level of power

    Raises
    ------
    ToolError
        The package is not installed.
    """
    (train, train_y), (test, test_y) = (_read(SEQUENCES[name], part) for part in ("TRAIN", "TEST"))
    encode = _coefficients if name == "vowels" else _levels
    train_x, test_x = encode(train, train), encode(test, train)
    classes = sorted(set(train_y))
    # The files are in the order of their classes; a batch is not.
    order = np.random.default_rng(0).permutation(len(train))
    labels = [np.array([classes.index(label) for label in each]) for each in (train_y, test_y)]
    np.savez_compressed(path, train_x=train_x[order], train_y=labels[0][order], test_x=test_x,
                        test_y=labels[1], classes=classes, coding="events")


def _read(name: str, part: str) -> tuple[list[np.ndarray], list[str]]:
    """Sequences (timesteps, values) and their classes' names."""
    found = importlib.util.find_spec("aeon")
    if found is None or not found.submodule_search_locations:
        raise ToolError("aeon: the package must be installed to read the sequences; pip install "
                        "--no-deps aeon==1.6.0")
    folder = Path(found.submodule_search_locations[0]) / "datasets" / "data" / name
    lines = (folder / f"{name}_{part}.ts").read_text(encoding="utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if line.lower().startswith("@data"))
    rows = [line.split(":") for line in lines[start + 1:] if line.strip()]
    sequences = [np.array([[float(value) for value in side.split(",")] for side in row[:-1]]).T
                 for row in rows]
    return sequences, [row[-1].strip() for row in rows]


def _shares(sequences: list[np.ndarray], known: list[np.ndarray], outside: float
            ) -> list[np.ndarray]:
    """Values from 0 to 1 between the ends of those of ``known``, of which ``outside`` percent lie
    beyond each."""
    values = np.concatenate(known)
    low, high = (np.percentile(values, share, axis=0) for share in (outside, 100 - outside))
    return [np.clip((each - low) / (high - low), 0, 1) for each in sequences]


def _coefficients(sequences: list[np.ndarray], known: list[np.ndarray]) -> np.ndarray:
    longest = 29  # in the training and in the test set
    frames = np.zeros((len(sequences), longest, sequences[0].shape[1]), np.uint8)
    for frame, shares in zip(frames, _shares(sequences, known, 0.5), strict=True):
        frame[:len(shares)] = np.rint(shares * ((1 << COEFFICIENT_BITS) - 1))
    return frames


def _levels(sequences: list[np.ndarray], known: list[np.ndarray]) -> np.ndarray:
    shares = np.stack(_shares(sequences, known, 1.0))[..., 0]
    levels = np.minimum((shares * LEVELS).astype(int), LEVELS - 1)
    return np.eye(LEVELS, dtype=np.uint8)[levels]
