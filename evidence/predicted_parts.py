"""``python -m evidence.predicted_parts``: forecasts of each kind of layer, against what was placed.

Small networks of random weights on digits, one for each part of a network that the examples of
`evidence.predictions` do not have, on ECP5 and on iCE40.  Bounds and columns are those there, but
for the clock: it is the median of three seeds, as so small circuits scatter by a tenth, and may be
faster than its forecast by more than the bound, but not slower.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from dataclasses import replace
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError
from bsnn_hw.scratch import scratch_folder
from evidence.predictions import CELLS, CLOCK, CYCLES, Compared, compare, measured

__all__ = ["NETWORKS", "TARGETS", "document", "main", "right"]

TIMESTEPS, RATE = 4, 0.1  # share of the values that come in, as the norms take it
IMAGES, SEEDS = 256, (1, 2, 3)
TARGETS = (("ecp5-25k", "fps=50000"), ("ice40-hx8k", "smallest"))
NEURON = {"type": "lif", "leak": 0.5, "threshold": 1.0, "reset": "hard", "comparison": ">="}
VECTOR, MAP = [64], [1, 8, 8]

Layer = dict[str, Any]


def _dense(name: str, fan_in: int, neurons: int, bits: int = 1, **more: Any) -> Layer:
    return {"name": name, "type": "linear", "neuron": NEURON,
            **_weights((neurons, fan_in), bits)} | more


def _conv(name: str, channels: int, read: int, kernel: int, bits: int = 1, **more: Any) -> Layer:
    return {"name": name, "type": "conv2d", "neuron": NEURON, "padding": kernel // 2,
            **_weights((channels, read, kernel, kernel), bits)} | more


def _scores(fan_in: int, **more: Any) -> Layer:
    return _dense("out", fan_in, 10, neuron={"type": "readout"}, **more)


def _weights(shape: tuple[int, ...], bits: int) -> Layer:
    """Signs, or integers of ``bits``, and a norm with which a share of the neurons fires."""
    import numpy as np
    import torch

    rng = np.random.default_rng([*shape, bits])
    largest = (1 << bits - 1) - 1
    drawn = rng.choice([-1, 1], shape) if bits == 1 else rng.integers(-largest, largest + 1, shape)
    spread = float(np.square(drawn).mean() * np.prod(shape[1:]))
    # As trained ones are: no two channels have the same, or the circuit has constants for tables.
    gamma, beta, mean = (torch.from_numpy(rng.uniform(least, most, shape[0]).astype(np.float32))
                         for least, most in ((0.7, 1.4), (-0.2, 0.2), (-0.2, 0.2)))
    return {"weight": torch.from_numpy(drawn.astype(np.int8)), "weight_bits": bits,
            "norm": {"gamma": gamma, "beta": beta, "mean": mean * spread**0.5,
                     "var": torch.full((shape[0],), RATE * spread), "eps": 1e-5}}


def _back(neurons: int) -> Layer:
    return {"kind": "recurrent", **_weights((neurons, neurons), 1)}


def _sampled() -> Layer:
    import torch

    return {"kind": "sample", "alpha": torch.ones(TIMESTEPS)}


def _networks() -> dict[str, tuple[list[int], list[Layer]]]:
    second = NEURON | {"leak": 0.75, "current_leak": 0.5}
    return {
        "signs": (VECTOR, [_dense("a", 64, 32), _dense("b", 32, 32), _scores(32)]),
        "few-bit": (VECTOR, [_dense("a", 64, 32, bits=4), _dense("b", 32, 32, bits=2),
                             _scores(32)]),
        "recurrent": (VECTOR, [_dense("a", 64, 24, shortcuts=[_back(24)]), _scores(24)]),
        "second order": (VECTOR, [_dense("a", 64, 32, neuron=second), _scores(32)]),
        "SEW": (MAP, [_conv("a", 4, 1, 3, stride=2), _conv("b", 4, 4, 3),
                      _conv("c", 4, 4, 3, join={"kind": "add", "from": "a"}), _scores(64)]),
        "depthwise": (MAP, [_conv("a", 8, 1, 3, stride=2), _conv("b", 8, 1, 3, groups=8),
                            _conv("c", 8, 8, 1), _scores(128)]),
        "groups and dilation": (MAP, [_conv("a", 6, 1, 3, bits=3), _conv(
            "b", 12, 3, 3, groups=2, stride=2, dilation=2, padding=2), _scores(192)]),
        "gate of the sample": (VECTOR, [_dense("a", 64, 32, gate=_sampled()), _scores(32)]),
        "stateful": (VECTOR, [_dense("a", 64, 32), _dense("b", 32, 24), _scores(24)]),
        "pooled currents": (MAP, [_conv("a", 6, 1, 3, current_pool={"kind": "max", "size": 2}),
                                  _scores(96, pool={"kind": "max", "size": 1})]),
    }


NETWORKS = ("signs", "few-bit", "recurrent", "second order", "SEW", "depthwise",
            "groups and dilation", "gate of the sample", "stateful", "pooled currents")


def document(name: str) -> dict[str, Any]:
    """The model file's dictionary of one of `NETWORKS`."""
    shape, layers = _networks()[name]
    found = {"format": "bsnn-hw/model", "version": 1, "name": name.replace(" ", "_"),
             "timesteps": TIMESTEPS, "recipe": {"dataset": "digits"}, "layers": layers,
             "input": {"coding": "direct", "shape": shape, "bits": 4, "scale": 1 / 15,
                       "offset": 0.0}}
    return found | ({"stateful": True} if name == "stateful" else {})


def _measured(name: str, target: str, goal: str) -> list[Compared]:
    """The comparisons of a network on a part."""
    from bsnn_hw.devices.targets import find_target
    from bsnn_hw.model.format import save
    from bsnn_hw.pipeline import Request, build
    from bsnn_hw.planning.goal import parse_goal
    from bsnn_hw.synthesis.flow import Request as Synthesis
    from bsnn_hw.synthesis.flow import measure

    with scratch_folder() as scratch:
        model = scratch / "model.pt"
        save(model, document(name))
        built = build(Request(model, scratch / "bundle", target=target,
                              goal=parse_goal(goal), vectors=IMAGES))
        figures = measure(Synthesis(built.request.out, find_target(target), SEEDS))
        clock = statistics.median(each.megahertz for each in figures.placements)
        return list(compare(built.planned.plan, replace(measured(figures), megahertz=clock)))


def right(each: Compared) -> bool:
    """Within its bound, or a clock that is faster."""
    return each.right or (each.words == "MHz" and each.ratio < 1)


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table

    rows = [["network", "part", "goal", "resource", "forecast", "found", "ratio"]]
    wrong, count = [], 0
    for target, goal in TARGETS:
        for name in NETWORKS:
            if not target.startswith(options.target) or options.only not in name:
                continue
            count += 1
            for each in _measured(name, target, goal):
                rows.append([name, target, goal, each.words, f"{each.forecast:,.1f}",
                             f"{each.found:,.1f}", f"{each.ratio:.3f}"])
                wrong += [] if right(each) else [f"{name} on {target}: {each.words}"]
                print("  ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))
    if wrong:
        raise BsnnError(f"forecasts: must be within {CELLS:.0%} in logic cells, {CYCLES:.0%} in "
                        f"cycles, at most {CLOCK:.0%} above the clock and exact in the rest, but "
                        f"are not for {'; '.join(wrong)}")
    print(f"{count} plans as forecast")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.predicted_parts",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--target", metavar="PREFIX", default="", help="only parts that begin so")
    parser.add_argument("--only", metavar="WORD", default="",
                        help="only networks whose name has it")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
