"""The file: round trip, same bytes, completely or not at all, and every damage one clear line."""

import io
import json
import os
import pickle
import random
import struct
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

from bsnn_hw.errors import InputError, ModelError, ToolError
from bsnn_hw.model import format as model_format
from bsnn_hw.model.format import describe, load, read, save
from bsnn_hw.model.real import run
from tests.for_each import for_each, quick

SUFFIXES = ["pt", "safetensors"]


def same(one, two):
    """Whether two models are equal in every number."""
    plain = [(m.name, m.timesteps, m.input, m.classes,
              [(layer.name, layer.neuron, layer.norm.eps) for layer in m.layers])
             for m in (one, two)]
    arrays = [[array for layer in m.layers
               for array in (layer.synapse.weight, layer.synapse.bias, layer.gate,
                             layer.norm.gamma, layer.norm.beta, layer.norm.mean, layer.norm.var)]
              for m in (one, two)]
    return plain[0] == plain[1] and all(map(np.array_equal, *arrays))


@for_each("suffix", SUFFIXES)
@for_each("coding", ["direct", "events"])
def test_round_trip(build_document, tmp_path, suffix, coding):
    document = build_document(coding=coding, recipe={"lr": 0.01, "log": [{"epoch": 1}], "a": None},
                              classes=["T-shirt/top", "Schuhe \u00e4", "c"])
    save(tmp_path / f"m.{suffix}", document)
    assert same(load(tmp_path / f"m.{suffix}"), describe(document))
    assert read(tmp_path / f"m.{suffix}")["recipe"] == {"lr": 0.01, "log": [{"epoch": 1}]}


@for_each("suffix", SUFFIXES)
def test_round_trip_of_maps_and_shortcuts(maps, tmp_path, suffix):
    """Shortcuts hold tensors of their own, deep in the document."""
    save(tmp_path / f"m.{suffix}", maps)
    found, wanted = load(tmp_path / f"m.{suffix}"), describe(maps)
    assert same(found, wanted)
    inputs = np.random.default_rng(0).integers(0, 16, (5, 36), dtype=np.uint8)
    assert np.array_equal(run(found, inputs).scores, run(wanted, inputs).scores)


@for_each("suffix", SUFFIXES)
def test_the_content_decides_not_the_name(document, tmp_path, suffix):
    save(tmp_path / f"m.{suffix}", document)
    os.rename(tmp_path / f"m.{suffix}", tmp_path / "model.bin")
    assert same(load(str(tmp_path / "model.bin")), describe(document))


@for_each("suffix", SUFFIXES)
def test_same_document_same_bytes(build_document, tmp_path, suffix):
    save(tmp_path / f"one.{suffix}", build_document(recipe={"b": "if", "a": "lif"}))
    recipe = {"a": "".join(["l", "if"]), "b": "".join(["i", "f"])}
    other = build_document(recipe=recipe, classes=None)
    other = dict(reversed(other.items()))
    big = torch.zeros(50, 6)
    big[:5] = other["layers"][0]["weight"]
    other["layers"][0]["weight"] = big[:5].requires_grad_()
    other["layers"] = tuple(other["layers"])
    save(tmp_path / f"two.{suffix}", other)
    one, two = (tmp_path / f"{name}.{suffix}" for name in ("one", "two"))
    assert one.read_bytes() == two.read_bytes()
    # What is read back, from either kind, has other objects for equal strings.
    for again in SUFFIXES:
        save(tmp_path / f"copy.{again}", read(one))
    assert (tmp_path / f"copy.{suffix}").read_bytes() == one.read_bytes()
    save(tmp_path / f"back.{suffix}", read(tmp_path / f"copy.{SUFFIXES[suffix == 'pt']}"))
    assert (tmp_path / f"back.{suffix}").read_bytes() == one.read_bytes()


def test_a_wrong_document_is_not_written(document, tmp_path):
    document["timesteps"] = 0
    (tmp_path / "m.pt").write_text("before")
    with pytest.raises(ModelError, match=r"m\.pt: model: timesteps must be"):
        save(tmp_path / "m.pt", document)
    assert (tmp_path / "m.pt").read_text() == "before"


def test_a_sample_gate_is_written_and_loaded_and_refused_in_the_readout(document, tmp_path):
    document["layers"][0]["gate"] = {"kind": "sample", "alpha": torch.ones(3)}
    save(tmp_path / "m.pt", document)
    first, second, _ = load(tmp_path / "m.pt").layers
    assert (first.own_gate, second.own_gate) == (True, False)
    document["layers"][2]["gate"] = {"kind": "sample", "alpha": torch.ones(3)}
    save(tmp_path / "m.pt", document)
    with pytest.raises(ModelError, match=r"m\.pt: layer 'fc3': gate\.kind 'sample' is refused"):
        load(tmp_path / "m.pt")


