"""What blocks cost in each family, counted by hand in its cells.

A cell is what `devices/families.py` says of one: on ECP5 a bit of a sum 1.1, a LUT 0.85, a LUT RAM
of 16 words of 4 bits 6, a bit of a ROM 0.9 for 16 rows; of ten registers nine.
"""

import pytest

from bsnn_hw.devices.families import FAMILIES, Cost
from bsnn_hw.devices.parts import Parts, Product
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import Carry, StateRows, accumulator_parts
from bsnn_hw.layout.tables import TableSize
from tests.for_each import for_each

ECP5, ICE40, GATEMATE, NEXUS, GOWIN = "TRELLIS_COMB", "ICESTORM_LC", "CPE_LT", "OXIDE_COMB", "LUT4"

# Eight words of 5 bits: two counters of 3 bits that name a word, five of 4 bits that count words;
# 28 LUTs; 29 registers, 11 of them with nothing in front.
SHORTCUT = Carry("carry", 0, current=False, width=5, rows=4, timesteps=1, margin=4, depth=9).parts()
# Four sums of 7 bits, a bit more for the carry, in 12 rows; 28 + 4 LUTs; a register of the row, and
# of its number, which is 4 bits.
SUMS = accumulator_parts(Raster(Shape(6, 2, 3), 4), StateRows(12, 28, block=False))
# 40 rows of 20 bits that differ, and a register behind them.
ROM, BLOCK_ROM = (TableSize(40, 9, 20, block).parts() for block in (False, True))
LEAK = Parts(products=(Product(11, 9, 4),))  # four factors of 11 bits with a sign by one of 9


@for_each("logic, cells, registers", [
    # Short adders; two LUT RAMs, and a register of their word.
    (ECP5, .7 * 26 + .85 * 28 + 2 * 6, .9 * 29 + 5),
    (NEXUS, 1.75 * 26 + .1 * 28 + 2 * 8.8, .9 * 29 + 5),
    (GOWIN, 1.02 * 26 + .78 * 28 + .39 * 11 + 2 * 7.5, .95 * 29 + 5),
    # No LUT RAM, and a block RAM is more: 40 flip-flops, which 7 choices of 5 bits read.
    (ICE40, 26 + 7 + .85 * 28 + .65 * 11 + 1.23 * 40 + 8 + .61 * 7 * 5, .9 * 29 + 40 + 5),
    (GATEMATE, 2.33 * 26 + 7 + 1.43 * 28 + 2.14 * 11 + 1.01 * 40 + 8 + .58 * 7 * 5,
     .9 * 29 + 40 + 5)])
def test_a_shortcut_s_queue(logic, cells, registers):
    assert_cost(logic, SHORTCUT, cells, registers)


@for_each("logic, cells, registers", [
    (ECP5, 1.1 * 32 + .85 * 32 + 7 * 6, .9 * 32),
    (NEXUS, 1.75 * 32 + .1 * 32 + 7 * 8.8, .9 * 32),
    (GOWIN, 1.02 * 32 + .78 * 32 + .39 * 4 + 7 * 7.5, .95 * 32),
    # 336 flip-flops, which 11 choices of 28 bits read.
    (ICE40, 32 + 4 + .85 * 32 + .65 * 4 + 1.23 * 336 + 12 + .61 * 11 * 28, .9 * 32 + 336),
    (GATEMATE, 2.33 * 32 + 4 + 1.43 * 32 + 2.14 * 4 + 1.01 * 336 + 12 + .58 * 11 * 28,
     .9 * 32 + 336)])
def test_accumulators(logic, cells, registers):
    assert_cost(logic, SUMS, cells, registers)


@for_each("logic, cells, registers", [
    (ECP5, 20 * .9 * 3, .9 * 20 + 20),  # 40 rows are three LUTs a bit
    (NEXUS, 20 * .56 * 3, .9 * 20 + 20),
    (GOWIN, 20 * .69 * 3 + .39 * 20, .95 * 20 + 20),
    (ICE40, 20 * (1.05 * 3 + .87 * 2) + .65 * 20, .9 * 20 + 20),
    (GATEMATE, 20 * (.93 * 3 + 2) + 2.14 * 20, .9 * 20 + 20)])
def test_a_table_in_logic(logic, cells, registers):
    assert_cost(logic, ROM, cells, registers)


@for_each("logic, cells, registers, blocks", [
    (ECP5, 0, .9 * 20, 1),  # up to 36 bits wide
    (NEXUS, 0, .9 * 20, 1),
    (GOWIN, .39 * 20, .95 * 20, 1),
    (ICE40, .65 * 20, .9 * 20, 2),  # up to 16
    (GATEMATE, 2.14 * 20, .9 * 20, 1)])  # half a block RAM, up to 20
def test_a_table_in_block_ram(logic, cells, registers, blocks):
    assert_cost(logic, BLOCK_ROM, cells, registers, blocks)


@for_each("logic, cells, multipliers", [
    (ECP5, 0, 4), (NEXUS, 0, 4), (GOWIN, 0, 4),
    (ICE40, 4 * 1.96 * 11 * 9, 0), (GATEMATE, 4 * .85 * 11 * 9, 0)])
def test_a_leak_s_products(logic, cells, multipliers):
    assert_cost(logic, LEAK, cells, 0, 0, multipliers)


def assert_cost(logic, parts, cells, registers, blocks=0, multipliers=0):
    found = FAMILIES[logic].cost(parts)
    assert found.row == pytest.approx(Cost(cells, registers, blocks, multipliers).row)
