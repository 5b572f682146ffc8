"""Which samples a run uses: for calibration, for test vectors, and for the whole data set."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.arrays import read_npz
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Network, Shape
from bsnn_hw.ir.used import Used
from bsnn_hw.model.description import Model
from bsnn_hw.nn.data import DATASETS, encode_events, load, load_sample
from bsnn_hw.text import listed, shown

__all__ = ["SampleShape", "Samples", "affordable", "dataset_of", "find_samples", "fit",
           "shape_of", "whole_data_set"]

# Spikes of all layers and timesteps that are kept at a time.
MOST_SPIKES = 20_000_000
LEAST_SAMPLES = 4

# What to do with the other forms in which people have samples.
_REMEDY = "write one with numpy.savez(path, test_x=samples, test_y=labels)"
_REMEDIES = {
    ".npy": "it is one array: write numpy.savez('samples.npz', test_x=numpy.load(path)), with "
            "test_y=labels if there are any, and give that",
    ".csv": "it is text: read it with numpy.loadtxt(path, delimiter=',', dtype=int), write "
            "numpy.savez('samples.npz', test_x=..., test_y=...), and give that",
}

# Said where neither `data` nor the model's recipe gives any.
RANDOM = "random samples; with real ones precision would be what they need"


@dataclass(frozen=True)
class SampleShape:
    """What a network takes: ``size`` values of ``bits`` bits, per timestep if coded as events.

    map : Shape of ``size`` values where they are an image, else None
    used : which values of a sample the network takes, None where they are all
    classes : int, what labels are an index of; None where any label will do
    """

    coding: Coding
    size: int
    bits: int
    timesteps: int
    map: Shape | None = None
    classes: int | None = None
    used: Used | None = None

    @property
    def whole(self) -> SampleShape:
        """Samples with the values that the network leaves out, too."""
        if self.used is None:
            return self
        shape = self.used.shape
        return replace(self, size=shape.size, map=shape if shape.positions > 1 else None, used=None)

    def pick(self, values: np.ndarray) -> np.ndarray:
        """What the network takes of whole samples, (..., size)."""
        return values if self.used is None else self.used.pick(values)

    @property
    def array(self) -> tuple[int, ...]:
        """Shape of one sample."""
        return self._with_time(self.size)

    @property
    def image(self) -> tuple[int, ...]:
        """Shape of one sample whose values are an image."""
        shape = self.map or Shape(self.size)
        return self._with_time(shape.channels, shape.height, shape.width)

    def _with_time(self, *shape: int) -> tuple[int, ...]:
        return shape if self.coding is Coding.DIRECT else (self.timesteps, *shape)


def shape_of(network: Model | Network) -> SampleShape:
    """The samples that ``network`` takes."""
    entry = network.input
    shape = entry.shape if entry.shape and entry.shape.positions > 1 else None
    return SampleShape(entry.coding, entry.size, entry.bits, network.timesteps, shape,
                       len(network.classes), entry.used)


def affordable(network: Model | Network, most: int, spikes: int = MOST_SPIKES) -> int:
    """How many samples, up to ``most``, have no more than ``spikes`` spikes to keep; a few in any
    case."""
    layers = network.hidden if isinstance(network, Network) else network.layers
    each = sum(layer.shape.size for layer in layers) * network.timesteps
    return min(most, max(LEAST_SAMPLES, spikes // max(1, each)))


def dataset_of(document: dict[str, Any]) -> str | None:
    """The known data set that a model file's recipe names, if it does: anybody writes a recipe, and
    its words become no path."""
    recipe = document.get("recipe")
    name = recipe.get("dataset") if isinstance(recipe, dict) else None
    return name if isinstance(name, str) and name in DATASETS else None


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
    if data:
        return _named(shape, data, data_dir)
    if trained_on in DATASETS:
        sample = beside / f"{trained_on.replace('-', '_')}_sample.npz"
        if sample.exists():
            return _from_dataset(shape, load_sample(sample, bits=_bits(shape)), sample.name)
        with suppress(InputError):
            return _named(shape, trained_on, data_dir)
    return _random(shape)


def whole_data_set(shape: SampleShape, trained_on: str | None, *, data: str | None,
                   data_dir: Path | None) -> Samples | None:
    """The whole of ``data``, else of what the network was ``trained_on``; None if not found."""
    if data:
        return _named(shape, data, data_dir)
    if trained_on not in DATASETS:
        return None
    try:
        return _named(shape, trained_on, data_dir)
    except InputError:
        if data_dir:
            raise
        return None


def _named(shape, data, data_dir):
    """The samples of a data set, or of an .npz file."""
    suffix = Path(data).suffix.lower()
    if suffix == ".npz":
        return _from_arrays(shape, Path(data))
    if suffix and data not in DATASETS:
        raise InputError(f"`data`: must be one of {', '.join(DATASETS)}, or an .npz file of "
                         f"samples, not {shown(data)}; {_REMEDIES.get(suffix, _REMEDY)}")
    return _from_dataset(shape, load(data, data_dir, bits=_bits(shape)), data)


def _bits(shape):
    return shape.bits if shape.coding is Coding.DIRECT else 4


def _from_dataset(shape, found, source):
    size = found.test_x.shape[1]
    if size != shape.whole.size:
        raise InputError(f"data set {source}: samples must have {shape.whole.size} values as the "
                         f"model's input, not {size}; name another with `data`")
    calibration, test = (_encode(shape, found, shape.pick(values))
                         for values in (found.train_x, found.test_x))
    if shape.classes is not None and len(found.classes) != shape.classes:
        return Samples(calibration, test, None, f"{source}, without its labels, as it has "
                       f"{len(found.classes)} classes and the network {shape.classes}")
    return Samples(calibration, test, found.test_y, source)


def _encode(shape, found, values):
    if shape.coding is Coding.DIRECT:
        return values
    return encode_events(values, shape.timesteps, found.bits).transpose(1, 0, 2)


def _from_arrays(shape, path):
    """An .npz of ``test_x`` and optionally ``train_x`` and ``test_y``, as the network takes them;
    image shapes are flattened."""
    try:
        arrays, names = read_npz(path, ("test_x", "test_y", "train_x"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: must be an .npz file of samples, "
                         f"{getattr(error, 'strerror', None) or error}; write one with "
                         "numpy.savez(path, test_x=samples, test_y=labels)") from None
    if "name" in names:  # a sample file of a known data set
        return _from_dataset(shape, load_sample(path, bits=_bits(shape)), path.name)
    if "test_x" not in arrays:
        raise InputError(f"{path}: must hold an array test_x, not {listed(sorted(names))}; "
                         f"{_REMEDY}")
    test = fit(shape, arrays["test_x"], f"{path}: test_x")
    calibration = fit(shape, arrays.get("train_x", test), f"{path}: train_x")
    labels = _labels(shape, arrays.get("test_y"), len(test), path)
    return Samples(calibration, test, labels, path.name)


def _labels(shape, labels, count, path):
    if labels is None:
        return None
    if labels.dtype.kind not in "ui" or labels.shape != (count,):
        raise InputError(f"{path}: test_y must be {count} integers, one per sample, not "
                         f"{labels.dtype} of shape {labels.shape}")
    low, high = int(labels.min()), int(labels.max())
    if shape.classes is not None and not 0 <= low <= high < shape.classes:
        remedy = ("subtract 1" if (low, high) == (1, shape.classes) else
                  "give the labels that this network was trained on, or leave test_y out")
        raise InputError(f"{path}: test_y must be 0..{shape.classes - 1}, the network's classes, "
                         f"not {low}..{high}; {remedy}")
    return labels


def fit(shape: SampleShape, values: np.ndarray, where: str) -> np.ndarray:
    """``values`` as uint8 (N, size) or (N, T, size); image shapes are flattened.  Where the network
    leaves values out, of whole samples or of those that it takes.

    Raises
    ------
    InputError
        Not integers, of another size, or out of range.
    """
    count = len(values) if values.ndim else 0
    if shape.used is not None and count and values.size != count * np.prod(shape.array):
        return shape.pick(fit(shape.whole, values, where))
    if values.dtype.kind not in "ui" or not count or values.size != count * np.prod(shape.array):
        wanted = ", ".join(map(str, shape.array))
        raise InputError(f"{where}: must be integers of shape (N, {wanted}), "
                         f"not {values.dtype} of shape {values.shape}")
    _check_order(shape, values, where)
    top = (1 << shape.bits) - 1
    if values.min() < 0 or values.max() > top:
        raise InputError(f"{where}: must lie in 0..{top}, not {values.min()}..{values.max()}")
    return values.reshape(count, *shape.array).astype(np.uint8)


def _check_order(shape, values, where):
    """Refuse an image whose sides are those of the input in another order."""
    given, image = _sides(values.shape[1:]), _sides(shape.image)
    if shape.map is not None and given != image and sorted(given) == sorted(image):
        wanted = ", ".join(map(str, shape.image))
        raise InputError(f"{where}: must have the shape (N, {wanted}), channels first, "
                         f"not {values.shape}; use numpy.moveaxis")


def _sides(shape):
    return [side for side in shape if side > 1]


def _random(shape):
    generator = np.random.default_rng(0)
    top = (1 << shape.bits) - 1
    values = generator.integers(1, top + 1, (192, *shape.array), dtype=np.uint8)
    # From silent to saturated.
    values *= generator.random(values.shape) < np.linspace(0, 1, 192).reshape(
        -1, *[1] * len(shape.array))
    order = generator.permutation(192)
    return Samples(values[order[:128]], values[order[128:]], None, RANDOM)
