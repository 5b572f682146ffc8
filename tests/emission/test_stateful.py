"""The bundle of a network that keeps its state: what it says of it, and resets in its vectors."""

import numpy as np
import pytest

from bsnn_hw import pipeline
from bsnn_hw.emission.opened import open_bundle, read_manifest
from bsnn_hw.emission.vectors import check_vectors
from bsnn_hw.errors import InputError
from bsnn_hw.model.check import describe
from bsnn_hw.soc.core import write_axi
from bsnn_hw.verification.run import verify_all
from tests.for_each import for_each
from tests.model.test_stateful import LIF


@pytest.fixture(scope="module")
def bundles(tmp_path_factory):
    """Folders with either port, of a network with two timesteps."""
    import torch

    place = tmp_path_factory.mktemp("stateful")
    lowered = pipeline.lower(describe({
        "format": "bsnn-hw/model", "version": 1, "name": "kept", "timesteps": 2, "stateful": True,
        "input": {"coding": "events", "shape": [2]},
        "layers": [
            {"name": "fc1", "type": "linear", "weight": torch.tensor([[1., 1.], [-1., 1.]]),
             "neuron": LIF},
            {"name": "fc2", "type": "linear", "weight": torch.tensor([[1., -1.]]),
             "neuron": {"type": "readout"}}]}))
    for port in ("events", "bytes"):
        pipeline.emit(lowered, pipeline.plan(lowered, port=port), place / port, port=port)
    return place


@pytest.mark.wide
@for_each("port, bit", [("events", 1), ("bytes", 0)])
def test_the_manifest_says_which_bit_resets(bundles, port, bit):
    facts = read_manifest(bundles / port)
    assert "that the one before left" in facts["network"]["stateful"]
    assert (facts["s_axis"]["tuser_reset"], facts["s_axis"]["tuser_width"]) == (bit, bit + 1)
    assert "until it is reset" in facts["odd_input"]["invariant"]
    assert "tuser: " in (bundles / port / "README.md").read_text(encoding="utf-8")


@pytest.mark.wide
@for_each("port, bit", [("events", 1), ("bytes", 0)])
def test_the_stimulus_asks_for_resets_in_first_beats(bundles, port, bit):
    vectors = bundles / port / "vectors"
    resets, last, mark = (np.load(vectors / f"{name}.npy") for name in ("resets", "last", "mark"))
    assert resets.any() and not resets[0] and not resets.all()
    first = np.concatenate([[True], last[:-1]])
    assert ((mark >> bit)[first] == resets).all() and not (mark >> bit)[~first].any()


@pytest.mark.wide
def test_vectors_whose_resets_are_damaged(bundles):
    folder = bundles / "events"
    design, facts = open_bundle(folder), read_manifest(folder)["vectors"]
    path = folder / "vectors" / "resets.npy"
    kept = np.load(path)
    try:
        for wrong, message in ((kept[1:], "must be bool of shape"), (~kept, "but (is|are) not"),
                               (kept.astype(int), "must be bool of shape")):
            np.save(path, wrong)
            with pytest.raises(InputError, match=message):
                check_vectors(design, folder / "vectors", facts)
    finally:
        np.save(path, kept)


@pytest.mark.wide
def test_samples_of_a_stream_are_not_shared_among_workers(bundles):
    with pytest.raises(InputError, match="must be verified without `workers` and `scheduler`"):
        verify_all(bundles / "events", None, data=None, data_dir=None, workers=object())


@pytest.mark.wide
def test_the_block_for_systems_on_a_chip_has_a_bit_of_a_register_for_it(bundles, tmp_path):
    _, registers = write_axi(bundles / "bytes", tmp_path / "axi")
    assert registers.plain[0].fields[-1].name == "restart"
