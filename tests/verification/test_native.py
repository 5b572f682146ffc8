"""Whole runs through the Verilated model: exact in pieces and with pauses, cycles by count."""

import numpy as np
import pytest

from bsnn_hw.errors import MismatchError
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import event_bound
from bsnn_hw.reference.network import run
from bsnn_hw.verification.native import (
    Outcome,
    build_model,
    single_latency,
    together,
    verify_native,
)
from tests.for_each import for_each


@pytest.fixture(scope="module")
def model(events_bundle, tmp_path_factory):
    return build_model(events_bundle.design, tmp_path_factory.mktemp("native"), optimize="-O0")


@for_each("chunk", [1, 7, 1000])
@for_each("pauses", [{}, {"pause_in": 0.5, "pause_out": 0.5, "seed": 1}])
def test_exact_in_any_pieces(events_bundle, model, chunk, pauses):
    done = []
    outcome = verify_native(events_bundle.design, model, events_bundle.inputs, chunk=chunk,
                            progress=done.append, **pauses)
    assert outcome.inferences == 24
    assert done[-1] == 24
    trace = run(events_bundle.network, events_bundle.inputs)
    np.testing.assert_array_equal(outcome.classes, trace.classes)


def test_a_sample_that_is_left_is_no_piece_of_its_own(events_bundle, model):
    """Its cycles would be a latency, and count as much as those of all others."""
    inputs = np.repeat(events_bundle.inputs[12:14], 20, axis=0)[:37]
    whole, pieces = (verify_native(events_bundle.design, model, inputs, chunk=chunk).cycles
                     for chunk in (37, 36))
    assert pieces == pytest.approx(whole, rel=0.02)


def test_pieces_count_for_their_inferences():
    pieces = [Outcome(30, 100.0, np.zeros(30)), Outcome(10, 300.0, np.ones(10))]
    outcome = together(pieces)
    assert (outcome.inferences, outcome.cycles) == (40, 150.0)
    assert outcome.classes.tolist() == [0] * 30 + [1] * 10


def test_cycles_are_near_the_bound(events_bundle, model):
    """Tiny layers pay for their pipeline; no run beats the bound."""
    inputs = np.repeat(events_bundle.inputs[12:14], 20, axis=0)
    outcome = verify_native(events_bundle.design, model, inputs)
    trace = run(events_bundle.network, inputs)
    bound = event_bound(events_bundle.network, events_bundle.schedule,
                        measure_activity(events_bundle.network, inputs, trace))
    assert bound <= outcome.cycles < 2 * bound
    assert single_latency(events_bundle.design, model, inputs[:2]) > bound


def test_another_network_is_a_difference(events_bundle, model):
    from dataclasses import replace

    readout = events_bundle.network.readout
    other = replace(events_bundle.network, readout=replace(readout, bias=readout.bias + 1))
    design = events_bundle.design
    design = replace(design, layout=replace(design.layout, network=other))
    with pytest.raises(MismatchError, match="first difference: inference 0, class 0: score: RTL"):
        verify_native(design, model, events_bundle.inputs)


@pytest.mark.wide
def test_exact_and_too_slow_is_a_failure(events_bundle, tmp_path):
    """The bundle's circuit, which a top level of its own lets take a beat in 8,192 cycles only."""
    from dataclasses import replace

    design = events_bundle.design
    wide, out, answer = (design.layout.slots.input_width, design.layout.slots.output_width,
                         design.layout.slots.class_width)
    path = tmp_path / "slow.v"
    path.write_text(f"""
module slow(input clk, input rst, input [{wide - 1}:0] s_axis_tdata, input s_axis_tvalid,
  input s_axis_tlast, input s_axis_tuser, output s_axis_tready, output [{out - 1}:0] m_axis_tdata,
  output [{answer - 1}:0] m_axis_tuser, output m_axis_tvalid, output m_axis_tlast,
  input m_axis_tready);
  reg [12:0] count = 0;
  always @(posedge clk) count <= count + 1;
  wire open = &count, ready;
  assign s_axis_tready = ready & open;
  {design.verilog.top} inner(.clk, .rst, .s_axis_tdata, .s_axis_tvalid(s_axis_tvalid & open),
    .s_axis_tlast, .s_axis_tuser, .s_axis_tready(ready), .m_axis_tdata, .m_axis_tuser,
    .m_axis_tvalid, .m_axis_tlast, .m_axis_tready);
endmodule
""", encoding="utf-8")
    verilog = replace(design.verilog, top="slow",
                      paths=(*design.verilog.paths, path.rename(path.with_suffix(".sv"))))
    slow = replace(design, verilog=verilog)
    with pytest.raises(MismatchError, match=r"the last packet must be out after .* cycles"):
        verify_native(slow, build_model(slow, tmp_path / "build", probes=False, optimize="-O0"),
                      events_bundle.inputs)
