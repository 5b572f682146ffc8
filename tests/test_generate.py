"""The verb: exit codes, one line per mistake, nothing left behind."""

import json
import os
import random
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from bsnn_hw import generate
from bsnn_hw.ir.schedule import Engine, LayerPlan, Schedule
from bsnn_hw.model.format import save
from evidence.random_models import random_document
from tests.for_each import for_each, quick
from tests.interrupts import hear_ctrl_c

ROOT = Path(__file__).parents[1]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


@pytest.fixture
def place(tmp_path, monkeypatch):
    """An empty working folder with a model ``m.pt``: 19 inputs of 5 bits, T = 4, 14-2."""
    monkeypatch.chdir(tmp_path)
    save("m.pt", random_document(24))
    return tmp_path


def fails(place, capsys, arguments, code=1):
    """Run the verb; it must fail with ``code`` and leave nothing; return its lines."""
    before = sorted(place.rglob("*"))
    assert generate.main(arguments) == code
    shown = capsys.readouterr()
    assert shown.out == ""
    assert sorted(place.rglob("*")) == before
    assert "Traceback" not in shown.err
    lines = shown.err.splitlines()
    assert lines[0].startswith("python -m bsnn_hw.generate: ")
    return [lines[0].removeprefix("python -m bsnn_hw.generate: "), *lines[1:]]


def write(path, document):
    torch.save(document, path)


def spoiled(**changes):
    return {**random_document(24), **changes}


def with_layer(index, **changes):
    document = random_document(24)
    document["layers"][index] |= changes
    return document


BAD_FILES = {
    "absent": (None, r"b.pt: must be an existing model file"),
    "folder": (Path.mkdir, r"b.pt: must be a file, not a folder"),
    "text": (lambda p: p.write_text("hello"), r"b.pt: must be a model file (a torch checkpoint"),
    "empty": (Path.touch, r"b.pt: must be a model file, not an empty one"),
    "truncated": (lambda p: p.write_bytes(Path("m.pt").read_bytes()[:-200]),
                  "must be a whole torch checkpoint"),
    "pickled": (lambda p: write(p, {"format": "bsnn-hw/model", "x": Path("x")}),
                "must hold only tensors and primitives, not a pickled object"),
    "list": (lambda p: write(p, [1]), "must"),
    "version": (lambda p: write(p, spoiled(version=2)), "version"),
    "T = 0": (lambda p: write(p, spoiled(timesteps=0)), "timesteps"),
    "type": (lambda p: write(p, with_layer(0, type="conv5d")), "conv5d"),
    "shapes": (lambda p: write(p, with_layer(1, weight=torch.ones(2, 9))),
               "weight must be (neurons, 14) because"),
    "nan": (lambda p: write(p, with_layer(0, weight=torch.full((14, 19), torch.nan))), "finite"),
    "inf": (lambda p: write(p, with_layer(0, bias=torch.full((14,), torch.inf))), "finite"),
    "neuron": (lambda p: write(p, with_layer(0, neuron={"type": "lif"})), "leak"),
}


@for_each("kind", BAD_FILES)
def test_files_that_are_no_models(place, capsys, kind):
    make, message = BAD_FILES[kind]
    path = place / "b.pt"
    if path.exists():  # of the kind before
        path.rmdir() if path.is_dir() else path.unlink()
    if make:
        make(path)
    lines = fails(place, capsys, ["b.pt"])
    assert message in lines[0]
    assert lines[0].startswith("b.pt: " if "b.pt:" in message else "")


def test_all_problems_at_once(place, capsys):
    document = spoiled(timesteps=0)
    document["layers"][0]["neuron"]["leak"] = 7.0
    document["layers"][1]["weight"] = torch.ones(2, 9)
    write("b.pt", document)
    lines = fails(place, capsys, ["b.pt"])
    assert len(lines) == 3
    assert [word in line for word, line in zip(("timesteps", "fc1", "fc2"), lines,
                                               strict=True)] == [True] * 3


def test_a_missing_key(place, capsys):
    document = random_document(24)
    del document["layers"][0]["weight"]
    write("b.pt", document)
    assert "weight" in fails(place, capsys, ["b.pt"])[0]


