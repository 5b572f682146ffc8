"""A module of the toy framework is converted, and agrees; or is refused."""

import pytest
from torch import nn

from bsnn_hw.errors import InputError
from tests.convert.signs import BinaryLinear
from tests.convert.toy import Fire, toy

__all__ = ["EVENTS", "PIXELS", "chain", "convert", "refused"]

PIXELS = {"coding": "direct", "bits": 4, "scale": 1.0}
EVENTS = {"coding": "events", "bits": None, "scale": None}


def chain(*more):
    return nn.Sequential(BinaryLinear(6, 5), Fire(), *more, BinaryLinear(5, 3))


def convert(module, shape=(6,), timesteps=3, **options):
    document = toy(module, shape, timesteps, **{**PIXELS, "readout": "mean", **options})
    assert document["recipe"]["converted"]["spikes_differ"] == 0
    assert document["recipe"]["converted"]["scores_differ"] == 0
    return document


def refused(message, module, *args, **options):
    with pytest.raises(InputError, match=message):
        convert(module, *args, **options)
