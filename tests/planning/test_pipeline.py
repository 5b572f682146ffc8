"""The walk through the pipeline, worked out by hand."""

import numpy as np

from bsnn_hw.planning.pipeline import Carried, Flow, Stage, ends


def numbers(*values):
    return np.array(values, float)


def flow(charges, *, producer=0, way=10, eager=None, entries=(), room=0, back=0):
    return Flow(producer, way, numbers(*charges), numbers(*(eager or charges)),
                np.array(entries, int), room, back)


def stage(charges, rows, *engines, recovery=0, carried=()):
    return Stage(engines, numbers(*charges), numbers(*rows), recovery, carried)


def test_a_layer_alone_charges_and_steps():
    only = stage([5, 7, 2, 1], [3, 3, 3, 3])
    np.testing.assert_array_equal(ends([only], 2, 0), [5 + 3 + 7 + 3, 18 + 2 + 3 + 1 + 3])


def test_a_step_waits_for_the_recovery_of_the_one_before():
    only = stage([0, 0, 0], [2, 2, 2], recovery=6)
    np.testing.assert_array_equal(ends([only], 1, 0), [2, 6 + 2, 12 + 2])


def test_never_faster_than_the_output_port():
    only = stage([1, 1, 1], [1, 1, 1])
    np.testing.assert_array_equal(ends([only], 1, 20), [2, 22, 42])


def test_a_reader_starts_with_the_step_and_ends_behind_it():
    """It is opened a way after the step's first row, and has the end a way after the last one."""
    sender = stage([20, 20], [4, 4])
    long = stage([0, 0], [5, 5], (flow([30, 30]),))
    np.testing.assert_array_equal(ends([sender, long], 1, 0), [20 + 10 + 30 + 5, 65 + 30 + 5])
    short = stage([0, 0], [5, 5], (flow([1, 1]),))
    np.testing.assert_array_equal(ends([sender, short], 1, 0), [24 + 10 - 1 + 5, 48 + 10 - 1 + 5])


def test_an_engine_that_waited_takes_what_it_gets():
    sender = stage([20, 20], [4, 4])
    reader = stage([0, 0], [5, 5], (flow([30, 30], eager=[33, 33]),))
    # The second timestep is there when it ends the first.
    np.testing.assert_array_equal(ends([sender, reader], 1, 0), [20 + 10 + 33 + 5, 68 + 30 + 5])


def test_flows_of_one_engine_follow_each_other_and_engines_do_not():
    sender = stage([20], [4])
    one = flow([30]), flow([40])
    np.testing.assert_array_equal(ends([sender, stage([0], [5], one)], 1, 0), [30 + 70 + 5])
    two = stage([0], [5], one[:1], one[1:])
    np.testing.assert_array_equal(ends([sender, two], 1, 0), [30 + 40 + 5])


def test_a_full_queue_stops_the_sender():
    """Four entries a timestep, taken evenly in 40 cycles; the sender's last one waits for room."""
    sender = stage([0, 0, 0], [4, 4, 4])
    free = stage([0, 0, 0], [0, 0, 0], (flow([40, 40, 40], way=1, entries=[4, 4, 4], room=99),))
    held = stage([0, 0, 0], [0, 0, 0], (flow([40, 40, 40], way=1, entries=[4, 4, 4], room=4),))
    assert ends([sender, free], 1, 0)[-1] == ends([sender, held], 1, 0)[-1] == 1 + 3 * 40
    # Entry 7 waits for entry 3, entry 11 for entry 7: three quarters of a timestep.
    both = [ends([sender, each, stage([0] * 3, [0] * 3, (flow([0] * 3, way=0),))], 1, 0)
            for each in (free, held)]
    np.testing.assert_array_equal(both, [[3, 7, 11], [3, 1 + 30 - 1, 1 + 40 + 30 - 1]])


def test_a_timestep_that_is_larger_than_its_queue_waits_for_its_own_entries():
    sender = stage([0], [4])
    held = stage([0], [0], (flow([40], way=1, entries=[8], room=4),))
    last = stage([0], [0], (flow([0], way=0),))
    # Entry 7 has room once entry 3 is taken.
    np.testing.assert_array_equal(ends([sender, held, last], 1, 0), [1 + 40 * 3 / 8 - 1])


def test_what_a_layer_sends_itself_comes_a_timestep_later():
    own = stage([0, 0, 0], [2, 2, 2], (flow([0, 5, 5], back=1),))
    np.testing.assert_array_equal(ends([own], 1, 0), [2, 0 + 10 + 5 + 2, 15 + 10 + 5 + 2])


def test_a_step_waits_for_what_is_carried_and_its_sender_for_room():
    sender = stage([20, 20, 20], [4, 4, 4])
    between = stage([0, 0, 0], [1, 1, 1], (flow([100, 100, 100]),))
    adds = stage([0, 0, 0], [6, 6, 6], (flow([0, 0, 0], producer=1),),
                 carried=(Carried(0, 8, 1),))
    first = 20 + 10 + 100 + 1
    assert ends([sender, between, adds], 1, 0)[0] == first + 10 - 1 + 6
    # The sender's second step is through no sooner than the first row is taken up.
    found = ends([sender, stage([0] * 3, [1] * 3, (flow([0] * 3),)), stage(
        [0] * 3, [6] * 3, (flow([0] * 3, producer=1),), carried=(Carried(0, 60, 1),))], 1, 0)
    np.testing.assert_array_equal(found, [24 + 60 + 6, 90 + 60 + 6, 156 + 60 + 6])