MISTAKES = {
    "lanes count": (["--lanes", "1"], "lanes: must have one number per layer, 2 (fc1, fc2), not 1"),
    "both counts": (["--lanes", "1", "--parallel", "1,1,1"], "lanes: must have one number"),
    "no lanes": (["--lanes", "0,1"], "layer 'fc1': lanes must be 1..19, the inputs, not 0"),
    "lanes": (["--lanes", "20,1"], "layer 'fc1': lanes must be 1..19, the inputs, not 20"),
    "parallel": (["--parallel", "15,2"], "layer 'fc1': parallel must be 1..14, its neurons, not"),
    "later lanes": (["--lanes", "1,3", "--parallel", "2,1"],
                    "layer 'fc2': lanes must be 1..2, the parallel neurons of 'fc1', not 3"),
    "block rows": (["--block-rows", "4,1"],
                   "--block-rows: must be one or two numbers of 2 or more, not 4,1"),
    "engine": (["--engine", "events,spikes"], "--engine: must be events, words, unrolled or auto, "
               "for all layers or for each, not 'spikes'"),
    "engines": (["--engine", "events,words,auto"], "engine: must be one for all layers or one per "
                "layer, 2 (fc1, fc2), not 3"),
    "values": (["--engine", "words"], "layer 'fc1': engine must be events or unrolled, not words, "
               "as the input gives values of 5 bits, not spikes"),
    "lanes of words": (["--engine", "events,words", "--lanes", "1,3", "--parallel", "2,1"],
                       "layer 'fc2': lanes of words must be 1..2, the parallel neurons of 'fc1', "
                       "or a multiple of it up to 14, not 3"),
    "vectors": (["--vectors", "0"], "--vectors: must be 1 or more, not 0"),
    "fraction": (["--fraction-bits", "x"], "--fraction-bits: must be 0..12 or LAYER=N,..., not"),
    "fraction 13": (["--fraction-bits", "13"], "--fraction-bits: must be 0..12"),
    "fraction empty": (["--fraction-bits", ""], "--fraction-bits: must be 0..12"),
    "fraction layer": (["--fraction-bits", "fc9=2"], "fraction bits: no layer is called fc9; the"),
    "fraction =": (["--fraction-bits", "=2"], "must be 0..12 or LAYER=N,..., not '=2'"),
    "leak": (["--leak-bits", "13"], "--leak-bits: must be 0..12, not 13"),
    "tolerance": (["--tolerance", "nan"], "--tolerance: must be a share from 0 to 1, not nan"),
    "classes": (["--classes", "2"], "--classes: must be a share from 0 to 1, not 2"),
    "target": (["--target", "ecp6"], "--target: must be one of ecp5-25k, "),
    "goal": (["--target", "ecp5-25k", "--goal", "fast"], "--goal: must be smallest, fastest or"),
    "goal alone": (["--goal", "fastest"], "--goal: must come with --target, the part to plan for"),
    "clock alone": (["--clock", "80"], "--clock: must come with --target, the part to plan for"),
    "clock": (["--target", "ecp5-25k", "--clock", "-1"], "--clock: must be MHz above 0, not -1"),
    "goal and lanes": (["--target", "ecp5-25k", "--goal", "fastest", "--lanes", "1,1"],
                       "--goal: must stand without a plan, but --lanes and --parallel give one"),
    "units and lanes": (["--units", "--lanes", "1,1"],
                        "--units: must stand without a plan, but --lanes and --parallel give one; "
                        "write units of a layer into a plan file"),
    "plan and lanes": (["--plan", "p.toml", "--lanes", "1,1"],
                       "--plan: must stand without --lanes and --parallel; write them into p.toml"),
    "plan and goal": (["--plan", "p.toml", "--target", "ecp5-25k", "--goal", "fastest"],
                      "--goal: must stand without a plan, but p.toml gives one"),
    "no plan": (["--plan", "q.toml"], "q.toml: must be a plan file, No such file or directory"),
    "other plan": (["--plan", "p.toml"],
                   "p.toml: layer 'fc3': must be one of the network's, 'fc1'"),
    "rate": (["--target", "ecp5-25k", "--goal", "fps=1e9"],
             "--goal: fps=1000000000 must be reached on ecp5-25k at 100 MHz, but the fastest plan"),
    "top": (["--top", "a b"], "--top: must be a Verilog identifier, not 'a b'"),
    "top long": (["--top", "a" * 129], "--top: must have at most 128 characters, not 129"),
    "top port": (["--top", "s_axis_x"], "--top: must not be the name of a port, s_axis_x"),
    "data": (["--data", "cifar"], "data set: must be one of digits, fashion-mnist, mnist, "
                                  "cifar-10, cifar-100, not"),
    "data size": (["--data", "digits"], "digits: bits must be 1 to 4, not 5"),
    "no npz": (["--data", "a.npz"], "a.npz: must be an .npz file of samples, No such file"),
    "broken npz": (["--data", "m.npz"], "m.npz: must be an .npz file of samples, "),
    "out": (["--out", "m.pt"], "m.pt: must not exist; give --force to replace it, or another "
            "--out"),
    "out forced": (["--out", "m.pt", "--force"], "m.pt: --force replaces bundles only"),
    "out in a file": (["--out", "m.pt/x"], "must be a folder that can be written; give another"),
    # Who is not root is told of the folder, root of the file.
    "out in /proc": (["--out", "/proc/x/y"], "; give another --out"),
}


