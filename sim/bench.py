"""cocotb bench of an emitted network: every spike, membrane potential and score, exactly.

Stands alone: it needs cocotb, numpy and the folder that it was written into, and imports nothing
of the generator.  ``BUNDLE`` in the environment names another folder.  Each test streams all
vectors through the circuit with another pattern of pauses on both ports.
"""

import json
import os
import random
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

BUNDLE = Path(os.environ.get("BUNDLE") or Path(__file__).resolve().parent)
MANIFEST = json.loads((BUNDLE / "manifest.json").read_text())
WATCHDOG = 100_000  # cycles without a beat on either port

# Probability of a pause before a beat, per cycle: (s_axis, m_axis).
PAUSES = {"none": (0.0, 0.0), "input": (0.5, 0.1), "output": (0.1, 0.7), "both": (0.4, 0.4)}


def vectors(name):
    """One array of the test vectors."""
    return np.load(BUNDLE / "vectors" / f"{name}.npy")


class Probe:
    """Checks a spiking layer's neuron rows: one fold of one timestep after the other."""

    def __init__(self, dut, layer, inferences):
        self.layer = layer
        handle = dut
        for name in layer["probe"]["path"].split(".")[1:]:
            handle = getattr(handle, name)
        self.firing, self.charged, self.fired = (
            getattr(handle, layer["probe"][key]) for key in ("firing", "charged", "fired"))
        self.expected_charged = vectors(f"charged_{layer['name']}")[:inferences]
        self.expected_fired = vectors(f"fired_{layer['name']}")[:inferences]
        self.rows = 0
        self.rows_expected = self.expected_fired[..., 0].size * layer["folds"]

    def sample(self):
        """Look at this cycle; a difference from the reference raises AssertionError."""
        if not int(self.firing.value):
            return
        width, parallel = self.layer["charged_width"], self.layer["parallel"]
        step, fold = divmod(self.rows, self.layer["folds"])
        inference, timestep = divmod(step, MANIFEST["network"]["timesteps"])
        where = f"inference {inference}, layer {self.layer['name']}, timestep {timestep + 1}"
        require(self.rows < self.rows_expected, f"{where}: a step too many")
        charged, fired = int(self.charged.value), int(self.fired.value)
        first = fold * parallel
        for position in range(min(parallel, self.layer["neurons"] - first)):
            index = inference, timestep, first + position
            raw = charged >> position * width & (1 << width) - 1
            potential = raw - (raw >> width - 1 << width)
            compare(f"{where}, neuron {index[2]}: membrane potential",
                    potential, int(self.expected_charged[index]))
            compare(f"{where}, neuron {index[2]}: spike",
                    fired >> position & 1, int(self.expected_fired[index]))
        self.rows += 1


def compare(what, rtl, reference):
    """Fail where the two differ."""
    require(rtl == reference, f"first difference: {what}: RTL {rtl}, reference {reference}")


def require(holds, message):
    """Fail with ``message`` alone; cocotb would add the values of an ``assert``."""
    if not holds:
        raise AssertionError(message)


class Bench:
    """Clock, reset, and the two streams with their pauses."""

    def __init__(self, dut, pauses, seed, inferences):
        self.dut = dut
        self.pause_in, self.pause_out = pauses
        self.random = random.Random(seed)
        self.scores = vectors("scores")[:inferences]
        self.classes = vectors("classes")[:inferences]
        self.probes = [Probe(dut, layer, inferences) for layer in MANIFEST["layers"]
                       if "probe" in layer]
        self.quiet = 0

    async def reset(self):
        """Two cycles of reset."""
        self.dut.rst.value = 1
        self.dut.s_axis_tvalid.value = 0
        self.dut.m_axis_tready.value = 0
        Clock(self.dut.clk, 10, unit="ns").start()
        for _ in range(2):
            await RisingEdge(self.dut.clk)
        self.dut.rst.value = 0

    async def feed(self):
        """Stream the vectors in; an offered beat stays until it is taken."""
        dut, mark = self.dut, getattr(self.dut, "s_axis_tuser", None)
        last, marks = vectors("last"), vectors("mark")
        end = np.flatnonzero(last)[len(self.scores) - 1] + 1
        for index, beat in enumerate(vectors("stimulus")[:end]):
            while self.random.random() < self.pause_in:
                await RisingEdge(dut.clk)
            dut.s_axis_tdata.value = int.from_bytes(beat.tobytes(), "little")
            dut.s_axis_tlast.value = int(last[index])
            if mark is not None:
                mark.value = int(marks[index])
            dut.s_axis_tvalid.value = 1
            await RisingEdge(dut.clk)
            while not int(dut.s_axis_tready.value):
                await RisingEdge(dut.clk)
            self.quiet = 0
            dut.s_axis_tvalid.value = 0

    async def check(self):
        """Take every packet and look at every layer, until all inferences are out."""
        dut, width = self.dut, MANIFEST["m_axis"]["tdata_width"]
        inferences, classes = self.scores.shape
        taken = 0
        while taken < inferences * classes:
            dut.m_axis_tready.value = int(self.random.random() >= self.pause_out)
            await RisingEdge(dut.clk)
            for probe in self.probes:
                probe.sample()
            self.quiet += 1
            require(self.quiet < WATCHDOG, f"no beat for {WATCHDOG} cycles, "
                                           f"{taken // classes} of {inferences} packets out")
            if int(dut.m_axis_tvalid.value) and int(dut.m_axis_tready.value):
                inference, index = divmod(taken, classes)
                raw = int(dut.m_axis_tdata.value)
                self._beat(inference, index, raw - (raw >> width - 1 << width))
                taken += 1
                self.quiet = 0
        for probe in self.probes:
            require(probe.rows == probe.rows_expected,
                    f"layer {probe.layer['name']}: a step missing")

    def _beat(self, inference, index, score):
        where = f"inference {inference}, class {index}"
        compare(f"{where}: score", score, int(self.scores[inference, index]))
        ends = index == self.scores.shape[1] - 1
        compare(f"{where}: m_axis_tlast", int(self.dut.m_axis_tlast.value), int(ends))
        if ends:
            compare(f"inference {inference}: class", int(self.dut.m_axis_tuser.value),
                    int(self.classes[inference]))


@cocotb.test()
@cocotb.parametrize(pauses=list(PAUSES))
async def matches_the_reference(dut, pauses):
    """All vectors, back to back, with one pattern of pauses."""
    inferences = int(os.environ.get("INFERENCES") or MANIFEST["vectors"]["inferences"])
    bench = Bench(dut, PAUSES[pauses], seed=pauses, inferences=inferences)
    await bench.reset()
    feeding = cocotb.start_soon(bench.feed())
    await bench.check()
    await feeding
