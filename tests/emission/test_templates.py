"""Golden files: what each template makes of fixed facts. After a wanted change:

    BSNN_HW_GOLDEN=write python -m pytest tests/emission/test_templates.py
"""

import os
import re
from pathlib import Path

import jinja2
import pytest
from markupsafe import Markup

from bsnn_hw.boards.pins import _Top
from bsnn_hw.devices.clocks import choose_clock
from bsnn_hw.emission.c_driver import _Driver
from bsnn_hw.emission.flows import FlowFacts, PortFacts, StreamFacts
from bsnn_hw.exploration.page import Facts, Failures, Part, Plot
from bsnn_hw.link.bridge import INPUTS, OUTPUTS, Bridge
from bsnn_hw.link.frames import LinkShape
from bsnn_hw.link.registers import register_map
from bsnn_hw.reporting.charts import scatter
from bsnn_hw.reporting.circuit import _Glue, _Group
from bsnn_hw.reporting.page import CircuitFacts
from bsnn_hw.sim.native import Group, _driver
from bsnn_hw.sim.render import render
from bsnn_hw.soc.texts import _register, _Soc
from bsnn_hw.verilog.write import Observed
from evidence.growth_plot import plot_facts
from tests.for_each import for_each
from tests.reporting.example import FACTS

GOLDEN = Path(__file__).parents[1] / "golden"

MANIFEST = {
    "generator": "bsnn-hw 1.2.3", "top": "bsnn_small",
    "network": {"name": "small", "timesteps": 4,
                "input": {"coding": "events", "size": 11, "bits": 1, "scale": 1.0,
                          "offset": 0.0, "map": [1, 8, 8]}},
    "layers": [{"name": "c1", "from": None, "pool": None, "inputs": 64, "neurons": 192,
                "synapses": {"type": "conv2d", "kernel": [3, 5], "stride": [1, 2],
                             "padding": [1, 2]},
                "map": [6, 8, 4], "engine": "events", "lanes": 1, "parallel": 3, "folds": 2,
                "shortcuts": []},
               {"name": "fc1", "from": "c1", "pool": {"kind": "max", "size": [2, 2]},
                "synapses": {"type": "linear"}, "inputs": 48, "neurons": 10, "map": [10, 1, 1],
                "engine": "events", "lanes": 3, "parallel": 4, "folds": 3,
                "shortcuts": [{"adds": "synapses", "from": "c1"}]},
               {"name": "out", "from": "fc1", "pool": None, "synapses": {"type": "linear"},
                "inputs": 10, "neurons": 3, "map": [3, 1, 1], "engine": "words", "lanes": 2,
                "parallel": 3, "folds": 1}],
    "port": "events",
    "s_axis": {"packet": "one inference", "tdata_width": 24, "slots": 3, "slot_width": 8,
               "slot": {"value": {"low": 0, "width": 1, "inputs": 1},
                        "row": {"low": 1, "width": 7, "meaning": "slot e of row r is r * 3 + e"}}},
    "m_axis": {"packet": "a beat per class", "tdata_width": 16, "tdata": "score", "tuser": "class"},
    "odd_input": {"value 0": "the slot is ignored", "an event twice": "counts twice"},
    "vectors": {"inferences": 32},
}


def group(name, *widths):
    firing, *signals = (Observed(f"t.layer_{name}.neurons", f"t_{name}", signal, width)
                        for signal, width in zip(("firing", "charged", "fired"), (1, *widths),
                                                 strict=True))
    return Group(name, firing, tuple(signals))


def driver(user, groups):
    ports = {"s_axis_tdata": 24, "s_axis_tlast": 1, "m_axis_tdata": 80, "m_axis_tlast": 1,
             "m_axis_tuser": 4} | ({"s_axis_tuser": 1} if user else {})
    return _driver("bsnn_small", ports, groups)


def board_top(pll, megahertz, lights=3, bridge=Bridge.UART):
    clocking = choose_clock(25.0, pll, megahertz)
    return _Top("board_small", "Small board", clocking.words(25.0), lights, clocking,
                INPUTS[bridge], OUTPUTS[bridge])


def page(circuit):
    return {"facts": FACTS, "circuit": circuit, "style": Markup("p > b {}"),
            "script": Markup("1 < 2"), "script_hash": "abc="}


SMALL_PLOT = scatter([(100, 2e5, "lanes 3", True, True), (900, 9e5, "<b>", False, False)])
STUDY = Facts("bsnn-hw 1.2.3", "a <study>", "2 points, 1 on the front", ("cells", "rate"),
              ("part", "network", "precision", "plan", "cells"), 4,
              (("ecp5-25k", "small & <i>", "6", "lanes 3", "100"),),
              (Part("ecp5-25k", (Plot("Size and speed", "logic cells", "inferences/s",
                                      SMALL_PLOT),)),),
              (Failures(1, "failed", "does <not> fit", "lanes 9"),))

GLUE = {port: _Glue("bsnn_small", "p_bsnn__small", beat, True, port == "events", port == "events",
                    groups)
        for port, beat, groups in (
            ("events", 3, (_Group("p_layer__fc1_2e_firing", "p_layer__fc1_2e_charged",
                                  "p_layer__fc1_2e_fired"),)), ("bytes", 1, ()))}

