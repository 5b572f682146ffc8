"""NeuronArray against reference.neuron.step."""

import itertools

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.neuron import NEURON_DELAY, NeuronArray
from bsnn_hw.ir.bounds import accumulator_bounds, hidden_bounds
from bsnn_hw.ir.network import Comparison, Dense, Hidden, NeuronSpec, Reset
from bsnn_hw.reference.network import run_hidden
from tests.hdl.benches import Bench, stalls

KINDS = list(itertools.product(Reset, Comparison))
IDLE = {"fold": 0, "timestep": 0, "charge": 0, "step": 0, "clear": 0, "close": 0, "sweep": 0}


def kind_name(kind):
    return f"{kind[0].value}{kind[1].value}" if isinstance(kind, tuple) else None


def random_spec(rng, timesteps, neurons, kind, *, reach, leaks):
    """Thresholds that are met often: ``reach`` is the largest magnitude of a sum."""
    fraction_bits, leak_bits = int(rng.integers(4)), int(rng.integers(1, 5))
    leak = rng.integers(0, (1 << leak_bits) + 1, timesteps)
    if leaks == "equal":
        leak[:] = leak[-1] | 1
    leak[0] = 0
    span = (reach << fraction_bits) + 1
    size = timesteps, neurons
    return NeuronSpec(fraction_bits, leak_bits, leak, rng.integers(-span, span, size),
                      rng.integers(1, span + 1, size), *kind)


