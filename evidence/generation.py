"""``python -m evidence.generation``: time and memory of each stage of generation.

For the example and for a random-weight 784-1024-1024-10 that is written on the fly. Each model
runs in a process of its own, so that the peak of memory is its own; imports come first and are
not counted.
"""

from __future__ import annotations

import argparse
import importlib
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsnn_hw.child import ask, serve
from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError
from bsnn_hw.scratch import scratch_folder

if TYPE_CHECKING:
    from bsnn_hw.pipeline import Built

__all__ = ["STAGES", "in_a_child", "large_document", "main", "measure"]

# Where each stage happens: module, function, stage.
_PIECES = (
    ("bsnn_hw.pipeline", "load", "load"),
    ("bsnn_hw.pipeline", "samples_of", "load"),
    ("bsnn_hw.pipeline", "lower", "lower"),
    ("bsnn_hw.pipeline", "_activity", "plan"),
    ("bsnn_hw.pipeline", "make_plan", "plan"),
    ("bsnn_hw.verilog.rtlil", "to_rtlil", "emit RTLIL"),
    ("bsnn_hw.emission.design", "to_verilog", "Verilog"),
    ("bsnn_hw.emission.bundle", "write_vectors", "vectors"),
)
STAGES = ("load", "lower", "plan", "emit RTLIL", "Verilog", "vectors", "summary")
LARGE = (784, 1024, 1024, 10)
# Model -> (seconds beyond imports, GB); the memory of the example is not bounded.
BOUNDS = {"example": (5.0, None), "large": (20.0, 2.0)}
VECTORS = 32


def large_document() -> dict[str, Any]:
    """A model file's dictionary of random weights: 784-1024-1024-10, T = 4, gates and norms."""
    from itertools import pairwise

    import torch

    generator = torch.Generator().manual_seed(0)
    layers: list[dict[str, Any]] = []
    for index, (fan_in, neurons) in enumerate(pairwise(LARGE)):
        spread = fan_in ** 0.5
        layers.append({
            "name": f"fc{index + 1}", "type": "linear",
            "weight": torch.randn(neurons, fan_in, generator=generator),
            "norm": {"gamma": torch.rand(neurons, generator=generator) + 0.5,
                     "beta": torch.randn(neurons, generator=generator) * 0.5,
                     "mean": torch.randn(neurons, generator=generator) * spread / 4,
                     "var": (torch.rand(neurons, generator=generator) + 0.5) * fan_in,
                     "eps": 1e-5},
            "gate": {"kind": "constant", "value": torch.rand(4, generator=generator) / 2 + 0.5},
            "neuron": {"type": "lif", "leak": 0.5, "threshold": 1.0, "reset": "hard",
                       "comparison": ">="},
        })
    layers[-1]["neuron"] = {"type": "readout"}
    return {"format": "bsnn-hw/model", "version": 1, "name": "large", "timesteps": 4,
            "input": {"coding": "direct", "shape": [LARGE[0]], "bits": 4, "scale": 1 / 15,
                      "offset": 0.0}, "layers": layers}


class _Clock:
    """Wall and CPU seconds of functions, by stage; their child processes included."""

    def __init__(self) -> None:
        self.spent: dict[str, list[float]] = {}

    def count(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, whose time counts for ``stage``."""
        def timed(*arguments, **options):
            wall, cpu = time.monotonic(), _cpu()
            try:
                return function(*arguments, **options)
            finally:
                spent = self.spent.setdefault(stage, [0.0, 0.0])
                spent[0] += time.monotonic() - wall
                spent[1] += _cpu() - cpu

        return timed


def _usages():
    return map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))


def _cpu():
    """CPU seconds of this process and of its children that have ended."""
    return sum(usage.ru_utime + usage.ru_stime for usage in _usages())


def measure(model_path: Path, folder: Path) -> dict[str, Any]:
    """Generate into ``folder`` as ``generate`` does, with a clock around each stage.

    Returns
    -------
    dict
        ``stages``: name to [wall, CPU] seconds, ``total`` among them; ``peak``: bytes, of this
        process and the largest of its children together; and what was made: ``neurons``,
        ``weights``, ``memory`` (bits), ``bundle`` (bytes), ``cycles`` (event bound per inference)
    """
    modules = {name: importlib.import_module(name) for name, _, _ in _PIECES}
    for name in ("bsnn_hw.hdl.network", "bsnn_hw.nn.data", "jinja2", "bsnn_hw.summary"):
        importlib.import_module(name)  # imports are not counted
    pipeline, summary = modules["bsnn_hw.pipeline"], sys.modules["bsnn_hw.summary"]
    clock = _Clock()
    for name, function, stage in _PIECES:
        setattr(modules[name], function, clock.count(stage, getattr(modules[name], function)))
    request = pipeline.Request(model_path, folder / "bundle", vectors=VECTORS)

    def generate():
        built = pipeline.build(request)
        clock.count("summary", summary.summary)(built, request.out)
        return built

    built = clock.count("total", generate)()
    # The unit of ru_maxrss is 1 KiB here, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return {"stages": clock.spent, "peak": sum(usage.ru_maxrss for usage in _usages()) * unit,
            **_made(built, request.out)}


def _made(built: Built, bundle: Path) -> dict[str, Any]:
    from bsnn_hw.planning.cycles import event_bound
    from bsnn_hw.planning.memory import layer_memories

    network, schedule = built.design.network, built.design.schedule
    return {
        "neurons": sum(layer.shape.size for layer in network.hidden),
        "weights": sum(layer.synapse.weights.size for layer in network.layers),
        "memory": sum(memory.bits for memory in layer_memories(built.design.layout)),
        "bundle": sum(path.stat().st_size for path in bundle.rglob("*") if path.is_file()),
        "cycles": event_bound(network, schedule, built.planned.activity),
    }


def in_a_child(model_path: Path) -> dict[str, Any]:
    """``measure`` in a process of its own."""
    return ask("evidence.generation", str(model_path.resolve()),
               f"{model_path}: generation", arguments=["--one"])


def _one(model_path: str) -> dict[str, Any]:
    with scratch_folder() as scratch:
        return measure(Path(model_path), scratch)


def _row(name: str, found: dict[str, Any]) -> list[str]:
    stages = found["stages"]
    cells = [f"{stages[stage][0]:.2f} ({stages[stage][1]:.2f})" for stage in (*STAGES, "total")]
    return [name, *cells, f"{found['peak'] / 1e6:,.0f} MB"]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.model.format import save
    from bsnn_hw.text import table

    with scratch_folder() as scratch:
        large = scratch / "large.pt"
        save(large, large_document())
        found = {"example": in_a_child(options.model), "large": in_a_child(large)}
    print("seconds beyond imports: on the wall (of CPU)")
    print(table([["model", *STAGES, "total", "peak memory"],
                 *(_row(name, facts) for name, facts in found.items())]))
    _check(found)


def _check(found: dict[str, dict[str, Any]]) -> None:
    for name, (seconds, gigabytes) in BOUNDS.items():
        cpu, peak = found[name]["stages"]["total"][1], found[name]["peak"]
        if cpu > seconds:
            raise BsnnError(f"{name}: must take at most {seconds:g} s beyond imports, "
                            f"not {cpu:.1f}")
        if gigabytes and peak > gigabytes * 1e9:
            raise BsnnError(f"{name}: must take at most {gigabytes:g} GB, not {peak / 1e9:.2f}")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.generation",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?",
                        default=Path("examples/fashion_mnist_fc.pt"),
                        help="the example (default: examples/fashion_mnist_fc.pt)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        serve(_one, sys.argv[2:])
    else:
        sys.exit(main())
