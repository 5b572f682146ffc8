"""What holds of every network's integers, whatever its layers: they are those of plain Python, and
within their bounds."""

from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.reference.network import run
from tests.reference.networks import execute

__all__ = ["same_as_plain", "within_bounds"]


def same_as_plain(network, inputs):
    """Whether every membrane potential, spike and score is that of `execute`."""
    trace = run(network, inputs, batch=2)
    for index, sample in enumerate(inputs):
        layers, scores, _ = execute(network, sample)
        for seen, steps in zip(trace.hidden, layers, strict=True):
            assert seen.charged[index].tolist() == [[h for h, _, _ in row] for row in steps]
            assert seen.fired[index].tolist() == [[s for _, s, _ in row] for row in steps]
        assert trace.scores[index].tolist() == scores
    return True


def within_bounds(network, inputs):
    """Whether no membrane potential leaves what `network_bounds` says of its layer."""
    bounds, _ = network_bounds(network)
    for layer, seen in zip(run(network, inputs).hidden, bounds, strict=True):
        for values, interval in ((layer.charged, seen.charged), (layer.settled, seen.settled)):
            assert interval.low <= values.min() and values.max() <= interval.high
    return True
