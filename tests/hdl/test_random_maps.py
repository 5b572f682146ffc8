"""Whole random networks of maps: their Verilog, compiled, against the reference: every spike,
every membrane potential and every score, at full pace and with both ports stalling."""

import numpy as np

from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.ir.network import Conv, SynapseShortcut
from bsnn_hw.ir.schedule import LayerPlan, Schedule
from bsnn_hw.verification.native import build_model, verify_native
from tests.for_each import for_each, quick
from tests.reference.random_maps import random_inputs, random_network


def random_schedule(rng, network):
    """Any legal lanes and parallel neurons, the fewest and the most often."""
    tied = list(range(len(network.hidden)))  # layers whose rows meet are equally parallel
    for number, layer in enumerate(network.hidden):
        for shortcut in layer.shortcuts:
            if not isinstance(shortcut, SynapseShortcut):
                old, new = tied[number], tied[number - shortcut.back]
                tied = [new if group == old else group for group in tied]
    plans, parallels = [], {}
    for number, layer in enumerate(network.layers):
        channels = layer.synapse.shape.channels
        drawn = int(rng.choice([1, channels, rng.integers(1, channels + 1)]))
        if number < len(network.hidden):
            drawn = parallels.setdefault(tied[number], drawn)
        producer, is_conv = number - layer.back, isinstance(layer.synapse, Conv)
        source = network.features(producer)
        width = (plans[producer].parallel if producer >= 0
                 else source.channels if is_conv else source.size)
        lanes = int(rng.integers(1, min(width, 4) + 1))
        shared = number > 0 and lanes > 1 and rng.random() < .5
        plans.append(LayerPlan(lanes, drawn, shared))
    return Schedule(tuple(plans))


@quick(0, wide=1)  # each compiles a simulation
@for_each("seed", range(60))
def test_every_spike_potential_and_score(seed, tmp_path):
    rng = np.random.default_rng(seed)
    network = random_network(rng)
    schedule = random_schedule(rng, network)
    inputs = random_inputs(network, rng, 6)
    for folder in ("rtl", "sim"):
        (tmp_path / folder).mkdir()
    design = emit_verilog(network, schedule, tmp_path / "rtl")
    model = build_model(design, tmp_path / "sim", optimize="-O0")
    verify_native(design, model, inputs)
    verify_native(design, model, inputs, seed=seed, pause_in=.3, pause_out=.5)
