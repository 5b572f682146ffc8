"""GateUnit by hand, and in layers against reference.gate."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.hdl.gate import FACTOR_DELAY, GateUnit
from bsnn_hw.ir.bounds import hidden_bounds
from bsnn_hw.ir.gate import SampleGate
from bsnn_hw.ir.network import Shape
from bsnn_hw.layout.gate import gate_block
from bsnn_hw.reference.gate import factors
from bsnn_hw.reference.network import run_hidden
from bsnn_hw.reference.synapse import sums
from tests.for_each import for_each, quick
from tests.hdl import test_layer, test_layer_maps
from tests.hdl.benches import Bench
from tests.hdl.nets import random_hidden
from tests.reference.gates import random_gate

TIMESTEPS = 3
IDLE = {"row": 0, "fold": 0, "timestep": 0, "charge": 0, "step": 0, "clear": 0, "close": 0,
        "sweep": 0}


def unit_of(gate, *, neurons=4, parallel=2, block_ram=False):
    """A gate of three inputs in one lane, its neurons in two folds."""
    layer = random_hidden(np.random.default_rng(0), "fc", neurons, 3, 2, 1)
    layer = replace(layer, gate=gate)
    geometry = DenseEvents.flat(3, 3, neurons, 1, parallel)
    block = replace(gate_block(gate, geometry, hidden_bounds(layer, 1).gate, max_value=1),
                    block=block_ram)
    return layer, block, GateUnit(layer, block, folds=geometry.folds, rows=geometry.raster.rows,
                                  taps=geometry.taps)


@for_each("block_ram", [False, True])
def test_known_factors(block_ram):
    """Weights 3, -2, 1, offset 2 and a shift by 1: totals 1 + 2 and, after the clear, -2 + 2."""
    gate = SampleGate(np.array([3, -2, 1], np.int8), 3, 2, 1,
                      np.array([[9, 10, 11, 12], [5, 6, 7, 8]]), 2)
    _, block, unit = unit_of(gate, block_ram=block_ram)
    delay = block.delay
    events = {0: 0, 2: 1, 12: 1}  # inputs 0 and 1, and 1 in the next timestep
    ops = {0: {"charge": 1}, 1: {"charge": 1, "fold": 1, "row": 1}, 2: {"charge": 1},
           3: {"charge": 1, "fold": 1, "row": 1}, 6: {"step": 1, "clear": 1},
           7: {"step": 1, "clear": 1, "fold": 1, "row": 1}, 12: {"charge": 1},
           13: {"charge": 1, "fold": 1, "row": 1},
           16: {"step": 1, "clear": 1, "timestep": 1}}
    shown = []

    async def check(context):
        for cycle in range(30):
            address = events.get(cycle, events.get(cycle - 1))
            context.set(unit.tap, cycle % 2)  # the fold, anything without an event
            context.set(unit.rows, [0 if address is None else address])
            context.set(unit.values, [address is not None])
            context.set(unit.op, IDLE | ops.get(cycle - delay, {}))
            shown.append(context.get(unit.factor))
            await context.tick()

    Bench(unit).run(check)
    first, second = delay + 6 + FACTOR_DELAY, delay + 16 + FACTOR_DELAY
    assert shown[first:second] == [10] * 10
    assert shown[second:] == [5] * (30 - second)


@quick(0, wide=2)
@for_each("direct", [True, False])
@for_each("pause, full", [(0, 0), (.2, .6)])
def test_fully_connected_layers(direct, pause, full):
    for seed, shape in enumerate(test_layer.SHAPES * 2):
        geometry, rng = DenseEvents.flat(*shape), np.random.default_rng(seed)
        most = 7 if direct else 1
        layer = test_layer.random_layer(rng, geometry, TIMESTEPS, most, "shift")
        layer = replace(layer, gate=random_gate(rng, layer.synapse, TIMESTEPS))
        steps = () if direct else (TIMESTEPS,)
        inputs = torch.as_tensor(rng.integers(0, most + 1, (4, *steps, geometry.inputs)))
        inputs[1] = 0
        run = test_layer.Run(layer, geometry, inputs.numpy(), max_value=most, direct=direct,
                             pause=pause, full=full)
        accs = sums(layer.synapse, inputs, TIMESTEPS, most)
        gates = factors(layer, inputs, TIMESTEPS, most, Shape(geometry.inputs))
        test_layer.assert_fired(run, geometry, run_hidden(layer, accs, None, gates)[1].numpy())


class Gated(test_layer_maps.Case):
    """A convolution whose sample makes the gate."""

    def _layer(self, rng, case, leak):
        layer = super()._layer(rng, case, leak)
        return replace(layer, gate=random_gate(rng, layer.synapse, TIMESTEPS))


@quick(1, wide=1)
@for_each("max_value", [1, 5])
@for_each("pause, full", [(0, 0), (.2, .6)])
def test_maps(max_value, pause, full):
    for seed, shape in enumerate(test_layer_maps.SMALL):
        case = Gated(seed, shape, max_value=max_value)
        test_layer_maps.Run(case, pause=pause, full=full).check()


def test_wrong_arguments():
    layer, block, _ = unit_of(random_gate(np.random.default_rng(0), replace(
        random_hidden(np.random.default_rng(0), "fc", 4, 3, 2, 1).synapse), 2))
    with pytest.raises(TypeError, match="layer must be a Hidden, not None"):
        GateUnit(None, block, folds=2, rows=2, taps=2)
    with pytest.raises(TypeError, match="block must be a Gate, not 1"):
        GateUnit(layer, 1, folds=2, rows=2, taps=2)
    with pytest.raises(ValueError, match="layer must have a gate"):
        GateUnit(replace(layer, gate=None), block, folds=2, rows=2, taps=2)
