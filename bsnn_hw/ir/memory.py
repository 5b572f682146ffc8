"""How a weight bank is cut into block RAMs, so that nothing stands between one and its register.

A block RAM is a few shapes of the same bits: many narrow rows or few wide ones.  A bank with more
rows than the shape that suits its width is cut into parts by the upper bits of the address; every
part has a register of its own, and the part that was asked for is chosen a cycle later.
"""

from __future__ import annotations

from collections import Counter
from functools import cache

__all__ = ["BLOCK_ROWS", "bank_delay", "bank_parts", "bank_readers", "block_rams"]

# Of ECP5 and its like: rows, and bits per row, that one block RAM can have with one reader; the
# widest shape takes both of its ports.
SHAPES = ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1))
BLOCK_ROWS = 33  # below, memories are of LUTs
PART_BLOCKS = 0.25  # what a part's register and its place in the choice are worth in block RAMs


def block_rams(rows: int, width: int, readers: int = 1, *,
               block_rows: int = BLOCK_ROWS) -> int:
    """Block RAMs of a memory of ``rows`` words of ``width`` bits; none where LUTs are cheaper, with
    fewer than ``block_rows``."""
    if rows < block_rows:
        return 0
    return min(-(-rows // deep) * -(-width // wide) for deep, wide in SHAPES[readers - 1:])


@cache
def bank_parts(rows: int, width: int, readers: int = 1) -> tuple[int, ...]:
    """Rows of each part of a weight bank; all but the last are the same power of two.

    readers : 1 or 2, of the same block RAMs
    """
    if rows < BLOCK_ROWS:
        return (rows,)

    def side_by_side(part: int) -> bool:
        """Whether the fewest block RAMs for a part, which synthesis takes, are as deep as it is."""
        wide = next((wide for deep, wide in shapes if deep >= part), width)
        return block_rams(part, width, readers) in (0, -(-width // wide))

    shapes = SHAPES[readers - 1:]
    best: tuple[int, ...] = ()
    least = float("inf")
    for deep, _ in shapes:
        count, rest = divmod(rows, deep)
        parts = Counter({deep: count, rest: 1}) if rest else Counter({deep: count})
        if not all(side_by_side(part) for part in +parts):
            continue
        cost = sum(times * (block_rams(part, width, readers) + PART_BLOCKS)
                   for part, times in parts.items())
        if cost < least:
            best, least = tuple(parts.elements()), cost
    assert best, "rows of one bit's width are as deep as any part"
    return best


def bank_delay(rows: int, width: int, readers: int = 1) -> int:
    """Cycles from a row's number to its word: block RAM, its register, and with several parts the
    choice among them."""
    return 2 if len(bank_parts(rows, width, readers)) == 1 else 3


def bank_readers(lanes: int, shared: bool) -> list[int]:
    """Lanes of each weight bank: one, or two that are shared, through the two ports of one."""
    return [2] * (lanes // 2) + [1] * (lanes % 2) if shared else [1] * lanes
