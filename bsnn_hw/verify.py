"""``python -m bsnn_hw.verify FOLDER``: show that a bundle's RTL computes what its network says."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bsnn_hw.callables import callable_as
from bsnn_hw.command import run_verb
from bsnn_hw.event_options import add_framing, framing_of

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
    add("--data", help="with --all: data set (digits, fashion-mnist, mnist) or .npz file "
                       "(default: what the model was trained on)")
    add("--data-dir", type=Path, help="folder of the data set's IDX files")
    add("--events", type=Path, metavar="FILE",
        help="drive the Verilated model with a recording: .bin (N-MNIST), .aedat4, .raw (EVT2, "
             "EVT3), .es, .dat, or .npy of tonic")
    add_framing(parser)
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.verification.run import verify_all, verify_bench

    if options.events:
        from bsnn_hw.verification.recording import verify_events

        verify_events(options.folder, options.events, framing_of(options), edited=options.edited)
    elif options.all:
        verify_all(options.folder, options.model, data=options.data, data_dir=options.data_dir,
                   edited=options.edited)
    else:
        verify_bench(options.folder, edited=options.edited)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
callable_as(__name__, "verify")