@quick(16, wide=None)
@for_each("kind", MISTAKES)
def test_mistakes_are_one_line(place, capsys, kind):
    options, message = MISTAKES[kind]
    Path("m.npz").write_bytes(b"PK\x03\x04 damaged")
    Path("p.toml").write_text("[layers.fc3]\nlanes = 1\nparallel = 1\n")
    lines = fails(place, capsys, ["m.pt", *options])
    assert message in lines[0]
    assert len(lines) == {"both counts": 2, "other plan": 3}.get(kind, 1)


@for_each("arguments", [[], ["m.pt", "--lanes", "1,x"], ["m.pt", "--vectors", "x"],
                                       ["m.pt", "--unknown"], ["m.pt", "--lane", "2"]])
def test_usage_exits_with_two(arguments):
    with pytest.raises(SystemExit) as caught:
        generate.main(arguments)
    assert caught.value.code == 2


def test_a_summary(place, capsys):
    assert generate.main(["m.pt", "--lanes", "3,2", "--parallel", "4,2", "--vectors", "3",
                          "--fraction-bits", "fc1=2"]) == 0
    shown = capsys.readouterr().out
    assert "random_24: 19-14-2, 294 binary weights, 4 timestep(s), direct coding of 5" in shown
    assert "random samples" in shown
    assert "by the event bound" in shown
    assert "top level bsnn_random_24" in shown
    assert sorted(path.name for path in place.iterdir()) == ["m.pt", "m_hw"]
    assert np.load("m_hw/vectors/inputs.npy").shape == (3, 19)
    assert "must not exist; give --force" in fails(place, capsys, ["m.pt"])[0]


@pytest.mark.wide
def test_a_gate_of_each_sample_in_the_summary_and_the_manifest(place, capsys):
    write("m.pt", with_layer(0, gate={"kind": "sample", "alpha": torch.ones(4)}))
    assert generate.main(["m.pt", "--vectors", "2"]) == 0
    assert re.search(r"gate      \w+: of each sample, 19 weights of \d bits, [\d,]+ factors of \d+ "
                     r"bits a timestep", capsys.readouterr().out)
    layers = json.loads(Path("m_hw/manifest.json").read_text())["layers"]
    assert layers[0]["gate"]["weight_bits"] >= 2


def test_a_plan_without_a_bundle(place, capsys):
    assert generate.main(["m.pt", "--target", "ecp5-25k", "--goal", "fps=1e6", "--clock", "50",
                          "--dry-run"]) == 0
    shown = capsys.readouterr().out
    assert "plan      ecp5-25k: Lattice LFE5U-25F" in shown
    assert "; fps=1000000, counting on 50 MHz" in shown
    assert "lanes  parallel  folds  logic cells  flip-flops  block RAMs of 16 kbit" in shown
    assert shown.count("chosen") == 1
    assert [path.name for path in place.iterdir()] == ["m.pt"]
    assert generate.main(["m.pt", "--lanes", "1,2", "--parallel", "7,1", "--dry-run"]) == 0
    assert "plan      lanes 1,2, parallel 7,1" in capsys.readouterr().out


