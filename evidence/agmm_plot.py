"""Curves over epochs in panels side by side, on one linear axis."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bsnn_hw.sim.render import render
from evidence.growth_plot import (
    COLORS,
    FOOT,
    GAP,
    LEFT,
    LEGEND_STEP,
    PANEL_HEIGHT,
    PANEL_WIDTH,
    TOP,
)

__all__ = ["curves_svg"]

LINES = 5  # of the grid, about


def curves_svg(panels: Mapping[str, Mapping[str, Sequence[float]]]) -> str:
    """The plot as SVG text.

    panels : title to the curves in it, each by its name and with a value per epoch
    """
    names = list(dict.fromkeys(name for curves in panels.values() for name in curves))
    values = [value for curves in panels.values() for curve in curves.values() for value in curve]
    # A collapsed first epoch would press the rest together.
    low, high = sorted(values)[len(values) // 50], max(values)
    step = _round((high - low) / LINES)
    low, high = step * math.floor(low / step), step * math.ceil(high / step)
    drawn = [_panel(number, title, curves, names, (low, high, step))
             for number, (title, curves) in enumerate(panels.items())]
    legend = [{"x": LEFT + LEGEND_STEP * index, "line_end": LEFT + LEGEND_STEP * index + 24,
               "text_x": LEFT + LEGEND_STEP * index + 30, "text": name, "color": color}
              for index, (name, color) in enumerate(zip(names, COLORS, strict=False))]
    below = TOP + PANEL_HEIGHT + FOOT
    return render("growth.svg.j2", plot={
        "width": LEFT + len(panels) * (PANEL_WIDTH + GAP), "height": below, "panels": drawn,
        "legend": legend, "legend_y": below - 16, "legend_text_y": below - 12})


def _round(step: float) -> float:
    """The next of 1, 2 and 5 times a power of ten."""
    power = 10 ** math.floor(math.log10(step))
    return power * next(factor for factor in (1, 2, 5, 10) if factor * power >= step)


def _panel(number: int, title: str, curves: Mapping[str, Sequence[float]], names: Sequence[str],
           axis: tuple[float, float, float]) -> dict[str, Any]:
    left, (low, high, step) = LEFT + number * (PANEL_WIDTH + GAP), axis
    epochs = max(len(curve) for curve in curves.values())

    def across(epoch: int) -> float:
        return round(left + PANEL_WIDTH * (epoch - 1) / max(1, epochs - 1), 1)

    def down(value: float) -> float:
        return round(TOP + PANEL_HEIGHT * (1 - (max(value, low) - low) / (high - low)), 1)

    grid = [low + step * line for line in range(round((high - low) / step) + 1)]
    return {
        "title": title, "left": left, "right": left + PANEL_WIDTH, "label": left - 6,
        "middle": left + PANEL_WIDTH // 2, "below": TOP + PANEL_HEIGHT + 18,
        "grid": [{"y": down(value), "text_y": down(value) + 4, "text": f"{value:.3g}"}
                 for value in grid],
        "ticks": [{"x": across(epoch), "text": str(epoch)} for epoch in
                  sorted({1, *range(5, epochs + 1, 5), epochs})],
        "curves": [{"color": COLORS[names.index(name)], "points": " ".join(
            f"{across(epoch)},{down(value)}" for epoch, value in enumerate(curve, 1))}
            for name, curve in curves.items()],
    }
