"""The header of every file says which layer it belongs to."""

import re

from bsnn_hw.emission.notes import module_notes
from bsnn_hw.hdl.ports import top_level
from bsnn_hw.verilog.header import YOURS
from bsnn_hw.verilog.rtlil import to_rtlil
from tests.emission.circuits import random_layout
from tests.for_each import for_each, for_each_in, quick


def _heads(bundle):
    return {path.stem: path.read_text().split("module ")[0].splitlines()
            for path in bundle.design.verilog.paths}


@for_each_in("bundles", "bundle")
def test_of_an_emitted_bundle(bundle):
    heads, top = _heads(bundle), bundle.design.verilog.top
    for head in heads.values():
        assert len(head) == 3 and head[2].endswith(f"what it writes {YOURS}.")
    layer, network = bundle.design.network.hidden[0], bundle.design.network
    assert heads[top][1].startswith(f"// Network {network.name}: {network.input.size} inputs, T = ")
    engine = f"engine {bundle.design.geometries[0].takes.value}, lanes "
    line = heads[f"{top}_layer_{layer.name}_neurons"][1]
    assert line.startswith(f"// Layer {layer.name}: ") and engine in line


def test_known_answers(maps_bundle):
    heads = _heads(maps_bundle)
    assert {name: heads[f"bsnn_maps_{name}"][1] for name in (
        "layer_c2", "layer_c4_neurons", "layer_out", "link_c3_queue", "pool_2_c2",
        "carry_3_c2", "carry_4_c2", "frontend_queue_first")} == {
        "layer_c2": "// Layer c2: convolution 3x3, 4x2x3 inputs to 4x2x3 neurons, 1-bit weights; "
                    "engine events, shared lanes 2, parallel 3.",
        "layer_c4_neurons": "// Layer c4: convolution 3x3, 4x2x3 inputs to 4x2x3 neurons, 1-bit "
                            "weights; engine events, lanes 1, parallel 3.",
        "layer_out": "// Layer out: fully connected, 8 inputs to 3 neurons, 1-bit weights; engine "
                     "events, shared lanes 2, parallel 2.",
        "link_c3_queue": "// From layer c3 to layer c4: engine events, lanes 1, parallel 3.",
        "pool_2_c2": "// From layer c2 to layer c4: engine events, lanes 1, parallel 3.",
        "carry_3_c2": "// From layer c2 to layer c4: currents that it adds.",
        "carry_4_c2": "// From layer c2 to layer c4: spikes that it adds.",
        "frontend_queue_first": "// From the input to layer c1: engine events, lanes 2, "
                                "parallel 2."}


@for_each_in("bundles", "bundle")
def test_no_date_and_no_path(bundle):
    for head in _heads(bundle).values():
        assert not re.search(r"\b20\d\d\b|/home|/tmp", "\n".join(head))


@quick(0, wide=4)
@for_each("seed", range(24))
def test_every_module_inside_a_network_has_a_layer(seed):
    """But for the entry's queue and the port, whose lines are those of what is around them."""
    layout = random_layout(seed)
    component, inside = top_level(layout)
    notes = module_notes(layout, "top", inside)
    parts = {match[1] for match in re.finditer(
        rf"^module \\(top{re.escape(inside)}\.[^.\s]+)", to_rtlil(component, "top"), re.MULTILINE)}
    assert parts <= notes.keys(), parts - notes.keys()
