"""Random models whose currents are pooled: all kinds occur, and a few are exact."""

import pytest

from bsnn_hw.model.check import describe
from evidence.random_networks import check_document
from evidence.random_pools import random_pools
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [5, 29, 36, 59])
def test_exact_in_rtl(seed):
    assert check_document(seed, random_pools(seed), lint=False).endswith(": exact")


@pytest.mark.wide
def test_every_option_occurs_in_legal_models():
    documents = [random_pools(seed) for seed in range(100)]
    for document in documents:
        describe(document, "random")
    pools = [(layer["current_pool"], layer) for document in documents
             for layer in document["layers"] if "current_pool" in layer]
    assert {pool["kind"] for pool, _ in pools} == {"max", "avg", "sum"}
    assert any(pool["stride"] != pool["size"] for pool, _ in pools)
    assert any(layer.get("shortcuts") for pool, layer in pools)
    spikes = [layer["pool"] for document in documents for layer in document["layers"]
              if layer.get("pool")]
    assert any(pool["stride"] != pool["size"] for pool in spikes)
    assert any(pool["padding"] != [0, 0] for pool in spikes)
    assert any(2 * pad > size for pool in spikes
               for pad, size in zip(pool["padding"], pool["size"], strict=True))
    assert any(all(step < size for step, size in zip(pool["stride"], pool["size"], strict=True))
               for pool in spikes)
