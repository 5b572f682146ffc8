"""``python -m evidence.sample_gates``: gates that each sample makes beside constant ones.

A fully connected and a convolutional network, each with either gate: trained on Fashion-MNIST, or
without its files on the 512 images in examples/; generated, and compared with the reference on 512
test images, spike by spike.  Costs are forecasts of the default plan (docs/training.md).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.scratch import scratch_folder

__all__ = ["main", "row"]

PART = "ecp5-85k"
SAMPLE = Path(__file__).parents[1] / "examples" / "fashion_mnist_sample.npz"
NETWORKS: dict[str, dict[str, Any]] = {
    "784-128-96-10": {"hidden": (128, 96), "epochs": 10},
    "5x5/2 16 - 3x3/2 32 - 64": {"network": "conv", "hidden": (16, 32, 64), "epochs": 4},
}
GATES = {"agmm": "constant", "agmm-sample": "of each sample"}
HEAD = ("network", "gate", "test accuracy", "in integers, of 512", "logic cells", "flip-flops",
        "block RAMs", "multipliers", "cycles", "exact in RTL")


def row(name: str, gate: str, folder: Path, data_dir: Path | None, epochs: int | None,
        images: int) -> list[str]:
    """What a table says of a network with a gate.

    Raises
    ------
    BsnnError
        It is not exact, or the data cannot be read.
    """
    import bsnn_hw
    from bsnn_hw.devices.chips import find_chip
    from bsnn_hw.devices.families import Cost
    from bsnn_hw.nn.data import load, load_sample
    from bsnn_hw.nn.export import save_trained
    from bsnn_hw.nn.recipe import default_recipe
    from bsnn_hw.nn.training import Trainer
    from bsnn_hw.planning.forecast import LayerCosts

    sample = load_sample(SAMPLE)
    changes = NETWORKS[name] | {"gate": gate, "validation": 0}
    recipe = default_recipe("fashion-mnist", **changes | ({"epochs": epochs} if epochs else {}))
    trainer = Trainer(recipe, load("fashion-mnist", data_dir) if data_dir else sample)
    while not trainer.finished:
        trainer.run_epoch()
    accuracy = trainer.test()["accuracy"]
    path = folder / f"{gate}.pt"
    save_trained(path, trainer, accuracy)
    built = bsnn_hw.generate(path, folder / f"{gate}_hw", data=str(SAMPLE))
    outcome = bsnn_hw.verify(folder / f"{gate}_hw", sample.test_x[:images])
    right = (outcome.classes == sample.test_y[:images]).mean()
    cost = sum(LayerCosts(built.design.network, find_chip(PART).family).of(built.design.schedule),
               Cost())
    return [name, GATES[gate], f"{accuracy:.2%}", f"{right:.2%}",
            *(f"{each:,.0f}" for each in cost.row),
            f"{outcome.cycles:,.1f}", f"{outcome.inferences}"]


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.text import table

    rows = [list(HEAD)]
    for name in NETWORKS:
        for gate in GATES:
            with scratch_folder() as folder:
                rows.append(row(name, gate, folder, options.data_dir, options.epochs,
                                options.images))
            print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    print(table(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.sample_gates",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--data-dir", type=Path, help="folder of Fashion-MNIST's files (default: "
                        "the 512 training images in examples/)")
    parser.add_argument("--epochs", type=int, help="(10 and 4)")
    parser.add_argument("--images", type=int, default=512, help="to compare (512)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
