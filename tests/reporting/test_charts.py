"""Places of bars, points and lines."""

import numpy as np

from bsnn_hw.reporting.charts import curves, histogram, scatter
from tests.for_each import for_each


def test_every_value_is_in_one_bar():
    plot = histogram(np.array([-3, -3, 0, 5]), (2, 4))
    assert [bar.words for bar in plot.bars] == ["-3: 2 times", "0: 1 times", "5: 1 times"]
    assert [tick.text for tick in plot.ticks] == ["-3", "0", "5"]
    assert plot.band.words == "thresholds 2 to 4"


def test_wide_ranges_share_bins():
    values = np.arange(-1000, 1000)
    plot = histogram(values, (10, 10))
    assert len(plot.bars) <= 64 and plot.bars[0].words.startswith("-1,000 to ")
    counts = [int(bar.words.rpartition(": ")[2].split()[0]) for bar in plot.bars]
    assert sum(counts) == len(values)
    assert all(0 <= bar.x and bar.x + bar.width <= plot.width for bar in plot.bars)


@for_each("values", [[7], [0, 0, 0]])
def test_a_single_value(values):
    plot = histogram(np.array(values), (values[0], values[0]))
    assert len(plot.bars) == 1 and plot.bars[0].height > 0


def test_points_lie_in_the_plot():
    plot = scatter([(10, 1e5, "a", True, True), (1000, 2e6, "b", False, False)])
    one, two = plot.points
    assert plot.left < one.x < two.x < plot.right and 0 < two.y < one.y < plot.height
    assert [tick.text for tick in plot.x_ticks][:2] == ["10", "20"]
    assert [point.kind for point in plot.points] == ["point chosen", "point unfit"]


def test_a_single_point_has_a_place():
    plot = scatter([(5, 5, "a", True, True)])
    assert plot.left < plot.points[0].x < plot.right


def test_curves():
    plot = curves({"a": [0.0, 1.0], "b": [0.5, 0.5]})
    assert plot.lines[0].points == "84.00,170.0 632.00,14.0"
    assert [tick.text for tick in plot.y_ticks] == ["0", "0.5", "1"]
    assert curves({"a": [0.0, 0.0]}).lines


def test_lines_that_share_a_colour_are_dashed():
    lines = curves({str(number): [0, number] for number in range(1, 10)}).lines
    assert len({(line.color, line.dash) for line in lines}) == 9
    assert [line.sign for line in lines[3:5]] == ["━━", "╍╍"]
