"""A cocotb bench for `tests.verilog.designs.Mixed`, run by test_cocotb_run.py."""

import os

import cocotb
from cocotb.clock import Clock
from cocotb.triggers import RisingEdge


@cocotb.test()
async def answers(dut):
    """One beat in, one beat out."""
    Clock(dut.clk, 10, unit="ns").start()
    for name in ("s_axis_tvalid", "s_axis_tdata", "s_axis_tlast", "s_axis_tuser"):
        getattr(dut, name).value = 0
    dut.m_axis_tready.value = 1
    dut.rst.value = 1
    for _ in range(3):
        await RisingEdge(dut.clk)
    dut.rst.value = 0
    dut.s_axis_tvalid.value = 1
    dut.s_axis_tlast.value = 1
    last = 0
    for _ in range(20):
        await RisingEdge(dut.clk)
        if dut.m_axis_tvalid.value:
            last = int(dut.m_axis_tlast.value)
            break
    assert last == int(os.environ["EXPECTED"]), f"tlast: RTL {last}, reference 0"
