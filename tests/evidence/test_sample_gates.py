"""Both gates train, are generated and compared; the whole table is a command."""

import pytest

from evidence.sample_gates import GATES, HEAD, row
from tests.for_each import for_each


@pytest.mark.slow
@for_each("gate", list(GATES))
def test_a_row(tmp_path, gate):
    found = row("784-128-96-10", gate, tmp_path, None, 1, 4)
    assert len(found) == len(HEAD)
    assert (found[1], found[-1]) == (GATES[gate], "4")
