"""Names without Amaranth's numbers: after parts and fields, the same beside other signals."""

import re

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import data, memory, stream, wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.sim.lint import lint
from bsnn_hw.verilog.rtlil import to_rtlil
from bsnn_hw.verilog.write import to_verilog
from tests.for_each import for_each

FIELDS = {"value": 3, "row": 4, "mark": 1}
WORD = data.StructLayout(FIELDS)
FLOW = stream.Signature(WORD)


class Step(wiring.Component):
    """A payload of two registers, so that it leaves in two ports."""

    def __init__(self):
        super().__init__({"words": In(FLOW), "steps": Out(FLOW)})

    def elaborate(self, platform):
        m = Module()
        given, made = self.words, self.steps
        total = Signal(3)
        rest = Signal(5)
        m.d.comb += [given.ready.eq(made.ready), made.payload.eq(Cat(total, rest))]
        m.d.sync += [made.valid.eq(given.valid), total.eq(total + given.payload.value)]
        with m.If(given.valid):
            m.d.sync += rest.eq(given.payload.as_value()[3:])
        return m


class Inner(wiring.Component):
    """Two steps, one behind the other, whose ports are called alike, and so are its own."""

    def __init__(self, others: int):
        self._others = others
        super().__init__({"words": In(FLOW), "steps": Out(FLOW), "parity": Out(1)})

    def elaborate(self, platform):
        m = Module()
        parity = 0
        for number in range(self._others):
            other = Signal(3, name=f"other_{number}")
            m.d.sync += other.eq(other + self.words.payload.value)
            parity ^= other[2]
        m.d.comb += self.parity.eq(parity)
        m.submodules.first = first = Step()
        m.submodules.second = second = Step()
        wiring.connect(m, wiring.flipped(self.words), first.words)
        wiring.connect(m, first.steps, second.words)
        wiring.connect(m, second.steps, wiring.flipped(self.steps))
        return m


class Outer(wiring.Component):
    """A payload that a part takes in pieces and puts together again."""

    def __init__(self):
        super().__init__({"words": In(FLOW), "total": Out(8)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.middle = middle = Middle()
        given = self.words
        m.d.comb += [given.ready.eq(1), middle.valid.eq(given.valid), self.total.eq(middle.total)]
        m.d.comb += [getattr(middle, name).eq(given.payload[name]) for name in FIELDS]
        return m


class Middle(wiring.Component):
    """A step that is given the fields of a word one by one."""

    def __init__(self):
        super().__init__({"valid": In(1), "total": Out(8)}
                         | {name: In(width) for name, width in FIELDS.items()})

    def elaborate(self, platform):
        m = Module()
        m.submodules.step = step = Step()
        given = step.words
        m.d.comb += [given.payload[name].eq(getattr(self, name)) for name in FIELDS]
        m.d.comb += [given.valid.eq(self.valid), step.steps.ready.eq(1),
                     self.total.eq(step.steps.payload)]
        return m


class Tables(wiring.Component):
    """Two memories in one module, and two registers of one name."""

    def __init__(self):
        super().__init__({"row": In(4), "sum": Out(8)})

    def elaborate(self, platform):
        m = Module()
        total = 0
        for name, factor in (("left", 7), ("right", 5)):
            rows = [row * factor % 64 for row in range(16)]
            m.submodules[name] = table = memory.Memory(shape=6, depth=16, init=rows)
            read = table.read_port()
            kept = Signal(6)
            m.d.comb += read.addr.eq(self.row)
            m.d.sync += kept.eq(read.data)
            total += kept
        m.d.comb += self.sum.eq(total)
        return m


class Chains(wiring.Component):
    """Two signals of one name whose high bits are made of their own lowest, so that each becomes
    pieces."""

    def __init__(self):
        super().__init__({"given": In(4), "made": Out(8)})

    def elaborate(self, platform):
        m = Module()
        for number, bit in enumerate(self.given[:2]):
            chain = Signal(4, name="chain")
            kept = Signal(4, name=f"kept_{number}")
            m.d.comb += [chain[0].eq(bit ^ self.given[3]), chain[1:].eq(self.given[1:] + chain[0]),
                         self.made.word_select(number, 4).eq(kept ^ chain)]
            m.d.sync += kept.eq(chain)
        return m


def texts(component, folder):
    """Module name -> its Verilog."""
    folder.mkdir()
    verilog = to_verilog(to_rtlil(component, "top"), folder, "top")
    assert lint(verilog.paths, "top") == []
    return {path.stem: path.read_text() for path in verilog.paths}


def declared(text):
    """Names of signals, without those of parts of an expression."""
    names = re.findall(r"^  (?:input|output|reg|wire) (?:signed )?(?:\[\d+:\d+\] )?(\w+)", text,
                       re.MULTILINE)
    return {name for name in names if not re.fullmatch(r"_\d+_", name)}


@pytest.fixture(scope="module")
def inner(tmp_path_factory):
    return texts(Inner(1), tmp_path_factory.mktemp("names") / "rtl")


def test_a_signal_between_parts_is_called_after_its_driver(inner):
    assert {"first_steps__valid", "first_steps__payload"} <= declared(inner["top"])
    assert re.search(r"top_second second \(.*?\.words__valid\(first_steps__valid\)",
                     inner["top"], re.DOTALL)


def test_own_ports_keep_their_names(inner):
    ports = {"words__payload", "words__valid", "words__ready", "steps__payload", "steps__valid",
             "steps__ready"}
    assert ports <= declared(inner["top"])


def test_a_port_of_a_part_of_a_signal_is_called_after_its_field(inner):
    ports = re.search(r"module top_second\((.*?)\)", inner["top_second"])[1].split(", ")
    assert {"words__payload_value", "words__payload_7_3"} <= set(ports)


def test_a_port_of_several_signals_is_called_after_what_they_make(tmp_path):
    text = texts(Outer(), tmp_path / "rtl")["top_middle"]
    header = re.search(r"module top_middle\((.*?)\)", text)
    assert "words__payload" in header[1].split(", ")


@for_each("make", [Tables, Outer])
def test_no_number_is_left(inner, make, tmp_path):
    for text in (inner | texts(make(), tmp_path / "rtl")).values():
        assert not [name for name in declared(text)
                    if re.fullmatch(r"port_\d+_.*|.*(payload|valid|ready|data|addr)_\d+", name)]


def test_memories_and_registers_of_one_name(tmp_path):
    names = declared(texts(Tables(), tmp_path / "rtl")["top"])
    assert {"left_read__data", "right_read__data", "kept", "kept_2"} <= names


def test_pieces_of_signals_of_one_name(tmp_path):
    names = declared(texts(Chains(), tmp_path / "rtl")["top"])
    assert {"chain_0", "chain_0_2"} <= names


def test_other_signals_change_no_name(inner, tmp_path):
    """Amaranth's numbers grow with every signal that comes before."""
    more = texts(Inner(4), tmp_path / "rtl")
    new = {f"other_{number}{rest}" for number in range(4) for rest in ("", "_next")}
    assert declared(more["top"]) - new == declared(inner["top"]) - new
    assert more["top_first"] == inner["top_first"]
