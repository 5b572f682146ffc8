"""``verify --events``: a recording through the RTL, and what does not fit together."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from bsnn_hw import pipeline, verify
from bsnn_hw.errors import InputError
from bsnn_hw.events.stimulus import sample_shape
from bsnn_hw.model.format import describe, save

NEURON = {"type": "lif", "leak": 0.75, "threshold": 2.0, "reset": "soft", "comparison": ">="}


def document(coding="events", timesteps=3):
    rng = np.random.default_rng(0)
    more = {"bits": 4, "scale": 1.0, "offset": 0.0} if coding == "direct" else {}
    return {
        "format": "bsnn-hw/model", "version": 1, "name": "eye", "timesteps": timesteps,
        "input": {"coding": coding, "shape": [2, 4, 6], **more},
        "layers": [{"name": "fc", "type": "linear", "neuron": NEURON,
                    "weight": torch.from_numpy(rng.normal(size=(8, 48)))},
                   {"name": "out", "type": "linear", "neuron": {"type": "readout"},
                    "weight": torch.from_numpy(rng.normal(size=(3, 8)))}]}


@pytest.fixture
def recording(tmp_path):
    """Two seconds of an N-MNIST file, whose 34 pixels a side are cropped to 24 x 16."""
    rng = np.random.default_rng(1)
    count = 3000
    x, y, p = rng.integers(0, 34, count), rng.integers(0, 34, count), rng.integers(0, 2, count)
    t = np.sort(rng.integers(0, 2_000_000, count))
    path = tmp_path / "digit.bin"
    path.write_bytes(np.stack([x, y, p << 7 | t >> 16, t >> 8 & 255, t & 255], axis=1)
                     .astype(np.uint8).tobytes())
    return path


@pytest.mark.slow
def test_a_recording_through_the_rtl(recording, tmp_path, capsys):
    lowered = pipeline.lower(describe(document()))
    pipeline.emit(lowered, pipeline.plan(lowered), tmp_path / "eye_hw")
    capsys.readouterr()
    said = ["--window", "10000", "--crop", "5,9,24,16", "--pool", "4"]
    assert verify.main([str(tmp_path / "eye_hw"), "--events", str(recording), "-v",
                        *said]) == 0
    shown = capsys.readouterr()
    assert "simulation compiled: " in shown.err
    assert "recording simulated and compared: " in shown.err
    lines = shown.out.splitlines()
    assert lines[0].startswith("events    3,000 events in 200 timesteps")
    assert lines[1].startswith("RTL       66 inferences: every spike, membrane potential and")
    assert lines[-1].startswith("verdict   exact")


_MEASURED = """
import resource, sys
from bsnn_hw import verify
code = verify.main(sys.argv[1:])
print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
sys.exit(code)
"""


@pytest.mark.slow
def test_a_million_events_take_no_more_memory_than_a_tenth(tmp_path):
    """Through a network that keeps its state; the peak of the whole process, in MiB."""
    lowered = pipeline.lower(describe(document() | {"stateful": True}))
    pipeline.emit(lowered, pipeline.plan(lowered), tmp_path / "eye_hw")
    rng, peaks = np.random.default_rng(2), []
    for count in (100_000, 1_000_000):
        found = np.zeros(count, [("x", "<i8"), ("y", "<i8"), ("t", "<i8"), ("p", "<i8")])
        found["x"], found["y"], found["p"] = rng.integers(0, (24, 16, 2), (count, 3)).T
        found["t"] = np.arange(count) * 8
        np.save(tmp_path / "many.npy", found)
        result = subprocess.run(
            [sys.executable, "-c", _MEASURED, str(tmp_path / "eye_hw"), "--events",
             str(tmp_path / "many.npy"), "--window", "1000", "--crop", "0,0,24,16", "--pool", "4"],
            capture_output=True, encoding="utf-8", check=True)
        assert "verdict   exact" in result.stdout
        peaks.append(int(result.stdout.split("peak ")[1]))
    assert peaks[1] < peaks[0] + 48, f"{peaks} MiB"


@pytest.mark.slow
def test_a_recording_is_one_stream_for_a_network_that_keeps_its_state(recording, tmp_path, capsys,
                                                                       monkeypatch):
    """Simulated eight windows at a time, and yet one run: not that of windows that start anew."""
    from bsnn_hw.events import framing, stimulus
    from bsnn_hw.reference.network import run

    kept = document() | {"stateful": True}
    kept["layers"][0]["neuron"] = NEURON | {"leak": 0.97}
    lowered = pipeline.lower(describe(kept))
    pipeline.emit(lowered, pipeline.plan(lowered), tmp_path / "eye_hw")
    monkeypatch.setattr(framing, "MOST_SAMPLES", 8)
    capsys.readouterr()
    said = ["--window", "10000", "--crop", "5,9,24,16", "--pool", "4"]
    assert verify.main([str(tmp_path / "eye_hw"), "--events", str(recording), *said]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("verdict   exact")
    batches, _ = stimulus.stimulus(recording, framing.Framing(
        window=10_000, crop=(5, 9, 24, 16), pool=(4, 4)), sample_shape(describe(kept)))
    whole = np.concatenate(list(batches))
    fired = run(lowered.network, whole).hidden[0].fired
    anew = run(lowered.network, whole, resets=np.ones(len(whole), bool)).hidden[0].fired
    assert (fired != anew).any()


def test_a_network_without_events_over_time():
    with pytest.raises(InputError, match="must take events over time"):
        sample_shape(describe(document("direct")))


def test_samples_in_a_file(recording, tmp_path, capsys):
    from bsnn_hw.events.__main__ import main

    model, out = tmp_path / "eye.pt", tmp_path / "samples.npz"
    save(model, document())
    said = ["--model", str(model), "--out", str(out), "--window", "10000"]
    assert main([str(recording), *said]) == 1
    error = capsys.readouterr().err
    assert "--crop: 34 x 34 pixels must become a map of 6 x 4" in error
    assert "crop to 14,15,6,4" in error
    assert main([str(recording), str(recording), *said, "--crop", "5,9,24,16", "--pool", "4"]) == 0
    assert np.load(out)["test_x"].shape == (132, 3, 48)
    assert main([str(recording), *said, "--crop", "1,2"]) == 1
    assert "--crop: must be four numbers" in capsys.readouterr().err
