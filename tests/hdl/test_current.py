"""CurrentArray against reference.network.currents, with every kind of shortcut."""

import numpy as np
import pytest
import torch

from bsnn_hw.hdl.current import CurrentArray, carried_layout
from bsnn_hw.ir.bounds import hidden_bounds
from bsnn_hw.ir.network import (
    Comparison,
    CurrentShortcut,
    Dense,
    Hidden,
    NeuronSpec,
    Reset,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)
from bsnn_hw.ir.raster import Raster
from bsnn_hw.reference.network import currents, gained
from tests.for_each import for_each, quick
from tests.hdl.benches import Bench, stalls

TIMESTEPS = 3
TAKE_DELAY = 2  # cycles from an op to the one in which it takes what is carried
IDLE = {"row": 0, "fold": 0, "timestep": 0, "charge": 0, "step": 0, "clear": 0, "close": 0,
        "sweep": 0}
CURRENT_END = 40  # of the currents that an earlier layer hands on

# channels, parallel; gain; kinds of shortcuts
CASES = [
    (1, 1, False, ""), (5, 2, False, ""), (4, 4, True, ""), (5, 3, True, "c"), (3, 1, True, "s"),
    (5, 2, True, "y"), (4, 2, True, "cc"), (7, 3, True, "syc"), (2, 2, True, "cysys"),
]


def random_layer(rng, channels, gained, kinds):
    """Gains, biases and shortcuts' gains of any sign, the largest and 0 among them."""
    def dense():
        return Dense(rng.choice(np.array([-1, 1], np.int8), (channels, 6)),
                     rng.random(channels) < .9)

    def constants(end):
        return rng.choice([-end, -1, 0, 1, end], (TIMESTEPS, channels))

    make = {"c": lambda: CurrentShortcut(1), "s": lambda: SpikeShortcut(1, constants(13)),
            "y": lambda: SynapseShortcut(1, dense(), constants(7))}
    spec = NeuronSpec(2, 0, np.zeros(TIMESTEPS, int), constants(30), constants(9), Reset.HARD,
                      Comparison.AT_LEAST, constants(5) if gained else None)
    return Hidden("fc", dense(), spec, shortcuts=tuple(make[kind]() for kind in kinds))


def bounds_of(layer, kinds):
    channels = len(layer.synapse.weights)
    end = np.full(channels, CURRENT_END, object)
    return hidden_bounds(layer, 1, [[(-end, end)] * TIMESTEPS] * kinds.count("c"))


def random_values(rng, interval, size):
    """Of an interval, its ends as often as all else."""
    values = rng.integers(interval.low, interval.high, size, endpoint=True)
    return np.where(rng.random(size) < .5, values,
                    rng.choice([interval.low, interval.high], size))


