"""NeuronArray against reference.neuron.advance."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.neuron import NeuronArray
from bsnn_hw.ir.bounds import accumulator_bounds, hidden_bounds
from bsnn_hw.ir.network import (
    Comparison,
    Conv,
    Dense,
    Hidden,
    JoinKind,
    NeuronSpec,
    Reset,
    Shape,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.ir.schedule import Rows
from bsnn_hw.reference.network import currents, run_hidden
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls

KINDS = list(itertools.product(Reset, Comparison))
IDLE = {"row": 0, "fold": 0, "timestep": 0, "charge": 0, "step": 0, "clear": 0, "close": 0,
        "sweep": 0}


def kind_name(kind):
    return f"{kind[0].value}{kind[1].value}" if isinstance(kind, tuple) else None


def random_spec(rng, timesteps, neurons, kind, *, reach, leaks, separate=True):
    """Thresholds that are met often: ``reach`` is the largest magnitude of a sum.

    separate : a soft reset subtracts amounts that are not the thresholds, and each neuron has a
        leak of its own
    """
    fraction_bits, leak_bits = int(rng.integers(4)), int(rng.integers(1, 5))
    leak = rng.integers(0, (1 << leak_bits) + 1, (timesteps, neurons))
    if leaks == "equal":
        leak[:] = leak[-1] | 1
    leak = leak if separate else leak[:, 0]
    leak[0] = 0
    span = (reach << fraction_bits) + 1
    size = timesteps, neurons
    return NeuronSpec(fraction_bits, leak_bits, leak, rng.integers(-span, span, size),
                      rng.integers(1, span + 1, size), *kind,
                      reset_by=rng.integers(0, span + 1, size) if separate else None)


class Steps:
    """Steps a NeuronArray through samples, and writes down its potentials and words."""

    def __init__(self, layer, parallel, fan_max, current_delay=3, block_rows=33,
                 pipelined=False):
        self.layer, self.delay = layer, current_delay
        self.timesteps = len(layer.neuron.threshold)
        self.raster = Raster(layer.shape, parallel)
        self.dut = NeuronArray(layer.neuron, hidden_bounds(layer, fan_max), self.raster,
                               current_delay=current_delay,
                               memories=Rows(block_rows), pipelined=pipelined)

    def run(self, accs, pauses, *, rows_first=False):
        """``charged`` and ``fired`` of ``accs`` (N, T, neurons), in its shape.

        rows_first : each row goes through all samples before the next, as fast as it may
        """
        right = currents(self.layer, torch.as_tensor(accs)).numpy()
        row, position = self.raster.locate(np.arange(self.layer.shape.size))
        rows = np.full((*accs.shape[:2], self.raster.rows, self.raster.width), right.max())
        rows[..., row, position] = right
        order = [index[1:] + index[:1] for index in np.ndindex(self.raster.rows, *rows.shape[:2])
                 ] if rows_first else list(np.ndindex(rows.shape[:3]))
        trace, latest = [], {}
        sweep = [(self._op(r, close=1, sweep=1), None) for r in range(self.raster.rows)]
        steps = [(self._op(r, timestep=t, clear=1, close=t == self.timesteps - 1),
                  rows[n, t, r].tolist()) for n, t, r in order]
        for op, row in sweep + steps:
            while len(trace) - latest.get(op["row"], -99) < self.dut.recovery or next(pauses):
                # Operations that step nothing, whatever else they hold, are not looked at.
                trace.append((self._op(op["row"], step=0, charge=1, close=1), None))
            latest[op["row"]] = len(trace)
            trace.append((op, row))
        potentials, words = self._collect(trace)
        index = tuple(np.array(order).T)
        self._rows(words, index[2])
        result = np.zeros((2, *rows.shape), np.int64)
        result[0][index] = potentials
        result[1][index] = [[word.spikes >> i & 1 for i in range(self.raster.width)]
                            for word in words]
        exists = np.zeros(rows.shape[2:], bool)
        exists[self.raster.locate(np.arange(self.layer.shape.size))] = True
        assert not result[1][..., ~exists].any(), "a spike where no neuron is"
        return self.raster.by_neuron(result)

    def _op(self, row, **fields):
        return IDLE | {"row": row, "fold": row % self.raster.folds, "step": 1} | fields

    def _collect(self, trace):
        bench, dut = Bench(self.dut, deadline=len(trace) + 99), self.dut
        charged, firing = bench.observe("charged"), bench.observe("firing")
        width = len(charged) // self.raster.width
        potentials, words = [], []

        async def check(context):
            coming = [None] * self.delay
            for op, row in trace + [(IDLE, None)] * (dut.delay + 2):
                context.set(dut.op, op)
                now, *coming = *coming, row
                context.set(dut.currents, now if now else [-1] * self.raster.width)
                *_, row, fires, valid, word = await context.tick().sample(
                    charged, firing, dut.words_valid, dut.words)
                if fires:
                    potentials.append([signed(int(row) >> width * i, width)
                                       for i in range(self.raster.width)])
                if valid:
                    words.append(word)

        bench.run(check)
        return potentials, words

    def _rows(self, words, rows):
        given = [(word.row, word.last) for word in words]
        assert given == [(row, row == self.raster.rows - 1) for row in rows]

    def check(self, accs, pauses, **options):
        charged, fired, _ = (x.numpy() for x in run_hidden(self.layer, torch.as_tensor(accs)))
        potentials, spikes = self.run(accs, pauses, **options)
        for name, right, given in (("H", charged, potentials), ("spike", fired, spikes)):
            wrong = np.argwhere(given != right)
            if len(wrong):
                n, t, i = wrong[0]
                pytest.fail(f"sample {n}, timestep {t}, neuron {i}: "
                            f"RTL {name} {given[n, t, i]}, reference {right[n, t, i]}")


def signed(bits, width):
    bits &= (1 << width) - 1
    return bits - (bits >> width - 1 << width)


@quick(3, wide=10)
@for_each("kind", KINDS)
@for_each("leaks", ["equal", "different"])
@for_each("neurons, parallel, timesteps", [
    (1, 1, 1), (5, 5, 3), (5, 3, 4), (5, 2, 2), (7, 1, 3), (9, 2, 1)])
def test_matches_the_reference(kind, leaks, neurons, parallel, timesteps):
    rng = np.random.default_rng(neurons * 10 + parallel)
    dense = Dense(np.where(rng.random((neurons, 4)) < .5, 1, -1).astype(np.int8),
                  rng.random(neurons) < .8)
    spec = random_spec(rng, timesteps, neurons, kind, reach=12, leaks=leaks,
                       separate=parallel != 2)
    low, high = accumulator_bounds(dense, 3)
    accs = rng.integers(low, high + 1, (12, timesteps, neurons))
    accs[:4] = rng.choice([0, 1], (4, timesteps, 1)) * (high - low) + low  # the ends of all widths
    pauses = stalls(neurons, .3 if leaks == "equal" else 0)
    pipelined = bool(timesteps % 2)
    Steps(Hidden("fc", dense, spec), parallel, 3, current_delay=3 + pipelined + neurons % 3,
          block_rows=33 if kind[0] is Reset.SOFT else 2, pipelined=pipelined).check(accs, pauses)


@for_each("join, leaving", [
    (JoinKind.AND, 0b0001), (JoinKind.IAND, 0b0010), (JoinKind.INHIBIT, 0b0100)])
def test_spikes_are_joined_as_they_leave(join, leaving):
    """Neurons 0 and 2 fire; those of the other layer are 0 and 1."""
    one = np.ones((1, 4), np.int64)
    spec = NeuronSpec(0, 0, np.zeros(1, np.int64), 0 * one, one, *KINDS[0])
    layer = Hidden("fc", Dense(np.ones((4, 1), np.int8), np.ones(4, bool)), spec)
    dut = NeuronArray(spec, hidden_bounds(layer, 1), Raster(Shape(4), 4), current_delay=3,
                      join=join)
    words = []

    async def check(context):
        context.set(dut.currents, [1, 0, 1, 0])
        context.set(dut.joined, [1, 1, 0, 0])
        for step in (1, 0, 0, 0, 0, 0, 0):
            context.set(dut.op, IDLE | {"step": step, "close": step})
            *_, valid, word = await context.tick().sample(dut.words_valid, dut.words)
            words.extend([int(word.spikes)] if valid else [])

    Bench(dut).run(check)
    assert words == [leaving]


# Rows in LUTs, a register, and in block RAM, each with leaks that are a shift or a product.
@quick(4, wide=3)
@for_each("leaks", ["shift", "product"])
@for_each("rows_first", [False, True])
@for_each("block_rows", [33, 2])
@for_each("pipelined", [False, True])
@for_each("shape, parallel", [
    (Shape(1), 1), (Shape(3, 1, 2), 3), (Shape(5, 2, 3), 2), (Shape(3, 1, 17), 2)])
def test_maps_whose_rows_step_as_often_as_they_may(shape, parallel, block_rows, rows_first, leaks,
                                                   pipelined):
    rng = np.random.default_rng(shape.size)
    conv = Conv(rng.choice(np.array([-1, 1], np.int8), (shape.channels, 3, 1, 1)),
                np.ones(shape.channels, bool), Shape(3, shape.height, shape.width))
    spec = random_spec(rng, 3, shape.channels, KINDS[shape.size % 4], reach=9, leaks="different")
    spec = replace(spec, leak_bits=2, leak=np.array([0, 2, 2] if leaks == "shift" else [0, 3, 2]))
    if parallel == 2:
        spec = replace(spec, leak=spec.leak * rng.integers(0, 2, shape.channels))
    low, high = (ends.repeat(shape.positions) for ends in accumulator_bounds(conv, 3))
    accs = rng.integers(low, high + 1, (3, 3, shape.size))
    Steps(Hidden("conv", conv, spec), parallel, 3, current_delay=3 + pipelined,
          block_rows=block_rows, pipelined=pipelined).check(
        accs, stalls(0, 0), rows_first=rows_first)


# Kept in LUTs, a register and block RAM; with one timestep from sample to sample only.
@quick(1, wide=5)
@for_each("comparison", Comparison)
@for_each("leaks", ["none", "shift", "product"])
@for_each("stateful", [False, True])
@for_each("timesteps", [1, 3])
@for_each("shape, parallel, block_rows", [
    (Shape(1), 1, 33), (Shape(5, 2, 3), 2, 33), (Shape(5, 2, 3), 2, 2)])
def test_neurons_that_rest_after_a_spike(shape, parallel, block_rows, timesteps, stateful, leaks,
                                         comparison):
    rng = np.random.default_rng(shape.size + timesteps)
    conv = Conv(rng.choice(np.array([-1, 1], np.int8), (shape.channels, 3, 1, 1)),
                np.ones(shape.channels, bool), Shape(3, shape.height, shape.width))
    factors = {"none": [0, 0, 0], "shift": [2, 2, 2], "product": [1, 3, 2]}[leaks]
    leak = np.array(factors[:timesteps])
    leak[0] *= stateful
    size = timesteps, shape.channels
    spec = NeuronSpec(1, 2, leak, rng.integers(-3, 9, size), rng.integers(1, 9, size), Reset.HARD,
                      comparison, stateful=stateful, refractory=True)
    low, high = (ends.repeat(shape.positions) for ends in accumulator_bounds(conv, 3))
    accs = rng.integers(low, high + 1, (9, timesteps, shape.size))
    layer = Hidden("conv", conv, spec)
    fired = run_hidden(layer, torch.as_tensor(accs))[1]
    assert fired.any() and not (timesteps > 1 and (fired[:, 1:] & fired[:, :-1]).any())
    assert not (stateful and (fired[1:, 0] & fired[:-1, -1]).any())
    for pipelined in (False, True):
        Steps(layer, parallel, 3, current_delay=3 + pipelined, block_rows=block_rows,
              pipelined=pipelined).check(accs, stalls(0, 0), rows_first=stateful)


@quick(1, wide=2)
@for_each("kind", KINDS)
@for_each("leak", [4, 3])
@for_each("bits", [5, 6, 12])
def test_potentials_that_saturate(kind, leak, bits):
    """Those of an IF neuron and one that leaks, in a state that is kept; 12 bits are never needed
    by what leaks."""
    rng, size = np.random.default_rng(bits), (2, 5)
    dense = Dense(rng.choice(np.array([-1, 1], np.int8), (5, 4)), np.ones(5, bool))
    spec = NeuronSpec(0, 2, np.full(2, leak), rng.integers(-1, 2, size), rng.integers(1, 15, size),
                      *kind, stateful=True, saturation=bits)
    low, high = accumulator_bounds(dense, 3)
    accs = rng.integers(low, high + 1, (30, 2, 5))
    accs[:12], accs[12:16] = low, high
    layer = Hidden("fc", dense, spec)
    seen = run_hidden(layer, torch.as_tensor(accs))[2]
    assert leak == 3 or bits == 12 or bool((seen == -(1 << bits - 1)).any())
    for pipelined in (False, True):
        Steps(layer, 2, 3, current_delay=3 + pipelined, pipelined=pipelined).check(
            accs, stalls(0, 0))


# One for all, a row of a ROM for each fold, and for each fold and timestep.
@quick(2, wide=8)
@for_each("kind", KINDS)
@for_each("floors", ["zero", "shared", "steady", "own"])
@for_each("options", [{}, {"refractory": True}, {"stateful": True, "saturation": 5}])
@for_each("shape, parallel, block_rows", [
    (Shape(1), 1, 33), (Shape(5), 2, 33), (Shape(5, 2, 3), 2, 2)])
def test_potentials_with_a_floor(shape, parallel, block_rows, options, floors, kind):
    if "refractory" in options:
        kind = Reset.HARD, kind[1]
    rng = np.random.default_rng(shape.size)
    conv = Conv(rng.choice(np.array([-1, 1], np.int8), (shape.channels, 3, 1, 1)),
                np.ones(shape.channels, bool), Shape(3, shape.height, shape.width))
    leak, size = np.array([3, 4, 2]), (3, shape.channels)
    leak[0] *= bool(options.get("stateful"))
    floor = -rng.integers(0, 6, size)
    floor[:] = {"zero": 0, "shared": -4, "steady": floor[0], "own": floor}[floors]
    spec = NeuronSpec(1, 2, leak, rng.integers(-3, 1, size), rng.integers(1, 7, size), *kind,
                      floor=floor, **options)
    low, high = (ends.repeat(shape.positions) for ends in accumulator_bounds(conv, 3))
    accs = rng.integers(low, high + 1, (9, 3, shape.size))
    layer = Hidden("conv", conv, spec)
    _, fired, settled = run_hidden(layer, torch.as_tensor(accs))
    lowest = torch.as_tensor(floor.repeat(shape.positions, axis=1))
    assert fired.any() and bool((settled == lowest).any()) and bool((settled >= lowest).all())
    for pipelined in (False, True):
        Steps(layer, parallel, 3, current_delay=3 + pipelined, block_rows=block_rows,
              pipelined=pipelined).check(accs, stalls(0, 0), rows_first=True)


@for_each("pipelined", [False, True])
@for_each("kind", KINDS)
def test_one_above_at_and_one_below_the_floor(kind, pipelined):
    """Known answers: of V = -2, -3 and -3 all is kept, and 1 more comes."""
    layer = Hidden("fc", Dense(np.ones((3, 9), np.int8), np.ones(3, bool)), NeuronSpec(
        0, 0, np.array([0, 1]), np.full((2, 3), -5), np.full((2, 3), 4), *kind,
        floor=np.full((2, 3), -3)))
    steps = Steps(layer, 2, 1, pipelined=pipelined, current_delay=3 + pipelined)
    charged, fired = steps.run(np.array([[[3, 2, 1], [6, 6, 6]]]), stalls(0, 0))
    assert charged[0].tolist() == [[-2, -3, -4], [-1, -2, -2]] and not fired.any()


@quick(1, wide=4)
@for_each("kind", KINDS)
@for_each("leak", [(0, 0, 0), (0, 1, 1), (0, 2, 2), (0, 2, 1), (0, 1, 3)])
def test_exhaustive_at_tiny_widths(kind, leak):
    """Every sequence of sums, with every threshold, bias and reset amount of a small range as one
    neuron."""
    amounts = (0,) if kind[0] is Reset.HARD else (0, 1, 2, 3)
    constants = np.array(list(itertools.product((1, 2, 3), (-1, 0, 1), amounts)))
    threshold, bias, reset_by = (np.repeat(column[None], 3, axis=0) for column in constants.T)
    count = len(constants)
    weights = np.stack([np.ones(count), -np.ones(count)], axis=1).astype(np.int8)
    layer = Hidden("fc", Dense(weights, np.ones(count, bool)),
                   NeuronSpec(1, 1, np.array(leak), bias, threshold, *kind, reset_by=reset_by))
    accs = np.array(list(itertools.product((-1, 0, 1), repeat=3)))[:, :, None]
    Steps(layer, 9, 1).check(accs.repeat(count, axis=2), stalls(0, 0))


@for_each("kind", KINDS)
def test_one_below_at_and_one_above_the_threshold(kind):
    """Known answers: H is the sum itself."""
    layer = Hidden("fc", Dense(np.ones((3, 9), np.int8), np.ones(3, bool)), NeuronSpec(
        0, 0, np.array([0, 1]), np.zeros((2, 3), int), np.full((2, 3), 4), *kind))
    accs = np.array([[[3, 4, 5], [0, 0, 0]]])
    charged, fired = Steps(layer, 2, 1).run(accs, stalls(0, 0))
    at = kind[1] is Comparison.AT_LEAST
    soft = kind[0] is Reset.SOFT
    assert fired[0, 0, :3].tolist() == [0, int(at), 1]
    assert charged[0].tolist()[1][:3] == [3, 0 if at else 4, 1 if soft else 0]


def test_neurons_that_always_or_never_fire():
    spec = NeuronSpec(0, 1, np.array([0, 1, 1]), np.array([[100, -100]] * 3),
                      np.array([[1, 1]] * 3), Reset.SOFT, Comparison.AT_LEAST)
    dense = Dense(np.ones((2, 3), np.int8), np.ones(2, bool))
    accs = np.random.default_rng(0).integers(0, 4, (5, 3, 2))
    Steps(Hidden("fc", dense, spec), 1, 1).check(accs, stalls(0, 0))
    assert run_hidden(Hidden("fc", dense, spec), torch.as_tensor(accs))[1].any(0).any(0).tolist() \
        == [True, False]


def test_wrong_arguments():
    rng = np.random.default_rng(0)
    spec = random_spec(rng, 2, 3, KINDS[0], reach=3, leaks="equal")
    bounds = hidden_bounds(Hidden("fc", Dense(np.ones((3, 2), np.int8), np.ones(3, bool)), spec), 1)
    right = {"spec": spec, "bounds": bounds, "raster": Raster(Shape(3), 1), "current_delay": 3}
    for name, kind in (("spec", "NeuronSpec"), ("bounds", "HiddenBounds"), ("raster", "Raster")):
        with pytest.raises(TypeError, match=f"{name} must be a {kind}, not None"):
            NeuronArray(**right | {name: None})
    for delay in (2, "4"):
        with pytest.raises(ValueError, match="current_delay must be an integer of 3 or more, not "):
            NeuronArray(**right | {"current_delay": delay})
    with pytest.raises(ValueError, match="spec must be of 4 channels, not 3"):
        NeuronArray(**right | {"raster": Raster(Shape(4), 1)})
