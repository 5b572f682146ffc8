"""A bundle whose network leaves values of a sample out: nothing of them is in the circuit."""

import numpy as np
import pytest
import torch

from bsnn_hw import pipeline
from bsnn_hw.boards.core import board_facts
from bsnn_hw.emission.opened import open_bundle, read_manifest
from bsnn_hw.model.check import describe
from bsnn_hw.reference.network import run
from bsnn_hw.reporting.circuit import Circuit
from bsnn_hw.reporting.stored import page_data
from bsnn_hw.samples import fit, shape_of
from bsnn_hw.verification.run import bundle_samples

PLACES = [0, 3, 4, 7, 8, 11]


@pytest.fixture(scope="module")
def emitted(tmp_path_factory):
    """Whole samples, and the designs of the network and of the same with no value left out."""
    rng = np.random.default_rng(0)
    neuron = {"type": "lif", "leak": 0.5, "threshold": 4.0, "reset": "hard", "comparison": ">="}
    document = {
        "format": "bsnn-hw/model", "version": 1, "name": "used", "timesteps": 2,
        "input": {"coding": "direct", "shape": [3, 2, 2], "bits": 3, "scale": 1.0, "offset": 0.0,
                  "used": torch.tensor(PLACES)},
        "layers": [{"name": "fc1", "type": "linear", "neuron": neuron,
                    "weight": torch.tensor(rng.choice([-1.0, 1.0], (5, 6)))},
                   {"name": "fc2", "type": "linear", "neuron": {"type": "readout"},
                    "weight": torch.tensor(rng.choice([-1.0, 1.0], (3, 5)))}]}
    whole = rng.integers(0, 8, (40, 3, 2, 2))
    folder, designs = tmp_path_factory.mktemp("used"), []
    plain = document | {"input": document["input"] | {"shape": [6], "used": None}}
    for name, each in (("used", document), ("plain", plain)):
        model = describe(each)
        samples = fit(shape_of(model), whole if name == "used" else
                      whole.reshape(40, 12)[:, PLACES], name)
        lowered = pipeline.lower(model, samples)
        designs.append(pipeline.emit(lowered, pipeline.plan(lowered, port="bytes"), folder / name,
                                     port="bytes"))
    np.savez(folder / "whole.npz", test_x=whole)
    return folder, whole, designs


@pytest.mark.wide
def test_the_circuit_is_that_of_the_values_alone(emitted):
    folder, _, _ = emitted
    used, plain = (sorted((folder / name / "rtl").iterdir()) for name in ("used", "plain"))
    assert len(used) == len(plain) > 3
    for one, other in zip(used, plain, strict=True):
        assert one.read_text() == other.read_text()


@pytest.mark.wide
def test_whole_samples_are_exact_in_rtl(emitted):
    folder, whole, _ = emitted
    assert pipeline.verify(folder / "used", whole).inferences == 40
    found, _, _ = bundle_samples(open_bundle(folder / "used"), folder / "used", None,
                                 str(folder / "whole.npz"), None)
    np.testing.assert_array_equal(found, whole.reshape(40, 12)[:, PLACES])


@pytest.mark.wide
def test_manifest_readme_and_header_say_which(emitted):
    folder, _, _ = emitted
    entry = read_manifest(folder / "used")["network"]["input"]
    assert (entry["size"], entry["used"], entry["sample"]) == (6, PLACES, [3, 2, 2])
    assert "values, of which only those with the indexes" in (folder / "used/README.md").read_text()
    header = (folder / "used/driver/bsnn.h").read_text()
    assert "#define BSNN_SIZE 6u" in header and "#define BSNN_USED {0, 3, 4, 7, 8, 11}" in header
    assert "BSNN_USED" not in (folder / "plain/driver/bsnn.h").read_text()


@pytest.mark.wide
def test_a_board_is_told(emitted):
    _, whole, (design, plain) = emitted
    facts = board_facts(design, 115_200, 8)
    assert (facts.used, facts.sample) == (tuple(PLACES), 12)
    assert facts.sample_bytes(whole) == board_facts(plain, 115_200, 8).sample_bytes(
        whole.reshape(40, 12)[:, PLACES])


@pytest.mark.wide
def test_a_page_draws_the_whole_sample(emitted):
    _, whole, (design, _) = emitted
    inputs = whole.reshape(40, 12)[:, PLACES]
    data = page_data(design, Circuit(b"", 1), inputs, run(design.network, inputs), None)
    assert (data["input"]["map"], data["input"]["used"]) == ([3, 2, 2], PLACES)
