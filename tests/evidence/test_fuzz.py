"""Damaged files: 500 of all kinds, and faults of readers that the check must see."""

import re
import resource
import time
from collections import defaultdict

import numpy as np
import pytest

from bsnn_hw.errors import InputError, MismatchError
from bsnn_hw.model.check import describe
from bsnn_hw.model.values import Table
from evidence import fuzz
from evidence.fuzz import KINDS, Good, check_file, good_files
from evidence.fuzz_models import documents
from evidence.mutations import mutated_bytes, mutated_json, mutated_lines, mutated_tree
from tests.for_each import for_each


@pytest.mark.parametrize("files", [100, pytest.param(500, marks=pytest.mark.wide)])
def test_damaged_files_end_in_our_messages(direct_bundle, tmp_path, files):
    counts = fuzz.fuzz(direct_bundle.folder, range(files), tmp_path)
    assert sum(counts.values()) == files
    assert {kind for kind, end in counts if end == "refused"} == set(KINDS)


@pytest.mark.wide
def test_good_files_are_read(direct_bundle, tmp_path):
    """Else no damage would be seen."""
    for kind, goods in good_files(direct_bundle.folder, tmp_path).items():
        for good in goods:
            assert check_file(good, good.data, tmp_path) == "read", kind


def of_all_models(monkeypatch):
    """What the checks of a model file know, and what the documents say, by where it stands: keys,
    and of keys that are a word the words."""
    known, said = defaultdict(set), defaultdict(set)
    check_keys, choice = Table._check_keys, Table.choice

    def place(table, key=""):
        where = re.sub(r"'[^']*'", "", table._where).strip()
        path = re.sub(r"\[\d+\]", "", table._path)
        return f"{where} {path}{key}"

    def keys(self, accepted, hints):
        known[place(self)] |= set(accepted)
        said[place(self)] |= {key for key, item in self._items.items() if item is not None}
        check_keys(self, accepted, hints)

    def words(self, key, accepted):
        known[place(self, key)] |= set(accepted)
        said[place(self, key)].add(self.raw(key))
        return choice(self, key, accepted)

    monkeypatch.setattr(Table, "_check_keys", keys)
    monkeypatch.setattr(Table, "choice", words)
    for document in documents():
        describe(document)
    return known, said


def test_models_have_every_key_and_every_word(monkeypatch):
    known, said = of_all_models(monkeypatch)
    missing = {where: known[where] - said[where] for where in known if known[where] - said[where]}
    assert {"model ", "input ", "layer neuron.", "layer join.pool."} <= set(known)
    # What is refused there by other words: the last layer has the readout, the sample makes gates
    # of layers, and spikes that are joined are of the largest in a window.
    assert missing == {"layer neuron.type": {"readout"}, "layer shortcuts.gate.kind": {"sample"},
                       "layer join.pool.kind": {"avg", "sum"}}


def read_by(reader, tmp_path):
    return check_file(Good(tmp_path / "file", b"good", lambda rng: b"", reader), b"x", tmp_path)


def fail(error):
    raise error


def test_two_good_ends(tmp_path):
    assert read_by(lambda path: path.read_bytes(), tmp_path) == "read"
    assert read_by(lambda path: fail(InputError("file: must be")), tmp_path) == "refused"
    assert (tmp_path / "file").read_bytes() == b"good"


@for_each("reader, message", [
    (lambda path: fail(KeyError("a")), r"not in KeyError: 'a' \(test_fuzz\.py, line \d+\)"),
    (lambda path: fail(MemoryError()), "not in MemoryError"),
    (lambda path: fail(InputError("")), "a message of 0 characters"),
    (lambda path: fail(InputError("x\n" * 20_000)), "a message of 40000 characters"),
    (lambda path: path.with_name("other").write_text("x"), "must write nothing"),
    (lambda path: path.write_text("xyz"), "must write nothing"),
    (lambda path: time.sleep(5), "not in TimeoutError: longer than 1 seconds")])
def test_a_reader_that_fails_is_seen(tmp_path, monkeypatch, reader, message):
    monkeypatch.setattr(fuzz, "MOST_SECONDS", 1)
    with pytest.raises(MismatchError, match=message):
        read_by(reader, tmp_path)


@pytest.mark.wide
def test_a_reader_that_takes_much_memory_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "MOST_BYTES", 1)
    much = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
    with pytest.raises(MismatchError, match="must need at most 1 bytes, not"):
        read_by(lambda path: np.ones(much // 8 + 1000), tmp_path)


def test_the_number_of_a_file_is_named(direct_bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "KINDS", {"broken": lambda folder, _: [
        Good(folder / "file", b"good", lambda rng: b"x", lambda path: fail(KeyError("a")))]})
    with pytest.raises(MismatchError, match=r"^file 7, broken: must end in one of our errors"):
        fuzz.fuzz(direct_bundle.folder, range(7, 9), tmp_path)


@for_each("seed", range(30))
def test_a_number_says_all(seed):
    """The same number, the same file; and it is not the good one."""
    tree, text = {"a": [1, {"b": "x"}], "c": 2.5}, "a = 1\nb = 2\n[c]\n"
    for change, good in ((mutated_bytes, bytes(100)), (mutated_lines, text),
                         (mutated_json, '{"a": [1, 2]}')):
        one, other = (change(np.random.default_rng(seed), good) for _ in range(2))
        assert one == other
    mutated_tree(np.random.default_rng(seed), tree, [None])
    assert tree == {"a": [1, {"b": "x"}], "c": 2.5}
