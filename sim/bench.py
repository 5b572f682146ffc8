"""cocotb bench of an emitted network: every spike, membrane potential and score, exactly.

Stands alone: it needs cocotb, numpy and the folder that it was written into, and imports nothing
of the generator, and no variable of the environment changes what it checks.  Each test streams
all vectors through the circuit with another pattern of pauses on both ports.
"""

import json
import random
import signal
from pathlib import Path

import cocotb
import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge

BUNDLE = Path(__file__).resolve().parent
MANIFEST = json.loads((BUNDLE / "manifest.json").read_text(encoding="utf-8"))
WATCHDOG = MANIFEST["vectors"]["watchdog"]  # cycles without a beat on either port
AFTER = 64  # cycles in which nothing may follow the last packet
PATIENCE = 600  # seconds for a cycle; logic that feeds itself never ends one

# Probability of a pause before a beat, per cycle: (s_axis, m_axis).
PAUSES = {"none": (0.0, 0.0), "input": (0.5, 0.1), "output": (0.1, 0.7), "both": (0.4, 0.4)}


def vectors(name):
    """One array of the test vectors."""
    return np.load(BUNDLE / "vectors" / f"{name}.npy")


class Probe:
    """Checks a spiking layer's neuron rows: each position of one timestep after the other."""

    def __init__(self, dut, layer):
        self.layer = layer
        handle = dut
        for name in layer["probe"]["path"].split(".")[1:]:
            handle = getattr(handle, name)
        self.firing, self.charged, self.fired = (
            getattr(handle, layer["probe"][key]) for key in ("firing", "charged", "fired"))
        self.expected_charged = vectors(f"charged_{layer['name']}")
        self.expected_fired = vectors(f"fired_{layer['name']}")
        self.rows = 0
        self.rows_expected = self.expected_fired[..., 0].size * layer["rows"]

    def sample(self):
        """Look at this cycle; a difference from the reference raises AssertionError."""
        if not int(self.firing.value):
            return
        width = self.layer["charged_width"]
        parallel = self.layer.get("units", self.layer["parallel"])  # neurons of a row
        step, row = divmod(self.rows, self.layer["rows"])
        inference, timestep = divmod(step, MANIFEST["network"]["timesteps"])
        where = f"inference {inference}, layer {self.layer['name']}, timestep {timestep + 1}"
        require(self.rows < self.rows_expected, f"{where}: a step too many")
        # The row's neurons are channels of one position: their indexes are `places` apart.
        channels, height, columns = self.layer["map"]
        places = height * columns
        place, fold = divmod(row, self.layer["rows"] // places)
        neurons = slice(fold * parallel * places + place,
                        min(channels, (fold + 1) * parallel) * places, places)
        charged, fired = int(self.charged.value), int(self.fired.value)
        expected = zip(self.expected_charged[inference, timestep, neurons].tolist(),
                       self.expected_fired[inference, timestep, neurons].tolist(), strict=True)
        for position, (potential, spike) in enumerate(expected):
            raw = charged >> position * width & (1 << width) - 1
            seen = raw - (raw >> width - 1 << width), fired >> position & 1
            if seen != (potential, spike):
                at = f"{where}, {self.name(neurons.start + position * places)}"
                compare(f"{at}: membrane potential", seen[0], potential)
                compare(f"{at}: spike", seen[1], int(spike))
        self.rows += 1

    def name(self, neuron):
        """``neuron 7``, and where it is if there is a map; all counted from 0."""
        _, height, columns = self.layer["map"]
        if height * columns == 1:
            return f"neuron {neuron}"
        channel, place = divmod(neuron, height * columns)
        line, column = divmod(place, columns)
        return f"neuron {neuron} (channel {channel}, line {line}, column {column})"


def signed(raw, width):
    """``width`` bits as two's complement."""
    return raw - (raw >> width - 1 << width)


def compare(what, rtl, reference):
    """Fail where the two differ."""
    require(rtl == reference, f"first difference: {what}: RTL {rtl}, reference {reference}")


def require(holds, message):
    """Fail with ``message`` alone; cocotb would add the values of an ``assert``."""
    if not holds:
        raise AssertionError(message)


class Bench:
    """Clock, reset, and the two streams with their pauses."""

    def __init__(self, dut, pauses, seed):
        self.dut = dut
        self.pause_in, self.pause_out = pauses
        self.random = random.Random(seed)
        self.scores = vectors("scores")
        self.classes = vectors("classes")
        stated = MANIFEST["vectors"]["inferences"]
        require(len(self.scores) == stated > 0, f"vectors: scores.npy must be of {stated} "
                                                f"inferences, 1 or more, not {len(self.scores)}")
        self.probes = [Probe(dut, layer) for layer in MANIFEST["layers"] if "probe" in layer]
        self.quiet = 0
        self.bytes = []  # of the score or class that comes

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
        for index, beat in enumerate(vectors("stimulus")):
            while self.random.random() < self.pause_in:
                await RisingEdge(dut.clk)
            dut.s_axis_tdata.value = int.from_bytes(beat.tobytes(), "little")
            dut.s_axis_tlast.value = int(last[index])
            if mark is not None:
                mark.value = int(marks[index])
            dut.s_axis_tvalid.value = 1
            await RisingEdge(dut.clk)
            waited = 0
            while not int(dut.s_axis_tready.value):
                waited += 1
                require(waited < WATCHDOG, f"beat {index}: s_axis_tready low for {WATCHDOG} cycles")
                await RisingEdge(dut.clk)
            self.quiet = 0
            dut.s_axis_tvalid.value = 0

    async def check(self):
        """Take every packet and look at every layer, until all inferences are out."""
        dut, beats = self.dut, MANIFEST["m_axis"]["beats"]
        inferences = len(self.scores)
        look = self._byte if MANIFEST["port"] == "bytes" else self._beat
        taken, cycles = 0, 0
        # Every beat may have to wait for a few pauses: four times those that are likely.
        limit = MANIFEST["vectors"]["cycles"] + round(sum(
            4 * count * pause / (1 - pause) + 1000 * (pause > 0) for count, pause in
            ((len(vectors("last")), self.pause_in), (inferences * beats, self.pause_out))))
        while taken < inferences * beats:
            signal.alarm(PATIENCE)
            dut.m_axis_tready.value = int(self.random.random() >= self.pause_out)
            await RisingEdge(dut.clk)
            for probe in self.probes:
                probe.sample()
            self.quiet += 1
            cycles += 1
            require(cycles <= limit, f"the last packet must be out after {limit} cycles, "
                                     f"{taken // beats} of {inferences} packets are")
            require(self.quiet < WATCHDOG, f"no beat for {WATCHDOG} cycles, "
                                           f"{taken // beats} of {inferences} packets out")
            if int(dut.m_axis_tvalid.value) and int(dut.m_axis_tready.value):
                inference, index = divmod(taken, beats)
                look(inference, index, int(dut.m_axis_tdata.value))
                taken += 1
                self.quiet = 0

    async def silence(self):
        """Nothing follows the last packet, but steps of rows at a map's end that no window has."""
        self.dut.m_axis_tready.value = 1
        rest, waited = AFTER, 0
        while rest:
            # Of pooled currents a row takes the cycles of its window.
            if waited < WATCHDOG and any(probe.rows < probe.rows_expected
                                         for probe in self.probes):
                waited += 1
            else:
                rest -= 1
            signal.alarm(PATIENCE)
            await RisingEdge(self.dut.clk)
            for probe in self.probes:
                probe.sample()
            require(not int(self.dut.m_axis_tvalid.value),
                    f"a beat more than {len(self.scores)} packets have")
        for probe in self.probes:
            require(probe.rows == probe.rows_expected,
                    f"layer {probe.layer['name']}: a step missing")
        signal.alarm(0)

    def _byte(self, inference, index, byte):
        """A byte of the narrow port; a score or the class is compared once it is whole."""
        size, classes = MANIFEST["m_axis"]["score_bytes"], self.scores.shape[1]
        ends = index == MANIFEST["m_axis"]["beats"] - 1
        compare(f"inference {inference}, byte {index}: m_axis_tlast",
                int(self.dut.m_axis_tlast.value), int(ends))
        self.bytes.append(byte)
        raw = int.from_bytes(bytes(self.bytes), "little")
        if index < classes * size and len(self.bytes) == size:
            compare(f"inference {inference}, class {index // size}: score",
                    signed(raw, 8 * size), int(self.scores[inference, index // size]))
            self.bytes = []
        if ends:
            compare(f"inference {inference}: class", raw, int(self.classes[inference]))
            self.bytes = []

    def _beat(self, inference, index, raw):
        where = f"inference {inference}, class {index}"
        compare(f"{where}: score", signed(raw, MANIFEST["m_axis"]["tdata_width"]),
                int(self.scores[inference, index]))
        ends = index == self.scores.shape[1] - 1
        compare(f"{where}: m_axis_tlast", int(self.dut.m_axis_tlast.value), int(ends))
        if ends:
            compare(f"inference {inference}: class", int(self.dut.m_axis_tuser.value),
                    int(self.classes[inference]))


@cocotb.test()
@cocotb.parametrize(pauses=list(PAUSES))
async def matches_the_reference(dut, pauses):
    """All vectors, back to back, with one pattern of pauses."""
    bench = Bench(dut, PAUSES[pauses], seed=pauses)
    await bench.reset()
    feeding = cocotb.start_soon(bench.feed())
    await bench.check()
    await feeding
    await bench.silence()
