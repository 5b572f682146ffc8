"""``bsnn-hw VERB …``, the same as ``python -m bsnn_hw.VERB …``."""

from __future__ import annotations

import importlib
import sys

from bsnn_hw import __version__
from bsnn_hw.command import any_locale

__all__ = ["VERBS", "main"]

VERBS = {
    "check": "which layers can be generated, and why the others cannot",
    "generate": "a trained network to a folder of verified Verilog",
    "verify": "show that a folder's RTL computes what its network says",
    "board": "a bundle's circuit behind a serial line, for any board",
    "virtual": "the same circuit, simulated behind a pseudo-terminal",
    "axi": "the same circuit for a system on a chip, behind AXI4",
    "synth": "what it takes of a part, and how fast it is there",
    "report": "all that is known of it as one page, in which the circuit runs",
    "show": "spikes, membranes, weights and training logs as pictures",
    "precision": "integers against real numbers, by fraction bits",
    "explore": "networks, precisions, plans and parts, compared on a cluster",
    "train": "train a binary spiking network and write its model file",
}
USAGE = 2


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    any_locale()
    verb, *rest = (sys.argv[1:] if argv is None else argv) or ["--help"]
    if verb == "--version":
        print(f"bsnn-hw {__version__}")
        return 0
    if verb in ("-h", "--help"):
        print("usage: bsnn-hw VERB …  (bsnn-hw VERB --help says more)\n")
        print("\n".join(f"  {name:10} {what}" for name, what in VERBS.items()))
        return 0
    if verb not in VERBS:
        print(f"bsnn-hw: verb must be one of {', '.join(VERBS)}, not {verb[:80]!r}",
              file=sys.stderr)
        return USAGE
    return importlib.import_module(f"bsnn_hw.{verb}").main(rest)


if __name__ == "__main__":
    sys.exit(main())
