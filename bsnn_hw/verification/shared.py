"""A bundle's samples on many workers: the same comparisons, each worker some of the samples."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.cluster import Workers, in_order
from bsnn_hw.emission.design import Design
from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.scratch import scratch_root
from bsnn_hw.sim.native import NativeModel
from bsnn_hw.verification.native import Outcome, build_model, together, verify_native

__all__ = ["verify_shared"]

MOST, LEAST = 1000, 64  # inferences of a piece, where there are as many
EACH = 4  # pieces for every worker, so that all end at about the same time


@dataclass(frozen=True)
class _Piece:
    """Samples of a bundle, the first of which has a ``number``."""

    folder: Path
    model: NativeModel
    number: int
    inputs: np.ndarray


def verify_shared(workers: Workers, folder: Path, model: NativeModel, inputs: np.ndarray,
                  progress: Callable[[int], None] = lambda done: None) -> Outcome:
    """As `verify_native`, with each piece of ``inputs`` on one of the workers.

    model : the bundle's simulation; a worker that does not see its file compiles its own
    progress : called with the number of inferences done

    Raises
    ------
    MismatchError
        Names the first difference of all samples, as a single process would.
    """
    count = max(1, -(-len(inputs) // MOST),
                min(EACH * workers.count(), len(inputs) // LEAST))
    numbers = np.array_split(np.arange(len(inputs)), count)
    pieces = [_Piece(folder.resolve(), model, int(each[0]), inputs[each[0]:each[-1] + 1])
              for each in numbers]
    found: list[Outcome] = []
    for outcome in in_order(workers.executor, _verified, pieces):
        found.append(outcome)
        progress(sum(each.inferences for each in found))
    return together(found)


def _verified(piece: _Piece) -> Outcome:
    design, model = _ready(piece.folder, piece.model)
    return verify_native(design, model, piece.inputs, number=piece.number)


@functools.lru_cache(maxsize=2)
def _ready(folder: Path, model: NativeModel) -> tuple[Design, NativeModel]:
    """The bundle and its simulation, on this worker; a model's file is of one run only."""
    import torch

    torch.set_num_threads(1)  # there is a worker for every core
    design = open_bundle(folder)
    if not model.executable.exists():
        place = Path(tempfile.mkdtemp(dir=scratch_root()))
        model = build_model(design, place, optimize="-O2")
    return design, model
