"""Samples of one's own: what a file must hold, and what it says of the recipe."""

import numpy as np
import pytest

from bsnn_hw import train
from bsnn_hw.errors import InputError
from bsnn_hw.model.format import load
from bsnn_hw.nn.own import load_own, own_changes
from tests.for_each import for_each


def arrays(shape=(4, 5), samples=(64, 16), most=3, **others):
    """Samples whose class is whether their first half is the brighter one."""
    generator = np.random.default_rng(0)
    found = {}
    for part, count in zip(("train", "test"), samples, strict=True):
        labels = generator.integers(0, 2, count)
        values = generator.integers(0, most + 1, (count, *shape)).reshape(count, -1)
        half = values.shape[1] // 2
        values[labels == 0, :half] = 0
        values[labels == 1, half:] = 0
        found |= {f"{part}_x": values.reshape(count, *shape), f"{part}_y": labels}
    return found | others


@pytest.fixture
def file(tmp_path):
    def write(**changed):
        kept = {key: value for key, value in (arrays() | changed).items() if value is not None}
        np.savez(tmp_path / "own.npz", **kept)
        return tmp_path / "own.npz"
    return write


def test_a_file(file):
    found = load_own(file(classes=np.array(["left", "right"])))
    assert (found.name, found.shape, found.bits, found.timesteps) == ("own.npz", (4, 5), 2, None)
    assert found.train_x.shape == (64, 20) and found.train_x.dtype == np.uint8
    assert found.classes == ("left", "right")
    assert own_changes(found, {}) == {"dataset": "own.npz", "bits": 2}


def test_frames_over_time(file):
    found = load_own(file(**arrays((3, 2, 4, 5), most=1), coding="events"))
    assert (found.shape, found.bits, found.timesteps) == ((2, 4, 5), 1, 3)
    assert found.test_x.shape == (16, 3, 40)
    assert own_changes(found, {"bits": 4}) == {"dataset": "own.npz", "bits": 4, "timesteps": 3,
                                               "coding": "events"}


@for_each("changed, message", [
    ({"train_y": None}, "must hold train_x, train_y, test_x, test_y, train_y missing of 3 arrays"),
    ({"coding": "rate"}, "coding must be 'direct' or 'events', not 'rate'"),
    ({"coding": "events", "train_x": np.zeros((4, 5), int)}, "shape .samples, timesteps, "),
    ({"train_x": np.zeros((64, 4, 5))}, "train_x must be integers of .*, not float64"),
    ({"train_x": np.full((64, 4, 5), 256)}, r"train_x must lie in 0..255, not 256..256"),
    ({"train_y": np.zeros(63, int)}, "train_y must be 64 integers, one per sample"),
    ({"train_y": np.full(64, -1)}, "train_y must be classes 0, 1, "),
    ({"test_x": np.zeros((16, 5, 5), int)}, "must have the same shape, not .4, 5. and .5, 5."),
    ({"classes": np.array(["one"])}, "classes must be 2 names or more"),
])
def test_other_files_are_refused(file, changed, message):
    with pytest.raises(InputError, match=message):
        load_own(file(**changed))


def test_no_file(tmp_path):
    with pytest.raises(InputError, match=r"must be an .npz file of samples, No such file"):
        load_own(tmp_path / "none.npz")


@for_each("changes, message", [
    ({"coding": "direct"}, "coding: must be events as own.npz has it, not direct"),
    ({"timesteps": 4}, "timesteps: must be 3 as own.npz has it, not 4"),
    ({"bits": 1}, "bits: must be 2 as own.npz has it, not 1"),
    ({"network": "conv"}, "network: must be fc or recurrent for samples that are no images"),
    ({"shift": 1}, "shift: must be 0 for samples that are no images, not 1"),
])
def test_options_do_not_contradict_the_file(file, changes, message):
    found = load_own(file(**arrays((3, 5)), coding="events"))
    with pytest.raises(InputError, match=message):
        own_changes(found, changes)


@pytest.mark.wide
@for_each("shape, coding, options", [
    ((20,), "direct", []), ((4, 5), "direct", ["--coding", "events", "--flips"]),
    ((3, 20), "events", []), ((3, 2, 8, 8), "events", ["--shift", "1", "--flips"])])
def test_training_on_a_file(file, tmp_path, capsys, shape, coding, options):
    path, out = file(**arrays(shape, coding=coding)), tmp_path / "m.pt"
    assert train.main([str(path), "--hidden", "8", "--epochs", "2", "--batch", "16", *options,
                       "--out", str(out)]) == 0
    model = load(out)
    if coding == "events":
        assert (model.timesteps, model.input.bits, model.input.scale) == (3, 2, 1 / 3)
    capsys.readouterr()
    assert train.main([str(path), "--hidden", "8", "--out", str(out)]) == 1
    assert "must not exist yet" in capsys.readouterr().err


def test_resumed_with_the_file(file, tmp_path, capsys):
    path, out = file(**arrays((3, 20)), coding="events"), tmp_path / "m.pt"
    assert train.main([str(path), "--hidden", "8", "--epochs", "2", "--batch", "16", "--weights",
                       "real", "--out", str(out)]) == 0
    resume = ["--resume", str(tmp_path / "m.checkpoint")]
    assert train.main(resume) == 1
    assert "give the path of own.npz" in capsys.readouterr().err
    assert train.main([str(path), *resume]) == 0
    file(**arrays((4, 20)), coding="events")
    assert train.main([str(path), *resume]) == 1
    assert "timesteps: must be 4 as own.npz has it, not 3" in capsys.readouterr().err
