"""nextpnr's report and log, read; and a nextpnr that is not there."""

import json
import subprocess
from pathlib import Path

import pytest

from bsnn_hw.devices.targets import find_target
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.synthesis import place as module
from bsnn_hw.synthesis.netlist import Memory, Netlist
from bsnn_hw.synthesis.place import place, require_router
from tests.for_each import for_each

TARGET = find_target("ecp5-25k")


def step(kind, delay, start, end):
    return {"type": kind, "delay": delay, "from": {"cell": start, "port": "Q"},
            "to": {"cell": end, "port": "A"}}


REPORT = {
    "fmax": {"clk": {"achieved": 100.0, "constraint": 12}},
    "utilization": {"TRELLIS_COMB": {"used": 1234, "available": 24288}, "DP16KD": {"used": 5}},
    "critical_paths": [
        {"from": "<async>", "to": "posedge clk", "path": [step("routing", 99, "pin", "x")]},
        {"from": "posedge clk", "to": "posedge clk", "path": [
            step("clk-to-q", 5.5, "layer_fc1.synapses.bank_5.0.0", "layer_fc1.synapses.bank_5.0.0"),
            step("routing", 2.0, "layer_fc1.synapses.bank_5.0.0", "a_LUT4_Z"),
            step("logic", 0.25, "a_LUT4_Z", "a_LUT4_Z"),
            step("routing", 1.0, "a_LUT4_Z", "layer_fc1.acc.sum_TRELLIS_FF_Q_3"),
            step("setup", 0.25, "layer_fc1.acc.sum_TRELLIS_FF_Q_3", "x_TRELLIS_FF_Q"),
        ]},
    ],
}
LOG = """Info: Device utilisation:
Info:          TRELLIS_IO:      0/   197     0%
Info:              DP16KD:     61/    56   108%
Info:        TRELLIS_COMB:  25000/ 24288   102%

ERROR: Unable to place cell 'x', no BELs remaining to implement cell type 'DP16KD'
"""


def test_figures_and_the_path_in_words():
    placement = module._placement(REPORT, TARGET, 7)
    assert (placement.seed, placement.megahertz) == (7, 100.0)
    assert placement.used == {"TRELLIS_COMB": 1234, "TRELLIS_FF": 0, "DP16KD": 5, "MULT18X18D": 0}
    assert placement.path.words() == (
        "layer_fc1.synapses.bank_5 → x: 9.0 ns, 6.0 of them in cells and 3.0 on wires, "
        "1 cell(s) between")


@for_each("cell, name", [
    ("layer_fc2.synapses.weights_5_1_TRELLIS_FF_Q", "layer_fc2.synapses.weights_5_1"),
    ("a.b.words_SB_DFFSR_Q_1_D_SB_LUT4_O_I3", "a.b.words"),
    ("fc.product_MULT18X18D_P9", "fc.product"),
    ("harnessed.fc.op_SB_LUT4_I2", "fc.op"),
    ("fc.store.0.0", "fc.store"), ("plain", "plain"), ("_LUT4_", "_LUT4_"),
])
def test_names_of_the_rtl(cell, name):
    assert module._place(cell) == name


def placed(monkeypatch, tmp_path, code, log, lost=(), target="ecp5-25k"):
    monkeypatch.setattr(module, "require_router", lambda target: None)
    monkeypatch.setattr(module, "run", lambda *a, **k: subprocess.CompletedProcess(
        a, code, log, ""))
    netlist = Netlist(Path("n.json"), Path("n.v"), "top", {}, lost, lost, 0, 0)
    return place(netlist, find_target(target), 1, tmp_path)


def test_what_does_not_fit_is_said_with_numbers(monkeypatch, tmp_path):
    with pytest.raises(InputError) as caught:
        placed(monkeypatch, tmp_path, 255, LOG)
    assert "712 logic cells too many, 25,000 of 24,288 TRELLIS_COMB; 5 block RAMs of 16 kbit " \
           "too many, 61 of 56 DP16KD; take a larger part" in str(caught.value)


def test_memories_in_flip_flops_are_named_as_the_reason(monkeypatch, tmp_path):
    lost = (Memory("a.store", 10, 7, True), Memory("a.bias", 10, 7, False))
    with pytest.raises(InputError, match=r"COMB; .*, 70 bits of memory are flip-flops in this"):
        placed(monkeypatch, tmp_path, 255, LOG, lost)


def test_another_failure_keeps_nextpnrs_word(monkeypatch, tmp_path):
    with pytest.raises(ToolError, match="seed 1 failed with code 255: ERROR: no way"):
        placed(monkeypatch, tmp_path, 255, "Info: x\nERROR: no way\nlater")


def pinned(monkeypatch, tmp_path, name, *, packed=0):
    """A placement with pins, and the arguments of both programs."""
    calls = []

    def run(command, **options):
        calls.append(command[3:])
        if "--report" in command:
            (tmp_path / command[command.index("--report") + 1]).write_text(json.dumps(REPORT))
            return subprocess.CompletedProcess(command, 0, "", "")
        if not packed:
            (tmp_path / command[-1]).write_bytes(b"bits")
        return subprocess.CompletedProcess(command, packed, "", "no such tile")

    monkeypatch.setattr(module, "require_router", lambda target: None)
    monkeypatch.setattr(module, "run", run)
    target = find_target(name)
    pins = tmp_path / f"board{target.pins_suffix}"
    pins.write_text("set_io clk 35\n")
    netlist = Netlist(Path("n.json"), Path("n.v"), "top", {}, (), (), 0, 9, Path("bare.json"))
    return place(netlist, target, 1, tmp_path, pins=pins), calls


