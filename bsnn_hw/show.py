"""``python -m bsnn_hw.show``: spikes, membranes, weights and training logs as pictures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError

if TYPE_CHECKING:
    from bsnn_hw.pictures.source import Request

__all__ = ["main"]

KINDS = ("spikes", "membranes", "weights")
FORMATS = ("png", "svg")
MOST_SAMPLES = 64


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.show", description=__doc__)
    add = parser.add_argument
    add("source", type=Path, nargs="?", metavar="SOURCE",
        help="bundle written by python -m bsnn_hw.generate, or a model file")
    add("--log", type=Path, nargs="+", default=[], metavar="LOG.jsonl",
        help="training logs, drawn side by side")
    add("--only", choices=KINDS, action="append",
        help="draw this alone; may be given again (default: all of SOURCE)")
    add("--samples", type=int, default=8, metavar="N",
        help=f"samples to show, one after the other, at most {MOST_SAMPLES} (default: 8)")
    add("--first", type=int, default=0, metavar="N", help="number of the first (default: 0)")
    add("--data", help="data set (digits, fashion-mnist, mnist, cifar-10, cifar-100) or .npz file "
                       "of the samples (default: what the model was trained on, else the "
                       "bundle's vectors)")
    add("--data-dir", type=Path, help="folder of the data set's files or archive")
    add("--out", type=Path, metavar="FOLDER",
        help="where pictures go (default: report/ in a bundle, else pictures/)")
    add("--format", choices=FORMATS, default="png", help="of the pictures (default: png)")
    add("--edited", action="store_true",
        help="take a bundle whose files were edited as it is")
    return parser


def _request(options: argparse.Namespace) -> Request:
    if options.source is None and not options.log:
        raise InputError("SOURCE: must be a bundle or a model file, or give --log LOG.jsonl; "
                         "neither was given")
    if not 1 <= options.samples <= MOST_SAMPLES:
        raise InputError(f"--samples: must be 1..{MOST_SAMPLES}, not {options.samples}")
    if options.first < 0:
        raise InputError(f"--first: must be 0 or more, not {options.first}")

    from bsnn_hw.pictures.source import Request
    return Request(options.source, tuple(options.log), tuple(options.only or KINDS),
                   options.samples, options.first, options.data, options.data_dir, options.out,
                   options.format, options.edited)


def _act(options: argparse.Namespace) -> None:
    request = _request(options)

    from bsnn_hw.pictures.source import write_pictures
    for words in write_pictures(request):
        print(words, flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
