"""Files: whole or absent, and checkpoints that execute nothing."""

import pickle
from types import SimpleNamespace

import pytest
import torch

from bsnn_hw.errors import InputError
from bsnn_hw.nn.files import load_checkpoint, save_checkpoint, write_whole

STATE = {"recipe": {}, "epoch": 1, "network": {"w": torch.ones(2)}, "optimizer": {}, "history": []}


def test_checkpoint_survives(tmp_path):
    save_checkpoint(tmp_path / "deep" / "a.checkpoint", STATE)
    assert load_checkpoint(tmp_path / "deep" / "a.checkpoint")["network"]["w"].tolist() == [1, 1]
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["a.checkpoint"]


def test_a_failed_write_leaves_the_old_file_alone(tmp_path, monkeypatch):
    path = tmp_path / "a"
    path.write_bytes(b"old")

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.replace", fail)
    with pytest.raises(InputError, match="must be writable, No space left on device; choose"):
        write_whole(path, b"new")
    assert path.read_bytes() == b"old"
    assert [found.name for found in tmp_path.iterdir()] == ["a"]


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match=r"must be writable, .*; choose another `out`"):
        write_whole(tmp_path / "file" / "a", b"")


def saved(path, content):
    torch.save(content, path)
    return path


def test_files_that_are_no_checkpoints(tmp_path):
    path = tmp_path / "a"
    with pytest.raises(InputError, match=r"must be a readable checkpoint, No such file"):
        load_checkpoint(path)
    save_checkpoint(path, STATE)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match="must be a whole checkpoint of tensors and primitives"):
        load_checkpoint(path)
    with pytest.raises(InputError, match="must be a training checkpoint, not another file"):
        load_checkpoint(saved(path, {"format": "bsnn-hw/model"}))
    with pytest.raises(InputError, match="version 1 with all its keys, not version 2"):
        load_checkpoint(saved(path, {"format": "bsnn-hw/checkpoint", "version": 2}))
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(InputError, match="must be"):
        load_checkpoint(path)


def test_a_pickled_object_is_not_executed(tmp_path):
    with pytest.raises(InputError, match="must be a whole checkpoint of tensors and primitives"):
        load_checkpoint(saved(tmp_path / "a", SimpleNamespace(a=1)))
