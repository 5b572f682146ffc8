"""A plot of how figures grow: curves relative to their first point, on logarithmic axes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from bsnn_hw.sim.render import render

__all__ = ["growth_svg", "plot_facts"]

PANEL_WIDTH, PANEL_HEIGHT = 240, 220  # pixels
LEFT, TOP, GAP, FOOT = 50, 34, 60, 60
LEGEND_STEP = 160
COLORS = ("#1b6ca8", "#c8553d", "#3a7d44", "#8a4fa0", "#c98a00")


def growth_svg(series: Mapping[str, Sequence[Mapping[str, float]]],
               figures: Mapping[str, str]) -> str:
    """The plot as SVG text.

    series : title of a panel to its points, each with ``at`` (what grows) and the figures
    figures : key of a figure to its words
    """
    return render("growth.svg.j2", plot=plot_facts(series, figures))


def plot_facts(series: Mapping[str, Sequence[Mapping[str, float]]],
               figures: Mapping[str, str]) -> dict[str, Any]:
    """What the template draws; arguments as in `growth_svg`."""
    top = max(math.ceil(math.log2(max(_ratios(points, key)))) for points in series.values()
              for key in figures)
    panels = [_panel(number, title, points, figures, max(1, top))
              for number, (title, points) in enumerate(series.items())]
    legend = [{"x": LEFT + LEGEND_STEP * index, "line_end": LEFT + LEGEND_STEP * index + 24,
               "text_x": LEFT + LEGEND_STEP * index + 30, "text": text, "color": color}
              for index, (text, color) in enumerate(zip(figures.values(), COLORS, strict=False))]
    width = max(LEFT + len(panels) * (PANEL_WIDTH + GAP), LEFT + LEGEND_STEP * len(figures))
    below = TOP + PANEL_HEIGHT + FOOT
    return {"width": width, "height": below, "panels": panels, "legend": legend,
            "legend_y": below - 16, "legend_text_y": below - 12}


def _ratios(points: Sequence[Mapping[str, float]], key: str) -> list[float]:
    return [max(1e-9, point[key]) / max(1e-9, points[0][key]) for point in points]


def _panel(number: int, title: str, points: Sequence[Mapping[str, float]],
           figures: Mapping[str, str], top: int) -> dict[str, Any]:
    left = LEFT + number * (PANEL_WIDTH + GAP)
    first, last = (math.log2(points[index]["at"]) for index in (0, -1))

    def across(at: float) -> float:
        return round(left + PANEL_WIDTH * (math.log2(at) - first) / (last - first), 1)

    def down(ratio: float) -> float:
        share = min(1.0, max(0.0, math.log2(ratio) / top))
        return round(TOP + PANEL_HEIGHT * (1 - share), 1)

    step = -(-top // 6)
    return {
        "title": title, "left": left, "right": left + PANEL_WIDTH, "label": left - 6,
        "middle": left + PANEL_WIDTH // 2, "below": TOP + PANEL_HEIGHT + 18,
        "grid": [{"y": down(2 ** power), "text_y": down(2 ** power) + 4, "text": f"{2 ** power}x"}
                 for power in range(0, top + 1, step)],
        "ticks": [{"x": across(point["at"]), "text": f"{point['at']:g}"} for point in points],
        "curves": [{"color": color, "points": " ".join(
            f"{across(point['at'])},{down(ratio)}"
            for point, ratio in zip(points, _ratios(points, key), strict=True))}
            for key, color in zip(figures, COLORS, strict=False)],
    }
