"""A component that refuses its arguments is never elaborated; here that is no mistake."""

import gc
import warnings

import pytest
from amaranth.hdl import UnusedElaboratable


@pytest.fixture(autouse=True)
def _refused_components(request):
    yield
    if "wrong" in request.node.name:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UnusedElaboratable)
            gc.collect()
