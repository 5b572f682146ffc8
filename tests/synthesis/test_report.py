"""The table, the JSON beside it, and a clock that is missed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from bsnn_hw.devices.targets import find_target
from bsnn_hw.emission.inventory import inventory
from bsnn_hw.errors import BsnnError, InputError
from bsnn_hw.synthesis.netlist import Memory, Netlist
from bsnn_hw.synthesis.place import CriticalPath, Placement
from bsnn_hw.synthesis.report import Figures, check_clock, text, write
from tests.for_each import for_each

LOST = (Memory("a.store", 43, 48, True), Memory("a.bias", 4, 5, False))
NETLIST = Netlist(Path("n.json"), Path("n.v"), "top", {"SB_LUT4": 9},
                  (*LOST, Memory("a.bank_0", 256, 16, False)), LOST, 100, 68)
PATH = CriticalPath("a", "b", 3.0, 2.0, 4)


def placement(seed, megahertz):
    return Placement(seed, megahertz, {"ICESTORM_LC": 1068, "ICESTORM_RAM": 12}, PATH)


FIGURES = Figures(find_target("ice40-hx8k"), "top", NETLIST,
                  (placement(1, 40.0), placement(2, 50.0)), 500.0, 32, 8, None,
                  {"pyosys": "0.70"}, "ab")


def test_the_table():
    shown = text(FIGURES)
    assert "logic cells (ICESTORM_LC)            1,000  7,680  13.02 %" in shown
    assert "68 more logic cells hold the ports" in shown
    assert ("1 of 3 in RAM cells; in flip-flops: a.store (43 x 48); constant ones in logic: "
            "a.bias (4 x 5)") in shown
    assert "seed 1    40.00 MHz, 80,000 inferences/s" in shown
    assert "speed     100,000 inferences/s at 50.00 MHz" in shown
    assert "a → b: 5.0 ns, 3.0 of them in cells and 2.0 on wires, 4 cell(s) between" in shown
    assert "8 inference(s) through the simulated netlist" in shown
    assert "clock " not in shown


@for_each("clock, slack, word", [(48.0, 0.8333, "reached"),
                                                      (62.5, -4.0, "MISSED")])
def test_the_clock(clock, slack, word):
    figures = replace(FIGURES, clock=clock)
    assert figures.slack == pytest.approx(slack, abs=1e-3)
    assert f"clock     {clock:g} MHz {word}, slack {slack:+.2f} ns" in text(figures)
    if slack >= 0:
        check_clock(figures)
        return
    with pytest.raises(BsnnError, match=r"must reach 62.5 MHz, reaches 50.00, slack -4.00 ns"):
        check_clock(figures)


def test_files_appear_whole(tmp_path):
    path = write(replace(FIGURES, clock=62.5), tmp_path / "synth")
    found = json.loads(path.read_text())
    assert path.name == "synth_ice40-hx8k.json"
    assert found["resources"]["ICESTORM_LC"] == {"used": 1000, "available": 7680,
                                                  "forecast": None}
    assert found["clock"] == {"megahertz": 62.5, "slack_ns": -4.0, "reached": False}
    assert found["best_seed"] == 2
    assert found["inferences_per_second"] == 100_000
    assert found["memories"]["flip_flops"][0]["name"] == "a.store"
    assert sorted(p.name for p in path.parent.iterdir()) == [
        "files.json", "synth_ice40-hx8k.json", "synth_ice40-hx8k.txt"]


def test_all_results_are_listed(tmp_path):
    write(FIGURES, tmp_path / "synth")
    target = replace(FIGURES.target, name="other")
    folder = write(replace(FIGURES, target=target), tmp_path / "synth").parent
    listed = json.loads((folder / "files.json").read_text())
    there = inventory(folder)
    del there["files.json"]
    assert listed == there
    assert len(listed) == 4


def test_the_bitstream_of_the_best_seed_lies_beside_the_figures(tmp_path):
    bits = [tmp_path / f"{number}.bin" for number in range(2)]
    for number, path in enumerate(bits):
        path.write_bytes(bytes([number]))
    pinned = [replace(placement(number + 1, megahertz), bitstream=bits[number])
              for number, megahertz in enumerate((45.0, 44.0))]
    figures = replace(FIGURES, pinned=tuple(pinned), pins="board.pcf")
    assert "pins      board.pcf; without pins 40.00, 50.00 MHz" in text(figures)
    assert "seed 1    45.00 MHz" in text(figures)
    path = write(figures, tmp_path / "synth")
    assert (path.parent / "synth_ice40-hx8k.bin").read_bytes() == b"\0"
    found = json.loads(path.read_text())
    assert found["with_pins"]["bitstream"] == "synth_ice40-hx8k.bin"
    assert found["megahertz"] == 45.0
    assert found["resources"]["ICESTORM_LC"]["used"] == 1068, "there is no harness with pins"


def test_the_forecast_stands_beside_what_it_came_to(tmp_path):
    figures = replace(FIGURES, forecast={"ICESTORM_LC": 1100.0, "cycles": 490.0})
    shown = text(figures)
    assert "logic cells (ICESTORM_LC)            1,000  7,680  13.02 %     1,100" in shown
    assert "block RAMs of 4 kbit (ICESTORM_RAM)     12     32  37.50 %         -" in shown
    assert "32 of the bundle's vectors; forecast 490.0" in shown
    found = json.loads(write(figures, tmp_path / "synth").read_text())
    assert found["resources"]["ICESTORM_LC"]["forecast"] == 1100
    assert found["cycles_forecast"] == 490


def test_a_fault_behind_the_routing_is_said():
    faulty = replace(FIGURES, placements=(replace(placement(1, 40.0), faulty=True),))
    assert "fault     nextpnr ended with a memory fault behind its routing" in text(faulty)


def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch):
    path = write(FIGURES, tmp_path / "synth")
    before = path.read_text()

    def full(self, content, write_bytes=Path.write_bytes):
        if self.name.startswith(".synth_ice40-hx8k.json"):
            raise OSError(28, "No space left on device")
        return write_bytes(self, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(InputError, match="must be a folder that can be written, No space left"):
        write(replace(FIGURES, cycles=1.0), tmp_path / "synth")
    assert path.read_text() == before
    assert len(list(path.parent.iterdir())) == 3
