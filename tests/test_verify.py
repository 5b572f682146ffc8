"""The verb: what a bundle must be, which tools it needs, and verdicts."""

import ast
import json
import random
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

from bsnn_hw import verify
from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.errors import InputError
from bsnn_hw.model.format import save
from evidence.random_models import random_document
from tests.for_each import for_each, quick


@pytest.fixture
def folder(direct_bundle, tmp_path):
    """A bundle that a test may spoil."""
    return Path(shutil.copytree(direct_bundle.folder, tmp_path / "b"))


def fails(capsys, arguments, code=1):
    """Run the verb, which must fail with ``code``; return its one line."""
    assert verify.main(list(map(str, arguments))) == code
    shown = capsys.readouterr()
    assert "Traceback" not in shown.err
    assert shown.err.count("\n") == 1
    return shown.err.removeprefix("python -m bsnn_hw.verify: ")


def change(path, **changes):
    facts = json.loads(path.read_text())
    for key, value in changes.items():
        *way, last = key.split("__")
        spot = facts
        for step in way:
            spot = spot[int(step) if step.isdecimal() else step]
        spot[last] = value
    path.write_text(json.dumps(facts))


def save_array(path, change_it):
    values = np.load(path)
    change_it(values)
    np.save(path, values)


def append(path, text):
    path.write_text(path.read_text() + text)


def unlist(folder, name):
    facts = json.loads((folder / "manifest.json").read_text())
    del facts["files"][name]
    (folder / "manifest.json").write_text(json.dumps(facts))


def add_one(values):
    values.flat[5] += 1


DAMAGE = {
    "no manifest": (lambda b: (b / "manifest.json").unlink(),
                    "b: must be a bundle with a manifest.json, No such file"),
    "no JSON": (lambda b: (b / "manifest.json").write_text("{"), "manifest.json: must be JSON"),
    "deep JSON": (lambda b: (b / "manifest.json").write_text("[" * 99999), "must be JSON; gener"),
    "deeply nested": (lambda b: change(b / "manifest.json",
                                          s_axis=json.loads("[" * 900 + "]" * 900)),
                      "must describe the network in network.json, but does not"),
    "other JSON": (lambda b: (b / "manifest.json").write_text("[]"), "must be a bsnn-hw/bundle of"),
    "version": (lambda b: change(b / "manifest.json", version=1), "must be a bsnn-hw/bundle of"),
    "lanes": (lambda b: change(b / "manifest.json", layers__0__lanes=4),
              "manifest.json: must describe the network in network.json, but does not: "),
    "folds": (lambda b: change(b / "manifest.json", layers__1__folds=4),
              "layers.1.folds must be 1, not 4; generate the bundle again"),
    "layers": (lambda b: change(b / "manifest.json", layers=[]), "must describe the network in"),
    "trained on": (lambda b: change(b / "manifest.json", network__trained_on=5), "trained_on must"),
    "row": (lambda b: change(b / "manifest.json", s_axis__slot__row__low=4),
            "s_axis.slot.row.low must be 5, not 4"),
    "no network": (lambda b: (b / "network.json").unlink(), "network.json: must be"),
    "network": (lambda b: (b / "network.json").write_text("{}"), "network.json: format must be"),
    "no rtl": (lambda b: (b / "rtl/bsnn_random_24_frontend.v").unlink(),
               "frontend.v is not; generate the bundle again"),
    "no inferences": (lambda b: change(b / "manifest.json", vectors__inferences=0),
                      "vectors.inferences must be 1 or more"),
    "fewer inferences": (lambda b: change(b / "manifest.json", vectors__inferences=1),
                         "vectors.inferences must be 24, those of vectors/inputs.npy, not 1"),
    "patience": (lambda b: change(b / "manifest.json", vectors__watchdog=10**9),
                 "vectors must be described as this version does it"),
    "top": (lambda b: change(b / "manifest.json", top="a -o b"), "'a -o b' must be a plain name"),
    "C++ in a probe": (lambda b: change(b / "manifest.json", layers__0__probe__firing='x;exit(0)'),
                       "'x;exit(0)' must be a plain name"),
    "C++ in a path": (lambda b: change(b / "manifest.json", layers__0__probe__path="a.b;c"),
                      "'b;c' must be a plain name"),
    "no list": (lambda b: change(b / "manifest.json", files=[]), "files must have names and sha"),
    "list without a file": (lambda b: unlist(b, "rtl/bsnn_random_24.v"),
                            "files must have rtl/bsnn_random_24.v"),
    "list of more": (lambda b: change(b / "manifest.json", files__extra="0" * 64),
                     "files must have no extra"),
    "list of others": (lambda b: change(b / "manifest.json", **{"files__../x": "0" * 64}),
                       "files must lie in the folder"),
    "edited": (lambda b: append(b / "rtl/bsnn_random_24.v", "\n"),
               "must be as it was written, but rtl/bsnn_random_24.v was edited; give --edited"),
    "other network": (lambda b: (b / "network.json").write_text(
        (b / "network.json").read_text() + "\n"), "network.json was edited; give --edited"),
    "$system": (lambda b: append(b / "rtl/bsnn_random_24.v", "initial $system(1);"),
                "bsnn_random_24.v, line 94: must hold only what this program writes, not "
                "'$system'"),
    "no vectors": (lambda b: shutil.rmtree(b / "vectors"),
                   "inputs.npy: must be an array of the bundle's vectors, No such file"),
    "no stimulus": (lambda b: (b / "vectors/stimulus.npy").unlink(), "stimulus.npy: must be an"),
    "empty scores": (lambda b: (b / "vectors/scores.npy").write_text(""), "scores.npy: must be an"),
    "no array": (lambda b: np.savez(b / "vectors/scores.npz", [1]) or
                 (b / "vectors/scores.npz").rename(b / "vectors/scores.npy"),
                 "scores.npy: must be an array of the bundle's vectors, its header"),
    "score": (lambda b: save_array(b / "vectors/scores.npy", add_one),
              "scores.npy: must be what the network in network.json makes of inputs.npy"),
    "input": (lambda b: save_array(b / "vectors/inputs.npy", lambda v: v.fill(77)),
              "inputs.npy: must lie in 0..31, not 77..77"),
    "inputs": (lambda b: np.save(b / "vectors/inputs.npy", np.zeros((2, 3), np.uint8)),
               "inputs.npy: must be integers of shape (N, 19), not uint8 of shape (2, 3)"),
}


