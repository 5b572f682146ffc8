"""Small files that are made to hang, fill the memory or mislead: `generate` answers each with one
line, at once, and writes nothing."""

import io
import time
import zipfile
from pathlib import Path

import torch

from bsnn_hw import generate
from tests.for_each import for_each

EXAMPLE = Path(__file__).parents[1] / "examples" / "digits_fc.pt"


def endless_classes():
    shared = ["a", "b"]
    for _ in range(60):
        shared = [shared, shared]
    weight = torch.ones(2, 2)
    neuron = {"type": "if", "threshold": 1.0, "reset": "hard", "comparison": ">="}
    buffer = io.BytesIO()
    torch.save({"format": "bsnn-hw/model", "version": 1, "name": "dag", "timesteps": 1,
                "input": {"coding": "events", "shape": [2]}, "classes": shared,
                "layers": [{"name": "a", "type": "linear", "weight": weight, "neuron": neuron},
                           {"name": "fc", "type": "linear", "weight": weight,
                            "neuron": {"type": "readout"}}]}, buffer)
    return buffer.getvalue()


def flipped_bit():
    data = bytearray(EXAMPLE.read_bytes())
    with zipfile.ZipFile(EXAMPLE) as archive:
        start = max(record.header_offset for record in archive.infolist()
                    if record.file_size > 1000)
    data[start + 600] ^= 16
    return bytes(data)


def bomb():
    """Smaller than one that would fill the memory, and as good a test."""
    buffer = io.BytesIO(EXAMPLE.read_bytes())
    with zipfile.ZipFile(buffer, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/x", bytes(8 << 20))
    return buffer.getvalue()


def header(shape):
    return f"{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n".encode()


def npz(text):
    array = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("test_x.npy", array)
    return buffer.getvalue()


ONE = b"lanes = 1\nparallel = 1\n"
CASES = {
    "classes.pt": (endless_classes, "classes must be strings of 1 to 64 printable characters, not "
                                    "a list of 2 values, a list of 2 values"),
    "flipped.pt": (flipped_bit, "truncated, damaged or something else (Bad CRC-32 for file 'archi"),
    "bomb.pt": (bomb, "(record 'archive/data/x' is compressed); copy or write it again"),
    "token.npz": (lambda: npz(b"{'descr': '|u1', 'fortran_order': False, 'shape': (1, 64, \n"),
                  "must be an .npz file of samples, test_x: its header is damaged"),
    "overflow.npz": (lambda: npz(header((10**40, 64))), "test_x: its header is damaged"),
    "2TB.npz": (lambda: npz(header((2**35, 64))),
                "test_x: its header speaks of 2199023255552 bytes, and it holds 0"),
    "clock.toml": (lambda: b"target = 'ecp5-25k'\nclock = " + b"9" * 400,
                   "clock must be MHz above 0, not an integer of 1329 bits"),
    "engine.toml": (lambda: b"[layers.fc1]\n" + ONE + b"engine = [1]\n[layers.fc2]\n" + ONE
                    + b"[layers.readout]\n" + ONE,
                    "layer 'fc1': engine must be events or words or unrolled, not [1]"),
    "samples.npy": (lambda: b"", "it is one array: write numpy.savez("),
    "samples.csv": (lambda: b"", "it is text: read it with numpy.loadtxt("),
}
OPTIONS = {".pt": [], ".npz": ["--data"], ".npy": ["--data"], ".csv": ["--data"],
           ".toml": ["--plan"]}


@for_each("name", CASES)
def test_one_line(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    make, message = CASES[name]
    path = Path(name)
    path.write_bytes(make())
    option = OPTIONS[path.suffix]
    started = time.monotonic()
    assert generate.main([*([str(EXAMPLE), *option] if option else []), name]) == 1
    assert time.monotonic() - started < 60  # a hang, not a slow machine
    line = capsys.readouterr().err
    assert line.count("\n") == 1 and len(line) < 500
    assert message in line
    assert [path.name for path in tmp_path.iterdir()] == [name]
