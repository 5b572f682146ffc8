"""Random counts of events are legal inputs of every kind, and a few of them are exact."""

from bsnn_hw.model.check import describe
from evidence.random_counts import check_one, random_counts
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [0, 1, 2])
def test_exact_in_rtl(seed):
    assert check_one(seed, lint=False).endswith(": exact")


def test_every_option_occurs_in_forty_legal_models():
    documents = [random_counts(seed) for seed in range(40)]
    for document in documents:
        describe(document, "random")
    assert {each["input"]["bits"] for each in documents} == set(range(2, 9))
    assert {"offset" in each["input"] for each in documents} == {True, False}
