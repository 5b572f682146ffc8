"""Cycles from an operation of a layer's sums to its spikes, and between two steps of a row."""

from __future__ import annotations

import numpy as np

from bsnn_hw.ir.network import Hidden, NeuronSpec

__all__ = ["SYNAPTIC_DELAY", "charge_delay", "current_delay", "leak_shift", "neuron_delay",
           "pooling_delay", "recovery", "synaptic_recovery"]

SYNAPTIC_DELAY = 1  # from a current to the synaptic current that it is added to


def leak_shift(leak: np.ndarray, bits: int) -> int | None:
    """Right shift that is a leak of all timesteps; None where it takes a product.

    leak : int64 (T, channels), factors of which ``2**bits`` is 1; that of the first timestep is 0
        where an inference starts anew, and does not count
    """
    factors = set((leak if leak[0].any() else leak[1:]).flat)
    shifts = {1 << bit for bit in range(bits + 1)}
    if len(factors) > 1 or not factors <= shifts:
        return None
    return bits - int((factors or {1}).pop()).bit_length() + 1


def recovery(spec: NeuronSpec, block: bool, pipelined: bool = False) -> int:
    """Cycles between two steps of one row of membranes, at least; ``block``: potentials are in
    block RAM."""
    product = leak_shift(spec.leak, spec.leak_bits) is None
    return 3 + product + 2 * block + pipelined * (1 + product + block)


def synaptic_recovery(spec: NeuronSpec, block: bool, pipelined: bool = False) -> int:
    """The same of synaptic currents, 0 where neurons have none; ``block``: they are in block
    RAM."""
    if spec.current_leak is None:
        return 0
    product = leak_shift(spec.current_leak, spec.leak_bits) is None
    return 2 + product + 2 * block + pipelined * (product + block)


def current_delay(layer: Hidden, pipelined: bool = False) -> int:
    """Cycles from an operation to its currents: with a gain, products and then sums of pairs; with
    a gate of the sample's a product behind the sum.  Pipelined, constants come a cycle later, and
    so do products."""
    if layer.gate is not None:
        return 4 + 2 * pipelined
    return 3 + pipelined if layer.neuron.gain is None else 5 + 2 * pipelined


def charge_delay(layer: Hidden, pipelined: bool = False) -> int:
    """Cycles from an operation to what charges the membranes."""
    return current_delay(layer, pipelined) + (
        0 if layer.neuron.current_leak is None else SYNAPTIC_DELAY)


def neuron_delay(charge_delay: int) -> int:
    """Cycles from an operation to its word of spikes: charge, and fire."""
    return charge_delay + 2


def pooling_delay(layer: Hidden) -> int:
    """Cycles that the largest of a window takes, before the currents."""
    return 0 if layer.current_pool is None else 1