@pytest.mark.wide
def test_a_bundle_s_plan_makes_the_same_bundle(place, capsys):
    assert generate.main(["m.pt", "--out", "a", "--target", "ecp5-25k", "--goal", "fastest",
                          "--vectors", "1"]) == 0
    assert generate.main(["m.pt", "--out", "b", "--plan", "a/plan.toml", "--vectors", "1"]) == 0
    shown = capsys.readouterr().out
    assert "; fastest, counting on 100 MHz" in shown
    assert "; as given, counting on 100 MHz" in shown
    first, second = (json.loads(Path(name, "manifest.json").read_text()) for name in "ab")
    for facts in (first, second):
        del facts["files"]["plan.toml"]  # which says what it was made for
    assert first == second
    again = [line for line in Path("b/plan.toml").read_text().splitlines() if "#" not in line]
    assert again == [line for line in Path("a/plan.toml").read_text().splitlines()
                     if "#" not in line and not line.startswith("goal")]


def test_a_given_plan_that_does_not_fit_is_a_warning(place, capsys):
    assert generate.main(["m.pt", "--target", "ice40-up5k", "--lanes", "19,14", "--parallel",
                          "14,2", "--dry-run"]) == 0
    assert "warning   this does not fit ice40-up5k: " in capsys.readouterr().out


