"""Which runs the AGMM experiment has; `evidence.agmm_runs` makes them."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["CONTROLS", "GATED", "OPTIONS", "Run", "Size", "grid"]

DEPTHS = (3, 7, 11, 19)
OPTIMIZERS = ("sgd", "adam")
GATED = ("none", "agmm")
CONTROLS = ("scale-half", "constant", "rate-half")
# What the paper leaves open, each a gate of its own.
OPTIONS = ("sample", "sample-running", "batch-own", "channels", "before", "shared", "alpha-2",
           "alpha-free")


@dataclass(frozen=True)
class Run:
    """One training run.

    network : "bireal", "tdbn" or "vgg"; depth : layers with weights
    optimizer : of `OPTIMIZERS`; variant : of `GATED`, `CONTROLS` or `OPTIONS`; seed : int
    """

    network: str
    depth: int
    optimizer: str
    variant: str
    seed: int

    def __str__(self) -> str:
        return f"{self.network}-{self.depth} {self.optimizer} {self.variant} {self.seed}"


@dataclass(frozen=True)
class Size:
    """What all runs have in common: images of training and test, epochs, samples per step."""

    images: int = 20_000
    tests: int = 10_000
    epochs: int = 20
    batch: int = 128


def grid(seeds: int) -> list[Run]:
    """All runs, the most telling first: seed by seed, the deepest first."""
    runs = []
    parts: tuple[tuple[str, tuple[int, ...], tuple[str, ...]], ...] = (
        ("bireal", DEPTHS[::-1], GATED + CONTROLS), ("tdbn", (19,), GATED), ("vgg", (11,), GATED),
        ("bireal", (19, 11), OPTIONS))
    for name, depths, variants in parts:
        runs += [Run(name, depth, optimizer, variant, seed) for seed in range(seeds)
                 for depth in depths for variant in variants for optimizer in OPTIMIZERS]
    return runs
