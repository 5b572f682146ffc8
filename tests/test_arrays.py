"""Files of arrays: what numpy reads, read alike; headers that lie, refused before there is room
made for what they say."""

import io
import threading
import time
import zipfile

import numpy as np
import pytest

from bsnn_hw import arrays
from bsnn_hw.arrays import read_npy, read_npz
from tests.for_each import for_each

GOOD = [np.arange(6).reshape(2, 3), np.zeros((0, 4)), np.array("name"), np.array(""), np.array(3),
        np.asfortranarray(np.arange(12.0).reshape(3, 4)), np.array([True, False]),
        np.zeros((0, 10**9), np.uint8), np.arange(4, dtype=">u2")]


@for_each("array", GOOD)
def test_as_numpy_reads_them(tmp_path, array):
    np.save(tmp_path / "a.npy", array)
    np.savez_compressed(tmp_path / "a.npz", one=array, two=array)
    found, names = read_npz(tmp_path / "a.npz", ("one", "three"))
    assert list(found) == ["one"] and names == ("one", "two")
    for got in (read_npy(tmp_path / "a.npy"), found["one"]):
        assert (got.shape, got.dtype) == (array.shape, array.dtype)
        assert np.array_equal(got, array)


def test_one_thread_at_a_time_parses(tmp_path, monkeypatch):
    """Of several one sometimes fails on Python 3.11, and the file would be called damaged."""
    np.save(tmp_path / "a.npy", GOOD[0])
    reader, inside, most = arrays._READERS[1, 0], [], []

    def slow(*given, **options):
        inside.append(1)
        most.append(len(inside))
        time.sleep(0.01)
        inside.pop()
        return reader(*given, **options)

    monkeypatch.setitem(arrays._READERS, (1, 0), slow)
    threads = [threading.Thread(target=read_npy, args=(tmp_path / "a.npy",)) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert most == [1] * 4


def with_header(header, body=b""):
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


def header_of(shape, descr="|u1"):
    return f"{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}\n".encode()


BAD = {
    "token": (b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 64, \n", "is damaged"),
    "overflow": (header_of((10**40, 64)), "is damaged"),
    "2 TB": (header_of((2**41 // 64, 64)), f"speaks of {2**41} bytes, and it holds 0"),
    "2**70": (header_of((2**40, 2**30)), r"speaks of 2\*\*63 and more bytes, and it holds 0"),
    "negative": (header_of((-1, 64)), "is damaged"),
    "nothing": (b"", "is damaged"),
    "deep": (b"[" * 9000, "is damaged"),
    "long": (b" " * 20000, "is damaged"),
    "many sides": (header_of((1,) * 40), "is damaged"),
    "objects": (header_of((1,), "|O"), "must hold numbers, not object"),
    "complex": (header_of((1,), "<c16"), "must hold numbers, not complex128"),
    "no type": (header_of((1,), "nothing"), "is damaged"),
}


@for_each("case", BAD)
def test_headers_that_lie(tmp_path, case):
    header, message = BAD[case]
    (tmp_path / "a.npy").write_bytes(with_header(header))
    with pytest.raises(ValueError, match=message):
        read_npy(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", with_header(header))
    with pytest.raises(ValueError, match=f"^x: .*{message}"):
        read_npz(tmp_path / "a.npz", ("x",))


def test_every_cut(tmp_path):
    buffer = io.BytesIO()
    np.save(buffer, np.arange(20, dtype=np.uint8))
    for end in range(len(buffer.getvalue())):
        (tmp_path / "a.npy").write_bytes(buffer.getvalue()[:end])
        with pytest.raises(ValueError, match="header"):
            read_npy(tmp_path / "a.npy")
