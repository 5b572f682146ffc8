"""How weight banks are cut into block RAMs."""


from bsnn_hw.ir.memory import bank_parts, bank_readers, block_rams
from tests.for_each import for_each


@for_each("rows, width, blocks", [
    (1, 4000, 0), (32, 36, 0), (33, 36, 1), (512, 36, 1), (512, 37, 2), (513, 36, 2),
    (1024, 18, 1), (4096, 4, 1), (16384, 1, 1), (16385, 1, 2), (600, 72, 4)])
def test_block_rams(rows, width, blocks):
    assert block_rams(rows, width) == blocks


def test_two_readers_have_narrower_rows():
    assert block_rams(512, 36, readers=2) == 2
    assert block_rams(1024, 18, readers=2) == 1
    assert block_rams(32, 36, readers=2) == 0


@for_each("rows, width, readers, parts", [
    (1, 9, 1, [1]), (32, 9, 1, [32]), (512, 36, 1, [512]), (512, 36, 2, [512]),
    (576, 64, 1, [576]),                 # 4 block RAMs of 1024x18
    (2304, 16, 1, [2048, 256]),          # 2 of 2048x9 and one of 512x36; 4 of 4096x4
    (50176, 4, 1, [16384, 16384, 16384, 1024]),  # 4 of 16384x1 thrice, and one of 4096x4
    (2048, 18, 2, [2048]), (2304, 36, 1, [2048, 256]),
    (147456, 16, 1, [16384] * 9),
])
def test_parts(rows, width, readers, parts):
    assert bank_parts(rows, width, readers) == tuple(parts)


@for_each("rows", [1, 33, 700, 5000, 40000])
@for_each("width", [1, 5, 24, 64, 300])
@for_each("readers", [1, 2])
def test_parts_take_no_more_block_ram_than_the_whole(rows, width, readers):
    parts = bank_parts(rows, width, readers)
    assert sum(parts) == rows
    assert len(set(parts[:-1])) <= 1
    assert parts[0] & (parts[0] - 1) == 0 or len(parts) == 1
    assert sum(block_rams(part, width, readers) for part in parts) <= block_rams(
        rows, width, readers)


def test_readers():
    assert bank_readers(3, shared=False) == [1, 1, 1]
    assert bank_readers(3, shared=True) == [2, 1]
    assert bank_readers(4, shared=True) == [2, 2]
