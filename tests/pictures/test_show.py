"""``show``: pictures of every kind of network and of logs, and one line for what is wrong."""

import importlib.util
import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.pictures.logs import Log, read_log, training
from bsnn_hw.pictures.picture import brief, drawing
from bsnn_hw.pictures.signals import membranes, spikes
from bsnn_hw.pictures.weights import weights
from bsnn_hw.show import main
from tests.for_each import for_each, for_each_in, quick

ROOT = Path(__file__).parents[2]
LOGS = [str(ROOT / "examples" / f"{name}.jsonl") for name in ("digits_fc", "fashion_mnist_conv")]
installed = pytest.mark.skipif(importlib.util.find_spec("matplotlib") is None,
                               reason="no matplotlib")
STRANGE = ("<b>&'\"$\\frac{\u202e\u05d0\n\x00", "<b>&'\"", "$\\frac{", "\u202e\u05d0\n\x00",
           "w" * 10_000)


@pytest.mark.wide
@for_each_in("bundles", "bundle")
@installed
def test_pictures_of_every_kind_of_network(bundle):
    few = bundle.inputs[:3]
    for draw in (lambda: spikes(bundle.network, few), lambda: membranes(bundle.network, few),
                 lambda: weights(bundle.network)):
        drawn, again = draw(), draw()
        titles = [axes.get_title("left") for axes in drawn.figure.axes]
        for layer in bundle.network.hidden:
            assert any(title.startswith(f"{layer.name}: ") for title in titles)
        assert drawn.content("svg") == again.content("svg")


@pytest.mark.wide
@installed
def test_a_raster_is_the_reference(direct_bundle):
    from bsnn_hw.reference.network import run

    network, few = direct_bundle.network, direct_bundle.inputs[:2]
    drawn = spikes(network, few).figure.axes[1].images[0].get_array()
    fired = run(network, few).hidden[0].fired
    for sample in range(2):
        for t in range(network.timesteps):
            assert (drawn[:, sample * network.timesteps + t] == fired[sample, t]).all()


@pytest.mark.wide
@installed
def test_all_weights_of_a_matrix_are_there(direct_bundle):
    network = direct_bundle.network
    drawn = weights(network).figure.axes[-1].images[0].get_array()
    assert (drawn == network.readout.synapse.weights).all()


@installed
@quick(0, wide=1)
@for_each("name", STRANGE)
def test_names_are_text(direct_bundle, name):
    network = direct_bundle.network
    network = replace(network, name=name, classes=(name,) * len(network.classes),
                      hidden=(replace(network.hidden[0], name=name),))
    for drawn in (spikes(network, direct_bundle.inputs[:2]), weights(network),
                  membranes(network, direct_bundle.inputs[:2]),
                  training([Log(name, ({"epoch": 1, "train_accuracy": 0.5},), {})])):
        drawn.content("png")
        drawn.content("svg")


def test_a_name_is_brief():
    assert brief("fc1") == "fc1" and brief("a\nb\x00") == "a?b?"
    assert brief("w" * 99, 10) == "wwwwwww..."


@installed
def test_a_bundle(direct_bundle, tmp_path, capsys):
    folder = Path(shutil.copytree(direct_bundle.folder, tmp_path / "b"))
    assert main([str(folder), "--samples", "2", "--first", "3", "--format", "svg"]) == 0
    text = capsys.readouterr().out
    assert "samples   2 of the bundle's vectors" in text
    assert max(map(len, text.replace(str(tmp_path), "").splitlines())) <= 80
    for kind in ("spikes", "membranes", "weights"):
        path = folder / "report" / f"{kind}.svg"
        assert f"written   {path}" in text and path.read_bytes().startswith(b"<?xml")
    assert set(json.loads((folder / "report" / "files.json").read_text())) == {
        "spikes.svg", "membranes.svg", "weights.svg"}


@pytest.mark.wide
@installed
def test_a_model_file_and_logs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    model = ROOT / "examples" / "digits_fc.pt"
    assert main([str(model), "--only", "spikes", "--log", *LOGS]) == 0
    found = sorted(Path("pictures").iterdir())
    assert [path.name for path in found] == ["spikes.png", "training.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in found)
    assert "fashion_mnist_conv      16   92.72 %           -  90.81 %" in capsys.readouterr().out


def log(path, *lines):
    path.write_text("\n".join(line if isinstance(line, str) else json.dumps(line)
                              for line in lines), encoding="utf-8")
    return path


def test_columns_of_a_log(tmp_path):
    found = read_log(log(tmp_path / "run.jsonl", {"recipe": {}},
                         {"epoch": 1, "rates": {"fc1": 0.1, "fc2": 0.3}, "flip_ratio": True},
                         {"epoch": 2, "rates": {}, "flip_ratio": "7", "train_accuracy": 10**400},
                         {"epoch": 3, "rates": {"fc1": 0.5}}, {"test": {"accuracy": 0.9}}))
    assert found.name == "run" and found.test == {"accuracy": 0.9}
    assert found.column("rates") == [(1, pytest.approx(0.2)), (3, 0.5)]
    assert found.column("flip_ratio") == found.column("train_accuracy") == []
    assert found.last("rates") == 0.5 and found.last("none") is None


@for_each("lines", [("{",), ("[" * 99999,), ("7",), ({"recipe": {}},), ()])
def test_anything_else_is_no_log(tmp_path, lines):
    path = log(tmp_path / "m.jsonl", *lines)
    with pytest.raises(InputError, match=r"m\.jsonl: must be a training log, lines of JSON"):
        read_log(path)


WRONG = {
    "nothing": ([], "SOURCE: must be a bundle or a model file, or give --log LOG.jsonl; neither"),
    "samples": (["x", "--samples", "65"], "--samples: must be 1..64, not 65"),
    "first": (["x", "--first", "-1"], "--first: must be 0 or more, not -1"),
}
WRONG_FILES = {
    "no log": (["--log", "none.jsonl"], "none.jsonl: must be a training log that can be read"),
    "no bundle": (["."], "must be a bundle with a manifest.json"),
    "no model": (["none.pt"], "none.pt: must be"),
    "too far": (["{bundle}", "--first", "24"],
                "--first: must be less than the 24 samples of the bundle's vectors, not 24"),
    "out": (["--log", LOGS[0], "--out", "/dev/null/x"],
            "/dev/null/x: must be a folder that can be written, Not a directory; give another"),
}


@for_each("kind", WRONG)
def test_wrong_options(kind, capsys):
    options, message = WRONG[kind]
    assert main(options) == 1
    assert message in capsys.readouterr().err


@installed
@for_each("kind", WRONG_FILES)
def test_wrong_files(kind, direct_bundle, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options, message = WRONG_FILES[kind]
    assert main([option.format(bundle=direct_bundle.folder) for option in options]) == 1
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["--log", LOGS[0]]) == ToolError.exit_code
    assert "must be installed to draw, and is not; pip install 'bsnn-hw[show]'" in \
        capsys.readouterr().err
    with pytest.raises(ToolError), drawing():
        pass


@pytest.mark.wide
@installed
def test_code_of_the_page_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    page = (ROOT / "docs" / "show.md").read_text(encoding="utf-8")
    [block] = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    exec(compile(block, "show.md", "exec"), {})
    assert (tmp_path / "spikes.svg").read_bytes().startswith(b"<?xml")