@for_each("kind", DAMAGE)
def test_damaged_bundles_are_refused(direct_bundle, tmp_path, capsys, kind):
    damage, message = DAMAGE[kind]
    folder = Path(shutil.copytree(direct_bundle.folder, tmp_path / "b"))
    damage(folder)
    assert message in fails(capsys, [folder])


def test_no_folder(tmp_path, capsys):
    assert "b: must be a bundle with a manifest.json" in fails(capsys, [tmp_path / "b", "--all"])


def test_another_model(folder, tmp_path, capsys):
    save(tmp_path / "m.pt", random_document(32))
    line = fails(capsys, [folder, "--all", "--model", tmp_path / "m.pt"])
    assert "m.pt: must be the model that the bundle was made of, 19-14-2 neurons" in line
    assert "not 11-10-3 neurons, 8 timestep(s), events coding of 1 bit" in line


def test_other_data(folder, capsys):
    assert "data set: must be one of" in fails(capsys, [folder, "--all", "--data", "cifar"])
    assert "nowhere.npz: must be" in fails(capsys, [folder, "--all", "--data", "nowhere.npz"])


@quick(1, wide=None)
@for_each("seed", range(3))
def test_fuzzed_bundles(folder, seed):
    """Bytes changed at random: refused in one way, or what the bundle says is unchanged."""
    chance = random.Random(seed)
    for name in ("manifest.json", "network.json"):
        path = folder / name
        whole = path.read_bytes()
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(chance.randrange(1, 3)):
                start = chance.randrange(len(data))
                data[start:start + chance.randrange(3)] = chance.choice(
                    [b"", b"0", b"-1", b"null", b"[]", b'"', b"9" * 30, b"}", b"\xff"])
            path.write_bytes(data)
            try:
                open_bundle(folder)
            except InputError as error:
                line = str(error)
                if "\n" in line:
                    pytest.fail(line)
        path.write_bytes(whole)


@for_each("without, options, message", [
    ({"g++", "make"}, ["--all"], "C++ compiler: g++ or clang++ must be installed, neither was"),
    ({"g++"}, [], "C++ compiler: g++ or clang++ must be installed, neither was found; apt"),
    ({"make"}, [], "make: must be installed, none was found; apt install make"),
])
def test_missing_tools_exit_with_three(direct_bundle, tmp_path, capsys, monkeypatch, without,
                                       options, message):
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in {"g++", "make", "sh", "as", "ld"} - without:
        (tools / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(tools))
    assert message in fails(capsys, ["-q", direct_bundle.folder, *options], code=3)


