"""A change of the program that should leave every circuit as it is: it does."""

import json

import pytest

from tests.emission.circuits import (
    EXAMPLES,
    GATED,
    HASHES,
    NETWORKS,
    SLOW_EXAMPLES,
    example_hash,
    gated_layout,
    random_layout,
    rtlil_hash,
)
from tests.for_each import for_each, quick

KNOWN = json.loads(HASHES.read_text())
SAID = "another circuit than before; if that is meant, python -m tests.emission.circuits"


@pytest.mark.parametrize("name", [
    *(pytest.param(name, marks=pytest.mark.wide) for name in EXAMPLES),
    *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW_EXAMPLES)])
def test_examples(name, tmp_path):
    assert example_hash(name, tmp_path) == KNOWN[name], f"{name}: {SAID}"


@quick(1, wide=4)
@for_each("seed", range(NETWORKS))
def test_random_networks(seed):
    assert rtlil_hash(random_layout(seed)) == KNOWN[f"random {seed}"], SAID


@quick(0, wide=2)
@for_each("seed", range(GATED))
def test_networks_whose_samples_make_gates(seed):
    assert rtlil_hash(gated_layout(seed)) == KNOWN[f"gated {seed}"], SAID
