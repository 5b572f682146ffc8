"""The native simulation against Amaranth's own, beat for beat, and its watchdogs."""

import numpy as np
import pytest

from bsnn_hw.errors import MismatchError, ToolError
from bsnn_hw.sim.native import build_native
from bsnn_hw.sim.native_run import Beats, run_native, signed_values
from tests.for_each import for_each, quick
from tests.verilog.designs import Mixed


def _beats(count, seed, per_packet=5):
    rng = np.random.default_rng(seed)
    return Beats(rng.integers(0, 1 << 16, (count, 1), dtype=np.uint64),
                 np.arange(count) % per_packet == per_packet - 1,
                 rng.integers(0, 2, count).astype(bool))


def _amaranth(beats):
    """(data, last, user, charged) of each result, by Amaranth's simulator."""
    from amaranth.sim import Simulator

    dut, results = Mixed(), []

    async def drive(ctx):
        index = 0
        ctx.set(dut.m_axis_tready, 1)
        while len(results) < len(beats.data):
            ctx.set(dut.s_axis_tvalid, index < len(beats.data))
            place = min(index, len(beats.data) - 1)
            ctx.set(dut.s_axis_tdata, int(beats.data[place, 0]))
            ctx.set(dut.s_axis_tlast, int(beats.last[place]))
            ctx.set(dut.s_axis_tuser, int(beats.user[place]))
            _, _, ready, valid, *result = await ctx.tick().sample(
                dut.s_axis_tready, dut.m_axis_tvalid,
                dut.m_axis_tdata, dut.m_axis_tlast, dut.m_axis_tuser)
            index += ready
            if valid:
                results.append(result)

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(drive)
    simulator.run()
    return np.array(results, dtype=np.uint64)


@for_each("seed, pauses", [(1, (0, 0)), (2, (0.5, 0)), (3, (0.2, 0.7))])
def test_matches_amaranth(native, seed, pauses):
    beats = _beats(200, seed)
    result = run_native(native, beats, 40, seed=seed, pause_in=pauses[0], pause_out=pauses[1])
    expected = _amaranth(beats)
    np.testing.assert_array_equal(result.output.data[:, 0], expected[:, 0])
    np.testing.assert_array_equal(result.output.last, expected[:, 1])
    np.testing.assert_array_equal(result.output.user, expected[:, 2])
    np.testing.assert_array_equal(result.output.last, beats.last)


def test_observed_signals(native):
    result = run_native(native, _beats(200, 1), 40)
    rows = result.groups["neuron"]
    assert rows["charged"].shape == (200, 1)
    assert rows["accumulators"].shape == (200, 1)
    assert (np.diff(rows["cycle"][:, 0].astype(np.int64)) == 3).all()
    charged = signed_values(rows["charged"], 12)
    np.testing.assert_array_equal(rows["fired"][:, 0], charged >= 20)
    assert charged.min() < 0 < charged.max()


def test_cycles_of_packets(native):
    result = run_native(native, _beats(200, 1), 40)
    assert result.accepted.shape == result.produced.shape == (40, 2)
    assert result.accepted[0, 0] == 0
    np.testing.assert_array_equal(result.produced[:, 1], result.output_cycle[4::5])
    np.testing.assert_array_equal(result.produced[:, 0], result.output_cycle[::5])
    assert (result.produced > result.accepted).all()
    assert result.cycles == result.produced[-1, 1] + 1


def test_same_seed_same_run(native):
    runs = [run_native(native, _beats(50, 1), 10, seed=s, pause_in=0.5) for s in (4, 4, 5)]
    assert runs[0].cycles == runs[1].cycles != runs[2].cycles


def test_hang_becomes_a_message(native):
    with pytest.raises(MismatchError, match=r"for 100 cycles; 2 packets went in, 2 of 3 came out"):
        run_native(native, _beats(10, 1), 3, watchdog=100)


