"""Whole runs through the Verilated model: exact in pieces and with pauses, cycles by count."""

import numpy as np
import pytest

from bsnn_hw.errors import MismatchError
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.cycles import event_bound
from bsnn_hw.reference.network import run
from bsnn_hw.verification.native import build_model, single_latency, verify_native


@pytest.fixture(scope="module")
def model(events_bundle, tmp_path_factory):
    return build_model(events_bundle.design, tmp_path_factory.mktemp("native"), optimize="-O0")


@pytest.mark.parametrize("chunk", [1, 7, 1000])
@pytest.mark.parametrize("pauses", [{}, {"pause_in": 0.5, "pause_out": 0.5, "seed": 1}], ids=str)
def test_exact_in_any_pieces(events_bundle, model, chunk, pauses):
    done = []
    outcome = verify_native(events_bundle.design, model, events_bundle.inputs, chunk=chunk,
                            progress=done.append, **pauses)
    assert outcome.inferences == 24
    assert done[-1] == 24
    trace = run(events_bundle.network, events_bundle.inputs)
    np.testing.assert_array_equal(outcome.classes, trace.classes)


def test_cycles_are_near_the_bound(events_bundle, model):
    """Tiny layers pay for their pipeline; no run beats the bound."""
    inputs = np.repeat(events_bundle.inputs[12:14], 20, axis=0)
    outcome = verify_native(events_bundle.design, model, inputs)
    trace = run(events_bundle.network, inputs)
    bound = event_bound(events_bundle.network, events_bundle.schedule,
                        measure_activity(events_bundle.network, inputs, trace))
    assert bound <= outcome.cycles < 2 * bound
    assert single_latency(events_bundle.design, model, inputs[:2]) > bound


def test_another_network_is_a_difference(events_bundle, model):
    from dataclasses import replace

    readout = events_bundle.network.readout
    other = replace(events_bundle.network, readout=replace(readout, bias=readout.bias + 1))
    with pytest.raises(MismatchError, match="first difference: inference 0, class 0: score: RTL"):
        verify_native(replace(events_bundle.design, network=other), model, events_bundle.inputs)
