"""``python -m bsnn_hw.events FILE ...``: recordings to a file of samples for ``--data``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError
from bsnn_hw.event_options import add_framing, framing_of

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.events", description=__doc__)
    add = parser.add_argument
    add("recordings", type=Path, nargs="+", metavar="FILE",
        help=".bin (N-MNIST), .aedat4, .raw (EVT2, EVT3), .es, .dat, or .npy of tonic")
    add("--model", type=Path, required=True, help="model file whose input the samples are for")
    add("--out", type=Path, required=True, metavar="FILE.npz", help="file to write")
    add_framing(parser)
    return parser


def _act(options: argparse.Namespace) -> None:
    import numpy as np

    from bsnn_hw.events.stimulus import sample_shape, stimulus
    from bsnn_hw.pipeline import load

    if options.out.suffix != ".npz":
        raise InputError(f"{options.out}: the name must end with .npz")
    framing, shape = framing_of(options), sample_shape(load(options.model))
    found = []
    for path in options.recordings:
        batches, tally = stimulus(path, framing, shape)
        found += list(batches)
        print(f"{path.name}: {tally}", flush=True)
    values = np.concatenate(found)
    np.savez_compressed(options.out, test_x=values)
    print(f"written   {options.out}: {len(values)} samples of {shape.timesteps} timesteps")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
