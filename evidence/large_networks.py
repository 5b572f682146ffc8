"""``python -m evidence.large_networks``: the literature's networks, from file to proof.

ResNet-19 with both kinds of joins and a VGG, of CIFAR's shape (3x32x32), with random weights and
calibrated BatchNorm: generated, linted, and one image through the Verilated model, every spike,
membrane potential and score equal to the reference's.
"""

from __future__ import annotations

import argparse
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from bsnn_hw.child import ask, serve
from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, InputError
from bsnn_hw.scratch import scratch_folder

__all__ = ["NETWORKS", "main", "write_model"]

NETWORKS = ("resnet19-tdbn", "resnet19-bireal", "vgg")
SHAPE = (3, 32, 32)
IMAGES = 16  # that BatchNorm is calibrated on
# Seconds of CPU and bytes to generate, seconds on the wall to lint, build and run the simulation.
MOST_SECONDS, MOST_BYTES, MOST_SIMULATION = 60.0, 4e9, 900.0


def write_model(name: str, path: Path, timesteps: int) -> None:
    """Write the model file of the network ``name``: random weights, statistics of smooth noise."""
    import torch
    from torch.nn import functional

    from bsnn_hw.nn.export import save_model
    from bsnn_hw.nn.zoo import calibrate, resnet19, vgg

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        kind, _, join = name.partition("-")
        network = vgg(timesteps=timesteps) if kind == "vgg" else resnet19(join, timesteps=timesteps)
        coarse = torch.rand(IMAGES, SHAPE[0], 8, 8)
        images = functional.interpolate(coarse, SHAPE[1:], mode="bilinear")
        calibrate(network, (images * 255).round() / 255)
    save_model(path, network, name=name, input={"shape": list(SHAPE), "bits": 8,
                                                "scale": 1 / 255, "offset": 0.0})


def _generate(name: str, folder: Path, timesteps: int) -> dict[str, Any]:
    """Time and memory of generating ``folder``/bundle, in a process of its own."""
    write_model(name, folder / "model.pt", timesteps)
    return ask("evidence.large_networks", str(folder.resolve()), f"{name}: generation",
               arguments=["--one"])


def _one(folder: str) -> dict[str, Any]:
    from evidence.generation import measure

    return measure(Path(folder) / "model.pt", Path(folder))


def _simulate(bundle: Path, folder: Path) -> tuple[list[float], float]:
    """Lint, build and run one image; returns the seconds of each and the image's cycles."""
    from bsnn_hw.emission.opened import open_bundle
    from bsnn_hw.emission.vectors import read_inputs
    from bsnn_hw.sim.lint import lint
    from bsnn_hw.verification.native import build_model, verify_native

    design = open_bundle(bundle)
    times = [time.monotonic()]
    warnings = lint(design.verilog.paths, design.verilog.top)
    if warnings:
        raise BsnnError(f"{design.verilog.top}: must be free of warnings, not {warnings[0]}")
    times.append(time.monotonic())
    model = build_model(design, folder)
    times.append(time.monotonic())
    outcome = verify_native(design, model, read_inputs(design, bundle / "vectors")[:1])
    times.append(time.monotonic())
    return [end - start for start, end in pairwise(times)], outcome.cycles


def _check(name: str, stages: list[float], peak: float, seconds: float) -> None:
    if stages[1] > MOST_SECONDS:
        raise BsnnError(f"{name}: must be generated in {MOST_SECONDS:g} s of CPU, "
                        f"not {stages[1]:.0f}")
    if peak > MOST_BYTES:
        raise BsnnError(f"{name}: must be generated in {MOST_BYTES / 1e9:g} GB, "
                        f"not {peak / 1e9:.1f}")
    if seconds > MOST_SIMULATION:
        raise BsnnError(f"{name}: must be linted and simulated in {MOST_SIMULATION:g} s, "
                        f"not {seconds:.0f}")


def _row(name: str, timesteps: int) -> list[str]:
    from bsnn_hw.ir.store import read

    with scratch_folder() as folder:
        found = _generate(name, folder, timesteps)
        seconds, cycles = _simulate(folder / "bundle", folder / "simulation")
        network = read(folder / "bundle" / "network.json")
    stages = found["stages"]["total"]
    _check(name, stages, found["peak"], sum(seconds))
    weights = sum(layer.synapse.weights.size for layer in network.layers)
    return [name, f"{weights:,}", f"{stages[0]:.0f} ({stages[1]:.0f})",
            f"{found['peak'] / 1e9:.1f}", *(f"{part:.0f}" for part in seconds), f"{cycles:,.0f}",
            "exact"]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table

    rows = [["network", "weights", "generated s (CPU)", "GB", "linted s", "built s", "run s",
             "cycles of an image", "simulated"]]
    unknown = sorted(set(options.networks) - set(NETWORKS))
    if unknown:
        raise InputError(f"networks: must be some of {', '.join(NETWORKS)}, not "
                         f"{', '.join(unknown)}")
    for name in options.networks or NETWORKS:
        rows.append(_row(name, options.timesteps))
        print(table([rows[0], rows[-1]]), flush=True)
    print(table(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.large_networks",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("networks", nargs="*", metavar="NETWORK",
                        help=f"which of {', '.join(NETWORKS)} (default: all)")
    parser.add_argument("--timesteps", type=int, default=2, help="T (default: 2)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        serve(_one, sys.argv[2:])
    else:
        sys.exit(main())
