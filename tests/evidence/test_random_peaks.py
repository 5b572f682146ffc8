"""Random peaks of every leak are legal, and a few of them are exact."""

import torch

from bsnn_hw.model.check import describe
from evidence.random_peaks import check_one, random_peaks
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [2, 5])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


def test_every_option_occurs_in_sixty_legal_models():
    documents = [random_peaks(seed) for seed in range(60)]
    for document in documents:
        describe(document, "random")
    leaks = [document["layers"][-1]["neuron"]["leak"] for document in documents]
    assert {isinstance(leak, torch.Tensor) for leak in leaks} == {True, False}
    assert {leak for leak in leaks if isinstance(leak, float)} == {0.0, 0.5, 0.9, 1.0}