@for_each("name, options, packer", [
    ("ice40-up5k", ["--pcf", "pins.pcf", "--asc", "config_pins_1.txt"], ["config_pins_1.txt"]),
    ("ecp5-25k", ["--lpf", "pins.lpf", "--textcfg", "config_pins_1.txt"],
     ["--compress", "config_pins_1.txt"]),
    ("gatemate-a1", ["--vopt", "ccf=pins.ccf", "--vopt", "out=config_pins_1.txt"],
     ["config_pins_1.txt"]),
    ("nexus-40", ["--pdc", "pins.pdc", "--fasm", "config_pins_1.txt"],
     ["pack", "config_pins_1.txt"]),
    ("gowin-9", ["--vopt", "cst=pins.cst", "--write", "config_pins_1.txt"],
     ["-d", "GW1N-9C", "config_pins_1.txt", "-o"]),
])
def test_with_pins_the_design_itself_is_placed_and_packed(monkeypatch, tmp_path, name, options,
                                                          packer):
    placement, (routed, packed) = pinned(monkeypatch, tmp_path, name)
    assert " ".join(options) in " ".join(routed)
    assert not {"--out-of-context", "allow-unconstrained"} & set(routed)
    assert routed[routed.index("--top") + 1] == "top"
    assert routed[routed.index("--json") + 1] == "bare.json"
    assert packed[:-1] == packer
    assert placement.bitstream.read_bytes() == b"bits"


def test_a_packer_that_fails_is_a_tool_error(monkeypatch, tmp_path):
    with pytest.raises(ToolError, match="icepack: failed with code 1: no such tile"):
        pinned(monkeypatch, tmp_path, "ice40-up5k", packed=1)


LATE_FAULT = """Info: 	              CPE_LT:    4558/  40960    11%
Info: 	            RAM_HALF:       2/     64     3%
Info: Max frequency for clock 'clk': 99.00 MHz (PASS at 12.00 MHz)
Info: Running router1 to check that route is legal...
Info: Critical path report for clock 'clk' (posedge -> posedge):
Info:       type curr  total name
Info:   clk-skew  0.53  0.53 Net clk (1,2) -> (3,4)
Info:   clk-to-q  0.40  0.93 Source $auto$ff.cc:337:slice$6968.Q
Info:    routing  2.00  2.93 Net layer_fc1.op[3] (1,2) -> (3,4)
Info:                          Sink $abc$1$2.D0_00
Info:      logic  0.47  3.40 Source $abc$1$2.OUT
Info:    routing  1.00  4.40 Net $abc$1$3 (1,2) -> (3,4)
Info:      setup  0.10  4.50 Source a.store.0.0.ENA
Info: Critical path report for cross-domain path '<async>' -> 'posedge clk':
Info:     source  0.00  0.00 Source pad.Y
Info: Max frequency for clock 'clk': 222.22 MHz (PASS at 12.00 MHz)
    0: memory fault at wasm address 0x100000070 in linear memory of size 0x8b420000
"""


def test_a_nextpnr_that_fails_behind_its_routing_is_read_from_its_log(monkeypatch, tmp_path):
    placement = placed(monkeypatch, tmp_path, 1, LATE_FAULT, target="gatemate-a1")
    assert placement.faulty
    assert placement.megahertz == 222.22
    assert placement.used == {"CPE_LT": 4558, "CPE_FF": 0, "RAM_HALF": 2}
    assert placement.path.words().startswith("layer_fc1.op[3] → a.store: 4.5 ns, 1.5 of them in")


def test_what_was_packed_counts_where_cells_are_joined_afterwards(monkeypatch, tmp_path):
    """Its report says how many RAM_HALF are left: two of a pair are one of them."""
    report = {**REPORT, "utilization": {"RAM_HALF": {"used": 1, "available": 64}}}
    (tmp_path / "report_1.json").write_text(json.dumps(report))
    placement = placed(monkeypatch, tmp_path, 0, LATE_FAULT, target="gatemate-a1")
    assert not placement.faulty
    assert placement.used == {"CPE_LT": 4558, "CPE_FF": 0, "RAM_HALF": 2}


@for_each("target, cut", [("ecp5-25k", "nothing"), ("gatemate-a1", "router1"),
                                             ("gatemate-a1", "memory fault")])
def test_only_behind_its_routing_and_only_where_it_is_known(monkeypatch, tmp_path, target, cut):
    with pytest.raises(ToolError, match="seed 1 failed with code 1"):
        placed(monkeypatch, tmp_path, 1, LATE_FAULT.replace(cut, "x"), target=target)


def test_a_missing_nextpnr_says_what_to_install(monkeypatch):
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ToolError, match=r"nextpnr-ecp5: must be installed to place for ecp5-25k, "
                                        r"none was found; pip install 'bsnn-hw\[synth\]'"):
        require_router(TARGET)