class Steps:
    """All that comes in for ``count`` samples, and what the reference makes of it."""

    def __init__(self, seed, case, count=8, pipelined=False):
        channels, parallel, gain, kinds = case
        self.rng = rng = np.random.default_rng(seed)
        self.layer = layer = random_layer(rng, channels, gain, kinds)
        self.raster = Raster(Shape(channels), parallel)
        self.bounds = bounds = bounds_of(layer, kinds)
        self.dut = CurrentArray(layer, bounds, self.raster, pipelined=pipelined)
        self.take_delay = TAKE_DELAY * (1 + pipelined)
        size = count, TIMESTEPS, channels
        self.accs = random_values(rng, bounds.acc, size)
        self.inputs = [random_values(rng, interval, size) for interval in bounds.shortcuts]
        joined = [torch.as_tensor(values) if kind == "c"
                  else gained(shortcut.gain, torch.as_tensor(values))
                  for kind, shortcut, values in zip(kinds, layer.shortcuts, self.inputs,
                                                    strict=True)]
        right = currents(layer, torch.as_tensor(self.accs),
                         sum(joined) if joined else None).numpy()
        # The bounds are of each channel's own ends; ours may go beyond, so two's complement.
        half = 1 << bounds.current.width - 1
        self.right = (right + half) % (2 * half) - half

    def rows(self, values):
        """(steps, parallel); anything where no channel is."""
        spare = self.raster.folds * self.raster.width - values.shape[2]
        padded = np.pad(values, ((0, 0), (0, 0), (0, spare)), mode="edge")
        return padded.reshape(-1, self.raster.width)

    def run(self, pauses):
        """Rows of currents (steps, parallel)."""
        dut, folds = self.dut, self.raster.folds
        carried = [(name, self.rows(values)) for number, values in enumerate(self.inputs)
                   if hasattr(dut, name := f"carried_{number}")]
        sums = [("sums", self.rows(self.accs))]
        sums += [(name, self.rows(values)) for number, values in enumerate(self.inputs)
                 if hasattr(dut, name := f"sums_{number}")]
        count = len(sums[0][1])
        trace = []
        for step in range(count):
            while next(pauses):
                trace.append(None)
            trace.append(step)
        shown = []

        async def check(context):
            pipeline, taken = [None] * (dut.delay + 1), 0
            for step in trace + [None] * (dut.delay + 1):
                pipeline = [step, *pipeline[:-1]]
                kind = [{"sweep": 1, "step": 1}, {"charge": 1}, {}][int(self.rng.integers(3))]
                context.set(dut.op, IDLE | kind | {"fold": step % folds if step else 0}
                            if step is None else self._op(step))
                for name, rows in sums:  # a cycle after the op
                    row = None if pipeline[1] is None else rows[pipeline[1]].tolist()
                    context.set(getattr(dut, name), row or [-1] * self.raster.width)
                for name, rows in carried:
                    context.set(getattr(dut, name), rows[min(taken, count - 1)].tolist())
                assert context.get(dut.take) == (pipeline[self.take_delay] is not None)
                taken += pipeline[self.take_delay] is not None
                if pipeline[dut.delay] is not None:
                    shown.append(list(context.get(dut.currents)))
                await context.tick()

        Bench(dut).run(check)
        return np.array(shown)

    def _op(self, step):
        number, fold = divmod(step, self.raster.folds)
        return IDLE | {"row": fold, "fold": fold, "timestep": number % TIMESTEPS, "step": 1}


@quick(4, wide=18)
@for_each("case", CASES)
@for_each("pause", [0, .5])
@for_each("pipelined", [False, True])
def test_the_whole_current(case, pause, pipelined):
    steps = Steps(case[0], case, pipelined=pipelined)
    channels = case[0]
    given = steps.run(stalls(channels, pause)).reshape(*steps.right.shape[:2], -1)[..., :channels]
    wrong = np.argwhere(given != steps.right)
    assert not len(wrong), "sample {}, timestep {}, channel {}".format(*wrong[0])


def test_known_currents():
    """Two counts at gain -3, bias 10, a carried current of -7, a spike worth 4: 10 - 6 - 7 + 4."""
    spec = NeuronSpec(0, 0, np.zeros(1, int), np.array([[10]]), np.array([[1]]), Reset.HARD,
                      Comparison.ABOVE, np.array([[-3]]))
    layer = Hidden("fc", Dense(np.ones((1, 2), np.int8), np.ones(1, bool)), spec,
                   shortcuts=(CurrentShortcut(1), SpikeShortcut(1, np.array([[4]]))))
    end = np.array([9], object)
    dut = CurrentArray(layer, hidden_bounds(layer, 1, [[(-end, end)]]), Raster(Shape(1), 1))

    async def check(context):
        context.set(dut.op, {"step": 1})
        context.set(dut.sums, [2])
        context.set(dut.carried_0, [-7])
        context.set(dut.carried_1, [1])
        await context.tick().repeat(dut.delay)
        assert list(context.get(dut.currents)) == [1]

    Bench(dut).run(check)


def test_what_is_carried_is_as_wide_as_it_must_be():
    steps = Steps(0, (2, 2, True, "cs"), 1)
    widths = [carried_layout(shortcut, interval, 2).size for shortcut, interval
              in zip(steps.layer.shortcuts, steps.bounds.shortcuts, strict=True)]
    assert widths == [2 * 7, 2]


def test_wrong_arguments():
    rng = np.random.default_rng(0)
    layer = random_layer(rng, 3, True, "")
    right = {"layer": layer, "bounds": bounds_of(layer, ""), "raster": Raster(Shape(3), 1)}
    for name, kind in (("layer", "Hidden"), ("bounds", "HiddenBounds"), ("raster", "Raster")):
        with pytest.raises(TypeError, match=f"{name} must be a {kind}, not None"):
            CurrentArray(**right | {name: None})
