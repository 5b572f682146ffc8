"""Archives: every record's checksum, and no more unpacked than there is room for."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bsnn_hw import archive
from bsnn_hw.archive import check_stored, read_records
from tests.for_each import for_each

RECORDS = {"a/x": b"one" * 100, "a/y": bytes(1000)}


def archive_of(records, method=zipfile.ZIP_STORED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as made:
        for name, data in records.items():
            made.writestr(name, data)
    return buffer.getvalue()


@for_each("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_records(method):
    assert read_records(archive_of(RECORDS, method)) == RECORDS


def test_stored_and_compressed():
    check_stored(archive_of(RECORDS))
    with pytest.raises(ValueError, match="record 'a/x' is compressed"):
        check_stored(archive_of(RECORDS, zipfile.ZIP_DEFLATED))


@for_each("read", [check_stored, read_records])
@for_each("seed", range(3))
def test_every_bit_of_a_record_counts(read, seed):
    whole, chance = archive_of(RECORDS), np.random.default_rng(seed)
    start = whole.index(b"oneone")
    for _ in range(50):
        data = bytearray(whole)
        data[start + chance.integers(300)] ^= 1 << chance.integers(8)
        with pytest.raises(ValueError, match="Bad CRC-32 for file 'a/x'"):
            read(bytes(data))


@for_each("read", [check_stored, read_records])
def test_a_directory_that_speaks_of_more_than_there_is(read):
    data = bytearray(archive_of({"x": b"12345678"}))
    entry = data.index(b"PK\x01\x02")
    data[entry + 20:entry + 28] = (1 << 30).to_bytes(4, "little") * 2
    with pytest.raises(ValueError, match="its directory speaks of 1073741824 bytes"):
        read(bytes(data))


def test_a_small_file_that_unpacks_to_a_large_one(monkeypatch):
    monkeypatch.setattr(archive, "MOST_BYTES", 1 << 20)
    data = archive_of({"x": bytes(2 << 20)}, zipfile.ZIP_DEFLATED)
    assert len(data) < 5000
    with pytest.raises(ValueError, match="speaks of 2097152 bytes, more than the 1048576"):
        read_records(data)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_records_of_one_name():
    data = archive_of({"x": b"1", "y": b"2"}).replace(b"y", b"x")
    with pytest.raises(ValueError, match="two records have one name"):
        check_stored(data)


def test_too_many_records(monkeypatch):
    monkeypatch.setattr(archive, "MOST_RECORDS", 1)
    with pytest.raises(ValueError, match="more than 1 records"):
        check_stored(archive_of(RECORDS))


@for_each("data", [b"", b"PK", b"PK\x05\x06" + bytes(17)])
def test_no_archive(data):
    with pytest.raises(ValueError, match="not a zip file"):
        read_records(data)


def test_a_password_and_an_unknown_method():
    for offset, value, message in ((8, 1, "encrypted"), (10, 99, "method")):
        data = bytearray(archive_of({"x": b"12345678"}))
        entry = data.index(b"PK\x01\x02")
        for place in (entry + offset, offset - 2):
            data[place:place + 2] = value.to_bytes(2, "little")
        with pytest.raises(ValueError, match=message):
            read_records(bytes(data))


def test_our_examples_are_read():
    for path in (Path(__file__).parents[1] / "examples").glob("*.pt"):
        check_stored(path.read_bytes())