SOC = _Soc("bsnn-hw 1.2.3", "small", "bsnn_axi", "00112233445566c0", tuple(map(
    _register, register_map(LinkShape(bytes.fromhex("00112233445566c0"), 12, 7),
                            ("fc1", "readout")).registers)),
    ("fc1", "readout"), 12, 12, "12 value(s)", "3 score(s)", 7)

CORE = FlowFacts(
    "bsnn_small", "small", "1.2.3", "is yours", ("rtl_mem/bsnn_small.v",),
    (("rtl_mem/bsnn_small.bank.mem", "bsnn_small.bank.mem"),),
    (PortFacts("clk", "in", 0), PortFacts("s_axis_tdata", "in", 7),
     PortFacts("m_axis_tdata", "out", 15)),
    (StreamFacts("s_axis", "slave", (("TDATA", "s_axis_tdata"),)),
     StreamFacts("m_axis", "master", (("TDATA", "m_axis_tdata"),))))

CASES = {
    "files.f": ("files.f.j2", {"core": CORE}),
    "bsnn.core": ("bsnn.core.j2", {"core": CORE}),
    "component.xml": ("component.xml.j2", {"core": CORE}),
    "report.html": ("report.html.j2", page(CircuitFacts(Markup("{}"), "1,417", "Draw here."))),
    "report_plain.html": ("report.html.j2", page(CircuitFacts(None, missing="no compiler"))),
    "study.html": ("study.html.j2", {"facts": STUDY, "style": Markup("p > b {}")}),
    "circuit.cpp": ("circuit.cpp.j2", {"circuit": GLUE["events"]}),
    "virtual_board.cpp": ("virtual_board.cpp.j2", {
        "board": {"top": "bsnn_board", "prefix": "Vbsnn_board", "divisor": 12,
                  "active": True, "reset": True}}),
    "virtual_spi.cpp": ("virtual_spi.cpp.j2", {
        "board": {"top": "bsnn_board", "prefix": "Vbsnn_board", "divisor": 8, "reset": True}}),
    "bsnn.h": ("bsnn.h.j2", {"driver": _Driver(
        "bsnn-hw 1.2.3", "small", ("cat", "dog"), "00112233445566c0", "0.5", 12, 4, 3, 1, 15, 2, 1,
        32)}),
    "board_top.v": ("board_top.v.j2", {"top": board_top("EHXPLLL", 80.0)}),
    "board_top_spi.v": ("board_top.v.j2", {"top": board_top("", 25.0, bridge=Bridge.SPI)}),
    "board_top_plain.v": ("board_top.v.j2", {"top": board_top("", 25.0, lights=1)}),
    "board_top_divided.v": ("board_top.v.j2", {"top": board_top("", 7.0, lights=0)}),
    "registers.rdl": ("registers.rdl.j2", {"soc": SOC}),
    "registers.h": ("registers.h.j2", {"soc": SOC}),
    "soc_readme.md": ("soc_readme.md.j2", {"soc": SOC}),
    "circuit_bytes.cpp": ("circuit.cpp.j2", {"circuit": GLUE["bytes"]}),
    "bundle_README.md": ("bundle_readme.md.j2",
                         {"manifest": MANIFEST, "requirements": "cocotb==9.9 numpy"}),
    "bundle_Makefile": ("bundle_makefile.j2",
                        {"bench": "bench", "top": "bsnn_small", "requirements": "cocotb==9.9 numpy",
                         "sources": ["rtl/bsnn_small.v", "rtl/bsnn_small_frontend.v"]}),
    "native_driver.cpp": ("native_driver.cpp.j2",
                          {"driver": driver(True, [group("fc1", 40, 4), group("fc_2", 130, 10)])}),
    "growth.svg": ("growth.svg.j2", {"plot": plot_facts(
        {"side": [{"at": 8, "seconds": 2.0, "cycles": 100}, {"at": 16, "seconds": 3.0,
                                                             "cycles": 400}],
         "layers": [{"at": 1, "seconds": 2.0, "cycles": 50}, {"at": 4, "seconds": 1.0,
                                                              "cycles": 60}]},
        {"seconds": "CPU seconds", "cycles": "cycles/inference"})}),
    "native_driver_plain.cpp": ("native_driver.cpp.j2", {"driver": driver(False, [])}),
}


@for_each("name", CASES)
def test_golden(name):
    template, facts = CASES[name]
    text, path = render(template, **facts), GOLDEN / name
    if os.environ.get("BSNN_HW_GOLDEN") == "write":
        path.write_text(text)
    assert text == path.read_text()


def test_every_template_has_a_golden_file():
    paths = list((GOLDEN.parents[1] / "templates").glob("*.j2"))
    parts = {name for path in paths
             for name in re.findall(r'{% (?:from|include) "(.+?)"',
                                    path.read_text(encoding="utf-8"))}
    assert {path.name for path in paths} - parts == {template for template, _ in CASES.values()}
    assert set(CASES) == {path.name for path in GOLDEN.iterdir()}


@for_each("template", sorted({template for template, _ in CASES.values()}))
def test_a_fact_that_is_missing_is_an_error(template):
    with pytest.raises(jinja2.UndefinedError):
        render(template)
