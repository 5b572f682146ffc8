"""The pooling of a layer's own currents, before its neurons."""

from __future__ import annotations

from bsnn_hw.model.check_feed import MAX_KERNEL, read_pool, sides
from bsnn_hw.model.composed import MAX_BITS, composed, weight_bits
from bsnn_hw.model.description import Conv2d, Pooling, PoolingKind, Shape
from bsnn_hw.model.values import Table

__all__ = ["check_current_pool", "check_wider_kernel", "pooled_shape"]


def check_current_pool(table: Table, kind: str, readout: bool, summed: Shape | None
                       ) -> Pooling | None:
    """The key ``current_pool`` of a layer; None after a problem, and where it changes nothing.

    kind : the layer's type; summed : Shape of what its synapse gives, None after a problem
    """
    if not table.has("current_pool"):
        return None
    if kind != "conv2d" or readout:
        table.problem("current_pool", "must be absent but in a convolution with neurons, whose "
                                      "sums have a map")
        return None
    pool, _ = read_pool(table, "current_pool")
    if pool is None or summed is None:
        return pool
    if pool.kind is PoolingKind.MAX and pool.step is not None:
        table.problem("current_pool", "stride must be size where kind is 'max': a neuron takes "
                                      "the largest current of a window, and windows of currents "
                                      "lie side by side; 'avg' takes any stride")
        return None
    if min(pool.shape(summed).height, pool.shape(summed).width) < 1:
        table.problem("current_pool", f"size {list(pool.size)} must fit the map of the layer's "
                                      f"currents, {sides(summed)}")
        return None
    if pool.kind is PoolingKind.MAX and table.has("shortcuts"):
        table.problem("current_pool", "kind 'max' is refused in a layer with shortcuts, as the "
                                      "largest current of a window is found before currents "
                                      "join; accepted are 'avg' and 'sum', or neurons of their "
                                      "own before the join")
        return None
    return pool


def pooled_shape(pool: Pooling | None, summed: Shape | None) -> Shape | None:
    """What the layer gives; None after a problem."""
    return pool.shape(summed) if pool and summed else summed


def check_wider_kernel(table: Table, synapse: object, pool: Pooling | None) -> None:
    """Averages and sums are a wider kernel, which must be one that can be computed."""
    if pool is None or pool.kind is PoolingKind.MAX:
        return
    assert isinstance(synapse, Conv2d)
    weights = composed(synapse, pool)
    steps = [a * b for a, b in zip(synapse.stride, pool.stride, strict=True)]
    if max(*weights.shape[2:], *steps) > MAX_KERNEL:
        table.problem("current_pool", f"makes a kernel of {weights.shape[2]} x {weights.shape[3]} "
                                      f"with the stride {steps}, and sides and strides of at most "
                                      f"{MAX_KERNEL} can be computed; take smaller windows")
    elif weight_bits(weights) > MAX_BITS:
        table.problem("current_pool", f"adds up weights to {abs(weights).max()}, and weights of "
                                      f"{MAX_BITS} bits hold at most 127; take smaller windows, or "
                                      "weights of fewer bits")
