"""Models that leave values of a sample out."""

import numpy as np
import pytest
import torch

from bsnn_hw.errors import ModelError
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.used import Used
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from tests.for_each import for_each

PLACES = [0, 3, 4, 7, 8, 11]


def using(build_document, **more):
    document = build_document(sizes=(6, 5, 4, 3))
    document["input"] |= {"shape": [3, 2, 2], "used": torch.tensor(PLACES), **more}
    return document


def test_the_first_layer_has_as_many_inputs(build_document):
    entry = describe(using(build_document)).input
    assert (entry.size, entry.shape) == (6, Shape(6))
    assert entry.used == Used(tuple(PLACES), Shape(3, 2, 2))


def test_values_that_are_left_out_change_nothing(build_document):
    model = describe(using(build_document))
    samples = np.random.default_rng(0).integers(0, 16, (20, 12))
    others = samples.copy()
    others[:, [1, 2, 5, 6, 9, 10]] = 15 - others[:, [1, 2, 5, 6, 9, 10]]
    whole = run(model, samples).scores
    np.testing.assert_array_equal(run(model, others).scores, whole)
    np.testing.assert_array_equal(run(model, samples[:, PLACES]).scores, whole)
    np.testing.assert_array_equal(run(describe(build_document(sizes=(6, 5, 4, 3))),
                                      samples[:, PLACES]).scores, whole)


def test_an_offset_of_each_channel_is_that_of_its_values(build_document):
    entry = describe(using(build_document, offset=torch.tensor([1.0, 2.0, 3.0]))).input
    assert entry.offset.tolist() == [1, 1, 2, 2, 3, 3]


@for_each("places", [
    [0, 3], torch.tensor([0.5, 3]), torch.tensor([3, 0]), torch.tensor([0, 12]),
    torch.tensor([-1, 3]), torch.tensor([3, 3]), torch.tensor([], dtype=torch.int64),
    torch.tensor([[0, 3]]), torch.tensor([float("nan")])])
def test_anything_else_than_ascending_indexes_is_refused(build_document, places):
    with pytest.raises(ModelError, match="input: used must be"):
        describe(using(build_document, used=places))


def test_a_first_layer_of_another_width_is_refused(build_document):
    document = using(build_document, used=torch.tensor(PLACES[:-1]))
    with pytest.raises(ModelError, match=r"weight must be \(neurons, 5\) because the input"):
        describe(document)
