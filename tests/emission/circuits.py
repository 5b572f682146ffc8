"""Hashes of circuits: of examples and of random networks with plans of every kind, and of some
whose samples make their gates.

A change that should leave every circuit as it is leaves these.  After one that changes circuits on
purpose, write them again and say in the commit which ones and why::

    python -m tests.emission.circuits
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np

from bsnn_hw import __version__
from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.hdl.ports import top_level
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Port
from bsnn_hw.layout.build import Layout, build_layout
from bsnn_hw.pipeline import Request, prepare
from bsnn_hw.verilog.rtlil import to_rtlil
from evidence.random_plans import random_schedule
from tests.hdl import nets
from tests.reference import random_maps
from tests.reference.gates import with_gates

__all__ = ["EXAMPLES", "HASHES", "SLOW_EXAMPLES", "example_hash", "gated_layout", "random_layout",
           "rtlil_hash"]

ROOT = Path(__file__).parents[2]
HASHES = ROOT / "tests/emission/circuits.json"
EXAMPLES = ("digits_fc", "fashion_mnist_fc", "fashion_mnist_up5k")
SLOW_EXAMPLES = ("fashion_mnist_conv", "fashion_mnist_residual")
NETWORKS = 60
GATED = 10


def example_hash(name: str, folder: Path) -> str:
    """Of all Verilog files that an example becomes without any option, by whatever version."""
    planned = prepare(Request(ROOT / "examples" / f"{name}.pt", folder))
    design = emit_verilog(planned.lowered.network, planned.plan.schedule, folder)
    digest = hashlib.sha256()
    version = f"bsnn-hw {__version__}".encode()
    for path in design.verilog.paths:
        digest.update(f"{path.name}\n".encode() + path.read_bytes().replace(version, b"bsnn-hw"))
    return digest.hexdigest()


def random_layout(seed: int) -> Layout:
    """Of every second network maps and joins, of every third narrow ports; engines, lanes, folds,
    shared lanes and rows of block RAM as they come."""
    return _laid_out(seed, _random_network(seed))


def gated_layout(seed: int) -> Layout:
    """As `random_layout`, and most layers that join nothing have a gate that the sample makes."""
    return _laid_out(seed, with_gates(np.random.default_rng([seed, 16]), _random_network(seed),
                                      share=0.9))


def _random_network(seed: int) -> Network:
    if seed % 2:
        return nets.random_network(seed)
    return random_maps.random_network(np.random.default_rng(seed), wide=seed % 4 == 2)


def _laid_out(seed: int, network: Network) -> Layout:
    return build_layout(network, random_schedule(seed, network),
                        Port.BYTES if seed % 3 == 0 else Port.EVENTS)


def rtlil_hash(layout: Layout) -> str:
    """Of the circuit as Amaranth gives it, as Verilog of so many takes minutes."""
    return hashlib.sha256(to_rtlil(top_level(layout)[0], "top").encode()).hexdigest()


def main() -> None:
    """Write all hashes again."""
    hashes = {}
    for name in (*EXAMPLES, *SLOW_EXAMPLES):
        with tempfile.TemporaryDirectory() as folder:
            hashes[name] = example_hash(name, Path(folder))
    hashes |= {f"random {seed}": rtlil_hash(random_layout(seed)) for seed in range(NETWORKS)}
    hashes |= {f"gated {seed}": rtlil_hash(gated_layout(seed)) for seed in range(GATED)}
    HASHES.write_text(json.dumps(hashes, indent=1) + "\n")


if __name__ == "__main__":
    main()
