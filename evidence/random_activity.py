"""``python -m evidence.random_activity``: random networks, counted in RTL as in the reference.

As random_networks and random_maps, in turn, and every third as random_streams, with AXI: every
result, and every counter of events and spikes.
"""

from __future__ import annotations

import sys

from bsnn_hw.scratch import scratch_folder
from evidence.random_networks import run_command

__all__ = ["check_one", "main"]

SAMPLES = 8


def check_one(seed: int) -> str:
    """Generate the network of ``seed`` with AXI and count; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, or a result or a counter is not the reference's.
    """
    from bsnn_hw.emission.bundle import write_bundle
    from bsnn_hw.errors import MismatchError
    from bsnn_hw.ir.schedule import Port
    from bsnn_hw.lowering.lower import PrecisionRequest, lower
    from bsnn_hw.model.check import describe
    from bsnn_hw.summary import outline
    from evidence.activity_rtl import TESTS, check_counts
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document, random_inputs
    from evidence.random_plans import random_schedule
    from evidence.random_streams import random_resets, random_streams

    document = (random_streams if seed % 3 == 2 else
                random_map_document if seed % 2 else random_document)(seed)
    inputs = random_inputs(seed, document, SAMPLES)
    resets = random_resets(seed, SAMPLES) if document.get("stateful") else None
    request = PrecisionRequest(fraction_bits=2)
    network = lower(describe(document, "random"), inputs, request).network
    with scratch_folder() as folder:
        write_bundle(network, random_schedule(seed, network), inputs, folder / "bundle",
                     port=Port.BYTES)
        try:
            counted = check_counts(folder / "bundle", inputs, folder, TESTS, resets)
        except MismatchError as error:
            raise MismatchError(f"seed {seed}: {error}") from None
    events = sum(value for name, value in counted.items() if name.startswith("events"))
    return f"seed {seed}: {outline(network)}, {events:,} events: counted as the reference counts"


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_activity", __doc__ or "", check_one, "networks", argv, count=20,
                       shown="every result, and every counter of events and spikes")


if __name__ == "__main__":
    sys.exit(main())
