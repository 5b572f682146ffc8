"""``python -m bsnn_hw.report FOLDER``: a bundle as one page, in which its circuit runs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError

__all__ = ["main"]

MOST_SAMPLES = 1000


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.report", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, help="bundle written by python -m bsnn_hw.generate")
    add("--out", type=Path, metavar="FILE.html",
        help="page to write (default: report/report.html in the bundle)")
    add("--model", type=Path, help="model file; samples and a training log are found beside it")
    add("--data", help="data set (digits, fashion-mnist, mnist, cifar-10, cifar-100) or .npz file "
                       "of the samples (default: what the model was trained on, else the "
                       "bundle's vectors)")
    add("--data-dir", type=Path, help="folder of the data set's files or archive")
    add("--samples", type=int, default=64, metavar="N",
        help=f"samples in the page, at most {MOST_SAMPLES} (default: 64)")
    add("--no-circuit", action="store_true", help="leave the running circuit out")
    add("--edited", action="store_true",
        help="take a bundle whose files were edited as it is")
    return parser


def _act(options: argparse.Namespace) -> None:
    if not 1 <= options.samples <= MOST_SAMPLES:
        raise InputError(f"--samples: must be 1..{MOST_SAMPLES}, not {options.samples}")

    from bsnn_hw.reporting.page import Request, write_page
    page = write_page(Request(options.folder, options.out, options.model, options.data,
                              options.data_dir, options.samples, not options.no_circuit,
                              options.edited))
    print(f"written   {page} ({page.stat().st_size / 1e6:.2f} MB)", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
