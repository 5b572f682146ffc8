"""A plan written, read again, and everything that is wrong with one."""

import re

import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.schedule import BLOCK_ROWS, Engine, Rows, Store, Stores
from bsnn_hw.planning.goal import Goal, Objective
from bsnn_hw.planning.plan_file import plan_toml, read_plan
from bsnn_hw.planning.schedule import make_schedule
from tests.for_each import for_each
from tests.planning.test_schedule import network

GOOD = """
[layers.fc1]
lanes = 2
parallel = 3
[layers.out]
lanes = 1
parallel = 2
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "plan.toml"


def read(path, text):
    path.write_text(text)
    return read_plan(path)


def refused(path, text):
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        read_plan(path).schedule(network())
    return str(caught.value).replace(str(path), "FILE").splitlines()


def test_a_file(path):
    plan = read(path, 'target = "ecp5-25k"\ngoal = "fps=5000"\nclock = 80\n' + GOOD)
    assert (plan.target, plan.goal, plan.clock) == ("ecp5-25k", Goal(Objective.RATE, 5000), 80.0)
    assert plan.schedule(network()) == make_schedule(network(), (2, 1), (3, 2))


def test_layers_are_pipelined_as_the_part_wants_where_the_file_does_not_say(path):
    plan = read(path, GOOD.replace("parallel = 3", "parallel = 3\npipelined = false"))
    assert [each.pipelined for each in plan.schedule(network(), True).layers] == [False, True]
    assert not any(each.pipelined for each in plan.schedule(network()).layers)


@for_each("options", [
    {}, {"target": "ecp5-85k", "goal": Goal(Objective.FASTEST), "clock": 62.5,
         "notes": ("a", "b = c")}])
def test_what_is_written_is_read_again(path, options):
    schedule = make_schedule(network(), (3, 2), (4, 1)).placed(
        Stores(frozenset({Store.SUMS, Store.POTENTIALS})), Stores()).pipelined(True, False)
    plan = read(path, plan_toml(network(), schedule, **options))
    assert plan.schedule(network()).placed(*plan.memories(network())) == schedule
    for name in ("target", "goal", "clock"):
        assert getattr(plan, name) == options.get(name)


def test_all_problems_are_named(path):
    assert refused(path, "[layers.fc2]\nlanes = 1\nparallel = 1\n[layers.out]\nlanes = 1.5\n"
                         "speed = 3\n") == [
        "FILE: layer 'fc2': must be one of the network's, 'fc1', 'out'",
        "FILE: layer 'fc1': must be there, [layers.fc1] is missing",
        "FILE: layer 'out': must have lanes, parallel, engine, places, units, block_ram, pipelined "
        "and nothing else, not 'speed'",
        "FILE: layer 'out': lanes must be a whole number, not 1.5",
        "FILE: layer 'out': parallel must be given"]


def test_counts_out_of_range_are_all_named(path):
    assert refused(path, GOOD.replace("lanes = 2", "lanes = 9").replace("parallel = 2",
                                                                       "parallel = 4")) == [
        "FILE: layer 'fc1': lanes must be 1..5, the inputs, not 9",
        "FILE: layer 'out': parallel must be 1..3, its neurons, not 4"]


def test_memories_that_a_layer_does_not_have_are_all_named(path):
    """Its 7 neurons are 3 rows here; the reset is hard, the readout has sums only."""
    assert refused(path, GOOD.replace("parallel = 3", 'parallel = 3\nblock_ram = ["leaks", "sums"]')
                   + 'block_ram = ["sums", "biases"]\n') == [
        "FILE: layer 'fc1': block_ram must name memories of this layer with two rows or more, "
        "sums, potentials, biases, thresholds, not leaks",
        "FILE: layer 'out': block_ram must name memories of this layer with two rows or more, "
        "sums, not biases"]


def test_a_single_row_is_no_memory(path):
    """It is a register, whatever a plan says."""
    assert refused(path, GOOD.replace("parallel = 3", 'parallel = 7\nblock_ram = ["sums"]')) == [
        "FILE: layer 'fc1': block_ram must name memories of this layer with two rows or more, "
        "none here, not sums"]


@for_each("text, message", [
    ("[layers.fc1]\nlanes = 1\nparallel = 1\nblock_ram = ['weights']",
     "FILE: layer 'fc1': block_ram must be a list of sums, potentials, biases, thresholds, reset "
     "amounts, leaks, gains, synaptic currents, held sums, floors, not "),
    ("[layers.fc1]\nlanes = 1\nparallel = 1\npipelined = 1",
     "FILE: layer 'fc1': pipelined must be true or false, not 1"),
    ("[layers.fc1]\nlanes = 1\nparallel = 1\nblock_ram = 'sums'",
     "FILE: layer 'fc1': block_ram must be a list of sums, "),
    ("[layers", "FILE: must be TOML, "),
    ("speed = 3", "FILE: must have target, goal, clock, block_rows, constant_rows, layers and "
                  "nothing else, not 'speed'"),
    ("target = 3", "FILE: target must be a string, not 3"),
    ("goal = true", "FILE: goal must be a string, not True"),
    ('goal = "x"', "FILE: goal: must be smallest, fastest or fps=N"),
    ("block_rows = 1", "FILE: block_rows must be a whole number of 2 or more, not 1"),
    ("constant_rows = true", "FILE: constant_rows must be a whole number of 2 or more, not True"),
    (f"clock = {'9' * 400}", "FILE: clock must be MHz above 0, not an integer of 1329 bits"),
    (f"clock = {'9' * 5000}", "FILE: must be TOML, "),
    (f"clock = 0x{'f' * 5000}", "FILE: clock must be MHz above 0, not an integer of 20000 bits"),
    ("clock = nan", "FILE: clock must be MHz above 0, not nan"),
    ("clock = 1979-02-30", "FILE: must be TOML, "),
    ("clock = 1979-05-27", "FILE: clock must be MHz above 0, not a date"),
    (f"x = {'[' * 100_000}", "FILE: must be TOML, "),
    (f"{'a.' * 100_000}a = 1", "FILE: must be TOML, with keys of at most 100 parts"),
    ("#" * (1 << 19), "FILE: must be TOML, of at most 262144 characters, not 524288"),
    (f"block_rows = 0x{'f' * 5000}", "FILE: block_rows must be a whole number of 2 or more, not "
                                     "an integer of 20000 bits"),
    (f"goal = [{'[1],' * 9999}]", "FILE: goal must be a string, not a list of 9999 values"),
    ("[layers.fc1]\nlanes = 1\nparallel = 1\nengine = [1]",
     "FILE: layer 'fc1': engine must be events or words or unrolled, not [1]"),
    (f"[layers.fc1]\nlanes = 0x{'f' * 5000}\nparallel = 1",
     "FILE: layer 'fc1': lanes must be a whole number, not an integer of 20000 bits"),
    ("[layers.fc1]\nlanes = 1\nparallel = 1\nplaces = true",
     "FILE: layer 'fc1': places must be a whole number, not True"),
    ("clock = 0", "FILE: clock must be MHz above 0, not 0"),
    ('clock = "fast"', "FILE: clock must be MHz above 0, not 'fast'"),
    ("layers = 3", "FILE: layers must be tables [layers.NAME], not 3"),
    ("layers.fc1 = 3", "FILE: layer 'fc1': must be a table of lanes and parallel"),
    ("[layers.fc1]\nlanes = 1\nparallel = 1\nengine = 3",
     "FILE: layer 'fc1': engine must be events or words or unrolled, not 3"),
    ("[layers.fc1]\nlanes = true\nparallel = 1",
     "FILE: layer 'fc1': lanes must be a whole number, not True")])
def test_each_problem(path, text, message):
    assert refused(path, text)[0].startswith(message)


def test_no_file(path):
    with pytest.raises(InputError, match=f"^{re.escape(str(path))}: must be a plan file, No such"):
        read_plan(path)


def test_binary(path):
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="must be TOML"):
        read_plan(path)


def test_words_are_read_again(path):
    schedule = make_schedule(network(), (3, 4), (4, 1), (Engine.EVENTS, Engine.WORDS))
    assert read(path, plan_toml(network(), schedule)).schedule(network()) == schedule


def test_a_strange_name_is_quoted(path):
    net = network()
    layers = (type(net.hidden[0])("a.b c", net.hidden[0].synapse, net.hidden[0].neuron),)
    odd = type(net)(net.name, net.timesteps, net.input, layers, net.readout, net.classes)
    schedule = make_schedule(odd, (1, 1), (1, 1))
    assert read(path, plan_toml(odd, schedule)).schedule(odd) == schedule


def test_block_rows_from_two_on(path):
    for key, rows in (("block_rows", Rows(2, BLOCK_ROWS)), ("constant_rows", Rows(BLOCK_ROWS, 2))):
        assert read(path, f"{key} = 2\n{GOOD}").rows == rows
        assert refused(path, f"{key} = 1\n{GOOD}") == [
            f"FILE: {key} must be a whole number of 2 or more, not 1"]
