"""Small networks and bundles of them, for the tests of emission, verification and the verbs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.emission.bundle import write_bundle
from bsnn_hw.emission.design import Design
from bsnn_hw.evidence.random_models import random_document, random_inputs
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Schedule
from bsnn_hw.lowering.lower import PrecisionRequest, lower
from bsnn_hw.model.check import describe
from bsnn_hw.planning.schedule import make_schedule

__all__ = ["CHOICES", "Bundle", "make_bundle", "make_network"]

# seed -> lanes, parallel: sizes that divide nothing evenly.
CHOICES = {
    24: ((3, 4), (5, 2)),      # direct, 19 inputs of 5 bits, T = 4, 14-2
    32: ((3, 2), (4, 3)),      # events, 11 inputs, T = 8, 10-3
    34: ((2, 1), (4, 1)),      # events, 3 inputs, T = 1, 6-1
}


@dataclass(frozen=True)
class Bundle:
    """A bundle on disk and what it was made of."""

    folder: Path
    network: Network
    schedule: Schedule
    inputs: np.ndarray
    design: Design


def make_network(seed: int, samples: int = 24) -> tuple[Network, np.ndarray]:
    """The random network of ``seed`` and samples for it, from silent to saturated."""
    document = random_document(seed)
    inputs = random_inputs(seed, document, samples)
    request = PrecisionRequest(fraction_bits=2, leak_bits=4)
    return lower(describe(document, "test"), inputs, request).network, inputs


def make_bundle(seed: int, folder: Path, **options) -> Bundle:
    """Write the bundle of a seed in `CHOICES`."""
    network, inputs = make_network(seed)
    schedule = make_schedule(network, *CHOICES[seed])
    design = write_bundle(network, schedule, inputs, folder, **options)
    return Bundle(folder, network, schedule, inputs, design)
