"""What planning counts is what the elaborated circuit has: random networks, plans of every kind."""

from collections import Counter

from amaranth.hdl import Fragment, Shape
from amaranth.hdl._mem import MemoryInstance

from bsnn_hw.devices.parts import Access
from bsnn_hw.hdl.ports import top_level
from tests.emission.circuits import GATED, NETWORKS, gated_layout, random_layout
from tests.for_each import for_each, quick


def built(fragment):
    """(written, rows, bits of a row) of every memory of an elaborated circuit; one of a single row
    is no memory."""
    if isinstance(fragment, MemoryInstance) and fragment._data.depth > 1:
        width = Shape.cast(fragment._data.shape).width
        yield bool(fragment._write_ports), fragment._data.depth, width
    for inner, *_ in fragment.subfragments:
        yield from built(inner)


def counted(layout):
    """(written, rows, bits of a row, how many) of the memories that a forecast counts."""
    for block in layout.blocks:
        for memory in block.parts().memories:
            if memory.rows > 1:
                yield (memory.access is not Access.TABLE, memory.rows, memory.width, memory.count)


def difference(layout):
    """What the circuit has and planning does not count, and the other way round.

    Of tables that synthesis shrinks, bits that are the same in all rows are not counted.
    """
    circuit, forecast = Counter(), Counter()
    for written, rows, width in built(Fragment.get(top_level(layout)[0], None)):
        circuit[rows, width if written else None] += 1
    for written, rows, width, count in counted(layout):
        forecast[rows, width if written else None] += count
    return circuit - forecast, forecast - circuit


def assert_the_same(layout):
    missing, surplus = difference(layout)
    # A table whose rows are all the same needs none, and a narrow one may be logic.
    assert not any(width for _, width in missing), f"not counted: {missing}"
    assert not surplus, f"not there: {surplus}"


@quick(1, wide=4)
@for_each("seed", range(NETWORKS))
def test_memories_are_those_that_planning_counts(seed):
    assert_the_same(random_layout(seed))


@quick(1, wide=2)
@for_each("seed", range(GATED))
def test_memories_of_gates(seed):
    assert_the_same(gated_layout(seed))
