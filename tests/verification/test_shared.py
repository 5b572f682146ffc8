"""A bundle's samples on several workers: the outcome and the first difference of one process."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw import verify
from bsnn_hw.cluster import Workers
from bsnn_hw.errors import MismatchError
from bsnn_hw.verification import shared
from bsnn_hw.verification.native import build_model, verify_native
from bsnn_hw.verification.shared import verify_shared
from tests.for_each import for_each


@pytest.fixture(scope="module")
def model(events_bundle, tmp_path_factory):
    return build_model(events_bundle.design, tmp_path_factory.mktemp("native"), optimize="-O0")


@pytest.fixture
def workers(monkeypatch):
    """Two threads, and pieces of three samples."""
    monkeypatch.setattr(shared, "LEAST", 3)
    shared._ready.cache_clear()
    with ThreadPoolExecutor(2) as pool:
        yield Workers(pool, lambda: 2)


def test_all_samples_are_compared(events_bundle, model, workers):
    done = []
    outcome = verify_shared(workers, events_bundle.folder, model, events_bundle.inputs,
                            done.append)
    alone = verify_native(events_bundle.design, model, events_bundle.inputs, chunk=3)
    assert (outcome.inferences, outcome.cycles) == (alone.inferences, alone.cycles)
    np.testing.assert_array_equal(outcome.classes, alone.classes)
    assert done == list(range(3, 25, 3))


def test_no_piece_is_of_what_is_left(events_bundle, model, workers, monkeypatch):
    seen = []

    def verified(design, model, inputs, number):
        seen.append((number, len(inputs)))
        return verify_native(design, model, inputs, number=number)

    monkeypatch.setattr(shared, "verify_native", verified)
    verify_shared(workers, events_bundle.folder, model, events_bundle.inputs[:10])
    assert sorted(seen) == [(0, 4), (4, 3), (7, 3)]


def test_the_first_difference_is_that_of_one_process(events_bundle, model, workers, monkeypatch):
    readout = events_bundle.network.readout
    other = replace(events_bundle.network, readout=replace(readout, bias=readout.bias + 1))
    design = events_bundle.design
    wrong = replace(design, layout=replace(design.layout, network=other))
    inputs = events_bundle.inputs[::-1].copy()  # not the same first sample
    with pytest.raises(MismatchError) as alone:
        verify_native(wrong, model, inputs)
    monkeypatch.setattr(shared, "open_bundle", lambda folder: wrong)
    with pytest.raises(MismatchError) as found:
        verify_shared(workers, events_bundle.folder, model, inputs)
    assert str(found.value) == str(alone.value)


def test_a_difference_in_a_later_piece_has_its_number(events_bundle, model, workers, monkeypatch):
    def differs(design, model, inputs, number):
        if number >= 9:
            raise MismatchError(f"first difference: inference {number}")
        return verify_native(design, model, inputs, number=number)

    monkeypatch.setattr(shared, "verify_native", differs)
    with pytest.raises(MismatchError, match="inference 9"):
        verify_shared(workers, events_bundle.folder, model, events_bundle.inputs)


def test_a_worker_without_the_program_compiles_its_own(events_bundle, model, workers, tmp_path,
                                                       monkeypatch):
    built = []

    def build(design, folder, optimize):
        built.append(folder)
        return model

    monkeypatch.setattr(shared, "build_model", build)
    elsewhere = replace(model, executable=tmp_path / "elsewhere")
    verify_shared(Workers(workers.executor, lambda: 1), events_bundle.folder, elsewhere,
                  events_bundle.inputs[:3])
    assert len(built) == 1


@for_each("arguments, words", [
    (["--workers", "2"], "--workers: must come with --all"),
    (["--scheduler", "tcp://x:1"], "--scheduler: must come with --all"),
    (["--all", "--workers", "0"], "--workers: must be 1 or more, not 0"),
])
def test_what_is_wrong_is_named(capsys, arguments, words):
    assert verify.main(["nowhere", *arguments]) == 1
    assert words in capsys.readouterr().err


@pytest.mark.slow
def test_the_verb_on_a_cluster(events_bundle, tmp_path, capsys):
    import shutil

    pytest.importorskip("distributed")
    folder = shutil.copytree(events_bundle.folder, tmp_path / "bundle")
    assert verify.main([str(folder), "--all", "--workers", "1"]) == 0
    assert "verdict   exact" in capsys.readouterr().out
