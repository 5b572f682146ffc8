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

QUICK = 12
KNOWN = json.loads(HASHES.read_text())
SAID = "another circuit than before; if that is meant, python -m tests.emission.circuits"


@pytest.mark.parametrize("name", [
    *EXAMPLES, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW_EXAMPLES)])
def test_examples(name, tmp_path):
    assert example_hash(name, tmp_path) == KNOWN[name], f"{name}: {SAID}"


@pytest.mark.parametrize("seeds", [
    range(QUICK), pytest.param(range(QUICK, NETWORKS), marks=pytest.mark.slow)], ids=str)
def test_random_networks(seeds):
    changed = [seed for seed in seeds
               if rtlil_hash(random_layout(seed)) != KNOWN[f"random {seed}"]]
    assert not changed, f"random networks {changed}: {SAID}"


def test_networks_whose_samples_make_gates():
    changed = [seed for seed in range(GATED)
               if rtlil_hash(gated_layout(seed)) != KNOWN[f"gated {seed}"]]
    assert not changed, f"gated networks {changed}: {SAID}"
