"""What a network does with samples: spikes as rasters, membranes against their thresholds.

Samples stand one after the other, as the circuit meets them: timestep t of sample n is at
``n * T + t``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from bsnn_hw.ir.network import Coding, Hidden, Network
from bsnn_hw.pictures.picture import COLORS, Picture, brief, drawing, figure
from bsnn_hw.reference.network import LayerTrace, Trace, run

__all__ = ["membranes", "spikes"]

WIDTH = 8.0  # inches
FEW = 5  # samples whose classes' names have room side by side
TRACED = 6  # neurons of a layer whose potentials are followed


def spikes(network: Network, samples: np.ndarray, first: int = 0) -> Picture:
    """A raster of the input and of every layer: neurons upwards, time to the right.

    samples : integers, (N, size) or (N, T, size); first : number of the first of them, for people

    Raises
    ------
    ToolError
        There is no matplotlib.
    """
    trace = run(network, samples, potentials=False)
    rows = [("input", _input_rows(network, samples)),
            *((layer.name, _in_time(seen.fired)) for layer, seen in
              zip(network.hidden, trace.hidden, strict=True))]
    with drawing():
        drawn = figure(WIDTH, 1.2 + 1.5 * len(rows))
        panels = drawn.subplots(len(rows), 1, sharex=True, squeeze=False)[:, 0]
        for axes, (name, values) in zip(panels, rows, strict=True):
            axes.imshow(values, aspect="auto", origin="lower", cmap="Greys", vmin=0,
                        vmax=max(1, values.max()), interpolation="nearest")
            rate = np.count_nonzero(values) / values.size
            axes.set_title(f"{brief(name)}: {len(values):,} neurons, {100 * rate:.1f} % active"
                           if name != "input" else f"input: {len(values):,} values", loc="left")
            _bounds_of_samples(axes, network.timesteps, len(samples))
        _label_time(panels[-1], network, trace, first)
    return Picture(drawn)


def membranes(network: Network, samples: np.ndarray, first: int = 0) -> Picture:
    """Per layer, left: potentials before the reset of the neurons that vary most, and the first
    one's threshold; right: how often each potential was seen, of all neurons.

    samples, first, Raises : as of `spikes`
    """
    trace = run(network, samples)
    layers = network.hidden
    with drawing():
        drawn = figure(WIDTH, 1.2 + 1.7 * max(1, len(layers)))
        panels = drawn.subplots(max(1, len(layers)), 2, squeeze=False, sharex="col",
                                width_ratios=(3, 1))
        for (left, right), layer, seen in zip(panels, layers, trace.hidden, strict=False):
            _follow(left, layer, seen)
            _distribute(right, layer, seen)
            _bounds_of_samples(left, network.timesteps, len(samples))
        if layers:
            _label_time(panels[-1][0], network, trace, first)
            panels[-1][1].set_xlabel("times seen")
        else:
            drawn.suptitle("no spiking layer: the input goes to the scores")
    return Picture(drawn)


def _input_rows(network: Network, samples: np.ndarray) -> np.ndarray:
    """Values (size, N * T); a sample of direct coding is the same in every timestep."""
    if network.input.coding is Coding.DIRECT:
        return np.repeat(samples, network.timesteps, axis=0).T
    return _in_time(samples)


def _in_time(values: np.ndarray) -> np.ndarray:
    """(N, T, n) as (n, N * T)."""
    return values.reshape(-1, values.shape[-1]).T


def _follow(axes: Any, layer: Hidden, seen: LayerTrace) -> None:
    charged = _in_time(seen.charged)
    chosen = np.argsort(-charged.std(axis=1), kind="stable")[:TRACED]
    for place, neuron in enumerate(sorted(chosen.tolist())):
        axes.plot(charged[neuron], ".-", color=COLORS[place % len(COLORS)], linewidth=0.8,
                  markersize=3, label=f"{neuron}")
    at = np.tile(_thresholds(layer)[:, min(chosen.tolist())], len(seen.charged))
    axes.step(np.arange(len(at)), at, where="mid", color="black", linestyle=":", linewidth=1)
    axes.set_title(f"{brief(layer.name)}: membrane potentials, LSB", loc="left")
    axes.legend(title="neuron", fontsize=6, title_fontsize=6, loc="upper left",
                bbox_to_anchor=(1, 1), frameon=False)


def _distribute(axes: Any, layer: Hidden, seen: LayerTrace) -> None:
    low, high = _thresholds(layer).min(), _thresholds(layer).max()
    axes.hist(seen.charged.ravel(), bins=60, orientation="horizontal", color=COLORS[0])
    axes.axhspan(low - 0.5, high + 0.5, color=COLORS[1], alpha=0.35)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.set_title("of all neurons", loc="left")


def _thresholds(layer: Hidden) -> np.ndarray:
    """(T, neurons)."""
    return np.repeat(layer.neuron.threshold, layer.shape.positions, axis=1)


def _bounds_of_samples(axes: Any, timesteps: int, count: int) -> None:
    for number in range(1, count):
        axes.axvline(number * timesteps - 0.5, color=COLORS[1], linewidth=0.6)


def _label_time(axes: Any, network: Network, trace: Trace, first: int) -> None:
    """Sample numbers and what the network answers, in the middle of each sample."""
    middles = (np.arange(len(trace.classes)) + 0.5) * network.timesteps - 0.5
    axes.set_xticks(middles, [f"{first + number}\n{brief(network.classes[answer], 12)}"
                              for number, answer in enumerate(trace.classes.tolist())],
                    rotation=45 if len(middles) > FEW else 0)
    axes.set_xlabel(f"sample, and the class that the network gives; "
                    f"{network.timesteps} timestep(s) each")
