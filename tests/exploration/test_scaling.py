"""Times of studies on other numbers of workers, worked out by hand."""

from bsnn_hw.exploration.scaling import Task, critical_path, makespan, tasks_of

# Two points that share their first step, whose later steps go first.
POINTS = {"a": [("train", "", 5.0), ("plan", "", 2.0)],
          "b": [("train", "", 5.0), ("other", "", 3.0), ("verify", "", 1.0)]}
TASKS = [Task(5.0, (), (0, 0)), Task(2.0, (0,), (-1, 0)), Task(3.0, (0,), (-1, 1)),
         Task(1.0, (2,), (-2, 1))]


def test_each_step_once_and_later_ones_first():
    class Store:
        def tasks(self, point):
            return POINTS[point]

    assert tasks_of(Store(), ["a", "b"]) == TASKS


def test_the_longest_chain():
    assert critical_path([]) == 0
    assert critical_path(TASKS) == 5 + 3 + 1
    assert critical_path([Task(2.0), Task(7.0), Task(1.0, (0,))]) == 7


def test_time_with_some_workers():
    assert [makespan(TASKS, workers) for workers in (1, 2, 9)] == [5 + 2 + 3 + 1, 9, 9]
    # The one with the least rank is first, whatever its number.
    tasks = [Task(1.0, (), (1, 0)), Task(4.0, (), (0, 0)), Task(4.0, (1,), (0, 1))]
    assert makespan(tasks, 1) == 9 and makespan(tasks, 2) == 8
    late = [Task(4.0, (), (0, 0)), Task(4.0, (), (0, 1)), Task(4.0, (), (0, 2)),
            Task(8.0, (), (-1, 0))]
    assert makespan(late, 2) == 12
    assert makespan([], 3) == 0


def test_time_of_the_one_that_hands_out():
    """It gives a step to one worker after the other; each step comes half a second later."""
    assert makespan([Task(4.0)] * 2, 2, overhead=.5) == .5 + .5 + 4
    assert makespan([Task(4.0)] * 2, 1, overhead=.5) == 2 * (.5 + 4)