@for_each("name, message", [
    ("m.onnx", r"m\.onnx: the name must end with \.pt or \.safetensors, not '\.onnx'"),
    ("none/m.pt", r"m\.pt: the folder must exist and allow writing there; No such file"),
    ("folder.pt", r"folder\.pt: the folder must exist and allow writing there; Is a directory"),
])
def test_where_a_file_cannot_be_written(document, tmp_path, name, message):
    (tmp_path / "folder.pt").mkdir()
    with pytest.raises(InputError, match=message):
        save(tmp_path / name, document)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.pt"]


def test_an_interrupted_write_leaves_the_old_file(document, tmp_path, monkeypatch):
    (tmp_path / "m.pt").write_text("before")

    def fail(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(InputError, match="Permission denied"):
        save(tmp_path / "m.pt", document)
    assert [path.name for path in tmp_path.iterdir()] == ["m.pt"]
    assert (tmp_path / "m.pt").read_text() == "before"


class Bomb:
    """Would leave a file behind if it were ever executed."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return os.mkdir, (self.path,)


def _archive_of(pickled):
    """A torch archive around any pickle, with correct checksums."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", pickled)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    return buffer.getvalue()


def _refused(path, data, message):
    path.write_bytes(data)
    with pytest.raises(InputError) as caught:
        load(path)
    text = str(caught.value)
    assert caught.value.exit_code == 1 and "\n" not in text
    assert text.startswith(f"{path}: ") and message in text, text


def test_a_pickled_object_is_not_executed(document, tmp_path):
    document["recipe"] = Bomb(tmp_path / "executed")
    buffer = io.BytesIO()
    torch.save(document, buffer)
    message = "not a pickled object (posix.mkdir); nothing in it was executed"
    _refused(tmp_path / "m.pt", buffer.getvalue(), message)
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pt")
    _refused(tmp_path / "m.pt", (tmp_path / "module.pt").read_bytes(),
             "not a pickled object (torch.nn.modules.linear.Linear)")
    _refused(tmp_path / "m.pt", pickle.dumps(Bomb(tmp_path / "executed")),
             "not a bare pickle, which could run any code; nothing in it was executed")
    assert not (tmp_path / "executed").exists()


@for_each("data, message", [
    (b"", "must be a model file, not an empty one"),
    (b"hello, world", "must be a model file (a torch checkpoint or safetensors), and is neither"),
    (b"\x89PNG\r\n", "and is neither"),
    (b"\x80\x02}q\x00.", "not a bare pickle"),
    (b"PK\x03\x04", "must be a whole torch checkpoint, but is truncated, damaged"),
    (_archive_of(b""), "must be a whole torch checkpoint"),
    (_archive_of(b"\x80\x02\xff."), "must be a whole torch checkpoint"),
    (struct.pack("<Q", 2) + b"{}", "its metadata must have the key 'bsnn-hw'"),
    (struct.pack("<Q", 1 << 60) + b"{}", "must be a whole safetensors file, but is truncated"),
    (struct.pack("<Q", 9) + b"{}", "must be a whole safetensors file, but is truncated"),
])
def test_files_that_are_no_models(tmp_path, data, message):
    _refused(tmp_path / "m.pt", data, message)


def test_other_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "x", "w") as archive:
        archive.writestr("word/document.xml", "<x/>")
    _refused(tmp_path / "m.pt", (tmp_path / "x").read_bytes(), "must be a whole torch checkpoint")


def test_an_archive_of_something_else(tmp_path):
    torch.save(torch.nn.Linear(2, 2).state_dict(), tmp_path / "m.pt")
    with pytest.raises(ModelError, match=r"m\.pt: model: is a state_dict"):
        load(tmp_path / "m.pt")


def test_a_pickle_that_repeats_itself(tmp_path):
    """A tensor of 10^14 values that owns one, in a file of a kilobyte."""
    torch.save({"format": "bsnn-hw/model", "version": 1, "name": "x", "timesteps": 1,
                "input": {"coding": "events", "shape": [10**7]},
                "layers": [{"name": "a", "type": "linear", "neuron": {"type": "readout"},
                            "weight": torch.ones(1).expand(10**7, 10**7)}] * 2},
               tmp_path / "m.pt")
    with pytest.raises(ModelError, match="save a contiguous tensor"):
        load(tmp_path / "m.pt")


