"""The proofs, and that the prover can say no."""

import pkgutil
from importlib import import_module
from pathlib import Path

import pytest
from amaranth import Signal

from bsnn_hw.errors import BsnnError, ToolError
from evidence import proofs
from evidence.proofs.__main__ import main
from evidence.proofs.abc import ask_abc
from evidence.proofs.catalogue import PROOFS
from evidence.proofs.harness import Harness, table
from evidence.proofs.parts import Fault, sound
from evidence.proofs.proof import Proof, judge
from evidence.proofs.prover import Verdict, prove
from evidence.proofs.replay import replay
from tests.for_each import for_each, quick

KNOWN = [proof for proof in PROOFS if proof.quick]


def counter(limit):
    """Counts cycles in which it may, at most three in a row."""
    h = Harness()
    go = h.anything("go")
    count = Signal(3)
    h.m.d.sync += count.eq(0)
    with h.m.If(go):
        h.m.d.sync += count.eq(count + 1)
    h.limit(~go | (count < 3))
    h.must(f"count stays below {limit}", count < limit)
    return h


@quick(1, wide=3)  # one of streams, of events, of sums and of registers
@for_each("proof", sorted(KNOWN, key=lambda proof: KNOWN.index(proof) % 6))
def test_proven_and_the_fault_found(proof):
    judged = judge(proof)
    assert judged.broken and len(judged.trace) > 1


def test_every_module_with_proofs_is_in_the_catalogue():
    modules = {name: import_module(f"evidence.proofs.{name}")
               for _, name, _ in pkgutil.iter_modules(proofs.__path__) if name != "__main__"}
    found = [proof.name for name, module in modules.items() if name != "catalogue"
             for proof in getattr(module, "PROOFS", ())]
    assert "steps at each mark" in found
    assert sorted(found) == sorted({proof.name for proof in PROOFS})


@for_each("proof", PROOFS)
def test_what_a_fault_changes_stands_there_once(proof):
    """Else the fault of a slow proof would go with a change of hdl/, and nobody see it."""
    path = Path(sound(proof.fault.module).__file__)
    assert path.read_text(encoding="utf-8").count(proof.fault.old) == 1


@pytest.mark.wide
def test_what_holds_and_the_shortest_way_to_what_does_not():
    assert prove(counter(4)) == Verdict(True)
    found = prove(counter(3))
    assert [cycle["go"] for cycle in found.inputs[:3]] == [1, 1, 1] and len(found.inputs) == 4
    broken, lines = replay(counter(3), found.inputs)
    assert broken == ["count stays below 3"]
    assert lines[0].split() == ["cycle", "go"] and len(lines) == 5


def test_a_counterexample_that_the_simulator_does_not_see():
    with pytest.raises(BsnnError, match="must break a rule in the simulator too"):
        replay(counter(3), [{"go": 0}])


@pytest.mark.wide
def test_a_rule_that_does_not_hold_and_a_fault_that_breaks_none():
    fault = Fault("queue", "self._depth - self._margin", "self._depth - self._margin + 0")
    with pytest.raises(BsnnError, match="count stays below 3, and it does not\ncycle"):
        judge(Proof("wrong", lambda parts: counter(3), fault))
    with pytest.raises(BsnnError, match="its fault must break a rule, and breaks none"):
        judge(Proof("blind", lambda parts: counter(4), fault))


@pytest.mark.wide
def test_no_decision_in_time(monkeypatch):
    monkeypatch.setattr("evidence.proofs.prover.ask_abc", lambda *_: None)
    with pytest.raises(ToolError, match="abc: must decide within 5 s of a processor"):
        prove(counter(4), patience=5)
    monkeypatch.setattr("evidence.proofs.prover.ask_abc", lambda *_: "Status = -1  Frames = 7")
    with pytest.raises(ToolError, match="abc: must decide, and did not: 'Status = -1"):
        prove(counter(4))


@pytest.mark.wide
def test_abc_s_time_is_a_processor_s(monkeypatch, tmp_path):
    program = tmp_path / "yosys-abc"
    program.write_text("#!/bin/sh\nwhile :; do :; done\n")
    program.chmod(0o755)
    monkeypatch.setattr("pyosys.__file__", str(tmp_path / "__init__.py"))
    assert ask_abc("pdr", tmp_path, 1) is None
    program.write_text("#!/bin/sh\necho no such file; exit 3\n")
    with pytest.raises(ToolError, match="abc: must end with 0, ended with 3: 'no such file"):
        ask_abc("pdr", tmp_path, 1)


def test_a_chosen_number_stays():
    h = Harness()
    number = h.chosen("number", 2)
    before = h.register(number, "before")
    came = h.register(1, "came")
    h.must("the number stays", ~came | (number == before))
    h.must("a table is looked up", table([3, 2, 1, -4], 3, number)[:2] == ~number)
    assert prove(h).proven


def test_no_such_proof(capsys):
    assert main(["--only", "nothing"]) == 1
    assert "must be a part of a proof's name, not 'nothing'" in capsys.readouterr().err


@pytest.mark.wide
def test_what_holds_of_a_module(capsys):
    assert main(["--of", "popcount", "--jobs", "1"]) == 0
    assert capsys.readouterr().out.split() == ["popcount", "1", "rules", "proven"]
    assert main(["--of", "nothing"]) == 0  # has none
