"""Samples of one's own to train on, in an .npz file; ``python -m bsnn_hw.events`` writes such."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.arrays import read_npz
from bsnn_hw.errors import InputError
from bsnn_hw.nn.data import Dataset

__all__ = ["load_own", "own_changes"]

_ARRAYS = ("train_x", "train_y", "test_x", "test_y")
_MOST_CLASSES = 1 << 16
_REMEDY = "write one with numpy.savez(path, train_x=…, train_y=…, test_x=…, test_y=…)"


def load_own(path: str | Path) -> Dataset:
    """Read ``train_x``, ``train_y``, ``test_x`` and ``test_y``, and optionally ``classes``, their
    names, and ``coding``: "direct", or "events" where the samples are frames over time.

    A sample is (values), (height, width) or (channels, height, width), with coding "events" after
    its timesteps. Values are integers 0..255, labels 0, 1, ….

    Raises
    ------
    InputError
        When the file is absent, damaged, or holds something else.
    """
    path = Path(path)
    try:
        arrays, names = read_npz(path, (*_ARRAYS, "classes", "coding"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be an .npz file of samples, "
                         f"{getattr(error, 'strerror', None) or error}; {_REMEDY}") from None
    missing = [name for name in _ARRAYS if name not in arrays]
    if missing:
        raise InputError(f"{path}: must hold {', '.join(_ARRAYS)}, {', '.join(missing)} missing "
                         f"of {len(names)} arrays; {_REMEDY}")
    timed = _is_timed(path, arrays.get("coding"))
    train_x, train_y = _pair(path, "train", arrays, timed)
    test_x, test_y = _pair(path, "test", arrays, timed)
    if train_x.shape[1:] != test_x.shape[1:]:
        raise InputError(f"{path}: samples of train_x and test_x must have the same shape, not "
                         f"{train_x.shape[1:]} and {test_x.shape[1:]}")
    shape = train_x.shape[1 + timed:]
    most = int(max(train_x.max(), test_x.max()))
    flat = [values.reshape(*values.shape[:1 + timed], -1) for values in (train_x, test_x)]
    return Dataset(path.name, flat[0], train_y, flat[1], test_y, shape, max(1, most.bit_length()),
                   _classes(path, arrays.get("classes"), train_y, test_y),
                   train_x.shape[1] if timed else None)


def own_changes(data: Dataset, changes: dict[str, Any]) -> dict[str, Any]:
    """The fields of the recipe that the samples say, with ``changes``, which may not contradict.

    Raises
    ------
    InputError
        They do.
    """
    said: dict[str, Any] = {"bits": data.bits}
    if data.timesteps is not None:
        said |= {"coding": "events", "timesteps": data.timesteps}
    for key, value in said.items():
        given = changes.get(key, value)
        if given != value and not (key == "bits" and given > value):
            raise InputError(f"{key}: must be {value} as {data.name} has it, not {given}; leave "
                             f"`{key}` out")
    if len(data.shape) == 1:
        _check_unmapped(changes)
    return said | changes | {"dataset": data.name}


def _check_unmapped(changes: dict[str, Any]) -> None:
    """Samples that are no images stay as they are, in a network without maps."""
    for key, *usual in (("network", "fc", "recurrent"), ("flips", False), ("shift", 0)):
        if changes.get(key, usual[0]) not in usual:
            raise InputError(f"{key}: must be {' or '.join(map(str, usual))} for samples that are "
                             f"no images, not {changes[key]}; give them a height and a width")


def _is_timed(path: Path, coding: np.ndarray | None) -> bool:
    said = "direct" if coding is None else str(coding)
    if said not in ("direct", "events"):
        raise InputError(f"{path}: coding must be 'direct' or 'events', not {said[:40]!r}")
    return said == "events"


def _pair(path: Path, part: str, arrays: dict[str, np.ndarray], timed: bool
          ) -> tuple[np.ndarray, np.ndarray]:
    """uint8 samples and int64 labels."""
    values, labels = arrays[f"{part}_x"], arrays[f"{part}_y"]
    wanted = "(samples, timesteps, …)" if timed else "(samples, …)"
    if values.dtype.kind not in "bui" or not 2 + timed <= values.ndim <= 4 + timed or (
            not values.size):
        raise InputError(f"{path}: {part}_x must be integers of shape {wanted} with one to three "
                         f"sides behind, not {values.dtype} of shape {values.shape}")
    if values.min() < 0 or values.max() > 255:
        raise InputError(f"{path}: {part}_x must lie in 0..255, not {values.min()}..{values.max()}")
    if labels.dtype.kind not in "ui" or labels.shape != values.shape[:1]:
        raise InputError(f"{path}: {part}_y must be {len(values)} integers, one per sample, not "
                         f"{labels.dtype} of shape {labels.shape}")
    if not 0 <= labels.min() <= labels.max() < _MOST_CLASSES:
        raise InputError(f"{path}: {part}_y must be classes 0, 1, …, not {labels.min()}.."
                         f"{labels.max()}")
    return values.astype(np.uint8), labels.astype(np.int64)


def _classes(path: Path, names: np.ndarray | None, *labels: np.ndarray) -> tuple[str, ...]:
    count = 1 + max(int(each.max()) for each in labels)
    if names is None:
        return tuple(map(str, range(max(2, count))))
    if names.dtype.kind != "U" or names.ndim != 1 or len(names) < count:
        raise InputError(f"{path}: classes must be {count} names or more, as the labels count, not "
                         f"{names.dtype} of shape {names.shape}")
    return tuple(map(str, names))
