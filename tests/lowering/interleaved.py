"""Random models whose groups of joined currents interleave: one begins before another ends."""

import numpy as np
import torch

from bsnn_hw.model.check import describe

__all__ = ["groups", "interleaved"]


def groups(rng, layers):
    """Which group each layer is in, two or three; no group is whole before another begins."""
    count = int(rng.integers(2, 4))
    rest = rng.permutation([*range(count), *rng.integers(0, count, layers - 2 * count)])
    return [*range(count), *map(int, rest)]


def interleaved(seed, size=3):
    """Events, five to eight hidden layers; each adds the current of the last of its group.

    All parameters are multiples of 1/4, so that integers lose nothing.
    """
    rng = np.random.default_rng(seed)
    latest: dict[int, str | None] = dict.fromkeys(range(3))
    timesteps, layers = int(rng.integers(1, 4)), []
    for number, group in enumerate(groups(rng, int(rng.integers(6, 9)))):
        last, latest[group] = latest[group], f"l{number}"
        norm = {"gamma": rng.choice([-1.0, 0.5, 1.0], size), "beta": rng.integers(-3, 4, size) / 4,
                "mean": np.zeros(size), "var": np.ones(size)}
        layers.append({
            "name": f"l{number}", "type": "linear",
            "weight": torch.from_numpy(rng.choice([-1.0, 1.0], (size, size))),
            "norm": {key: torch.from_numpy(value) for key, value in norm.items()} | {"eps": 0.0},
            "shortcuts": [{"kind": "current", "from": last}] if last else None,
            "neuron": {"type": "lif", "leak": float(rng.choice([0.5, 1.0])),
                       "threshold": float(rng.integers(1, 5)) / 4,
                       "reset": str(rng.choice(["hard", "soft"])),
                       "comparison": str(rng.choice([">", ">="]))}})
    layers.append({"name": "out", "type": "linear", "neuron": {"type": "readout"},
                   "weight": torch.from_numpy(rng.choice([-1.0, 1.0], (2, size)))})
    return describe({"format": "bsnn-hw/model", "version": 1, "name": "interleaved",
                     "timesteps": timesteps, "input": {"coding": "events", "shape": [size]},
                     "layers": layers})
