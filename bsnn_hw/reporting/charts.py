"""Plots as places and sizes in a picture; templates draw them and compute nothing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Bar", "Curve", "Curves", "Histogram", "Point", "Scatter", "Tick", "curves",
           "histogram", "scatter"]

WIDTH, HEIGHT = 640, 150
LEFT, RIGHT, TOP, BOTTOM = 8, 8, 8, 24
BINS = 64
EDGE = 28  # of a number's middle from the plot's end
COLORS = 4  # of curves, in templates/report.css
SIGNS = ("━━", "╍╍", "┈┈")  # of lines that are whole, dashed and dotted there


@dataclass(frozen=True)
class Bar:
    """A rectangle and what is said of it."""

    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class Tick:
    """A number at an axis: ``at`` along it, its text's line at ``base``."""

    at: float
    base: float
    text: str


@dataclass(frozen=True)
class Histogram:
    """How often each value was seen, by a logarithmic scale; ``band`` is where thresholds lie."""

    width: int
    height: int
    bottom: float
    bars: tuple[Bar, ...]
    band: Bar
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Point:
    """A point and what is said of it; ``kind`` is its classes in templates/report.css."""

    x: float
    y: float
    radius: int
    kind: str
    words: str


@dataclass(frozen=True)
class Scatter:
    """Points over two logarithmic axes; ``margin`` is where numbers at the left end, ``caption``
    the line of the lower axis's name."""

    width: int
    height: int
    left: float
    right: float
    margin: float
    caption: float
    points: tuple[Point, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Curve:
    """A line as SVG points, of the stylesheet's ``color`` and ``dash``; ``sign`` is how it looks
    beside its name."""

    name: str
    points: str
    color: int
    dash: int
    sign: str


@dataclass(frozen=True)
class Curves:
    """Lines over one axis from 0 to the largest value; ``margin`` is where its numbers end."""

    width: int
    height: int
    left: float
    right: float
    margin: float
    y_ticks: tuple[Tick, ...]
    lines: tuple[Curve, ...]


def histogram(values: np.ndarray, thresholds: tuple[int, int]) -> Histogram:
    """Of integers, with the lowest and the highest threshold marked."""
    low = min(int(values.min()), thresholds[0])
    high = max(int(values.max()), thresholds[1])
    step = max(1, math.ceil((high - low + 1) / BINS))  # whole values, as many in every bin
    bins = (high - low) // step + 1
    counts = np.bincount((values.ravel() - low) // step, minlength=bins)
    inner, floor = WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM
    tallest = math.log1p(int(counts.max()))
    wide = inner / bins

    def place(value: float) -> float:
        return LEFT + (value - low) / step * wide

    bars = []
    for index, seen in enumerate(counts.tolist()):
        if seen:
            first, tall = low + index * step, math.log1p(seen) / tallest * (floor - TOP)
            values_of = f"{first:,}" if step == 1 else f"{first:,} to {first + step - 1:,}"
            bars.append(Bar(round(place(first), 2), round(floor - tall, 2),
                            round(max(wide - 0.5, 0.5), 2), round(tall, 2),
                            f"{values_of}: {seen:,} times"))
    start, end = place(thresholds[0]), place(thresholds[1] + 1)
    words = (f"threshold {thresholds[0]:,}" if thresholds[0] == thresholds[1] else
             f"thresholds {thresholds[0]:,} to {thresholds[1]:,}")
    band = Bar(round(start, 2), TOP, round(max(end - start, 2), 2), floor - TOP, words)
    first, end = LEFT + EDGE, WIDTH - RIGHT - EDGE
    ticks = tuple(Tick(round(min(max(place(value), first), end), 2), HEIGHT - 6, f"{value:,}")
                  for value in sorted({low, high, *([0] if low < 0 < high else [])}))
    return Histogram(WIDTH, HEIGHT, floor, tuple(bars), band, ticks)


def scatter(points: Sequence[tuple[float, float, str, bool, bool]]) -> Scatter:
    """``points`` are (x, y, words, chosen, fits), x and y above 0."""
    width, height, left, right, top, bottom = WIDTH, 320, 100, 16, 18, 44
    x_axis = _axis([x for x, *_ in points], left, width - right)
    y_axis = _axis([y for _, y, *_ in points], height - bottom, top)
    drawn = tuple(Point(x_axis.place(x), y_axis.place(y), 8 if chosen else 6,
                        f"point{' chosen' if chosen else ''}{'' if fits else ' unfit'}", words)
                  for x, y, words, chosen, fits in points)
    x_ticks = tuple(Tick(at, height - bottom + 18, text) for at, text in x_axis.numbers())
    y_ticks = tuple(Tick(at, at + 4, text) for at, text in y_axis.numbers())
    return Scatter(width, height, left, width - right, left - 6, height - 4, drawn, x_ticks,
                   y_ticks)


def curves(named: Mapping[str, Sequence[float]]) -> Curves:
    """Lines of two values or more each, none below 0."""
    width, height, left, right, top, bottom = WIDTH, 180, 84, 8, 14, 10
    most = max(max(values) for values in named.values()) or 1.0

    def place(value: float) -> float:
        return round(height - bottom - value / most * (height - bottom - top), 2)

    lines = []
    for number, (name, values) in enumerate(named.items()):
        step = (width - left - right) / (len(values) - 1)
        points = " ".join(f"{left + index * step:.2f},{place(value)}"
                          for index, value in enumerate(values))
        dash = number // COLORS % len(SIGNS)
        lines.append(Curve(name, points, number % COLORS, dash, SIGNS[dash]))
    ticks = tuple(Tick(place(value), place(value) + 4, f"{value:.3g}")
                  for value in (0, most / 2, most))
    return Curves(width, height, left, width - right - 4, left - 6, ticks, tuple(lines))


@dataclass(frozen=True)
class _Axis:
    """A logarithmic axis from ``low`` at ``start`` to ``high`` at ``end``."""

    low: float
    high: float
    start: float
    end: float

    def place(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return round(self.start + share * (self.end - self.start), 2)

    def numbers(self) -> Iterator[tuple[float, str]]:
        """Where 1, 2 and 5 times powers of ten are, and their text."""
        exponents = range(math.floor(math.log10(self.low)), math.ceil(math.log10(self.high)) + 1)
        values = [digit * 10.0**exponent for exponent in exponents for digit in (1, 2, 5)]
        return ((self.place(value), f"{value:,.0f}") for value in values
                if self.low <= value <= self.high)


def _axis(values, start, end):
    return _Axis(min(values) / 1.2, max(values) * 1.2, start, end)
