"""manifest.json tells the truth: circuits driven by its words alone, odd input included."""

import json
import random
from dataclasses import replace

import numpy as np

from bsnn_hw.ir import store
from bsnn_hw.reference.network import run
from tests.emission.stranger import beat, drive, entries_of, fields_of, joined, packet, slot
from tests.for_each import for_each, for_each_in


def events_of(facts, sample):
    """A sample's timesteps as lists of (input, value)."""
    steps = [sample] if facts["network"]["input"]["coding"] == "direct" else sample
    return [[(int(i), int(step[i])) for i in np.flatnonzero(step)] for step in steps]


def expected(bundle, sample):
    """The reference's scores of one sample, whose values may go beyond the input's."""
    network = store.read(bundle.folder / "network.json")
    wide = replace(network, input=replace(network.input, bits=10))
    trace = run(wide, sample[None].astype(np.int64))
    return trace.scores[0], trace.classes[0]


@for_each_in("drives", "driven")
@for_each("pauses", [{}, {"pause_in": 0.3, "pause_out": 0.6, "seed": 3}])
def test_a_stranger_gets_the_reference_s_scores(driven, pauses):
    bundle, facts, model = driven
    packets = [packet(facts, events_of(facts, sample)) for sample in bundle.inputs]
    scores, answers = drive(facts, model, packets, **pauses)
    trace = run(bundle.network, bundle.inputs)
    np.testing.assert_array_equal(scores, trace.scores)
    np.testing.assert_array_equal(answers, trace.classes)


