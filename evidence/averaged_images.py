"""``python -m evidence.averaged_images``: a data set with its images made smaller, to train on.

Squares of N x N pixels become their mean, rounded, and of it the upper bits, in an .npz file that
``bsnn_hw.train`` and ``--data`` take.  A quarter of the pixels are a quarter of the events.
"""

from __future__ import annotations

import argparse
import io
import sys
from pathlib import Path

import numpy as np

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError

__all__ = ["averaged", "main"]

PIXEL_BITS = 8


def averaged(images: np.ndarray, side: int) -> np.ndarray:
    """Return the means of squares.

    Parameters
    ----------
    images : uint8 (samples, height, width)
    side : pixels of a square, a divisor of height and width

    Returns
    -------
    uint8 (samples, height / side, width / side); half is rounded up

    Raises
    ------
    InputError
        The squares leave a rest.
    """
    samples, height, width = images.shape
    if side < 1 or height % side or width % side:
        raise InputError(f"`by`: must divide {height} and {width}, not be {side}")
    squares = images.reshape(samples, height // side, side, width // side, side)
    sums = squares.sum(axis=(2, 4), dtype=np.int64)
    return ((2 * sums + side * side) // (2 * side * side)).astype(np.uint8)


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.averaged_images",
                                     description="Write a data set with smaller images.")
    parser.add_argument("source", help="fashion-mnist or mnist, or a sample file of it (.npz)")
    parser.add_argument("--by", type=int, default=2, help="pixels of a square's side (2)")
    parser.add_argument("--bits", type=int, default=4, help="kept of each mean, 1 to 8 (4)")
    parser.add_argument("--data-dir", type=Path, help="folder of the IDX files")
    parser.add_argument("--out", type=Path, required=True, help="the .npz file")
    return run_verb(parser, _act, arguments)


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.nn.data import load, load_sample
    from bsnn_hw.nn.files import write_whole

    if not 1 <= options.bits <= PIXEL_BITS:
        raise InputError(f"`bits`: must be 1 to {PIXEL_BITS}, not {options.bits}")
    is_sample = options.source.endswith(".npz")
    data = (load_sample(options.source, PIXEL_BITS) if is_sample
            else load(options.source, options.data_dir, PIXEL_BITS))
    train_x, test_x = (
        averaged(flat.reshape(-1, *data.shape), options.by) >> (PIXEL_BITS - options.bits)
        for flat in (data.train_x, data.test_x))
    file = io.BytesIO()
    np.savez_compressed(file, train_x=train_x, train_y=data.train_y, test_x=test_x,
                        test_y=data.test_y, classes=np.array(data.classes))
    write_whole(options.out, file.getvalue())
    print(f"written   {options.out}: {len(train_x):,} and {len(test_x):,} images of "
          f"{train_x.shape[1]} x {train_x.shape[2]}, {options.bits} bits")


if __name__ == "__main__":
    sys.exit(main())
