"""The netlist against the reference, and a netlist that is wrong."""

from dataclasses import replace

import pytest

from bsnn_hw.devices.targets import find_target
from bsnn_hw.errors import InputError, MismatchError
from bsnn_hw.synthesis.proof import cell_models, simulate_netlist


def test_models_of_all_cells_stand_in_one_text():
    text = cell_models(find_target("ecp5-25k"))
    for module in ("DP16KD", "MULT18X18D", "TRELLIS_FF", "TRELLIS_DPR16X4", "CCU2C", "LUT4"):
        assert text.count(f"module {module} (") + text.count(f"module {module}(") == 1
    assert '`include "common' not in text
    assert "module SB_RAM40_4K (" in cell_models(find_target("ice40-up5k"))


def test_a_family_without_models_is_refused():
    with pytest.raises(InputError, match="`simulate`: must be for a family with cell models, x "):
        cell_models(replace(find_target("ecp5-25k"), name="x", simulation=""))


@pytest.mark.slow
def test_a_wrong_netlist_is_seen(mapped, design, events_bundle, tmp_path):
    target, netlist = mapped
    inputs = events_bundle.inputs[:8]
    assert simulate_netlist(design, netlist, target, inputs, tmp_path).inferences == 8

    wrong = tmp_path / "wrong.v"
    wrong.write_text(_inverted(netlist.verilog.read_text(), "m_axis_tdata",
                               design.layout.slots.output_width))
    with pytest.raises(MismatchError, match="first difference: inference 0, class 0: score"):
        simulate_netlist(design, replace(netlist, verilog=wrong), target, inputs, tmp_path)


def _inverted(text, port, width):
    """The netlist with the last bit of an output port inverted."""
    text = text.replace(port, "right").replace("right", port, 1)  # all but the list of ports
    declared = f"  output [{width - 1}:0] right;\n  wire [{width - 1}:0] right;\n"
    assert declared in text
    return text.replace(declared, declared.replace("output", "wire").partition("\n")[0] + f"""
  output [{width - 1}:0] {port};
  assign {port} = right ^ 1;
""")
