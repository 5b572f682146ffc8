"""CIFAR-10 and CIFAR-100, as Python's pickles or as bytes, in a folder or in the archive itself.

Pickles are programs; here only what numpy arrays need is allowed in them, and nothing is executed.
"""

from __future__ import annotations

import gzip
import io
import pickle
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.text import is_integer

__all__ = ["CIFAR", "Pictures", "read_cifar"]

SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_MOST_BYTES = 1 << 30  # of one file


@dataclass(frozen=True)
class _Form:
    """Names as the archives have them; ``skipped`` : bytes before a label in the binary form."""

    classes: int
    pickles: tuple[str, str]  # folder and archive
    binaries: tuple[str, str]
    train: tuple[str, ...]
    test: str
    names: str
    binary_names: str
    label_key: str
    names_key: str
    skipped: int


_FORMS = {
    "cifar-10": _Form(10, ("cifar-10-batches-py", "cifar-10-python.tar.gz"),
                      ("cifar-10-batches-bin", "cifar-10-binary.tar.gz"),
                      tuple(f"data_batch_{number}" for number in range(1, 6)), "test_batch",
                      "batches.meta", "batches.meta.txt", "labels", "label_names", 0),
    "cifar-100": _Form(100, ("cifar-100-python", "cifar-100-python.tar.gz"),
                       ("cifar-100-binary", "cifar-100-binary.tar.gz"), ("train",), "test",
                       "meta", "fine_label_names.txt", "fine_labels", "fine_label_names", 1),
}
CIFAR = tuple(_FORMS)
_ALLOWED = {(module, name) for module, name in (
    ("numpy", "ndarray"), ("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"), ("_codecs", "encode"))}


@dataclass(frozen=True)
class Pictures:
    """uint8 (samples, 3, 32, 32), int64 labels, and the classes' names."""

    train_x: np.ndarray
    train_y: np.ndarray
    test_x: np.ndarray
    test_y: np.ndarray
    classes: tuple[str, ...]


def read_cifar(name: str, data_dir: str | Path | None = None) -> Pictures:
    """Read a whole data set of `CIFAR`.

    data_dir : folder with the archive, or with the folder that it holds; the folders ``data`` and
        ``~/.cache`` if not given

    Raises
    ------
    InputError
        It is not there, or a file of it is damaged.
    """
    form = _FORMS[name]
    folders = [Path(data_dir)] if data_dir else [Path("data"), Path.home() / ".cache"]
    for folder in folders:
        for number, (inner, archive) in enumerate((form.pickles, form.binaries)):
            files = _files(folder, inner, archive)
            if files is not None:
                return _pictures(form, files, binary=bool(number))
    raise InputError(f"{name}: {' or '.join((*form.pickles, *form.binaries))} must be in one of "
                     f"{', '.join(map(str, folders))}, found none; give the folder with `data_dir`")


def _files(folder: Path, inner: str, archive: str) -> _Files | None:
    if folder.name == inner and folder.is_dir():
        return _Files(folder, "")
    if (folder / inner).is_dir():
        return _Files(folder / inner, "")
    return _Files(folder / archive, f"{inner}/") if (folder / archive).is_file() else None


class _Files:
    """Reads files by name, from a folder or an archive."""

    def __init__(self, place: Path, prefix: str) -> None:
        self.place, self._prefix = place, prefix

    def check(self) -> None:
        """Look at an archive's checksum, which reading single files of it does not come to."""
        if self._prefix:
            try:
                with gzip.open(self.place) as packed:
                    while packed.read(1 << 20):
                        pass
            except (OSError, EOFError, zlib.error) as error:
                raise self.damaged("the archive", str(error)) from None

    def read(self, name: str) -> bytes:
        """The bytes of one file."""
        try:
            if not self._prefix:
                return (self.place / name).read_bytes()
            with tarfile.open(self.place, "r:gz") as archive:
                file = archive.extractfile(self._prefix + name)
                return file.read(_MOST_BYTES) if file else b""
        except (OSError, KeyError, EOFError, tarfile.TarError) as error:
            raise self.damaged(name, str(error)) from None

    def damaged(self, name: str, what: str) -> InputError:
        """That a file is not what it must be."""
        return InputError(f"{self.place}: {name} must be as the data set has it, {what[:200]}; "
                          "fetch the data set again")


def _pictures(form: _Form, files: _Files, binary: bool) -> Pictures:
    files.check()
    read = _read_binary if binary else _read_pickle
    parts = [read(form, files, name) for name in form.train]
    names = _binary_names(form, files) if binary else _names(form, files)
    if len(names) != form.classes or not all(
            isinstance(each, str) and 0 < len(each) <= 64 and each.isprintable() for each in names):
        raise files.damaged("the classes' names", f"which are {form.classes}")
    test_x, test_y = read(form, files, form.test)
    return Pictures(np.concatenate([pixels for pixels, _ in parts]),
                    np.concatenate([labels for _, labels in parts]), test_x, test_y, tuple(names))


def _read_binary(form: _Form, files: _Files, name: str) -> tuple[np.ndarray, np.ndarray]:
    data, row = files.read(f"{name}.bin"), form.skipped + 1 + _PIXELS
    if not data or len(data) % row:
        raise files.damaged(f"{name}.bin", f"{row} bytes for each picture, not {len(data)} in all")
    rows = np.frombuffer(data, np.uint8).reshape(-1, row)
    return _checked(form, files, name, rows[:, form.skipped + 1:], rows[:, form.skipped])


def _read_pickle(form: _Form, files: _Files, name: str) -> tuple[np.ndarray, np.ndarray]:
    table = _unpickled(files, name)
    pixels, labels = table.get("data"), table.get(form.label_key)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or (
            pixels.ndim != 2 or pixels.shape[1] != _PIXELS) or not isinstance(labels, list):
        raise files.damaged(name, f"with 'data', uint8 (pictures, {_PIXELS}), and a list "
                                  f"'{form.label_key}'")
    if not all(is_integer(label) for label in labels):
        raise files.damaged(name, "with integers as labels")
    return _checked(form, files, name, pixels, np.array(labels, np.int64))


def _checked(form: _Form, files: _Files, name: str, pixels: np.ndarray,
             labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    if len(labels) != len(pixels) or not len(labels) or not (
            0 <= labels.min() and labels.max() < form.classes):
        raise files.damaged(name, f"a label from 0 to {form.classes - 1} for each picture")
    return pixels.reshape(-1, *SHAPE), labels.astype(np.int64)


def _names(form: _Form, files: _Files) -> list[Any]:
    names = _unpickled(files, form.names).get(form.names_key)
    return [each.decode("ascii", "replace") if isinstance(each, bytes) else each
            for each in names] if isinstance(names, list) else []


def _binary_names(form: _Form, files: _Files) -> list[str]:
    return files.read(form.binary_names).decode("ascii", "replace").split()


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it names {module}.{name}, and only arrays may be in it")
        return super().find_class(module, name)


def _unpickled(files: _Files, name: str) -> dict[str, Any]:
    data = files.read(name)
    try:
        table = _Unpickler(io.BytesIO(data), encoding="bytes").load()
    except Exception as error:  # a damaged pickle raises almost anything
        raise files.damaged(name, f"{type(error).__name__}: {error}") from None
    if not isinstance(table, dict):
        raise files.damaged(name, "a dictionary")
    return {key.decode("ascii", "replace") if isinstance(key, bytes) else str(key): value
            for key, value in table.items()}