@pytest.mark.wide
def test_what_lowering_cost_is_said(place, capsys):
    save("m.pt", random_document(3))
    assert generate.main(["m.pt", "--fraction-bits", "0", "--vectors", "1"]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note")]
    assert "layer fc1: integers change 2.98 % of its calibration spikes, more than" in notes[0]
    assert "that is more than 2.00 % of the classes; more fraction bits" in notes[-1]
    assert "layer fc1: 9 neuron(s) spike alike whatever comes in" in notes[1]


@pytest.mark.wide
def test_the_price_of_keeping_classes_is_said(place, capsys):
    save("m.pt", random_document(3))
    assert generate.main(["m.pt", "--tolerance", "1", "--classes", "0", "--vectors", "1"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"classes +integers change 0\.00 % of the classes of 128 calibration sam", out)
    assert re.search(r"note +100 % of a layer's spikes changed \d+\.\d\d % of the classes; "
                     r"keeping them takes potentials of \d+ bits instead of \d+, about", out)
    assert generate.main(["m.pt", "--tolerance", "0", "--force", "--vectors", "1"]) == 0


def planned(capsys, *options):
    """What the verb says that it would plan."""
    assert generate.main(["m.pt", "--fraction-bits", "2", "--dry-run", *options]) == 0
    return re.search("(?m)^plan +(.*)$", capsys.readouterr().out)[1]


def test_default_lanes_give_way(place, capsys, monkeypatch):
    chosen = Schedule((LayerPlan(1, 4), LayerPlan(3, 1)))
    monkeypatch.setattr("bsnn_hw.planning.request.default_schedule", lambda *_, **__: chosen)
    assert planned(capsys, "--parallel", "1,1") == "lanes 1,1, parallel 1,1"


@pytest.mark.wide
def test_engines_as_asked_for(place, capsys):
    """Explicit lanes are of events, unless words are asked for."""
    ask = "--parallel", "4,2"
    both = [*ask, "--lanes", "3,8", "--engine", "events,words"]
    assert planned(capsys, *both) == "lanes 3,8w, parallel 4,2"
    assert planned(capsys, *ask, "--lanes", "3,2") == "lanes 3,2, parallel 4,2"
    assert re.fullmatch(r"lanes \d+,\d+w, parallel 4,2", planned(
        capsys, *ask, "--engine", "events,words"))
    assert generate.main(["m.pt", "--vectors", "1", "--fraction-bits", "2", *both]) == 0
    layers = json.loads((place / "m_hw/manifest.json").read_text())["layers"]
    assert [(layer["engine"], layer["lanes"], layer["parallel"]) for layer in layers] == [
        ("events", 3, 4), ("words", 8, 2)]


@pytest.mark.wide
def test_what_another_engine_would_take_is_said(place, capsys):
    assert generate.main(["m.pt", "--vectors", "1"]) == 0
    line, = (line for line in capsys.readouterr().out.splitlines() if line.startswith("engine"))
    assert re.match(r"engine    layer fc2 takes (events|words), [\d.]+ cycles and [\d,]+ "
                    r"logic cells; (words|events) w(ithin|ould) ", line)


def test_default_words_give_way(place, capsys, monkeypatch):
    chosen = Schedule((LayerPlan(1, 4), LayerPlan(8, 1, engine=Engine.WORDS)))
    monkeypatch.setattr("bsnn_hw.planning.request.default_schedule", lambda *_, **__: chosen)
    assert planned(capsys, "--parallel", "3,1") == "lanes 1,6w, parallel 3,1"


def test_a_full_disk(place, capsys, monkeypatch):
    def full(*_arguments, **_options):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    assert fails(place, capsys, ["m.pt"]) == [
        "m_hw: must be writable, No space left on device; give another --out or free some space"]


def test_yosys_missing_is_a_tool_s_failure(place, tmp_path_factory, capsys, monkeypatch):
    """It is looked for by a child, which finds another one."""
    shadows = tmp_path_factory.mktemp("shadows")
    (shadows / "pyosys.py").write_text("raise ImportError('no pyosys here')")
    monkeypatch.setenv("PYTHONPATH", str(shadows))
    line, = fails(place, capsys, ["m.pt", "-q"], code=3)
    assert line.startswith("yosys: ")


@pytest.mark.parametrize("moment", [
    "torch is imported", pytest.param("the folder is filled", marks=pytest.mark.wide)])
def test_ctrl_c_leaves_nothing(place, tmp_path_factory, moment):
    shadows, environment = tmp_path_factory.mktemp("shadows"), ENVIRONMENT
    if moment == "torch is imported":
        reached = shadows / "reached"
        (shadows / "torch.py").write_text(
            f"import pathlib, time\npathlib.Path({str(reached)!r}).touch()\ntime.sleep(600)")
        environment = {**ENVIRONMENT, "PYTHONPATH": f"{shadows}{os.pathsep}{ROOT}"}
    command = [sys.executable, "-m", "bsnn_hw.generate", "m.pt", "--out", "deep/out"]
    with subprocess.Popen(command, cwd=place, env=environment, text=True, stderr=subprocess.PIPE,
                          stdout=subprocess.PIPE, preexec_fn=hear_ctrl_c) as process:
        while not (list(shadows.glob("reached")) or list(place.glob("deep/.out-*"))):
            assert process.poll() is None, process.stderr.read()
            time.sleep(0.005)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate()
    # Python itself ends by the signal, which a shell shows as 130 too, where it came while C++
    # ran Python.
    assert process.returncode in (130, -signal.SIGINT), errors
    assert errors == "python -m bsnn_hw.generate: interrupted\n"
    assert [path.name for path in place.iterdir()] == ["m.pt"]


@quick(1)
@for_each("command", ["bsnn_hw.board --board help", "bsnn_hw.generate m.pt -q"])
def test_who_reads_the_output_may_leave(place, command):
    code = (f"{shlex.quote(sys.executable)} -m {command} | true; "
            "test ${PIPESTATUS[0]} = 141 -o ${PIPESTATUS[0]} = 0")
    result = subprocess.run(["bash", "-c", code], cwd=place, env=ENVIRONMENT, text=True,
                            capture_output=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert (place / "m_hw").exists() == ("generate" in command)


@quick(1, wide=None)
@for_each("seed", range(4))
def test_fuzzed_models_are_lines_or_bundles(place, capsys, monkeypatch, seed):
    """Values of a valid document replaced by others: refused, or lowered and emitted."""
    from bsnn_hw.emission import bundle

    def stop(*_):
        raise bundle.InputError("reached the Verilog")

    monkeypatch.setattr(bundle, "emit_verilog", stop)
    chance = random.Random(seed)
    values = [0, -1, 1, 9, 1e300, -1e-320, float("nan"), float("inf"), True, None, "", "if", [], {},
              [1], torch.zeros(2), torch.zeros(14, 19), torch.full((14,), 1e30), 10**30, "fc1"]
    for _ in range(25):
        document = random_document(24)
        for _ in range(chance.randrange(1, 3)):
            spot = document
            while True:
                keys = list(spot) if isinstance(spot, dict) else range(len(spot))
                key = chance.choice(list(keys))
                inner = spot[key]
                if isinstance(inner, (dict, list)) and len(inner) and chance.random() < 0.8:
                    spot = inner
                    continue
                spot[key] = chance.choice(values)
                break
        write("f.pt", document)
        fails(place, capsys, ["f.pt", "--out", "out"])
