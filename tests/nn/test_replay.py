"""Recorded steps; the graph of a GPU is played by a stand-in here."""

from contextlib import nullcontext

import torch

from bsnn_hw.nn.replay import Replayed, own_stream


def test_a_step_runs_three_times_is_recorded_and_replayed(monkeypatch):
    ran, replays = [], []

    class Graph:
        def replay(self):
            replays.append(given[0].clone())

    def step(values):
        ran.append(values.clone())
        given[:] = [values]
        return 2 * values

    given = []
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda *_, **__: nullcontext())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: None)
    replayed = Replayed(step)
    for number in range(5):
        result = replayed(torch.tensor([float(number)]))
        assert len(result) == 1
    assert [int(values) for values in ran] == [0, 1, 2, 3]
    # What a replay reads is what the call was given.
    assert [int(values) for values in replays] == [3, 4]


def test_a_cpu_needs_no_stream():
    with own_stream("cpu"):
        assert torch.ones(1).sum() == 1
