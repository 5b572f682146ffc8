"""``python -m evidence.serial_damage``: a virtual board behind a line that damages its bytes.

512 Fashion-MNIST images from the driver to a pseudo-terminal, as bits to the pin of the emitted
Verilog, and back.  On the way 1 % of the bytes are lost, have a bit turned over, or come twice,
both ways.  Every score must be the reference's, and every damaged frame must have been counted by
the side to which it came.  ``--client c``: the same by the bundle's C driver.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb

if TYPE_CHECKING:
    from bsnn_hw.driver import Device
    from bsnn_hw.driver.facts import BoardFacts
    from bsnn_hw.driver.lines import Line
    from evidence.c_client import CDevice

__all__ = ["Damaged", "main", "measure"]

ROOT = Path(__file__).parents[1]
FAULTS = ("lost", "turned over", "doubled")


class Damaged:
    """A line, a share of whose bytes is damaged both ways.

    chance : of each byte; faults : Counter of what was done to bytes; bytes : that were to pass
    to_board : Decoder of what the board hears, whose verdicts its own must equal
    """

    def __init__(self, line: Line, chance: float, seed: int):
        import numpy as np

        from bsnn_hw.link.frames import Decoder

        self._line, self.chance = line, chance
        self._random = np.random.default_rng(seed)
        self.faults: Counter[str] = Counter()
        self.bytes = 0
        self.to_board = Decoder()

    def _damage(self, data: bytes) -> bytes:
        self.bytes += len(data)
        kept = bytearray()
        for byte in data:
            fault = ""
            if self._random.random() < self.chance:
                fault = FAULTS[self._random.integers(len(FAULTS))]
                self.faults[fault] += 1
            if fault == "turned over":
                byte ^= 1 << int(self._random.integers(8))
            kept += bytes([byte]) * {"lost": 0, "doubled": 2}.get(fault, 1)
        return bytes(kept)

    def write(self, data: bytes) -> None:
        """Send what is left of ``data``."""
        heard = self._damage(data)
        for _ in self.to_board.feed(heard):
            pass
        self._line.write(heard)

    def read(self, seconds: float) -> bytes:
        """What is left of what has come."""
        return self._damage(self._line.read(seconds))

    def close(self) -> None:
        """Give the line back."""
        self._line.close()


def measure(model: Path, count: int, chance: float, seed: int, folder: Path,
            client: str = "python") -> list[str]:
    """Make the board of ``model`` in ``folder`` and classify ``count`` images; lines about it.

    client : "python" or "c", whose driver

    Raises
    ------
    MismatchError
        A score is not the reference's, or a damaged frame was not counted.
    """
    import numpy as np

    from bsnn_hw import emit, load, lower, plan
    from bsnn_hw.boards.core import write_core
    from bsnn_hw.driver.lines import open_line
    from bsnn_hw.errors import MismatchError
    from bsnn_hw.reference.network import run

    lowered = lower(load(model))
    design = emit(lowered, plan(lowered, port="bytes"), folder / "bundle", vectors=1, port="bytes")
    _, facts = write_core(folder / "bundle", folder / "board", clock=12, baud=3_000_000)
    assert lowered.calibration is not None  # an example has samples
    images = lowered.calibration[:count]
    wanted = run(design.network, images, potentials=False).scores
    line = Damaged(open_line(f"virtual:{folder / 'board'}"), chance, seed)
    with _device(client, line, facts, folder) as device:
        started = time.monotonic()
        found = device.scores(images)
        took = time.monotonic() - started
        line.chance = 0.0  # one more, after which the board's count is of all that came before
        again = device.scores(images[:1])
    seen, heard = device.statistics, device.damaged_frames
    found, wanted = np.concatenate([found, again]), np.concatenate([wanted, wanted[:1]])
    wrong = np.flatnonzero((found != wanted).any(axis=1))
    if wrong.size:
        raise MismatchError(f"seed {seed}, image {wrong[0]}: board {found[wrong[0]].tolist()}, "
                            f"reference {wanted[wrong[0]].tolist()}")
    if heard != line.to_board.bad:
        raise MismatchError(f"seed {seed}: the board must count {line.to_board.bad} damaged "
                            f"frames, and counts {heard}")
    return [
        f"images    {len(images)} of {facts.shape.sample} bytes, every score the reference's, "
        f"{took:.1f} s",
        f"damage    {sum(line.faults.values()):,} of {line.bytes:,} bytes: "
        + ", ".join(f"{line.faults[fault]:,} {fault}" for fault in FAULTS),
        f"frames    {seen.frames:,} sent, {heard:,} of them came damaged, as many as the board "
        f"counts; {seen.damaged_in:,} damaged from the board",
        f"repeated  {seen.repeated:,} blocks; {seen.timeouts:,} questions without an answer",
    ]


def _device(client: str, line: Damaged, facts: BoardFacts, folder: Path) -> Device | CDevice:
    """What classifies over ``line``."""
    from bsnn_hw.driver import Device
    from evidence.c_client import CDevice, build_client

    if client == "python":
        return Device(line, facts)
    return CDevice(build_client(folder / "bundle", folder), line, facts)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evidence.serial_damage", description=__doc__)
    add = parser.add_argument
    add("--model", type=Path, default=ROOT / "examples/fashion_mnist_fc.pt",
        help="model file (default: the fully connected Fashion-MNIST example)")
    add("--images", type=int, default=512, help="number of images (default: 512)")
    add("--chance", type=float, default=0.01,
        help="share of bytes that are damaged, 0..1 (default: 0.01)")
    add("--client", choices=("python", "c"), default="python",
        help="whose driver (default: python)")
    add("--seed", type=int, default=1, help="of the damage (default: 1)")
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder

    with scratch_folder() as folder:
        print("\n".join(measure(options.model, options.images, options.chance, options.seed,
                                folder, options.client)))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