def check_odd(driven, cases):
    """Each odd packet gives one result, the expected one, and leaves the next one alone."""
    bundle, facts, model = driven
    usual = bundle.inputs[len(bundle.inputs) // 2]
    packets, wanted = [], []
    for beats, meaning in cases:
        packets += [beats, packet(facts, events_of(facts, usual))]
        wanted += [meaning, usual]
    scores, answers = drive(facts, model, packets)
    for number, meaning in enumerate(wanted):
        if meaning is None:
            continue
        score, answer = expected(bundle, meaning)
        np.testing.assert_array_equal(scores[number], score, f"packet {number}")
        assert answers[number] == answer, f"packet {number}"


def slots_beyond(facts):
    """{slot: (row, value)} of beats that name no input."""
    slots, fields = entries_of(facts), fields_of(facts)
    if fields is None:
        size = facts["network"]["input"]["size"]
        beyond = (1 << facts["s_axis"]["slot"]["row"]["width"]) * slots
        for address in sorted({*range(size, min(size + 4 * slots, beyond)), beyond - 1}):
            yield {address % slots: (address // slots, 1)}
        return
    channels, height, width = facts["network"]["input"]["map"]
    limits = {"r": -(-channels // slots), "x": width, "y": height}
    for name, limit in limits.items():
        for number in sorted({*range(limit, min(limit + 4, 1 << fields[name]["width"])),
                              (1 << fields[name]["width"]) - 1} - set(range(limit))):
            for entry in range(slots):
                yield {entry: (joined(fields, **{name: number}), 1)}
    if channels % slots:
        yield {slots - 1: (joined(fields, r=channels // slots), 1)}


@for_each_in("drives", "driven")
def test_odd_input_addresses_beyond_the_layer(driven):
    bundle, facts, _ = driven
    sample = bundle.inputs[len(bundle.inputs) // 2]
    cases = []
    for slots in slots_beyond(facts):
        beats = packet(facts, events_of(facts, sample))
        cases.append(([[beat(facts, slots), False, False], *beats], sample))
    assert cases
    check_odd(driven, cases)


@for_each_in("drives", "driven")
def test_odd_input_slots_of_different_positions(driven):
    bundle, facts, _ = driven
    fields = fields_of(facts)
    assert ("slots of different positions in a beat" in facts["odd_input"]) == (fields is not None)
    if fields is None:
        return
    silent = np.zeros_like(bundle.inputs[0])
    meaning = silent.reshape(-1, *facts["network"]["input"]["map"]).copy()
    meaning[0, :2, 1, 2] = 1
    mixed = {0: (joined(fields, x=2, y=1), 1), 1: (joined(fields, x=3, y=3), 1)}
    beats = packet(facts, events_of(facts, silent))
    check_odd(driven, [([[beat(facts, mixed), False, False], *beats],
                        meaning.reshape(silent.shape))])


@for_each_in("drives", "driven")
def test_odd_input_empty_slots(driven):
    """A row without a value is no event."""
    bundle, facts, _ = driven
    sample = bundle.inputs[len(bundle.inputs) // 2]
    steps = events_of(facts, sample)
    full = [[(i, 0) for i in range(bundle.network.input.size)] + events for events in steps]
    check_odd(driven, [(packet(facts, full), sample)])


@for_each_in("drives", "driven")
def test_odd_input_nothing_at_all(driven):
    bundle, _facts, _ = driven
    silent = np.zeros_like(bundle.inputs[0])
    check_odd(driven, [([[0, True, False]], silent), ([[0, True, True]], silent),
                       ([[0, False, False]] * 3 + [[0, True, False]], silent)])


@for_each_in("drives", "driven")
def test_odd_input_an_event_twice(driven):
    bundle, facts, _ = driven
    sample = bundle.inputs[len(bundle.inputs) // 2]
    steps = [events * 2 for events in events_of(facts, sample)]
    check_odd(driven, [(packet(facts, steps), 2 * sample.astype(np.int64))])


@for_each_in("drives", "driven")
def test_odd_input_far_too_many_events(driven):
    """Sums wrap; what follows is exact."""
    _, facts, _ = driven
    steps = facts["network"]["timesteps"] if facts["s_axis"]["tuser"] else 1
    top = (1 << facts["network"]["input"]["bits"]) - 1
    check_odd(driven, [(packet(facts, [[(0, top)] * 3000] * steps), None)])


@for_each_in("drives", "driven")
def test_odd_input_too_few_timesteps(driven):
    bundle, facts, _ = driven
    if facts["s_axis"]["tuser"] is None:
        assert "packet with too few timesteps" not in facts["odd_input"]
        return
    sample = bundle.inputs[-1]
    cases = []
    for count in range(1, len(sample)):
        steps = events_of(facts, sample)[:count]
        meaning = np.where(np.arange(len(sample))[:, None] < count, sample, 0)
        cases += [(packet(facts, steps), meaning),
                  ([*packet(facts, steps)[:-1], [packet(facts, steps)[-1][0], True, False]],
                   meaning)]
    check_odd(driven, cases)


@for_each_in("drives", "driven")
def test_odd_input_too_many_timesteps(driven):
    bundle, facts, _ = driven
    if facts["s_axis"]["tuser"] is None:
        assert "packet with too many timesteps" not in facts["odd_input"]
        return
    sample = bundle.inputs[-1]
    cases = []
    for extra in (1, 2, 11):
        steps = events_of(facts, sample) + [[(0, 1), (3, 1)]] * extra
        cases += [(packet(facts, steps), sample), (packet(facts, [*steps, []]), sample)]
    check_odd(driven, cases)


@for_each_in("drives", "driven")
@for_each("seed", range(3))
def test_odd_input_noise(driven, seed):
    """Whatever comes in: a result for each tlast, and exact ones after it."""
    _, facts, _ = driven
    chance = random.Random(seed)
    width = facts["s_axis"]["tdata_width"]
    cases = []
    for _ in range(30):
        beats = [[chance.getrandbits(width), False, chance.random() < 0.3]
                 for _ in range(chance.randrange(1, 40))]
        beats[-1][1] = True
        cases.append((beats, None))
    check_odd(driven, cases)


@for_each_in("bundles", "bundle")
def test_ports_are_those_of_the_verilog(bundle):
    facts = json.loads((bundle.folder / "manifest.json").read_text())
    text = (bundle.folder / f"rtl/{facts['top']}.v").read_text()
    header = text[(start := text.index("\nmodule")):text.index(";", start)]
    user = {"s_axis_tuser"} if facts["s_axis"]["tuser"] else set()
    ports = {f"{side}_axis_t{port}" for side in "sm" for port in ("data", "valid", "ready", "last")}
    given = set(header[header.index("(") + 1:header.index(")")].replace(",", " ").split())
    assert given == {"clk", "rst", "m_axis_tuser"} | ports | user
    assert f"input [{facts['s_axis']['tdata_width'] - 1}:0] s_axis_tdata" in text
    assert f"output [{facts['m_axis']['tdata_width'] - 1}:0] m_axis_tdata" in text


def test_words_at_the_port(words_bundle):
    facts = json.loads((words_bundle.folder / "manifest.json").read_text())
    assert [layer["engine"] for layer in facts["layers"]] == ["words", "words"]
    assert (facts["s_axis"]["slots"], facts["s_axis"]["tdata_width"]) == (1, 8)
    assert facts["s_axis"]["rows"] == 3  # of 11 inputs, 4 in a word
    value, row = (facts["s_axis"]["slot"][part] for part in ("value", "row"))
    assert (value["low"], value["width"], value["inputs"]) == (0, 4, 4)
    assert (row["low"], row["width"]) == (4, 4)
    assert row["meaning"] == "bit e of row r is input r * 4 + e"


def test_widths_and_places(events_bundle):
    facts = json.loads((events_bundle.folder / "manifest.json").read_text())
    assert facts["s_axis"]["slots"] == 3
    assert facts["s_axis"]["rows"] == 4  # of 11 inputs
    row = facts["s_axis"]["slot"]["row"]
    assert (row["low"], row["width"]) == (1, 7)
    assert row["meaning"].startswith("slot e of row r is input r * 3 + e;")
    assert slot(facts, 2, 1) == 0b101
    assert facts["layers"][0]["folds"] == 3
    assert facts["vectors"]["inferences"] == 24
