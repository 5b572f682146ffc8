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


@for_each("shape", [(2, 3), ()])
def test_an_array_of_other_axes(tmp_path, shape):
    path = tmp_path / "events.npy"
    np.save(path, np.zeros(shape, EVENT))
    with pytest.raises(InputError, match=r"events.npy: must have one axis, of events, not the sha"):
        read(path)


def test_an_array_of_numbers_that_are_no_pixels(tmp_path):
    """Nothing wraps: what no sensor has is outside, and -1 is the polarity of darker."""
    path = tmp_path / "events.npy"
    array = np.zeros(6, [("x", "i8"), ("y", "u2"), ("t", "u8"), ("p", "i1")])
    array["x"], array["y"] = [5, 65_541, -65_531, -1, 7, 7], [0, 0, 0, 0, 65_535, 9]
    array["p"] = 1, -1, 0, 1, 1, -1
    np.save(path, array)
    assert [(x, y, bool(p)) for x, y, _, p in read(path)] == [
        (5, 0, True), (-1, 0, False), (-1, 0, False), (-1, 0, True), (7, -1, True), (7, 9, False)]
    array["t"] = 1 << 63
    np.save(path, array)
    with pytest.raises(InputError, match="must have microseconds of at most"):
        read(path)
    for field in ("x", "y", "t", "p"):
        np.save(path, array.astype([(name, "f4" if name == field else "i8") for name in "xytp"]))
        with pytest.raises(InputError, match=f"must have integers as {field}, .* not float32"):
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


def test_a_reader_that_aborts_takes_nothing_along(tmp_path, monkeypatch):
    """Compiled packages do on some damaged files, and others they end with what is no Exception."""
    (tmp_path / "faery.py").write_text(
        "import os, sys\nclass Panic(BaseException): pass\n"
        "def events_stream_from_file(path, **_):\n"
        "    print('thread panicked', flush=True); os.write(2, b'x' * (1 << 20))\n"
        "    raise Panic('out of range') if 'panic' in str(path) else os.abort()\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.syspath_prepend(str(tmp_path))
    for name, words in (("panic", "out of range"), ("abort", "what reads it ended with SIGABRT")):
        path = tmp_path / f"{name}.aedat4"
        path.write_bytes(b"#!AER-DAT4.0")
        with pytest.raises(InputError, match=f"{name}.aedat4: must be a whole recording; {words}"):
            Recording(path)


@pytest.mark.wide
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
