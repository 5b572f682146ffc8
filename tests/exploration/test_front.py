"""The front, and how long a graph of tasks takes."""

import pytest

from bsnn_hw.exploration import page
from bsnn_hw.exploration.front import front, objectives_of
from bsnn_hw.exploration.page import failures, page_text
from bsnn_hw.exploration.scaling import Task, critical_path, makespan


def row(part="ecp5-25k", accuracy=0.9, cells=100, status="done", fits=1, **more):
    return {"part": part, "accuracy": accuracy, "cells": cells, "status": status, "fits": fits,
            "network": "<b>", "precision": "p", "plan": "x", "seed": None, "rate": 5.0,
            "blocks": 1, "cycles": 10.0, "clock": 50.0, "energy": 2.0, **more}


def test_the_front_is_what_no_other_point_of_the_part_betters():
    small, good = row(cells=50, accuracy=0.8), row()
    rows = [good, small, row(cells=120), row(accuracy=0.7, cells=60), row(cells=40, fits=0),
            row(cells=100), row("ice40-up5k", cells=900), row(status="failed", error="x")]
    assert front(rows, ["accuracy", "cells"]) == [good, small, rows[6]]
    assert front(rows, ["cells"]) == [small, rows[6]]


def test_without_labels_there_is_no_accuracy_to_compare():
    rows = [row(accuracy=None), row(status="failed", accuracy=None)]
    assert objectives_of(rows, ["accuracy", "cells"]) == ["cells"]


def test_the_page_shows_everything_and_names_are_text():
    lost = row(status="refused", error="plan: <i>", cells=None, rate=None)
    text = page_text("a & b", [row(), row("ice40-up5k"), lost, lost], ["accuracy", "cells"])
    assert "<title>a &amp; b: 4 points, 2 on the front</title>" in text
    assert "<bdi>&lt;b&gt;</bdi>" in text and "<b>" not in text and "<i>" not in text
    assert text.count("<svg") == 4  # two plots for each part
    (group,) = failures([row(), lost, lost])
    assert (group.count, group.status, group.error) == (2, "refused", "plan: <i>")


def test_points_of_the_plots(monkeypatch):
    """Cells, and inferences a second or wrong classes of a thousand, one at least."""
    seen, drawn = [], page.scatter
    monkeypatch.setattr(page, "scatter", lambda points: seen.append(points) or drawn(points))
    page_text("name", [row(), row(cells=0, accuracy=1.0, fits=0, rate=7.0)], ["cells"])
    assert [[(*point[:2], *point[3:]) for point in points] for points in seen] == [
        [(100, 5.0, True, True), (1.0, 7.0, False, False)],
        [(100, pytest.approx(100.0), True, True), (1.0, 1.0, False, False)]]


CHAIN = [Task(1), Task(2, (0,)), Task(1), Task(4, (2,)), Task(1, (1,))]


def test_tasks_known_by_hand():
    assert makespan(CHAIN, 1) == 9
    assert makespan(CHAIN, 2) == 5  # 0 1 4 beside 2 3
    assert makespan(CHAIN, 100) == critical_path(CHAIN) == 5
    assert makespan([], 3) == critical_path([]) == 0


def test_the_one_who_hands_out_limits_many_workers():
    tasks = [Task(0.5)] * 100
    assert makespan(tasks, 100) == 0.5
    assert abs(makespan(tasks, 100, overhead=0.1) - 10.5) < 1e-9


def test_the_least_rank_goes_first():
    late, early = Task(1, (), (0, 1)), Task(3, (), (-1, 0))
    assert makespan([late, early, Task(3, (1,))], 1) == 7
    assert makespan([late, early, Task(3, (1,))], 2) == 6
