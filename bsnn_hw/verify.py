"""``python -m bsnn_hw.verify FOLDER``: show that a bundle's RTL computes what its network says."""

from __future__ import annotations

import argparse
import sys
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.callables import callable_as
from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError
from bsnn_hw.event_options import add_framing, framing_of

if TYPE_CHECKING:
    from bsnn_hw.cluster import Workers

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.verify", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, help="bundle written by python -m bsnn_hw.generate")
    add("--all", action="store_true",
        help="drive a whole data set through the Verilated model instead of running the bench; "
             "the bundle's own vectors where no data set is found")
    add("--edited", action="store_true",
        help="take a bundle whose files were edited as it is; the verdict names them")
    add("--model", type=Path, help="model file: with --all, compare with the real-valued network")
    add("--data", help="with --all: data set (digits, fashion-mnist, mnist, cifar-10, cifar-100) "
                       "or .npz file (default: what the model was trained on)")
    add("--data-dir", type=Path, help="folder of the data set's files or archive")
    add("--workers", type=int, metavar="N",
        help="with --all: share the samples among N processes of a Dask cluster on this machine "
             "(default: one process and no cluster)")
    add("--scheduler", metavar="ADDRESS",
        help="with --all: share them among the workers of a Dask scheduler, which see the folder")
    add("--events", type=Path, metavar="FILE",
        help="drive the Verilated model with a recording: .bin (N-MNIST), .aedat4, .raw (EVT2, "
             "EVT3), .es, .dat, or .npy of tonic")
    add_framing(parser)
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.verification.run import verify_all, verify_bench

    _check_workers(options)
    if options.events:
        from bsnn_hw.verification.recording import verify_events

        verify_events(options.folder, options.events, framing_of(options), edited=options.edited)
    elif options.all:
        with _workers(options) as workers:
            verify_all(options.folder, options.model, data=options.data,
                       data_dir=options.data_dir, edited=options.edited, workers=workers)
    else:
        verify_bench(options.folder, edited=options.edited)


def _check_workers(options: argparse.Namespace) -> None:
    for name in ("workers", "scheduler"):
        if getattr(options, name) is not None and (not options.all or options.events):
            raise InputError(f"`{name}`: must come with `all`, whose samples are shared")
    if options.workers is not None and options.workers < 1:
        raise InputError(f"`workers`: must be 1 or more, not {options.workers}")


def _workers(options: argparse.Namespace) -> AbstractContextManager[Workers | None]:
    """The cluster that is asked for, or none."""
    if options.workers is None and options.scheduler is None:
        return nullcontext()
    from bsnn_hw.cluster import dask_workers

    return dask_workers(options.workers or 1, options.scheduler)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
callable_as(__name__, "verify")
