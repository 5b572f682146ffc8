"""``python -m evidence.random_streams``: random networks that keep their state, each exact in RTL.

Fully connected networks in turn with maps and joins, some of them recurrent, some with neurons of
second order or that rest after a spike, with weights of 1 to 8 bits; neurons leak, so that their
potentials have bounds, or do not, and saturate.  Samples are consecutive windows, with resets of
the state at random between them, and a third of the networks has ports of bytes.
"""

from __future__ import annotations

import sys
from contextlib import suppress
from typing import Any

import numpy as np

from evidence.random_networks import check_document, run_command

__all__ = ["check_one", "main", "random_resets", "random_streams", "with_saturation",
           "with_state"]

RESET = 0.25  # of the windows start from a state of 0


def random_streams(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    from evidence.random_few_bits import with_few_bits
    from evidence.random_map_models import random_map_document
    from evidence.random_models import random_document
    from evidence.random_recurrences import with_recurrences
    from evidence.random_refractory import with_refractory
    from evidence.random_second_order import with_second_order
    from evidence.random_variants import varied

    document = random_map_document(seed) if seed % 4 == 3 else random_document(seed)
    document = varied(seed, with_few_bits(seed, document))
    if seed % 5 == 2:
        document = with_recurrences(seed, document)
    if seed % 3 == 0:
        document = with_second_order(seed, document)
    if seed % 7 == 3:
        document = with_refractory(seed, document)
    document = with_state(seed, document)
    return with_saturation(seed, document) if seed % 4 == 2 else document


def with_saturation(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document``, which keeps its state, with potentials of few bits that leak nothing."""
    from bsnn_hw.errors import InputError
    from bsnn_hw.lowering.lower import PrecisionRequest, lower
    from bsnn_hw.model.check import describe

    for bits in range(4 + seed % 3, 41):
        found = document | {"layers": [
            layer if layer["neuron"]["type"] == "readout" else
            layer | {"neuron": layer["neuron"] | {"type": "lif", "leak": 1.0, "saturate": bits}}
            for layer in document["layers"]]}
        with suppress(InputError):
            lower(describe(found), None, PrecisionRequest(fraction_bits=seed // 2 % 6))
            return found
    raise AssertionError(seed)


def with_state(seed: int, document: dict[str, Any]) -> dict[str, Any]:
    """``document``, whose neurons keep their state and leak, their synaptic currents too."""
    generator = np.random.default_rng([seed, 41])
    return document | {"stateful": True, "layers": [
        layer | {"neuron": _leaking(generator, layer["neuron"])}
        for layer in document["layers"]]}


def _leaking(generator, neuron):
    """``neuron`` with leaks well below 1; a readout's as it is."""
    import torch

    if neuron["type"] == "readout":
        return neuron
    if "current_leak" in neuron:
        kept = torch.as_tensor(neuron["current_leak"], dtype=torch.float64).clamp(max=0.95)
        neuron = neuron | {"current_leak": kept if kept.ndim else float(kept)}
    leak = neuron.get("leak", 1.0)
    if isinstance(leak, torch.Tensor):
        return neuron | {"leak": leak.clamp(max=0.95)}
    drawn = float(generator.choice([0.5, 0.75, 0.9, generator.uniform(0, 0.98)]))
    return neuron | {"type": "lif", "leak": drawn if leak > 0.98 else leak}


def random_resets(seed: int, count: int) -> np.ndarray:
    """Before which of ``count`` windows the state is reset, bool (count,)."""
    return np.random.default_rng([seed, 42]).random(count) < RESET


def check_one(seed: int, lint: bool = True) -> str:
    """Generate and verify the network of ``seed``; return a line about it.

    Raises
    ------
    BsnnError
        It could not be generated, is not exact, or the linter has something to say.
    """
    return check_document(seed, random_streams(seed), lint, narrow=seed % 3 == 1,
                          resets=random_resets)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_command("random_streams", __doc__ or "", check_one,
                       "networks that keep their state", argv)


if __name__ == "__main__":
    sys.exit(main())
