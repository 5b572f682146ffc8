"""Data sets: the same integers for everybody, and one clear line when they are not there."""

import gzip
import struct

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.nn import data
from bsnn_hw.nn.idx import read_idx
from tests.for_each import for_each

SAMPLE = "examples/fashion_mnist_sample.npz"
FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte",
         "t10k-labels-idx1-ubyte")


def idx(array):
    """The bytes of an IDX file."""
    return (struct.pack(">BBBB", 0, 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape)
            + array.tobytes())


def write_set(folder, *, compressed=False, seed=0):
    """Write a tiny data set of 6 and 4 images of 3x5 pixels; return its training images."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    for name in FILES:
        count = 6 if name.startswith("train") else 4
        shape = (count, 3, 5) if "images" in name else (count,)
        array = generator.integers(0, 256 if "images" in name else 10, shape, dtype=np.uint8)
        if name == FILES[0]:
            images = array
        if compressed:
            (folder / f"{name}.gz").write_bytes(gzip.compress(idx(array)))
        else:
            (folder / name).write_bytes(idx(array))
    return images


@for_each("compressed", [False, True])
@for_each("name, inside", [("mnist", "."), ("fashion-mnist", "."),
                                         ("mnist", "MNIST/raw"),
                                         ("fashion-mnist", "FashionMNIST/raw")])
def test_idx_folder(tmp_path, name, inside, compressed):
    images = write_set(tmp_path / inside, compressed=compressed)
    loaded = data.load(name, tmp_path, bits=3)
    assert np.array_equal(loaded.train_x, images.reshape(6, 15) >> 5)
    assert loaded.train_x.dtype == np.uint8
    assert loaded.test_x.shape == (4, 15)
    assert loaded.train_y.dtype == np.int64
    assert loaded.shape == (3, 5)
    assert loaded.bits == 3
    assert len(loaded.classes) == 10


def test_standard_folders_are_searched_in_order(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "_SYSTEM_FOLDER", tmp_path / "system")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    cached = write_set(tmp_path / "home/.cache/FashionMNIST/raw", seed=1)
    assert np.array_equal(data.load("fashion-mnist", bits=8).train_x, cached.reshape(6, 15))
    system = write_set(tmp_path / "system/fashion-mnist", seed=2)
    assert np.array_equal(data.load("fashion-mnist", bits=8).train_x, system.reshape(6, 15))


def test_digits_are_four_bit_integers():
    loaded = data.load("digits")
    assert loaded.train_x.shape == (1437, 64)
    assert loaded.test_x.shape == (360, 64)
    assert loaded.train_x.max() == 15
    assert data.load("digits", bits=2).train_x.max() == 3


def test_sample_is_the_start_of_the_real_test_set():
    sample = data.load_sample(SAMPLE)
    assert sample.train_x.shape == sample.test_x.shape == (512, 784)
    # The labels that everybody knows from the head of the test set.
    assert sample.test_y[:8].tolist() == [9, 2, 1, 1, 6, 1, 4, 6]
    assert sample.test_x.max() == 15
    assert np.array_equal(sample.test_x, data.load_sample(SAMPLE, bits=8).test_x >> 4)


def test_thermometer_spikes_in_proportion():
    values = np.arange(16, dtype=np.uint8).reshape(1, 16)
    events = data.encode_events(values, 4, 4)
    assert events.shape == (4, 1, 16)
    assert events.sum(0)[0].tolist() == [0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4]
    assert (np.diff(events.astype(int), axis=0) <= 0).all()  # early steps first


@for_each("name, bits, message", [
    ("cifar", 4, "data set: must be one of digits, fashion-mnist, mnist, cifar-10, cifar-100, "
                 "not 'cifar'"),
    ("digits", 5, "digits: bits must be 1 to 4, not 5; give `bits` 4"),
    ("mnist", 0, "mnist: bits must be 1 to 8, not 0"),
])
def test_wrong_arguments(name, bits, message):
    with pytest.raises(InputError, match=message):
        data.load(name, bits=bits)


@for_each("name, remedy", [
    ("fashion-mnist", "apt install dataset-fashion-mnist"),
    ("mnist", "give the folder of the four IDX files"),
])
def test_absent_data(tmp_path, name, remedy):
    with pytest.raises(InputError, match=rf"{name}: the files .* found in none of .*; .*{remedy}"):
        data.load(name, tmp_path)


@for_each("content, message", [
    (b"", "must be an IDX file of unsigned bytes, its first bytes are missing"),
    (b"\0\0\x0d\x01\0\0\0\0", "unsigned bytes, its first bytes are 00000d01; fetch"),
    (b"\0\0\x08\x01\0\0\0\x05abc", r"must hold \(5,\) bytes, holds 3; the file is damaged"),
    (b"\0\0\x08\x03\0\0", r"must hold .* bytes, holds 0; the file is damaged"),
])
def test_damaged_idx(tmp_path, content, message):
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_idx(path)


@for_each("content", [b"not gzip", gzip.compress(b"abcdefgh")[:-9]])
def test_damaged_gzip(tmp_path, content):
    path = tmp_path / "x.gz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"x\.gz: must be a readable IDX file"):
        read_idx(path)


@for_each("name, array, message", [
    (FILES[1], np.zeros(5, np.uint8), "one label each, not .* with .5,."),
    (FILES[1], np.full(6, 10, np.uint8), "labels must be 0 to 9, not 10"),
    (FILES[2], np.zeros(4, np.uint8), r"images must be \(samples, height, width\)"),
])
def test_files_that_do_not_fit(tmp_path, name, array, message):
    write_set(tmp_path)
    (tmp_path / name).write_bytes(idx(array))
    with pytest.raises(InputError, match=message):
        data.load("mnist", tmp_path)


@for_each("content", [b"", b"PK\x03\x04", b"text"])
def test_damaged_sample(tmp_path, content):
    path = tmp_path / "s.npz"
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"s\.npz: must be a sample file with name"):
        data.load_sample(path)


def test_sample_of_another_kind(tmp_path):
    path = tmp_path / "s.npz"
    floats = np.zeros((2, 3, 3))
    np.savez(path, name="mnist", train_x=floats, train_y=floats, test_x=floats, test_y=floats)
    with pytest.raises(InputError, match=r"must hold uint8 arrays of FashionMNIST|fashion-mnist"):
        data.load_sample(path)
