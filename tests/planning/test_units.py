"""Units of their own in a plan: what is legal, their cycles by hand, and a file that names them."""

import re
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Pool, PoolKind
from bsnn_hw.layout.build import build_layout
from bsnn_hw.layout.held import units_problem
from bsnn_hw.planning.cycles import layer_bounds, predicted_cycles
from bsnn_hw.planning.memory import layer_memories
from bsnn_hw.planning.plan_file import plan_toml, read_plan
from bsnn_hw.planning.request import PlanOptions, reconcile
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.planning.throughput import throughput
from tests.for_each import for_each
from tests.planning.maps import chain, joined
from tests.planning.test_map_cycles import measured
from tests.reference.gates import with_gates


def schedule_of(network, units, parallel=(2, 4, 1)):
    return make_schedule(network, (1, 1, 1), parallel, None, None, units)


@for_each("units, problem", [
    ((4, None, None), "layer 'c1': units must be a divisor of its parallel neurons, 2, not 4"),
    ((0, None, None), "layer 'c1': units must be a divisor of its parallel neurons, 2, not 0"),
    ((None, 3, None), "layer 'c2': units must be a divisor of its parallel neurons, 4, not 3"),
    ((None, None, 1), "layer 'out': units must not be given, as it has no neurons"),
    ((1, 1), "units: must have one number per layer, 3 (c1, c2, out), not 2")])
def test_illegal_units_are_named(units, problem):
    with pytest.raises(InputError, match=f"^{re.escape(problem)}$"):
        schedule_of(chain(), units)


def test_layers_that_cannot_hold_their_sums_say_why():
    network = joined()
    reasons = {layer.name: units_problem(network, number)
               for number, layer in enumerate(network.layers)}
    assert reasons == {"c1": "'c3' takes its currents", "c2": None, "out": "it has no neurons",
                       "c3": "its step waits for another layer's rows",
                       "c4": "its step waits for another layer's rows"}
    gated = with_gates(np.random.default_rng(0), chain(), share=1)
    assert units_problem(gated, 0) == "each sample makes its gate"
    first = replace(chain().hidden[0], current_pool=Pool(PoolKind.MAX, 1, 1))
    pooled = replace(chain(), hidden=(first, *chain().hidden[1:]))
    assert units_problem(pooled, 0) == "its currents are pooled"
    assert units_problem(chain(), 0) is None


@for_each("coding, walks", [(Coding.EVENTS, 1), (Coding.DIRECT, 2)])
def test_cycles_by_hand(coding, walks):
    """c1 has 4 channels, 12 positions and T = 2: 24 rows of sums, 48 of units.  A spike at (0, 0)
    reaches 4 positions, of 2 folds each."""
    network = chain(channels=(4, 5), coding=coding)
    inputs = np.zeros((1, 36) if coding is Coding.DIRECT else (1, 2, 36), np.uint8)
    inputs[..., 0] = 1
    activity, events = measured(network, inputs), 4 * 2
    plain, held = schedule_of(network, (None,) * 3), schedule_of(network, (1, None, None))
    for measure in (layer_bounds, predicted_cycles):
        assert measure(network, plain, activity)[0].tolist() == [
            2 * 24 + events * (2 // walks)]
        assert measure(network, held, activity)[0].tolist() == [2 * 48]
    assert throughput(network, held, activity).layers[0] == 2 * 48
    wide = schedule_of(network, (2, None, None))  # units as many, beside the next events
    for measure in (layer_bounds, predicted_cycles):
        assert measure(network, wide, activity)[0].tolist() == [
            max(2 * 24, (24 + events) * (2 // walks))]


def test_held_sums_are_a_memory_and_words_are_as_wide_as_before():
    network = chain()
    plain, held = (build_layout(network, schedule_of(network, units))
                   for units in ((None,) * 3, (1, 2, None)))
    for before, after in zip(plain.layers, held.layers, strict=True):
        assert after.neurons.words == before.neurons.raster
        assert after.neurons.held.sum_width == after.synapses.sum_width
    more = (layer_memories(held)[0].accumulators - layer_memories(plain)[0].accumulators)
    assert more == 24 * 2 * held.layers[0].synapses.sum_width


def test_a_plan_file_names_them(tmp_path):
    network = chain()
    schedule = schedule_of(network, (1, 4, None))
    path = tmp_path / "plan.toml"
    path.write_text(plan_toml(network, schedule), encoding="utf-8")
    assert read_plan(path).schedule(network) == schedule


def test_they_are_weighed_only_where_the_plan_is_free():
    assert reconcile(PlanOptions(units=True)).units
    with pytest.raises(InputError, match="`units`: must stand without a plan, but `lanes` and"):
        reconcile(PlanOptions(units=True, lanes=(1,)))