class Steps:
    """Steps a NeuronArray through samples, and writes down its potentials and words."""

    def __init__(self, layer, parallel, fan_max):
        self.layer = layer
        self.timesteps, self.neurons = layer.neuron.threshold.shape
        self.parallel, self.folds = parallel, -(-self.neurons // parallel)
        self.dut = NeuronArray(layer.neuron, hidden_bounds(layer, fan_max), parallel=parallel)

    def run(self, accs, pauses):
        """``charged`` and ``fired`` of ``accs`` (N, T, neurons), in its shape."""
        padded = np.zeros((*accs.shape[:2], self.folds * self.parallel), np.int64)
        padded[..., : self.neurons] = accs
        trace, latest = [], {}
        sweep = [(IDLE | {"fold": f, "step": 1, "close": 1, "sweep": 1}, None)
                 for f in range(self.folds)]
        steps = [(IDLE | {"fold": f, "timestep": t, "step": 1, "clear": 1,
                          "close": t == self.timesteps - 1}, part)
                 for sample in padded for t, row in enumerate(sample)
                 for f, part in enumerate(row.reshape(self.folds, self.parallel).tolist())]
        for op, sums in sweep + steps:
            fold = op["fold"]
            while len(trace) - latest.get(fold, -99) < self.dut.recovery or next(pauses):
                # Operations that step nothing, whatever else they hold, are not looked at.
                trace.append((IDLE | {"fold": fold, "charge": 1, "close": 1}, None))
            latest[fold] = len(trace)
            trace.append((op, sums))
        return self._collect(trace, accs.shape)

    def _collect(self, trace, shape):
        bench, dut = Bench(self.dut, deadline=len(trace) + 99), self.dut
        charged, firing = bench.observe("charged"), bench.observe("firing")
        width = len(charged) // self.parallel
        potentials, words = [], []

        async def check(context):
            sums = None
            for op, next_sums in trace + [(IDLE, None)] * (NEURON_DELAY + 2):
                context.set(dut.op, op)
                context.set(dut.sums, sums if sums else [-1] * self.parallel)
                sums = next_sums
                *_, row, fires, valid, word = await context.tick().sample(
                    charged, firing, dut.words_valid, dut.words)
                if fires:
                    potentials.append([signed(int(row) >> width * i, width)
                                       for i in range(self.parallel)])
                if valid:
                    words.append(word)

        bench.run(check)
        self._order(words, shape)
        fired = [[word.spikes >> i & 1 for i in range(self.parallel)] for word in words]
        return tuple(np.array(rows).reshape(*shape[:2], -1) for rows in (potentials, fired))

    def _order(self, words, shape):
        for number, word in enumerate(words):
            fold = number % self.folds
            assert (word.row, word.last) == (fold, fold == self.folds - 1)
        assert len(words) == shape[0] * shape[1] * self.folds

    def check(self, accs, pauses):
        charged, fired, _ = (x.numpy() for x in run_hidden(self.layer, torch.as_tensor(accs)))
        potentials, spikes = self.run(accs, pauses)
        assert not spikes[..., self.neurons:].any(), "a spike where no neuron is"
        for name, right, given in (("H", charged, potentials), ("spike", fired, spikes)):
            wrong = np.argwhere(given[..., : self.neurons] != right)
            if len(wrong):
                n, t, i = wrong[0]
                pytest.fail(f"sample {n}, timestep {t}, neuron {i}: "
                            f"RTL {name} {given[n, t, i]}, reference {right[n, t, i]}")


def signed(bits, width):
    bits &= (1 << width) - 1
    return bits - (bits >> width - 1 << width)


@pytest.mark.parametrize("kind", KINDS, ids=kind_name)
@pytest.mark.parametrize("leaks", ["equal", "different"])
@pytest.mark.parametrize(("neurons", "parallel", "timesteps"), [
    (1, 1, 1), (5, 5, 3), (5, 3, 4), (5, 2, 2), (7, 1, 3), (9, 2, 1)])
def test_matches_the_reference(kind, leaks, neurons, parallel, timesteps):
    rng = np.random.default_rng(neurons * 10 + parallel)
    dense = Dense(np.where(rng.random((neurons, 4)) < .5, 1, -1).astype(np.int8),
                  rng.random(neurons) < .8)
    spec = random_spec(rng, timesteps, neurons, kind, reach=12, leaks=leaks)
    low, high = accumulator_bounds(dense, 3)
    accs = rng.integers(low, high + 1, (12, timesteps, neurons))
    accs[:4] = rng.choice([0, 1], (4, timesteps, 1)) * (high - low) + low  # the ends of all widths
    pauses = stalls(neurons, .3 if leaks == "equal" else 0)
    Steps(Hidden("fc", dense, spec), parallel, 3).check(accs, pauses)


@pytest.mark.parametrize("kind", KINDS, ids=kind_name)
@pytest.mark.parametrize("leak", [(0, 0, 0), (0, 1, 1), (0, 2, 2), (0, 2, 1), (0, 1, 3)], ids=str)
def test_exhaustive_at_tiny_widths(kind, leak):
    """Every sequence of sums, with every threshold and bias of a small range as one neuron."""
    constants = np.array(list(itertools.product((1, 2, 3), (-1, 0, 1))))
    threshold, bias = (np.repeat(column[None], 3, axis=0) for column in constants.T)
    weights = np.stack([np.ones(9), -np.ones(9)], axis=1).astype(np.int8)
    layer = Hidden("fc", Dense(weights, np.ones(9, bool)),
                   NeuronSpec(1, 1, np.array(leak), bias, threshold, *kind))
    accs = np.array(list(itertools.product((-1, 0, 1), repeat=3)))[:, :, None].repeat(9, axis=2)
    Steps(layer, 9, 1).check(accs, stalls(0, 0))


@pytest.mark.parametrize("kind", KINDS, ids=kind_name)
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
    with pytest.raises(ValueError, match="parallel must be an integer of 1 or more, not 0"):
        NeuronArray(spec, bounds, parallel=0)
    with pytest.raises(TypeError, match="spec must be a NeuronSpec, not None"):
        NeuronArray(None, bounds, parallel=1)
    with pytest.raises(TypeError, match="bounds must be a HiddenBounds, not None"):
        NeuronArray(spec, None, parallel=1)
