"""Recordings of each kind that can be written here or that a package ships."""

import os
from pathlib import Path

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.events import EVENT, Recording
from tests.for_each import for_each


def read(path):
    pieces = list(Recording(path).pieces())
    assert all(piece.dtype == EVENT for piece in pieces)
    return np.concatenate(pieces)


def nmnist(*rows):
    """Bytes of (x, y, t, p), as N-MNIST has them."""
    return b"".join(bytes([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255]) for x, y, t, p in rows)


def test_nmnist_bytes(tmp_path):
    path = tmp_path / "digit.bin"
    path.write_bytes(nmnist((10, 30, 937, 1), (33, 20, 70_000, 0)))
    assert read(path).tolist() == [(10, 30, 937, True), (33, 20, 70_000, False)]
    assert Recording(path).width == 34


def test_nmnist_time_that_ran_over(tmp_path):
    path = tmp_path / "long.bin"
    path.write_bytes(nmnist((1, 1, 8000, 1), (0, 240, 0, 0), (1, 1, 10, 1), (0, 240, 0, 0),
                            (1, 1, 10, 0)))
    assert read(path)["t"].tolist() == [8000, 10 + 8192, 10 + 2 * 8192]


def test_an_array_of_tonic(tmp_path):
    path = tmp_path / "events.npy"
    array = np.zeros(3, [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "bool")])
    array["t"] = 5, 6, 7
    np.save(path, array)
    assert read(path)["t"].tolist() == [5, 6, 7]
    np.save(path, np.zeros(3))
    with pytest.raises(InputError, match="structured array with the fields x, y, t and p"):
        read(path)


def test_what_is_no_recording(tmp_path):
    with pytest.raises(InputError, match="must be an existing recording"):
        Recording(tmp_path / "none.bin")
    (tmp_path / "film.mp4").write_bytes(b"x")
    with pytest.raises(InputError, match=r"must be a .bin, .aedat4, .* file, not .mp4"):
        Recording(tmp_path / "film.mp4")
    (tmp_path / "cut.bin").write_bytes(nmnist((1, 1, 1, 1))[:-1])
    with pytest.raises(InputError, match="ends in the middle"):
        read(tmp_path / "cut.bin")


def test_damaged_files_are_one_line(tmp_path):
    pytest.importorskip("faery")
    pytest.importorskip("expelliarmus")
    for suffix in ("aedat4", "raw", "es", "dat", "npy"):
        path = tmp_path / f"broken.{suffix}"
        path.write_bytes(np.random.default_rng(0).bytes(4096))
        with pytest.raises(InputError) as failure:
            read(path)
        assert "\n" not in str(failure.value) and str(path) in str(failure.value)


RECORDINGS = Path(os.environ.get("BSNN_RECORDINGS", "/nowhere"))


@for_each("name, count, package", [
    ("sample_nmnist.bin", 4_325, "numpy"), ("sample.aedat4", 111_954, "faery"),
    ("evt2.raw", 521_252, "faery"), ("evt3.raw", 1_218_618, "faery"),
    ("sample_ncars.dat", 2_009, "expelliarmus")])
def test_real_recordings(name, count, package):
    """Those that the source packages of tonic and faery ship; docs/events.md says how to get
    them."""
    pytest.importorskip(package)
    if not (RECORDINGS / name).is_file():
        pytest.skip("make recordings fetches them")
    events = read(RECORDINGS / name)
    assert len(events) == count
    assert (np.diff(events["t"]) >= 0).mean() > 0.99
