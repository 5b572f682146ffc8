"""Which samples a run uses: for calibration, for test vectors, and for the whole data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Network
from bsnn_hw.model.description import Model

__all__ = ["SampleShape", "Samples", "find_samples", "shape_of", "whole_data_set"]


@dataclass(frozen=True)
class SampleShape:
    """What a network takes: ``size`` values of ``bits`` bits, per timestep if coded as events."""

    coding: Coding
    size: int
    bits: int
    timesteps: int

    @property
    def array(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return (self.size,) if self.coding is Coding.DIRECT else (self.timesteps, self.size)


def shape_of(network: Model | Network) -> SampleShape:
    """The samples that ``network`` takes."""
    entry = network.input
    return SampleShape(entry.coding, entry.size, entry.bits, network.timesteps)


@dataclass(frozen=True)
class Samples:
    """Samples as the network takes them.

    calibration : uint8 (N, size) or (N, T, size)
    test : likewise; labels : int64 (N,) of ``test``, None if the samples have none
    source : where they are from, for people
    """

    calibration: np.ndarray
    test: np.ndarray
    labels: np.ndarray | None
    source: str


def find_samples(shape: SampleShape, trained_on: str | None, beside: Path, *, data: str | None,
                 data_dir: Path | None) -> Samples:
    """Samples for calibration and test vectors.

    ``data`` if given: a data set's name or an .npz file.  Else, for the data set that the network
    was ``trained_on``: its sample file in the folder ``beside``, or itself.  Else random samples.

    Raises
    ------
    InputError
        ``data`` cannot be used, or its samples do not fit the model.
    """
    from bsnn_hw.nn import data as sets

    name = data or trained_on
    sample = beside / f"{str(name).replace('-', '_')}_sample.npz"
    if data and data.endswith(".npz"):
        return _from_arrays(shape, Path(data))
    if not data and sample.exists():
        found = sets.load_sample(sample, bits=_bits(shape))
        return _from_dataset(shape, found, sample.name)
    if name:
        try:
            return _from_dataset(shape, sets.load(name, data_dir, bits=_bits(shape)), str(name))
        except InputError:
            if data:
                raise
    return _random(shape)


def whole_data_set(shape: SampleShape, trained_on: str | None, *, data: str | None,
                   data_dir: Path | None) -> Samples | None:
    """The whole of ``data``, else of what the network was ``trained_on``; None if not found."""
    from bsnn_hw.nn import data as sets

    name = data or trained_on
    if not name:
        return None
    if name.endswith(".npz"):
        return _from_arrays(shape, Path(name))
    try:
        return _from_dataset(shape, sets.load(name, data_dir, bits=_bits(shape)), str(name))
    except InputError:
        if data or data_dir:
            raise
        return None


def _bits(shape):
    return shape.bits if shape.coding is Coding.DIRECT else 4


def _from_dataset(shape, found, source):
    size = found.test_x.shape[1]
    if size != shape.size:
        raise InputError(f"data set {source}: samples must have {shape.size} values as the "
                         f"model's input, not {size}; name another with --data")
    calibration, test = (_encode(shape, found, x) for x in (found.train_x, found.test_x))
    return Samples(calibration, test, found.test_y, source)


def _encode(shape, found, values):
    if shape.coding is Coding.DIRECT:
        return values
    from bsnn_hw.nn.data import encode_events

    return encode_events(values, shape.timesteps, found.bits).transpose(1, 0, 2)


def _from_arrays(shape, path):
    """An .npz of ``test_x`` and optionally ``train_x`` and ``test_y``, as the network takes them;
    image shapes are flattened."""
    try:
        with np.load(path, allow_pickle=False) as stored:
            arrays = {key: stored[key] for key in stored.files}
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"{path}: must be an .npz file of samples, {error}") from None
    if "name" in arrays:  # a sample file of a known data set
        from bsnn_hw.nn.data import load_sample

        return _from_dataset(shape, load_sample(path, bits=_bits(shape)), path.name)
    if "test_x" not in arrays:
        raise InputError(f"{path}: must hold an array test_x, not {sorted(arrays)}")
    test = _fit(shape, arrays["test_x"], f"{path}: test_x")
    calibration = _fit(shape, arrays.get("train_x", test), f"{path}: train_x")
    return Samples(calibration, test, arrays.get("test_y"), path.name)


def _fit(shape, values, where):
    count = len(values) if values.ndim else 0
    if values.dtype.kind not in "ui" or not count or values.size != count * np.prod(shape.array):
        wanted = ", ".join(map(str, shape.array))
        raise InputError(f"{where}: must be integers of shape (N, {wanted}), "
                         f"not {values.dtype} of shape {values.shape}")
    top = (1 << shape.bits) - 1
    if values.min() < 0 or values.max() > top:
        raise InputError(f"{where}: must lie in 0..{top}, not {values.min()}..{values.max()}")
    return values.reshape(count, *shape.array).astype(np.uint8)


def _random(shape):
    generator = np.random.default_rng(0)
    top = (1 << shape.bits) - 1
    values = generator.integers(1, top + 1, (192, *shape.array), dtype=np.uint8)
    # From silent to saturated.
    values *= generator.random(values.shape) < np.linspace(0, 1, 192).reshape(
        -1, *[1] * len(shape.array))
    order = generator.permutation(192)
    return Samples(values[order[:128]], values[order[128:]], None, "random samples")
