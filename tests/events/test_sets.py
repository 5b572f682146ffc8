"""Published sets of recordings: made ones of the same form, framed, trained on, and in RTL."""

import re

import numpy as np
import pytest

from bsnn_hw import pipeline, train
from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.errors import InputError
from bsnn_hw.events import Framing, Tally, labelled_frames
from bsnn_hw.events.__main__ import main
from bsnn_hw.verification.native import build_model, verify_native
from tests.events.made_sets import FOLDERS, SIDES, write_set
from tests.for_each import for_each


def made(name, folder):
    if name == "cifar10-dvs":
        pytest.importorskip("faery")
    return write_set(name, folder)


def counted(events, side, window, timesteps, pool):
    """Frames (T, 2, side / pool, side / pool) of counts, one event after the other."""
    frames = np.zeros((timesteps, 2, side // pool, side // pool), int)
    for x, y, t, p in events:
        step = (t - events["t"][0]) // window
        if step < timesteps:
            frames[step, int(p), y // pool, x // pool] += 1
    return frames


@for_each("name", FOLDERS)
@for_each("bits", [1, 4])
def test_every_recording_is_a_sample(tmp_path, name, bits):
    parts = made(name, tmp_path)
    tally = Tally()
    found = labelled_frames(name, tmp_path, Framing(window=20_000, pool=(2, 2)), 4, bits, tally)
    for values, labels, clips in ((found.train_x, found.train_y, parts[0]),
                                  (found.test_x, found.test_y, parts[1])):
        assert labels.tolist() == [label for _, label in clips]
        expected = np.stack([counted(events, SIDES[name], 20_000, 4, 2) for events, _ in clips])
        np.testing.assert_array_equal(values, np.minimum(expected, (1 << bits) - 1))
    clips = len(parts[0]) + len(parts[1])
    assert tally.events == 400 * clips
    assert 0 < tally.unused <= clips  # the fifth timestep of recordings of 100 ms
    assert len(found.classes) == (11 if name == "dvs-gesture" else 10)


@for_each("name", FOLDERS)
def test_the_folder_itself_will_do(tmp_path, name):
    made(name, tmp_path)
    framing = Framing(per_step=100, polarity="merge", crop=(1, 3, 32, 28), pool=(4, 8))
    outer, inner = (labelled_frames(name, folder, framing, 2, 8)
                    for folder in (tmp_path, tmp_path / FOLDERS[name]))
    np.testing.assert_array_equal(outer.train_x, inner.train_x)
    assert outer.train_x.shape[1:] == (2, 1, 7, 4)


@pytest.mark.wide
def test_cifar10_dvs_tests_with_the_last_tenth(tmp_path):
    pytest.importorskip("faery")
    write_set("cifar10-dvs", tmp_path, each=(20, 1))
    found = labelled_frames("cifar10-dvs", tmp_path, Framing(window=50_000, pool=(32, 32)), 1, 1)
    assert found.train_y.tolist() == [*range(10)] * 19
    assert found.test_y.tolist() == [*range(10)] * 2


@pytest.mark.wide
@for_each("name", FOLDERS)
def test_tonic_reads_the_same(tmp_path, monkeypatch, name):
    """The made sets are of tonic's form, and its frames are ours."""
    datasets = pytest.importorskip("tonic.datasets")
    transforms = pytest.importorskip("tonic.transforms")
    if name == "cifar10-dvs":
        pytest.importorskip("aedat")
    made(name, tmp_path)
    kind = getattr(datasets, FOLDERS[name])
    monkeypatch.setattr(kind, "_check_exists", lambda self: True)  # it wants thousands of files
    split = {} if name == "cifar10-dvs" else {"train": True}
    theirs = kind(str(tmp_path), **split,
                  transform=transforms.ToFrame(sensor_size=kind.sensor_size, time_window=20_000))
    ours = labelled_frames(name, tmp_path, Framing(window=20_000), 4, 8)
    mine = sorted((int(label), values.tobytes()) for values, label in
                  [*zip(ours.train_x, ours.train_y, strict=True),
                   *(zip(ours.test_x, ours.test_y, strict=True) if not split else ())])
    assert mine == sorted((int(label), np.asarray(frames[:4]).astype(np.uint8).tobytes())
                          for frames, label in theirs)


@for_each("name", FOLDERS)
def test_a_set_that_is_not_there(tmp_path, name):
    with pytest.raises(InputError) as failure:
        labelled_frames(name, tmp_path, Framing(window=1000), 1, 1)
    message = str(failure.value)
    assert f"must be in {tmp_path} or {tmp_path / FOLDERS[name]}, and are not; " in message
    assert f"tonic.datasets.{FOLDERS[name]}({str(tmp_path)!r}) downloads and unpacks" in message
    assert "\n" not in message


@for_each("change, message", [
    ({"name": "asl-dvs"}, "`set`: must be one of n-mnist, dvs-gesture, cifar10-dvs, not 'asl-dvs'"),
    ({"timesteps": 0}, "`timesteps`: must be 1 or more, not 0"),
    ({"bits": 9}, "`bits`: must be 1 to 8, not 9"),
    ({"framing": Framing(window=1000, pool=(5, 3))},
     "`pool`: windows of 5,3 must divide 34 x 34 pixels; crop to 0,0,33,30"),
])
def test_what_cannot_be(tmp_path, change, message):
    write_set("n-mnist", tmp_path)
    given = {"name": "n-mnist", "folder": tmp_path, "framing": Framing(window=1000), "timesteps": 2,
             "bits": 1} | change
    with pytest.raises(InputError, match=message):
        labelled_frames(**given)


def test_damaged_recordings_are_named(tmp_path):
    write_set("dvs-gesture", tmp_path)
    path = tmp_path / "DVSGesture" / "ibmGestureTrain" / "user00_led" / "1.npy"
    for content, message in ((b"no array", "must be a whole recording"),
                             (np.zeros((0, 4)), "must have rows of x, y, p and t, not the shape"),
                             (np.zeros((3, 5)), "must have rows of x, y, p and t, not the shape")):
        if isinstance(content, bytes):
            path.write_bytes(content)
        else:
            np.save(path, content)
        with pytest.raises(InputError, match=message) as failure:
            labelled_frames("dvs-gesture", tmp_path, Framing(window=1000), 2, 1)
        assert str(path) in str(failure.value)
    for path in (tmp_path / "DVSGesture" / "ibmGestureTest").glob("*/*.npy"):
        path.unlink()
    with pytest.raises(InputError, match=r"to train on and to test with, .* has 12 and 0"):
        labelled_frames("dvs-gesture", tmp_path, Framing(window=1000), 2, 1)


@for_each("arguments, message", [
    (["--set", "n-mnist", "--window", "9"], "--timesteps: must be given with --set"),
    (["--window", "9"], "--model or --set: one of both must be given"),
    (["b", "--set", "n-mnist", "--timesteps", "2", "--window", "9"], "one folder, not 2 files"),
    (["--set", "n-mnist", "--timesteps", "2"], "--window or --per-step: one of both"),
    (["--model", "m.pt", "--bits", "2", "--window", "9"], "--bits: must come with --set"),
])
def test_mistakes_on_the_command_line(tmp_path, capsys, arguments, message):
    out = tmp_path / "a.npz"
    assert main([str(tmp_path), *arguments, "--out", str(out)]) == 1
    assert message in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.wide
@for_each("bits, network", [("1", ["fc", "--hidden", "12,8"]), ("3", ["conv", "--hidden", "4,6"])])
def test_a_set_becomes_a_circuit(tmp_path, capsys, bits, network):
    """Recordings to frames, to a trained network, to Verilog that computes what it computes."""
    write_set("n-mnist", tmp_path, each=(30, 5))
    samples, model = tmp_path / "digits.npz", tmp_path / "m.pt"
    assert main([str(tmp_path), "--set", "n-mnist", "--timesteps", "3", "--window", "30000",
                 "--crop", "1,1,32,32", "--pool", "4", "--bits", bits, "--out", str(samples)]) == 0
    assert "90 samples to train on and 15 to test with, each 3 x 2 x 8 x 8" in (
        capsys.readouterr().out)
    assert train.main([str(samples), "--network", *network, "--epochs", "8", "--batch", "16",
                       "--out", str(model)]) == 0
    shown = capsys.readouterr().out
    assert "digits.npz " in shown and float(re.search(r"test ([\d.]+)%", shown)[1]) > 60
    loaded = pipeline.load(model)
    assert (loaded.input.bits, loaded.timesteps) == (int(bits), 3)
    lowered = pipeline.lower(loaded, pipeline.samples_of(loaded, data=str(samples)))
    (tmp_path / "rtl").mkdir()
    design = emit_verilog(lowered.network, pipeline.plan(lowered).schedule, tmp_path / "rtl")
    simulation = build_model(design, tmp_path / "build", optimize="-O0")
    inputs = pipeline.samples_of(loaded, data=str(samples)).test
    assert verify_native(design, simulation, inputs).inferences == 15
