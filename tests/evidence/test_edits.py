"""Edits of an emitted circuit: each is caught, or proven to be the same circuit."""

import shutil
from pathlib import Path

import pytest

from bsnn_hw.errors import BsnnError
from evidence import edits
from evidence.edit_kinds import EDITS, circuit
from evidence.edits import judge
from evidence.equivalence import equivalent
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program

NAMED = {edit.name: edit for edit in EDITS}


@pytest.fixture(scope="module")
def edited(tmp_path_factory):
    folder = tmp_path_factory.mktemp("edits") / "b"
    circuit(folder)
    return folder


def test_there_are_32_and_each_meets_one_place(edited, tmp_path):
    assert len(NAMED) == len(EDITS) == 32
    for number, edit in enumerate(EDITS):
        rtl = Path(shutil.copytree(edited / "rtl", tmp_path / str(number)))
        path = edit.apply(rtl)
        assert path.read_text() != (edited / "rtl" / path.name).read_text(), edit


@for_each("name, same", [
    ("minus 1 as plus 3", True), ("De Morgan", True), ("& for | in an encoder", False),
    ("a mark is lost", False), ("valid of the byte port", False)])
def test_proofs(edited, tmp_path, name, same):
    path = NAMED[name].apply(Path(shutil.copytree(edited / "rtl", tmp_path / "rtl")))
    assert equivalent(edited / "rtl" / path.name, path) is same


@pytest.mark.slow
def test_a_fault_is_named(edited, tmp_path):
    verdict = judge(NAMED["a bit of a threshold"], edited, tmp_path)
    assert verdict.startswith("caught: first difference: inference ")
    assert ", layer fc1, timestep " in verdict


def test_an_edit_without_a_verdict_is_an_error(edited, tmp_path, monkeypatch):
    monkeypatch.setattr(edits, "_verify", lambda *_: (0, "verdict   exact"))
    with pytest.raises(BsnnError, match=r"edit 'a leak factor': must have a verdict, but verify "
                                        r"ends with 0: verdict   exact"):
        judge(NAMED["a leak factor"], edited, tmp_path)


@pytest.mark.slow
@for_each("edit", EDITS)
def test_each_has_a_verdict(edited, tmp_path, edit):
    assert judge(edit, edited, tmp_path).startswith(("caught: ", "equivalent: "))
