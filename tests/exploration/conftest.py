"""A small study: a network of events, two precisions, three plans, two parts."""

import numpy as np
import pytest

from bsnn_hw.model import format as model_format
from evidence.random_models import random_document, random_inputs

STUDY = """
parts = ["ecp5-25k", "ice40-up5k"]

[[network]]
model = "net.pt"
data = "samples.npz"

[[precision]]
fraction_bits = [1, 2]
leak_bits = 4

[[plan]]
lanes = [[3, 4], [1, 1]]
parallel = [[5, 2]]

[[plan]]
goal = "smallest"

[measure]
verify = false
"""


@pytest.fixture(scope="session")
def study_files(tmp_path_factory):
    """study.toml and what it names; do not change them."""
    folder = tmp_path_factory.mktemp("study")
    document = random_document(24)
    model_format.save(folder / "net.pt", document)
    inputs = random_inputs(24, document, 24)
    labels = np.arange(24) % 2
    np.savez(folder / "samples.npz", train_x=inputs, test_x=inputs, test_y=labels)
    (folder / "study.toml").write_text(STUDY, encoding="utf-8")
    return folder / "study.toml"
