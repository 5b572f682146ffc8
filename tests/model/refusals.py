"""Documents that are not models, and the problems that are named of them."""

import re

import pytest

from bsnn_hw.errors import ModelError
from bsnn_hw.model.check import describe

__all__ = ["endless", "problems_of", "put", "refused"]


def problems_of(document):
    """Lines without the file's name, which each begins with."""
    with pytest.raises(ModelError) as caught:
        describe(document, "x.pt")
    assert caught.value.exit_code == 1
    for line in caught.value.problems:
        assert "\n" not in line and line.startswith("x.pt: ") and len(line) < 600
    return [line.removeprefix("x.pt: ") for line in caught.value.problems]


def refused(document, *patterns):
    """The document has exactly these problems, in this order."""
    problems = problems_of(document)
    assert len(problems) == len(patterns), problems
    for problem, pattern in zip(problems, patterns, strict=True):
        assert re.search(pattern, problem), problem


def put(document, path, value):
    """Set, or with ``...`` delete, what a path such as ``layers.0.neuron.leak`` names."""
    *way, key = path.split(".")
    for step in way:
        document = document[int(step)] if step.isdecimal() else document[step]
    if value is ...:
        del document[key]
    elif isinstance(document, list):
        document[int(key)] = value
    else:
        document[key] = value


def endless():
    """Three names that a lifetime would not suffice to print."""
    shared = ["a", "b", "c"]
    for _ in range(60):
        shared = [shared] * 3
    return shared
