"""Faults put into the Verilog are caught, and placed where the reference says."""

import numpy as np
import pytest

from bsnn_hw.errors import BsnnError
from bsnn_hw.verification import native
from evidence import faults
from evidence.faults import find_faults, provoke
from tests.for_each import for_each, quick

NAMES = ["one weight bit", "one threshold", "> for >=", "dropped events"]


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The digits example, some neurons of which meet their threshold exactly."""
    from pathlib import Path

    from bsnn_hw.lowering.lower import PrecisionRequest
    from bsnn_hw.pipeline import Request, build

    examples = Path(__file__).parents[2] / "examples"
    folder = tmp_path_factory.mktemp("digits") / "b"
    request = Request(examples / "digits_fc.pt", folder, vectors=6,
                      precision=PrecisionRequest(fraction_bits=1, leak_bits=4))
    return build(request).design, np.load(folder / "vectors/inputs.npy")


@quick(0, wide=1)
@for_each("name", NAMES)
def test_each_fault_is_placed(digits, tmp_path, name):
    design, inputs = digits
    found = {fault.name: fault for fault in find_faults(design, inputs)}
    assert list(found) == NAMES
    message = provoke(design, found[name], inputs, tmp_path)
    assert found[name].expected in message


@pytest.mark.slow
def test_each_fault_is_placed_in_maps(maps_bundle, tmp_path):
    design, inputs = maps_bundle.design, maps_bundle.inputs
    found = {fault.name: fault for fault in find_faults(design, inputs)}
    assert {"one weight bit", "one threshold", "dropped events"} <= found.keys()
    for name, fault in found.items():
        message = provoke(design, fault, inputs, tmp_path / name.replace(" ", "_"))
        assert fault.expected in message
        assert "channel" in message


@quick(1)
@for_each("name", ["one weight bit", "one threshold", "dropped events", "> for >="])
def test_each_fault_is_placed_in_words(words_bundle, tmp_path, name):
    design, inputs = words_bundle.design, words_bundle.inputs
    found = {fault.name: fault for fault in find_faults(design, inputs)}
    if name not in found:
        assert name == "> for >="
        pytest.skip("no neuron meets its threshold exactly")
    assert found[name].expected in provoke(design, found[name], inputs, tmp_path)


@pytest.mark.wide
def test_a_fault_that_changes_nothing_is_an_error(digits, tmp_path, monkeypatch):
    design, inputs = digits
    fault = find_faults(design, inputs)[0]
    monkeypatch.setattr(native, "build_model", lambda *_, **__: None)
    monkeypatch.setattr(native, "verify_native", lambda *_: None)
    with pytest.raises(BsnnError, match="one weight bit: must be noticed, but 6 inferences were"):
        provoke(design, fault, inputs, tmp_path)


def test_vectors_that_show_too_little(brief_bundle, capsys):
    code = faults.main([str(brief_bundle.folder)])
    assert code in (0, 1)
    if code:
        assert "its vectors must show four faults, they show [" in capsys.readouterr().err