@pytest.mark.wide
def test_offer_taken_back_becomes_a_message(tmp_path):
    path = tmp_path / "fickle.v"
    path.write_text("""
module fickle(
  input clk, input rst, input [64:0] s_axis_tdata, input s_axis_tvalid, output s_axis_tready,
  output [64:0] m_axis_tdata, output reg m_axis_tvalid, input m_axis_tready);
  assign s_axis_tready = 1;
  assign m_axis_tdata = s_axis_tdata;
  always @(posedge clk) m_axis_tvalid <= ~rst & ~m_axis_tvalid & s_axis_tvalid;
endmodule
""")
    model = build_native([path], "fickle", tmp_path / "build")
    beats = Beats(np.ones((2, 2), np.uint64), np.zeros(2, bool), np.zeros(2, bool))
    with pytest.raises(MismatchError, match=r"m_axis must hold a beat until it is taken"):
        run_native(model, beats, 1, pause_out=1.0)


def test_design_that_verilator_refuses(tmp_path):
    path = tmp_path / "broken.v"
    path.write_text("module broken(input a;\n")
    with pytest.raises(ToolError, match=r"verilator --cc: failed with code"):
        build_native([path], "broken", tmp_path / "build")


ECHO = """
module echo(
  input clk, input rst, input [7:0] s_axis_tdata, input s_axis_tvalid, input s_axis_tlast,
  output s_axis_tready, output [7:0] m_axis_tdata, output m_axis_tvalid, output m_axis_tlast,
  input m_axis_tready);
  {more}
  assign s_axis_tready = m_axis_tready & ~rst;
  assign m_axis_tdata = s_axis_tdata;
  assign m_axis_tlast = {last};
  assign m_axis_tvalid = {valid} & ~rst;
endmodule
"""


@quick(0, wide=None)
@for_each("design, limits, message", [
    ({}, {"most_cycles": 5}, r"cycle 6: the last packet must be out after 5 cycles; 3 packets went "
                             r"in, 3 of 4 came out"),
    ({}, {"packet_beats": 4}, r"packet 0, beat 1: m_axis_tlast: RTL 1, reference 0"),
    ({"last": "0"}, {"packet_beats": 2}, r"packet 0, beat 1: m_axis_tlast: RTL 0, reference 1"),
    ({"valid": "1", "last": "0"}, {"packet_beats": 2}, r"packet 0, beat 1: m_axis_tlast: RTL 0"),
    ({"valid": "1"}, {"packet_beats": 2}, r"cycle 8: a beat more than 4 packets have"),
    ({"more": "reg loop; always @* loop = ~loop;", "valid": "s_axis_tvalid ^ loop"}, {},
     r"a clock cycle must end|did not converge"),
])
def test_a_verdict_always_comes(tmp_path, design, limits, message, monkeypatch):
    """Every way in which a design could keep a run busy ends with its name."""
    monkeypatch.setattr("bsnn_hw.sim.native.PATIENCE", 2)
    path = tmp_path / "echo.v"
    path.write_text(ECHO.format(**({"more": "", "last": "s_axis_tlast", "valid": "s_axis_tvalid"}
                                   | design)), encoding="utf-8")
    model = build_native([path], "echo", tmp_path / "build", optimize="-O0")
    beats = Beats(np.ones((8, 1), np.uint64), np.arange(8) % 2 == 1, np.zeros(8, bool))
    with pytest.raises(MismatchError, match=message):
        run_native(model, beats, 4, **limits)


def test_rows_beyond_the_expected_are_not_written_down(native):
    result = run_native(native, _beats(200, 1), 40, most_rows=[7])
    assert result.groups["neuron"]["charged"].shape == (7, 1)


@pytest.mark.slow
def test_a_damaged_cache_is_built_again(emitted, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    def build(name):
        return build_native(emitted.paths, emitted.top, tmp_path / name, optimize="-O0").executable

    build("first")
    folder, = (tmp_path / "cache" / "bsnn-hw").glob("runtime-*")
    whole = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    for path in whole:
        path.write_bytes(whole[path][:100])
    assert build("second").is_file()
    assert folder.is_dir()
    assert all(len(path.read_bytes()) > 20 for path in whole)
    assert not list(folder.parent.glob("draft-*"))
