"""Hashes of circuits: of examples and of random networks with plans of every kind.

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
from bsnn_hw.ir.schedule import Port
from bsnn_hw.layout.build import Layout, build_layout
from bsnn_hw.pipeline import Request, prepare
from bsnn_hw.verilog.rtlil import to_rtlil
from evidence.random_plans import random_schedule
from tests.hdl import nets
from tests.reference import random_maps

__all__ = ["EXAMPLES", "HASHES", "SLOW_EXAMPLES", "example_hash", "random_layout", "rtlil_hash"]

ROOT = Path(__file__).parents[2]
HASHES = ROOT / "tests/emission/circuits.json"
EXAMPLES = ("digits_fc", "fashion_mnist_fc", "fashion_mnist_up5k")
SLOW_EXAMPLES = ("fashion_mnist_conv", "fashion_mnist_residual")
NETWORKS = 60


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
    if seed % 2:
        network = nets.random_network(seed)
    else:
        network = random_maps.random_network(np.random.default_rng(seed), wide=seed % 4 == 2)
    return build_layout(network, random_schedule(seed, network),
                        Port.BYTES if seed % 3 == 0 else Port.EVENTS)


def rtlil_hash(seed: int) -> str:
    """Of the circuit as Amaranth gives it, as Verilog of so many takes minutes."""
    return hashlib.sha256(to_rtlil(top_level(random_layout(seed))[0], "top").encode()).hexdigest()


def main() -> None:
    """Write all hashes again."""
    hashes = {}
    for name in (*EXAMPLES, *SLOW_EXAMPLES):
        with tempfile.TemporaryDirectory() as folder:
            hashes[name] = example_hash(name, Path(folder))
    hashes |= {f"random {seed}": rtlil_hash(seed) for seed in range(NETWORKS)}
    HASHES.write_text(json.dumps(hashes, indent=1) + "\n")


if __name__ == "__main__":
    main()
