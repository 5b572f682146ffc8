"""Which RAM a memory gets, as seen in netlists of pyosys 0.70."""


import pytest

from bsnn_hw.devices.families import FAMILIES, place_memory
from bsnn_hw.devices.parts import Access, Memory, Parts, Product
from tests.for_each import for_each

ECP5, ICE40, GATEMATE = (FAMILIES[name] for name in ("TRELLIS_COMB", "ICESTORM_LC", "CPE_LT"))
TABLE, QUEUE, STATE = Access.TABLE, Access.QUEUE, Access.STATE


@for_each("memory, blocks", [
    (Memory(2048, 4, TABLE, block=True), 1),
    (Memory(131072, 1, TABLE, block=True), 8),
    (Memory(128, 40, TABLE, block=True), 2),
    (Memory(2752, 5, TABLE, block=True), 1),
    (Memory(1024, 19, TABLE, block=True), 2),
    (Memory(64, 30, TABLE, block=True), 1),
    (Memory(43, 39, QUEUE, block=True), 2),  # bytes of 9: 45 bits
    (Memory(43, 33, QUEUE, block=True), 1),
    (Memory(256, 10, QUEUE), 1),
    (Memory(512, 9, QUEUE), 1),
    (Memory(64, 10, QUEUE), 0),  # LUTs are cheaper
    (Memory(32, 44, STATE), 0),
    (Memory(32, 40, TABLE), 0),
])
def test_block_rams_of_ecp5(memory, blocks):
    mapped = place_memory(ECP5.rams, memory)
    assert (mapped.rams if mapped.ram and mapped.ram.blocks else 0) == blocks
    assert ECP5.cost(Parts(memories=(memory,))).blocks == blocks


@for_each("memory, rams", [
    (Memory(64, 10, QUEUE), 12), (Memory(32, 44, STATE), 22), (Memory(16, 20, QUEUE), 5),
    (Memory(10, 9, STATE), 3), (Memory(13, 60, STATE), 15)])
def test_lut_rams_of_ecp5(memory, rams):
    mapped = place_memory(ECP5.rams, memory)
    assert (mapped.ram.blocks, mapped.rams) == (0, rams)


@for_each("memory, blocks", [
    (Memory(256, 16, QUEUE), 1), (Memory(512, 16, TABLE, block=True), 2),
    (Memory(2048, 2, TABLE, block=True), 1), (Memory(128, 40, TABLE, block=True), 3),
    (Memory(16, 20, QUEUE), 2), (Memory(16, 3, QUEUE), 0), (Memory(10, 9, STATE), 0)])
def test_block_rams_of_ice40(memory, blocks):
    assert ICE40.cost(Parts(memories=(memory,))).blocks == blocks


@for_each("memory, halves", [
    (Memory(512, 40, QUEUE), 1), (Memory(1024, 40, TABLE, block=True), 2),
    (Memory(64, 78, TABLE, block=True), 2), (Memory(32, 13, STATE), 0)])
def test_block_rams_of_gatemate(memory, halves):
    assert GATEMATE.cost(Parts(memories=(memory,))).blocks == halves


@for_each("product, number", [
    (Product(16, 7, 8), 8), (Product(19, 7), 2), (Product(1, 12), 0), (Product(3, 4), 1)])
def test_multipliers(product, number):
    assert ECP5.cost(Parts(products=(product,))).multipliers == number
    assert ICE40.cost(Parts(products=(product,))).multipliers == 0
    small = sum((product.left, product.right)) < 9  # where Gowin's Yosys takes look-up tables
    assert FAMILIES["LUT4"].cost(Parts(products=(product,))).multipliers == (0 if small else number)


def test_short_adders_of_ecp5_are_look_up_tables():
    short, long = ECP5.cost(Parts.adders(4, 3)).cells, ECP5.cost(Parts.adders(5, 3)).cells
    assert (short, long) == pytest.approx((12 * 0.7, 15 * 1.1))
    assert ICE40.cost(Parts.adders(4, 3)).cells == 12 + 3  # a chain as any other


def test_count_repeats_a_memory():
    one = ECP5.cost(Parts(memories=(Memory(512, 36, QUEUE),)))
    five = ECP5.cost(Parts(memories=(Memory(512, 36, QUEUE, count=5),)))
    assert (five.blocks, five.cells) == (5 * one.blocks, 5 * one.cells)
    assert 5 * Parts.adders(3) == Parts.adders(3, 5)


@for_each("family, copies", [(ECP5, 1), (GATEMATE, 1), (ICE40, 2)])
def test_two_readers_share_the_two_ports_of_a_block_ram(family, copies):
    each = family.cost(Parts(memories=(Memory(512, 4, TABLE, block=True),))).blocks
    both = family.cost(Parts(memories=(Memory(512, 4, TABLE, block=True, readers=2),))).blocks
    assert both == copies * each
