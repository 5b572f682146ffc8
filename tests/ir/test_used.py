"""Which values of a sample enter: picked, put back, and read from a file."""

from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.store import from_json, to_json
from bsnn_hw.ir.used import Used
from tests.for_each import for_each
from tests.ir.test_store import equal, network

THREE = Used((0, 2, 5), Shape(1, 2, 3))


def test_picked_and_put_back():
    samples = np.arange(12).reshape(2, 6)
    picked = THREE.pick(samples)
    assert picked.tolist() == [[0, 2, 5], [6, 8, 11]]
    assert THREE.spread(picked).tolist() == [[0, 0, 2, 0, 0, 5], [6, 0, 8, 0, 0, 11]]
    assert THREE.pick(samples.reshape(2, 1, 6)).tolist() == [[[0, 2, 5]], [[6, 8, 11]]]


@for_each("places, size, fits", [
    ((0, 2, 5), 3, True), ((0, 1, 2, 3, 4, 5), 6, True), ((0, 2, 5), 4, False),
    ((0, 2, 6), 3, False), ((-1, 2), 2, False), ((2, 2), 2, False), ((3, 2), 2, False)])
def test_only_ascending_indexes_of_the_sample_fit(places, size, fits):
    assert Used(places, Shape(1, 2, 3)).fits(size) == fits


def using(places):
    original = network(sizes=(3, 2))
    return replace(original, input=replace(original.input, used=Used(places, THREE.shape)))


def test_read_gives_back_what_was_saved():
    original = using(THREE.places)
    assert '"used": [0, 2, 5]' in to_json(original)
    got = from_json(to_json(original), "n")
    assert equal(got, original) and got.input.used == THREE


@for_each("places", [(0, 5, 2), (0, 2, 6), (0, 0, 1)])
def test_a_damaged_list_is_refused(places):
    with pytest.raises(InputError, match="input: used must be 3 indexes of the 6 values of a sam"):
        from_json(to_json(using(places)), "n")