def test_missing_folder_device_and_permission(tmp_path, monkeypatch):
    with pytest.raises(InputError, match=r"none\.pt: must be an existing model file"):
        load(tmp_path / "none.pt")
    with pytest.raises(InputError, match="must be a file, not a folder or device"):
        load(tmp_path)
    with pytest.raises(InputError, match="must be a file, not a folder or device"):
        load("/dev/zero")
    with pytest.raises(InputError, match="must be readable; embedded null"):
        load("a\0b")

    def fail(_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(model_format.Path, "read_bytes", fail)
    with pytest.raises(InputError, match=r"m\.pt: must be readable; Permission denied"):
        load(tmp_path / "m.pt")


def _safetensors(document, tensors):
    from safetensors.torch import save as to_bytes

    return to_bytes(tensors, {"bsnn-hw": document})


@for_each("document, name, message", [
    ("{", "a", "must be a whole safetensors file, but is truncated"),
    ('{"a": 1, "a": 2}', "b", "a key stands twice in the document"),
    ("[" * 100_000, "a", "must be a whole safetensors file"),
    ('{"layers": []}', "layers.0.weight", "must have a free place in the document, and "
                                          "'layers.0.weight' has none"),
    ('{"layers": [{}]}', "layers.-1.weight", "'layers.-1.weight' has none"),
    ('{"layers": [{}]}', "layers.00000000001.weight", "has none"),
    ('{"name": "x"}', "name", "'name' has none"),
    ("[]", "x", "'x' has none"),
])
def test_safetensors_that_do_not_fit_together(tmp_path, document, name, message):
    _refused(tmp_path / "m.safetensors", _safetensors(document, {name: torch.ones(2)}), message)


def test_json_numbers_are_checked_like_any_other(document, tmp_path):
    text = json.dumps({"format": "bsnn-hw/model", "version": 1, "name": "x", "timesteps": 1e400,
                       "input": None, "layers": None})
    (tmp_path / "m.safetensors").write_bytes(_safetensors(text, {}))
    with pytest.raises(ModelError, match="timesteps must be an integer from 1 to 1024, not inf"):
        load(tmp_path / "m.safetensors")


def test_without_safetensors(document, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "safetensors.torch", None)
    monkeypatch.setitem(sys.modules, "safetensors", None)
    with pytest.raises(ToolError, match="pip install safetensors"):
        save(tmp_path / "m.safetensors", document)
    assert not list(tmp_path.iterdir())


@quick(4, wide=8)
@for_each("suffix", SUFFIXES)
@for_each("kind", ["cut", "flip", "noise", "splice"])
@for_each("seed", range(3))
def test_fuzz(build_document, tmp_path, suffix, kind, seed):
    """Any damage is a problem of the input or does not matter; never another exception."""
    chance = random.Random(f"{suffix} {kind} {seed}")
    save(tmp_path / f"m.{suffix}", build_document(sizes=(3, 2, 2), recipe={"a": [1.5, "x"]}))
    whole = (tmp_path / f"m.{suffix}").read_bytes()
    messages = []
    for _ in range(100):
        data = bytearray(whole)
        start = chance.randrange(len(data))
        if kind == "cut":
            del data[start:]
        elif kind == "flip":
            data[start] ^= 1 << chance.randrange(8)
        elif kind == "noise":
            data[start:start + 8] = chance.randbytes(chance.randrange(12))
        else:
            data[start:start] = data[chance.randrange(len(data)):][:chance.randrange(64)]
        (tmp_path / "damaged").write_bytes(data)
        try:
            load(tmp_path / "damaged")
            assert kind != "cut"
        except InputError as error:
            messages.append(str(error))
    assert all(messages)


@quick(1, wide=None)
@for_each("seed", range(3))
def test_fuzz_inside_the_archive(build_document, tmp_path, seed):
    """A damaged pickle whose checksum is right reaches the unpickler itself."""
    chance = random.Random(f"pickle {seed}")
    save(tmp_path / "m.pt", build_document(sizes=(3, 2, 2)))
    with zipfile.ZipFile(tmp_path / "m.pt") as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    messages = []
    for _ in range(150):
        pickled = bytearray(parts["archive/data.pkl"])
        for _ in range(chance.randrange(1, 4)):
            pickled[chance.randrange(len(pickled))] = chance.randrange(256)
        with zipfile.ZipFile(tmp_path / "damaged", "w") as archive:
            for name, part in parts.items():
                archive.writestr(name, pickled if name == "archive/data.pkl" else part)
        try:
            load(tmp_path / "damaged")
        except InputError as error:
            messages.append(str(error))
    assert all(messages)


def test_importing_is_light():
    code = ("import sys, bsnn_hw.model.format, bsnn_hw.model.real; "
            "sys.exit('torch' in sys.modules or 'safetensors' in sys.modules)")
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
