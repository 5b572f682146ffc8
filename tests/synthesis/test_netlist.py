"""Memories stay memories, and what does not fit is said before anything is placed."""

from dataclasses import replace
from pathlib import Path

import pytest

from bsnn_hw.devices.targets import find_target
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.synthesis.netlist import check_room, synthesize


def test_no_memory_is_made_of_flip_flops(mapped):
    """ECP5 has LUT RAM for what is read without a clock; iCE40 has not, and says so."""
    target, netlist = mapped
    assert len(netlist.memories) > len(netlist.lost)
    if target.name.startswith("ecp5"):
        assert not netlist.flip_flop_memories
        assert netlist.flip_flops <= netlist.registers
    else:
        lost = sum(m.rows * m.width for m in netlist.flip_flop_memories)
        names = {memory.name.rpartition(".")[2] for memory in netlist.flip_flop_memories}
        assert names <= {"store"}, "only the state memories may be lost"
        assert netlist.flip_flops <= netlist.registers + lost


@pytest.mark.wide
def test_a_memory_made_of_flip_flops_is_seen(design, tmp_path):
    """The check above, broken on purpose."""
    target = replace(find_target("ecp5-25k"), synth="synth_ecp5 -nobram -nolutram")
    netlist = synthesize(design, target, tmp_path)
    assert any(memory.name.endswith("potentials.store") for memory in netlist.flip_flop_memories)
    assert netlist.flip_flops > netlist.registers


@pytest.mark.slow
def test_weights_are_in_block_ram(tmp_path):
    """On a network of which no bank is too small for one."""
    from bsnn_hw.pipeline import Request, build

    model = Path(__file__).parents[2] / "examples" / "digits_fc.pt"
    design = build(Request(model, tmp_path / "b", vectors=2)).design
    netlist = synthesize(design, find_target("ecp5-25k"), tmp_path)
    banks = [memory for memory in netlist.memories if ".bank_" in memory.name]
    assert banks
    assert not [memory for memory in netlist.lost if memory in banks]
    assert netlist.cells["DP16KD"] >= len(banks)
    assert not netlist.flip_flop_memories
    assert netlist.flip_flops <= netlist.registers


@pytest.mark.slow
def test_state_is_in_block_ram_where_the_family_has_no_lut_ram(tmp_path):
    """The example for an iCE40 UP5K: no written memory is flip-flops, and it fits."""
    from bsnn_hw.ir.schedule import Port
    from bsnn_hw.pipeline import Request, build

    model = Path(__file__).parents[2] / "examples" / "fashion_mnist_up5k.pt"
    design = build(Request(model, tmp_path / "b", vectors=2, lanes=(4, 1), parallel=(2, 1),
                           port=Port.BYTES, block_rows=(2, 99))).design
    target = find_target("ice40-up5k")
    netlist = synthesize(design, target, tmp_path)
    check_room(netlist, target)
    assert not netlist.flip_flop_memories
    assert netlist.flip_flops <= netlist.registers
    assert netlist.cells["SB_RAM40_4K"] == 27
    assert {memory.name.rpartition(".")[2] for memory in netlist.lost} == {"bias", "threshold"}


def test_what_does_not_fit_is_said_with_numbers(mapped):
    target, netlist = mapped
    check_room(netlist, target)
    resource = next(r for r in target.resources if "RAM" in r.words)
    full = replace(netlist, cells={resource.cells[0]: resource.capacity + 7})
    with pytest.raises(InputError, match=f"{target.name}: the design must fit, but needs 7 "
                                         f"{resource.words} too many, .* of {resource.capacity}"):
        check_room(full, target)


def test_yosys_that_stops_is_a_tool_error(design, tmp_path):
    target = replace(find_target("ecp5-25k"), synth="synth_ecp5 -no-such-option")
    with pytest.raises(ToolError, match="yosys: synth_ecp5 -no-such-option failed with code"):
        synthesize(design, target, tmp_path)
