"""SynapticArray against reference.neuron.advance."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.synaptic import SynapticArray
from bsnn_hw.ir.bounds import accumulator_bounds, hidden_bounds
from bsnn_hw.ir.network import Comparison, Conv, Hidden, NeuronSpec, Reset, Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Rows
from bsnn_hw.layout.timing import SYNAPTIC_DELAY
from bsnn_hw.reference import neuron
from bsnn_hw.reference.network import currents, in_sequence
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls

IDLE = {"row": 0, "fold": 0, "timestep": 0, "charge": 0, "step": 0, "clear": 0, "close": 0,
        "sweep": 0}
LARGEST = 3  # value that comes in


def a_layer(rng, shape, timesteps, leaks, stateful=False):
    """A 1x1 convolution of second-order neurons of ``shape``."""
    conv = Conv(rng.choice(np.array([-1, 1], np.int8), (shape.channels, 3, 1, 1)),
                np.ones(shape.channels, bool), Shape(3, shape.height, shape.width))
    size = timesteps, shape.channels
    leak = {"shift": np.full(timesteps, 2), "product": rng.integers(0, 5, timesteps),
            "own": rng.integers(0, 5, size), "none": np.zeros(timesteps, int)}[leaks]
    leak = np.minimum(leak, 3) if stateful else leak
    leak[0] *= stateful
    spec = NeuronSpec(1, 2, np.zeros(timesteps, np.int64), rng.integers(-9, 9, size),
                      rng.integers(1, 20, size), Reset.HARD, Comparison.ABOVE, current_leak=leak,
                      stateful=stateful)
    return Hidden("conv", conv, spec)


def wanted(layer, given):
    """I of whole currents (N, T, neurons)."""
    shape, given = given.shape, in_sequence(layer.neuron.stateful, given)
    state, steps = neuron.at_rest(given[:, 0]), []
    for t in range(given.shape[1]):
        _, state = neuron.advance(layer.neuron, t, state, given[:, t])
        steps.append(state.synaptic)
    return torch.stack(steps, dim=1).reshape(shape).numpy()


class Steps:
    """Steps a SynapticArray through samples, and writes down what charges the membranes."""

    def __init__(self, layer, parallel, current_delay=3, block_rows=33, pipelined=False):
        self.layer, self.delay = layer, current_delay
        self.timesteps = len(layer.neuron.threshold)
        self.raster = Raster(layer.shape, parallel)
        self.dut = SynapticArray(layer.neuron, hidden_bounds(layer, LARGEST), self.raster,
                                 current_delay=current_delay, memories=Rows(block_rows),
                                 pipelined=pipelined)

    def run(self, given, pauses, rows_first):
        """I of currents ``given`` (N, T, neurons), in its shape.

        rows_first : each row goes through all samples before the next, as fast as it may
        """
        row, position = self.raster.locate(np.arange(self.layer.shape.size))
        rows = np.full((*given.shape[:2], self.raster.rows, self.raster.width), given.max())
        rows[..., row, position] = given
        order = [index[1:] + index[:1] for index in np.ndindex(self.raster.rows, *rows.shape[:2])
                 ] if rows_first else list(np.ndindex(rows.shape[:3]))
        trace, latest = [], {}
        steps = [(self._op(r, close=1, sweep=1), None) for r in range(self.raster.rows)]
        steps += [(self._op(r, timestep=t, clear=1, close=t == self.timesteps - 1),
                   rows[n, t, r].tolist()) for n, t, r in order]
        for op, values in steps:
            while len(trace) - latest.get(op["row"], -99) < self.dut.recovery or next(pauses):
                # Operations that step nothing, whatever else they hold, are not looked at.
                trace.append((self._op(op["row"], step=0, charge=1, close=1), None))
            latest[op["row"]] = len(trace)
            trace.append((op, values))
        result = np.zeros(rows.shape, np.int64)
        result[tuple(np.array(order).T)] = self._collect(trace)
        return self.raster.by_neuron(result)

    def _op(self, row, **fields):
        return IDLE | {"row": row, "fold": row % self.raster.folds, "step": 1} | fields

    def _collect(self, trace):
        dut, found = self.dut, []

        async def check(context):
            coming = [None] * self.delay
            arriving = [None] * SYNAPTIC_DELAY
            for op, values in trace + [(IDLE, None)] * (self.delay + SYNAPTIC_DELAY + 1):
                context.set(dut.op, op)
                now, *coming = *coming, values
                context.set(dut.currents, now if now else [-1] * self.raster.width)
                given, *arriving = *arriving, now
                *_, synaptic = await context.tick().sample(dut.synaptic)
                if given:
                    found.append(list(synaptic))

        Bench(dut, deadline=len(trace) + 99).run(check)
        return found

    def check(self, accs, pauses, rows_first=False):
        given = currents(self.layer, torch.as_tensor(accs))
        right, found = wanted(self.layer, given), self.run(given.numpy(), pauses, rows_first)
        wrong = np.argwhere(right != found)
        if len(wrong):
            n, t, i = wrong[0]
            pytest.fail(f"sample {n}, timestep {t}, neuron {i}: RTL I {found[n, t, i]}, reference "
                        f"{right[n, t, i]}")


# Rows in LUTs, a register, and in block RAM, each as often as it may step.
@quick(1, wide=8)
@for_each("leaks", ["shift", "product", "own", "none"])
@for_each("rows_first", [False, True])
@for_each("block_rows", [33, 2])
@for_each("pipelined", [False, True])
@for_each("shape, parallel", [
    (Shape(1), 1), (Shape(3, 1, 2), 3), (Shape(5, 2, 3), 2), (Shape(3, 1, 17), 2)])
def test_matches_the_reference(shape, parallel, block_rows, rows_first, leaks, pipelined):
    rng = np.random.default_rng(shape.size)
    layer = a_layer(rng, shape, 3, leaks)
    low, high = (ends.repeat(shape.positions) for ends in accumulator_bounds(layer.synapse,
                                                                             LARGEST))
    accs = rng.integers(low, high + 1, (4, 3, shape.size))
    accs[:2] = np.stack([low, high])[:, None]  # the ends of all widths
    pauses = stalls(0, 0 if rows_first else 0.3)
    Steps(layer, parallel, 3 + pipelined + shape.size % 3, block_rows, pipelined).check(
        accs, pauses, rows_first)


# With one timestep, what is kept is of the sample before.
@quick(2, wide=2)
@for_each("leaks", ["shift", "product", "own"])
@for_each("timesteps", [1, 3])
@for_each("block_rows", [33, 2])
@for_each("shape, parallel", [(Shape(1), 1), (Shape(5, 2, 3), 2)])
def test_currents_that_are_kept_from_sample_to_sample(shape, parallel, block_rows, timesteps,
                                                      leaks):
    rng = np.random.default_rng(shape.size + timesteps)
    layer = a_layer(rng, shape, timesteps, leaks, stateful=True)
    low, high = (ends.repeat(shape.positions) for ends in accumulator_bounds(layer.synapse,
                                                                             LARGEST))
    accs = rng.integers(low, high + 1, (9, timesteps, shape.size))
    accs[:3], accs[3:6] = low, high
    Steps(layer, parallel, 3, block_rows).check(accs, stalls(0, 0))


def test_known_answers():
    """Half of I is kept, and nothing of the sample before: of 4, 4 and -1 are 4, 6 and 2, and of -3
    and 0, which floors, -3 and -2."""
    shape = Shape(1)
    layer = a_layer(np.random.default_rng(0), shape, 3, "shift")
    given = np.array([[[4], [4], [-1]], [[-3], [0], [0]], [[0], [0], [0]]])
    found = Steps(layer, 1).run(given, stalls(0, 0), False)
    assert found[..., 0].tolist() == [[4, 6, 2], [-3, -2, -1], [0, 0, 0]]


def test_wrong_arguments():
    layer = a_layer(np.random.default_rng(0), Shape(3), 2, "product")
    bounds = hidden_bounds(layer, 1)
    right = {"spec": layer.neuron, "bounds": bounds, "raster": Raster(Shape(3), 1),
             "current_delay": 3}
    for name, kind in (("spec", "NeuronSpec"), ("bounds", "HiddenBounds"), ("raster", "Raster")):
        with pytest.raises(TypeError, match=f"{name} must be a {kind}, not None"):
            SynapticArray(**right | {name: None})
    for delay in (2, "4"):
        with pytest.raises(ValueError, match="current_delay must be an integer of 3 or more, not "):
            SynapticArray(**right | {"current_delay": delay})
    with pytest.raises(ValueError, match="spec and bounds must be of second-order neurons"):
        SynapticArray(**right | {"spec": replace(layer.neuron, current_leak=None)})
