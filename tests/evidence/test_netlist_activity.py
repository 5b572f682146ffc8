"""What is counted in a netlist: a hand count, and the RTL's own count of the same register."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.devices.targets import find_target
from bsnn_hw.emission.design import emit_verilog
from bsnn_hw.errors import MismatchError
from bsnn_hw.synthesis.netlist import synthesize
from evidence import watched_netlist
from evidence.netlist_activity import main, place, tables
from evidence.watched_netlist import (
    Activity,
    Watched,
    count_netlist,
    insert,
    toggles_and_ones,
    watched,
)
from evidence.watched_rtl import count_rtl
from tests.bundles import make_bundle
from tests.for_each import for_each


def cell(kind, outputs, inputs, **parameters):
    return {"type": kind, "parameters": parameters, "connections": {**outputs, **inputs},
            "port_directions": {**dict.fromkeys(outputs, "output"),
                                **dict.fromkeys(inputs, "input")}}


def module(**cells):
    return {"ports": {"out": {"direction": "output", "bits": [9]}}, "cells": cells,
            "netnames": {"a": {"bits": [2]}, "b": {"bits": [3, 4], "upto": 1, "offset": 5},
                         "out": {"bits": [9]}}}


def test_cells_are_told_apart():
    seen = {(each.cell, each.kind, each.what): each for each in watched(module(
        plain=cell("SB_DFF", {"Q": [2]}, {"D": [9]}),
        enabled=cell("SB_DFFESR", {"Q": [3]}, {"D": [2], "E": [4], "R": ["0"]}),
        carry=cell("SB_CARRY", {"CO": [4]}, {"CI": ["0"], "I0": [2], "I1": [3]}),
        sum=cell("SB_LUT4", {"O": [9]}, {"I0": ["0"], "I1": [2], "I2": [3], "I3": [4]}),
        unread=cell("SB_LUT4", {"O": [10]}, {"I0": [2], "I1": ["0"], "I2": ["0"], "I3": ["0"]})))}
    assert {key: each.text.strip() for key, each in seen.items()} == {
        ("plain", "flip-flops", "output"): "\\a", ("plain", "flip-flops", "clock"): "1'b1",
        ("enabled", "flip-flops", "output"): "\\b [6]",
        ("enabled", "flip-flops", "clock"): "\\b [5]", ("sum", "sums", "output"): "\\out"}


@for_each("mux, text", [("1 ", "1'b1"), ("0 ", "1'b0"), ("CE", "\\a "), ("INV", "!\\a ")])
def test_enables_of_ecp5_flip_flops(mux, text):
    found = list(watched(module(f=cell("TRELLIS_FF", {"Q": [9]}, {"DI": [3], "CE": [2]},
                                       CEMUX=mux))))
    assert [each.text for each in found if each.what == "clock"] == [text]


@for_each("width, reads, writes", [(36, 2, 3), (18, 1, 2), (9, 1, 2)])
def test_accesses_of_an_ecp5_block_ram(width, reads, writes):
    """Port A writes, B reads; of 36 bits each has the data of both."""
    found = [each for each in watched(module(ram=cell(
        "DP16KD", {"DOA0": [2], "DOB0": [3]},
        {"CEA": ["1"], "WEA": [4], "CEB": [9], "WEB": ["0"], "DIA0": [2], "DIA1": [3],
         "DIB0": [2], "ADA0": [3], "ADA1": ["1"], "ADA2": ["0"], "ADA3": ["0"]},
        DATA_WIDTH_A=f"{width:b}", DATA_WIDTH_B=f"{width:b}"),
        reader=cell("LUT4", {"Z": [9]}, {"A": [2], "B": [3]}))) if each.kind == "block RAMs"]
    of_b = [each for each in found if each.what == "read" and "\\out" in each.text]
    assert [each.bits for each in of_b] == [reads] and of_b[0].text == "\\out  && !1'b0"
    (write,) = (each for each in found if each.what == "write")
    assert write.bits == writes
    assert write.text.count(",") == {36: 3, 18: 1, 9: 0}[width], "as many byte enables"


def test_accesses_of_an_ice40_block_ram():
    found = {each.what: each for each in watched(module(ram=cell(
        "SB_RAM40_4K", {"RDATA": [9, 3]},
        {"RCLKE": ["1"], "RE": [2], "WCLKE": [4], "WE": ["1"], "MASK": [2, "1"],
         "WDATA": [2, "0"]}))) if each.what != "output"}
    assert (found["read"].text, found["read"].bits) == ("1'b1 && \\a ", 1)
    assert (found["write"].text, found["write"].bits) == (
        "\\b [5] && 1'b1 && !(&{\\a , 1'b1})", 1)


def test_bits_stand_in_order():
    text, words = insert("module m;\nendmodule\n", [f"b{place}" for place in range(65)])
    assert words == 2 and text.count("endmodule") == 1
    assert "watched_0 = {b63, b62," in text and "b1, b0};" in text and "1'b0, b64};" in text
    column = np.array([0, 1, 3, 2 + (1 << 63), 2], np.uint64)
    assert list(toggles_and_ones([column]))[:2] == [(2, 2), (1, 3)]
    assert list(toggles_and_ones([column]))[63] == (2, 1)


def test_tables_are_sums_per_inference():
    ram = Watched("layer_a.synapses.bank_0.0.0", "block RAMs", "read", "", 9)
    found = [Activity(Watched("layer_a.x_SB_DFF_Q", "flip-flops", "output", ""), 6, 1),
             Activity(Watched("s_axis_SB_LUT4_O", "LUTs", "output", ""), 4, 1),
             Activity(ram, 1, 8)]
    changes, done = tables(found, 2)
    assert changes == [["part", "flip-flops", "LUTs", "block RAMs"],
                       ["layer_a", "3.0", "0.0", "0.0"],
                       ["ports and others", "0.0", "2.0", "0.0"], ["all", "3.0", "2.0", "0.0"]]
    assert done[-1] == ["all", "0.0", "4.0", "36.0", "0.0", "0.0"]
    assert place("m_axis_tready_SB_LUT4_I3_1_O") == place("first.words") == "ports and others"
    assert place("network.layer_a.neurons.charged_SB_DFF_Q") == "layer_a"


def test_no_samples_are_refused(capsys):
    assert main(["--samples", "0"]) == 1
    assert "--samples: must be 1 or more" in capsys.readouterr().err


@pytest.mark.wide
@for_each("part", ["ecp5-25k", "ice40-hx8k"])
def test_the_netlist_counts_what_the_rtl_counts(part, tmp_path):
    bundle = make_bundle(24, tmp_path / "b")
    (tmp_path / "rtl").mkdir()
    design = emit_verilog(bundle.network, bundle.schedule, tmp_path / "rtl")
    target = find_target(part)
    netlist = synthesize(design, target, tmp_path)
    found, result = count_netlist(design, netlist, target, bundle.inputs, tmp_path / "watched")
    flip_flops = [each for each in found if each.watched.what == "clock"]
    assert len(flip_flops) == netlist.flip_flops
    assert {each.ones for each in flip_flops if each.watched.text == "1'b1"} == {result.cycles}

    # The sums' register of a layer, watched in the RTL, by its name in the netlist.
    flat = json.loads((netlist.bare or netlist.json).read_text())["modules"][netlist.top]
    names = dict(watched_netlist._names(flat))
    changes = {each.watched.text: each.toggles for each in found if each.watched.what == "output"}
    rtl = count_rtl(design, bundle.inputs, tmp_path / "counted")
    equal = 0
    for layer, tally in zip(design.network.layers, rtl, strict=True):
        net = flat["netnames"].get(f"layer_{layer.name}.accumulator.sums", {"bits": [None]})
        bits = net["bits"]
        if all(names.get(bit) in changes for bit in bits):
            assert sum(changes[names[bit]] for bit in bits) == tally.every_cycle[0] > 0
            equal += 1
    assert equal, "a layer's sums have kept their name"

    wrong = replace(netlist, verilog=tmp_path / "wrong.v")
    text = netlist.verilog.read_text()
    wrong.verilog.write_text(text.replace("16'h", "~16'h", 40))
    with pytest.raises(MismatchError):
        count_netlist(design, wrong, target, bundle.inputs, tmp_path / "again")
