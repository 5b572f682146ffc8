"""``python -m bsnn_hw.axi FOLDER``: a bundle's circuit with AXI4 streams and registers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bsnn_hw.command import run_verb

__all__ = ["main"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.axi", description=__doc__)
    add = parser.add_argument
    add("folder", type=Path, help="bundle written by python -m bsnn_hw.generate --port bytes")
    add("--out", type=Path, help="folder to write (default: the bundle's name with _axi)")
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.soc import TOP
    from bsnn_hw.soc.core import write_axi

    out = options.out or options.folder.with_name(f"{options.folder.resolve().name}_axi")
    _, registers = write_axi(options.folder, out)
    print(f"registers {len(registers.registers)} of 32 bits, counters of {len(registers.layers)} "
          "layers")
    print(f"written   {out}/ (top level {TOP}: aclk, aresetn, s_axil, s_axis, m_axis; README.md)")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
