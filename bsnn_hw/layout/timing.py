"""Cycles from an operation of a layer's sums to its spikes, and between two steps of a row."""

from __future__ import annotations

from bsnn_hw.ir.network import Hidden, NeuronSpec

__all__ = ["current_delay", "leak_shift", "neuron_delay", "pooling_delay", "recovery"]


def leak_shift(spec: NeuronSpec) -> int | None:
    """Right shift that is the leak of all timesteps; None where it takes a product."""
    factors = set(spec.leak[1:].flat)
    shifts = {1 << bits for bits in range(spec.leak_bits + 1)}
    if len(factors) > 1 or not factors <= shifts:
        return None
    return spec.leak_bits - int((factors or {1}).pop()).bit_length() + 1


def recovery(spec: NeuronSpec, block: bool) -> int:
    """Cycles between two steps of one row, at least; ``block``: potentials are in block RAM."""
    return 3 + (leak_shift(spec) is None) + 2 * block


def current_delay(layer: Hidden) -> int:
    """Cycles from an operation to its currents: with a gain, products and then sums of pairs; with
    a gate of the sample's a product behind the sum."""
    if layer.gate is not None:
        return 4
    return 3 if layer.neuron.gain is None else 5


def neuron_delay(current_delay: int) -> int:
    """Cycles from an operation to its word of spikes: charge, and fire."""
    return current_delay + 2


def pooling_delay(layer: Hidden) -> int:
    """Cycles that the largest of a window takes, before the currents."""
    return 0 if layer.current_pool is None else 1
