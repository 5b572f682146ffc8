"""Data sets as unsigned integers of 1 to 8 bits; needs numpy only.

Training, calibration and verification read their samples here, so that all see the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.arrays import read_npz
from bsnn_hw.errors import InputError
from bsnn_hw.nn.cifar import CIFAR, read_cifar
from bsnn_hw.nn.idx import read_idx
from bsnn_hw.text import shown

__all__ = ["DATASETS", "Dataset", "encode_events", "is_own", "load", "load_sample"]

DATASETS = ("digits", "fashion-mnist", "mnist", *CIFAR)

_CLOTHES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker",
            "Bag", "Ankle boot")
_DIGITS = tuple("0123456789")
_CLASSES = {"digits": _DIGITS, "fashion-mnist": _CLOTHES, "mnist": _DIGITS}

# torchvision's name of the folder, and what to do when the data set is nowhere.
_FOLDERS = {"fashion-mnist": "FashionMNIST", "mnist": "MNIST"}
_REMEDIES = {
    "fashion-mnist": "`apt install dataset-fashion-mnist`, or give the folder of the four IDX "
                     "files with `data_dir`",
    "mnist": "give the folder of the four IDX files with `data_dir`",
}
_SYSTEM_FOLDER = Path("/usr/share/datasets")  # where Debian's packages put data sets
_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
          "t10k-labels-idx1-ubyte")

_ARRAYS = ("train_x", "train_y", "test_x", "test_y")  # of a sample file
_LONGEST_NAME = 60

_DIGITS_TEST = 360  # a fifth of the 1,797
_PIXEL_BITS = 8
_DIGITS_BITS = 4


@dataclass(frozen=True)
class Dataset:
    """Samples, flattened, and their labels.

    name : str, one of `DATASETS`, or of a file of one's own
    train_x, test_x : uint8 (samples, values), each 0..2**bits-1; with ``timesteps`` of frames
        over time (samples, T, values)
    train_y, test_y : int64 (samples,), index into `classes`
    shape : (height, width), or (channels, height, width), of a sample or frame before flattening;
        (values,) where it is no image
    bits : int, 1..8
    classes : names of the classes, in order
    timesteps : int, T, where samples are frames over time, else None
    """

    name: str
    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    shape: tuple[int, ...]
    bits: int
    classes: tuple[str, ...]
    timesteps: int | None = None


def is_own(name: str) -> bool:
    """Whether a data set's name is that of an .npz file of one's own."""
    return name.lower().endswith(".npz")


def load(name: str, data_dir: str | Path | None = None, bits: int = 4) -> Dataset:
    """Load a whole data set.

    Pixels are cut to their upper `bits`: ``pixel >> (8 - bits)``. The digits of scikit-learn,
    0..16, become 0..15 by ``min(v, 15)`` before that.

    Parameters
    ----------
    name : one of `DATASETS`
    data_dir : folder of the IDX files, or of CIFAR's archive or folder; searched alone when given
    bits : int, 1..8 (1..4 for digits)

    Raises
    ------
    InputError
        For an unknown name, bits out of range, or files that are absent or damaged.
    """
    if name not in DATASETS:
        raise InputError(f"data set: must be one of {', '.join(DATASETS)}, not {shown(name)}")
    _check_bits(name, bits)
    if name == "digits":
        return _load_digits(bits)
    if name in CIFAR:
        return _load_cifar(name, data_dir, bits)
    folder = _find(name, data_dir)
    images, labels, test_images, test_labels = (read_idx(_file(folder, file)) for file in _FILES)
    _check_pair(folder, images, labels)
    _check_pair(folder, test_images, test_labels)
    return _dataset(name, images, labels, test_images, test_labels, bits)


def load_sample(path: str | Path, bits: int = 4) -> Dataset:
    """Load a small sample file (``examples/fashion_mnist_sample.npz``): uncut 8-bit pixels inside,
    cut to `bits` here. ``train_x`` is meant for calibration, ``test_x`` for verification.

    Raises
    ------
    InputError
        When the file is absent, damaged, or not such a sample.
    """
    try:
        stored, _ = read_npz(Path(path), ("name", *_ARRAYS))
        name = str(stored["name"])[:_LONGEST_NAME]
        arrays = [stored[key] for key in _ARRAYS]
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: must be a sample file with name, train_x, train_y, test_x and "
                         f"test_y, {error}; take examples/fashion_mnist_sample.npz") from error
    if name not in _FOLDERS or any(array.dtype != np.uint8 for array in arrays):
        raise InputError(f"{path}: must hold uint8 arrays of {' or '.join(_FOLDERS)}, not of "
                         f"{name!r}; take examples/fashion_mnist_sample.npz")
    _check_bits(name, bits)
    _check_pair(path, arrays[0], arrays[1])
    _check_pair(path, arrays[2], arrays[3])
    train_x, train_y, test_x, test_y = arrays
    return _dataset(name, train_x, train_y, test_x, test_y, bits)


def encode_events(values: np.ndarray, timesteps: int, bits: int) -> np.ndarray:
    """Thermometer over time: a value of v of 2**bits-1 spikes in the first v·T/(2**bits-1) steps.

    Parameters
    ----------
    values : uint8 (samples, size), 0..2**bits-1
    timesteps : int, T

    Returns
    -------
    ndarray of uint8 0/1, (T, samples, size); step t spikes where ``v*T > t*(2**bits-1)``,
    rounded to the nearest step
    """
    full = (1 << bits) - 1
    # Comparing in the middle of a step rounds to the nearest number of spikes.
    steps = np.arange(timesteps, dtype=np.int64).reshape(-1, 1, 1)
    return (2 * values.astype(np.int64) * timesteps > (2 * steps + 1) * full).astype(np.uint8)


def _load_digits(bits: int) -> Dataset:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise InputError("digits: scikit-learn must be installed; `pip install scikit-learn`"
                         ) from error
    bunch = load_digits()
    images = (np.minimum(bunch.images, 15).astype(np.uint8)) << (_PIXEL_BITS - _DIGITS_BITS)
    # Shuffled once and for all: the file is ordered by writer, and its tail is hard to read.
    order = np.random.RandomState(0).permutation(len(images))
    train, test = order[:-_DIGITS_TEST], order[-_DIGITS_TEST:]
    return _dataset("digits", images[train], bunch.target[train], images[test],
                    bunch.target[test], bits)


def _load_cifar(name: str, data_dir: str | Path | None, bits: int) -> Dataset:
    found = read_cifar(name, data_dir)
    return Dataset(name, _cut(found.train_x, bits), found.train_y, _cut(found.test_x, bits),
                   found.test_y, found.train_x.shape[1:], bits, found.classes)


def _dataset(name, images, labels, test_images, test_labels, bits) -> Dataset:
    return Dataset(name, _cut(images, bits), labels.astype(np.int64), _cut(test_images, bits),
                   test_labels.astype(np.int64), images.shape[1:], bits, _CLASSES[name])


def _cut(images: np.ndarray, bits: int) -> np.ndarray:
    return images.reshape(len(images), -1) >> (_PIXEL_BITS - bits)


def _check_bits(name: str, bits: int) -> None:
    most = _DIGITS_BITS if name == "digits" else _PIXEL_BITS
    if not 1 <= bits <= most:
        raise InputError(f"{name}: bits must be 1 to {most}, not {bits}; give `bits` {most}")


def _check_pair(where, images: np.ndarray, labels: np.ndarray) -> None:
    if images.ndim != 3 or labels.shape != images.shape[:1] or not images.size:
        raise InputError(f"{where}: images must be (samples, height, width) with one label each, "
                         f"not {images.shape} with {labels.shape}; fetch the data set again")
    if labels.max() > 9:
        raise InputError(f"{where}: labels must be 0 to 9, not {labels.max()}; "
                         f"fetch the data set again")


def _find(name: str, data_dir: str | Path | None) -> Path:
    folders = [Path(data_dir)] if data_dir else _standard_folders(name)
    if data_dir:
        folders.append(Path(data_dir) / _FOLDERS[name] / "raw")
    for folder in folders:
        if all(_file(folder, file).is_file() for file in _FILES):
            return folder
    searched = ", ".join(str(folder) for folder in folders)
    raise InputError(f"{name}: the files {', '.join(_FILES)} (or .gz) must be in one folder, "
                     f"found in none of {searched}; {_REMEDIES[name]}")


def _standard_folders(name: str) -> list[Path]:
    torchvision = Path(_FOLDERS[name]) / "raw"
    return [_SYSTEM_FOLDER / name, Path("data") / torchvision,
            Path.home() / ".cache" / torchvision,
            Path.home() / ".cache" / "torchvision" / torchvision]


def _file(folder: Path, name: str) -> Path:
    plain = folder / name
    return plain if plain.is_file() else folder / f"{name}.gz"
