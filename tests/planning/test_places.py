"""Several output places at once in a plan: what is legal, its cycles by hand, and its file."""

import re

import numpy as np
import pytest

from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.engines.registry import network_geometries
from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Shape
from bsnn_hw.ir.schedule import Engine
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.cycles import layer_bounds, predicted_cycles
from bsnn_hw.planning.memory import layer_memories
from bsnn_hw.planning.plan_file import plan_toml, read_plan
from bsnn_hw.planning.schedule import make_schedule
from tests.for_each import for_each
from tests.planning.maps import chain
from tests.planning.test_map_cycles import measured
from tests.reference.gates import with_gates

ONE, THREE = (1, 1, 1), (3, 3, 1)


def schedule_of(network, places=THREE, lanes=(1, 1, 1), parallel=(2, 5, 1)):
    return make_schedule(network, lanes, parallel, None, places)


def test_cycles_by_hand():
    """A spike at (0, 0) of a 3x4 map reaches two lines, one at (1, 1) three; c1 has two folds, and
    a step of 12 places."""
    network = chain(channels=(4, 5), timesteps=1)
    inputs = np.zeros((1, 1, 36), np.uint8)
    inputs[0, 0, [0, 5]] = 1
    activity = measured(network, inputs)
    for measure in (layer_bounds, predicted_cycles):
        one, lines = (measure(network, schedule_of(network, places), activity)[0].tolist()
                      for places in (ONE, THREE))
        assert one == [(4 + 9) * 2 + 24]
        assert lines == [(2 + 3) * 2 + 24]


def test_each_place_has_weights_and_sums():
    network = chain()
    schedule = schedule_of(network)
    geometry = network_geometries(network, schedule)[0]
    assert isinstance(geometry, ConvLines)
    assert geometry.plan == schedule.layers[0]
    layout = build_layout(network, schedule)
    memories, sums = layer_memories(layout)[0], layout.layers[0].synapses.sums
    assert memories.weights == 3 * geometry.depth * geometry.parallel
    assert memories.accumulators == 3 * sums.rows * sums.width
    # Three lines of two columns, and three folds in the place of four.
    assert sums.rows == 3 * 2 * 2


@for_each("places, problem", [
    ((2, 1, 1), "layer 'c1': places must be 1 or 3, the output places of a line that one of its "
                "events reaches, not 2"),
    ((1, 0, 1), "layer 'c2': places must be 1 or 3, the output places of a line that one of its "
                "events reaches, not 0"),
    ((1, 1, 2), "layer 'out': places must be 1, the output places of a line that one of its "
                "events reaches, not 2"),
])
def test_illegal_places_are_named(places, problem):
    with pytest.raises(InputError, match=f"^{re.escape(problem)}$"):
        schedule_of(chain(), places)


def test_a_line_of_one_place_has_no_choice():
    with pytest.raises(InputError, match="'c1': places must be 1, the"):
        schedule_of(chain(Shape(3, 4, 1)), (2, 1, 1))


def test_a_gate_of_the_sample_charges_one_place():
    network = with_gates(np.random.default_rng(0), chain(), share=1)
    with pytest.raises(InputError, match="'c1': places must be 1, the"):
        schedule_of(network)


def test_a_plan_is_read_again(tmp_path):
    network = chain(coding=Coding.DIRECT)
    schedule = schedule_of(network, (3, 1, 1))
    path = tmp_path / "plan.toml"
    path.write_text(plan_toml(network, schedule), encoding="utf-8")
    assert path.read_text(encoding="utf-8").count("places = 3") == 1
    again = read_plan(path).schedule(network)
    assert [(plan.places, plan.lanes, plan.parallel, plan.engine) for plan in again.layers] == [
        (3, 1, 2, Engine.EVENTS), (1, 1, 5, Engine.EVENTS), (1, 1, 1, Engine.EVENTS)]
