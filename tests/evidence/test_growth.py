"""What grows is what the command says, and the plot shows it."""

import re
from itertools import pairwise

import pytest

from bsnn_hw.model.check import describe
from evidence.growth import FIGURES, SERIES, document
from evidence.growth_plot import growth_svg
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program


@for_each("sizes", [(8, 4, 1), (16, 2, 3)])
def test_the_documents_are_models(sizes):
    side, channels, depth = sizes
    model = describe(document(*sizes), "grown")
    assert [layer.shape.size for layer in model.layers[:-1]] == [channels * side ** 2] * depth
    assert model.layers[-1].feed.shape.size == channels


def test_every_series_doubles():
    for points in SERIES.values():
        steps = [after / before for (before, _), (after, _) in pairwise(points)]
        assert steps == [2] * len(steps)


def test_curves_rise_as_figures_do():
    points = [{"at": 1, "seconds": 1, "memory": 5}, {"at": 2, "seconds": 2, "memory": 5},
              {"at": 4, "seconds": 4, "memory": 5}]
    text = growth_svg({"layers": points}, {key: FIGURES[key] for key in ("seconds", "memory")})
    curves = [[float(pair.split(",")[1]) for pair in found.split()]
              for found in re.findall(r'points="([^"]+)"', text)]
    rising, flat = curves
    assert rising[0] - rising[1] == pytest.approx(rising[1] - rising[2])
    assert rising[0] > rising[1]
    assert len(set(flat)) == 1
    assert "CPU seconds" in text and "bits of memory" in text
