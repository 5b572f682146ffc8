"""``python -m bsnn_hw.events FILE ...``: recordings, or a published set of them, to a file of
samples for ``--data`` and for training."""

from __future__ import annotations

import argparse
import secrets
import sys
from pathlib import Path
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError
from bsnn_hw.event_options import add_framing, framing_of

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.events", description=__doc__)
    add = parser.add_argument
    add("recordings", type=Path, nargs="+", metavar="FILE",
        help=".bin (N-MNIST), .aedat4, .raw (EVT2, EVT3), .es, .dat, or .npy of tonic; with --set "
             "the folder of the set")
    add("--model", type=Path, help="model file whose input the samples are for")
    add("--set", metavar="NAME", help="n-mnist, dvs-gesture or cifar10-dvs: all recordings of the "
        "set, as tonic puts them into a folder, with their labels, to train on; nothing is "
        "downloaded")
    add("--timesteps", type=int, metavar="T", help="with --set: timesteps of a sample, from the "
        "first event of its recording on")
    add("--bits", type=int, help="with --set: 1, whether a position had an event in a timestep, or "
        "up to 8, how many it had (1)")
    add("--out", type=Path, required=True, metavar="FILE.npz", help="file to write")
    add_framing(parser)
    return parser


def _act(options: argparse.Namespace) -> None:
    if options.out.suffix != ".npz":
        raise InputError(f"{options.out}: the name must end with .npz")
    if (options.model is None) == (options.set is None):
        raise InputError("`model` or `set`: one of both must be given, the network that the "
                         "samples are for or the set of recordings to train on")
    act = _frame_recordings if options.set is None else _frame_set
    act(options)


def _frame_recordings(options: argparse.Namespace) -> None:
    import numpy as np

    from bsnn_hw.events.stimulus import sample_shape, stimulus
    from bsnn_hw.pipeline import load

    for name in ("timesteps", "bits"):
        if getattr(options, name) is not None:
            raise InputError(f"`{name}`: must come with `set`; the model says it here")
    framing, shape = framing_of(options), sample_shape(load(options.model))
    found = []
    for path in options.recordings:
        batches, tally = stimulus(path, framing, shape)
        found += list(batches)
        print(f"{path.name}: {tally}", flush=True)
    values = np.concatenate(found)
    _write(options.out, test_x=values)
    print(f"written   {options.out}: {len(values)} samples of {shape.timesteps} timesteps")


def _frame_set(options: argparse.Namespace) -> None:
    from bsnn_hw.events.framing import Tally
    from bsnn_hw.events.sets import labelled_frames
    from bsnn_hw.progress import step

    if len(options.recordings) != 1:
        raise InputError(f"`set`: must come with one folder, not {len(options.recordings)} files")
    if options.timesteps is None:
        raise InputError("`timesteps`: must be given with `set`, how many a sample has")
    tally = Tally()
    with step(f"{options.set} read"):
        found = labelled_frames(options.set, options.recordings[0], framing_of(options),
                                options.timesteps, options.bits or 1, tally)
    print(f"{options.set}: {tally}, of which {tally.unused:,} are beyond {options.timesteps} of "
          "their recording")
    _write(options.out, **vars(found), coding="events")
    shape = " x ".join(map(str, found.train_x.shape[1:]))
    print(f"written   {options.out}: {len(found.train_x):,} samples to train on and "
          f"{len(found.test_x):,} to test with, each {shape}")


def _write(path: Path, **arrays: Any) -> None:
    """An .npz file that appears whole or not at all; compressed, if it can be read so."""
    import numpy as np

    from bsnn_hw.archive import MOST_BYTES
    from bsnn_hw.scratch import removed_after

    small = sum(np.asarray(values).nbytes for values in arrays.values()) < MOST_BYTES
    with removed_after(path.with_name(f".{path.name}.{secrets.token_hex(4)}")) as draft:
        with draft.open("wb") as file:
            (np.savez_compressed if small else np.savez)(file, **arrays)
        draft.replace(path)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
