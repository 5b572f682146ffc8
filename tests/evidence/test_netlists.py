"""What synthesis makes of a component is the component, and a LUT turned round is seen."""

import pytest
from amaranth import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from bsnn_hw.errors import BsnnError, ToolError
from evidence import netlists
from evidence.netlists import COMPONENTS, FAMILIES, REST, RESTED, judge, main
from evidence.proofs.catalogue import PROOFS
from evidence.proofs.rested import Rested
from tests.for_each import for_each
from tests.hdl.benches import Bench

pytestmark = pytest.mark.wide  # an experiment, no part of the program


class Popcount(wiring.Component):
    """How many of two bits are 1."""

    bits: In(2)
    count: Out(2)

    def elaborate(self, platform):
        m = Module()
        m.d.comb += self.count.eq(sum(self.bits))
        return m


@for_each("family", FAMILIES)
def test_a_netlist_is_its_component(family):
    judged = judge("stream buffer", family)
    assert judged.luts and judged.registers and judged.faulty is not None


def test_nothing_goes_in_or_out_of_a_component_that_rests():
    dut, seen = Rested(Popcount(), REST), []

    async def look(context):
        context.set(dut.bits, 3)
        for _ in range(REST + 2):
            seen.append(context.get(dut.count))
            await context.tick()

    Bench(dut).run(look)
    assert seen == [0] * REST + [2] * 2


def test_a_netlist_that_differs(monkeypatch):
    monkeypatch.setattr(netlists, "_differs", lambda *_: 3)
    with pytest.raises(BsnnError, match="stream register, iCE40: its netlist must be the same "
                                        "circuit, but differs in cycle 3"):
        judge("stream register", "iCE40")


def test_a_fault_that_nothing_shows(monkeypatch):
    monkeypatch.setattr(netlists, "_differs", lambda *_: None)
    with pytest.raises(BsnnError, match="a LUT turned round must be found, and is not"):
        judge("stream register", "iCE40")


def test_no_decision_in_time(monkeypatch):
    monkeypatch.setattr(netlists, "ask_abc", lambda *_: None)
    monkeypatch.setattr(netlists, "ask", lambda *_, **__: None)
    with pytest.raises(ToolError, match="abc: must decide within 200 s of a processor"):
        netlists._differs(None, [], type("Path", (), {"name": ""}), "top")


def test_components_and_none_of_such_a_name(capsys):
    assert set(COMPONENTS) <= {proof.name for proof in PROOFS}
    assert all(any(name.startswith(each) for name in COMPONENTS) for each in RESTED)
    assert main(["--only", "nothing"]) == 1
    assert "must be a part of a proof's name, not 'nothing'" in capsys.readouterr().err
