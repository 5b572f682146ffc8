"""Random networks of every framework: spike for spike, score for score, and in RTL."""

import numpy as np
import pytest

from bsnn_hw import convert, pipeline
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from evidence.random_models import random_inputs
from tests.convert.random_networks import FRAMEWORKS, random_case
from tests.for_each import for_each

SEEDS = range(10)  # of each framework


def _converted(framework, seed):
    pytest.importorskip({"spikingjelly": "spikingjelly.activation_based"}.get(framework, framework))
    if framework == "brevitas":
        pytest.importorskip("snntorch")
        pytest.importorskip("spikingjelly.activation_based")
    case = random_case(framework, seed)
    return getattr(convert, framework)(case.module, case.shape, case.timesteps,
                                       name=f"{framework}{seed}", **case.options)


@for_each("framework", FRAMEWORKS)
def test_spikes_and_scores_are_the_frameworks(framework):
    """Any decision that differs and is no tie raises; ties are counted by the converter."""
    spikes, differ, ties, lively = 0, 0, 0, []
    for seed in SEEDS:
        document = _converted(framework, seed)
        trace = run(describe(document), random_inputs(seed, document, 16))
        lively += [layer.mean() > 0.005 for layer in trace.spikes]
        found = document["recipe"]["converted"]
        spikes += found["spikes"]
        differ += found["spikes_differ"]
        ties += found["ties"]
    assert spikes > 20_000
    assert np.mean(lively) > 0.6, "networks that are silent show nothing"
    # Sums of +s and -s in another order end in other last bits, and signs meet thresholds often.
    assert ties <= spikes / 10_000, f"{ties} ties in {spikes} spikes"
    assert differ <= 200 * ties, f"{differ} of {spikes} spikes differ by {ties} ties"


@pytest.mark.slow
@for_each("seed", SEEDS)
@for_each("framework", FRAMEWORKS)
def test_rtl_is_exact(framework, seed, tmp_path):
    document = _converted(framework, seed)
    inputs = random_inputs(seed, document, 24)
    lowered = pipeline.lower(describe(document), inputs)
    pipeline.emit(lowered, pipeline.plan(lowered), tmp_path / "bundle", inputs)
    outcome = pipeline.verify(tmp_path / "bundle", inputs)
    assert outcome.inferences == len(inputs)