def test_a_compiler_that_is_not_there(folder, capsys, monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "$CXX: must name a C++ compiler, 'no-such-compiler' is not" in fails(
        capsys, [folder, "--all"], code=3)
    monkeypatch.setenv("CXX", " ")
    assert "$CXX: must name a C++ compiler, ' ' is not" in fails(capsys, [folder, "--all"], code=3)


def test_all_of_an_npz(folder, tmp_path, capsys, direct_bundle):
    """A data set of one's own, with labels, against model and RTL."""
    from bsnn_hw.reference.network import run as reference

    save(tmp_path / "m.pt", random_document(24))
    answers = reference(direct_bundle.network, direct_bundle.inputs).classes
    np.savez(tmp_path / "d.npz", test_x=direct_bundle.inputs, test_y=answers)
    assert verify.main([str(folder), "--all", "--data", str(tmp_path / "d.npz"),
                        "--model", str(tmp_path / "m.pt"), "-v"]) == 0
    shown, said = capsys.readouterr()
    for step in ("bundle read", "samples read", "real-valued network run", "simulation compiled",
                 "24 inferences simulated and compared", "event bound measured"):
        assert f"{step}: " in said
    assert "24 inferences: every spike, membrane potential and score equal, accuracy 100.0" in shown
    assert "of 24" not in shown
    assert "integers 100.00 % on 24 of d.npz" in shown
    assert "verdict   exact" in shown


@pytest.mark.wide
def test_a_difference_exits_with_four(folder, capsys):
    """A wrong threshold in the Verilog is named: inference, layer, timestep, neuron."""
    from evidence.faults import find_faults

    design = open_bundle(folder)
    fault = next(f for f in find_faults(design, np.load(folder / "vectors/inputs.npy"))
                 if f.name == "one threshold")
    path = folder / "rtl" / fault.file
    path.write_text(path.read_text().replace(fault.old, fault.new))
    line = fails(capsys, [folder, "--edited"], code=4)
    assert line.startswith("bench matches_the_reference/pauses=none: ")
    assert f"first difference: {fault.expected} spike: RTL 0, reference 1" in line
    assert fault.expected in fails(capsys, [folder, "--all", "--edited"], code=4)


LIE = """
import cocotb
from pathlib import Path
@cocotb.test()
async def nothing(dut):
    Path(__file__).with_name("ran").touch()
"""


@pytest.mark.wide
def test_the_folder_s_own_bench_is_not_run(folder, capsys, monkeypatch):
    """Nor is anything else that lies there, and no variable of the caller weakens the check."""
    for name, value in {"INFERENCES": "1", "BUNDLE": "/nowhere", "COCOTB_TEST_FILTER": "nothing",
                        "COCOTB_TESTCASE": "nothing", "SIM_CMD_PREFIX": "false"}.items():
        monkeypatch.setenv(name, value)
    for name in ("bench.py", "numpy.py", "json.py", "sitecustomize.py"):
        (folder / name).write_text(LIE)
    before = sorted(folder.iterdir())
    assert verify.main([str(folder)]) == 0
    note, verdict = capsys.readouterr().out.splitlines()
    assert note == f"note      {folder}/bench.py is not the bench of this version; it is not run"
    assert verdict.startswith("bench     4 patterns of pauses: every spike, membrane potential and")
    assert sorted(folder.iterdir()) == sorted([*before, folder / "report"])  # the verdict


@pytest.mark.wide
def test_an_edited_file_is_named_in_the_verdict(folder, capsys):
    append(folder / "rtl/bsnn_random_24.v", "\n")
    named = "; files of the bundle are not as they were written, rtl/bsnn_random_24.v was edited"
    line = fails(capsys, [folder, "--all"])
    assert "must be as it was written, but rtl/bsnn_random_24.v was edited; give --edited" in line
    assert verify.main([str(folder), "--all", "--edited"]) == 0
    assert capsys.readouterr().out.endswith(
        f"verdict   exact: the RTL computes what the reference computes{named}\n")


def test_the_patterns_are_the_bench_s():
    from bsnn_hw.emission.bundle import bench_text
    from bsnn_hw.verification.run import PATTERNS

    given = re.search(r"^PAUSES = (\{.*\})$", bench_text(), re.MULTILINE)
    assert given is not None
    assert tuple(ast.literal_eval(given[1])) == PATTERNS
