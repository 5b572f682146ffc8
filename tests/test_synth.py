"""The verb: options, tools that are missing, and whole runs."""

import importlib.util
import json
import shutil

import pytest

from bsnn_hw import synth
from tests.for_each import for_each


def fails(capsys, arguments, code=1):
    """Run the verb, which must fail with ``code``; return its one line."""
    assert synth.main(list(map(str, arguments))) == code
    shown = capsys.readouterr()
    lines = shown.err.splitlines()
    assert "Traceback" not in shown.err
    return lines[-1].removeprefix("python -m bsnn_hw.synth: ")


@for_each("options, message", [
    (["--target", "ecp5"], "--target: must be one of ecp5-25k, ecp5-45k, ecp5-85k, ice40-up5k,"),
    (["--clock", "0"], "--clock: must be MHz above 0, not 0"),
    (["--clock", "inf"], "--clock: must be MHz above 0, not inf"),
    (["--simulate", "-1"], "--simulate: must be 0 or more, not -1"),
    (["--seeds", "1,-2"], "--seeds: must be 0..2147483647, not -2"),
    (["--pins", "nowhere.pcf", "--target", "ice40-up5k"], "nowhere: must be a bundle"),
    ([], "nowhere: must be a bundle with a manifest.json, No such file"),
])
def test_options(capsys, options, message):
    assert fails(capsys, ["nowhere", *options]).startswith(message)


def test_the_list_of_targets(capsys):
    assert synth.main(["nowhere", "--target", "help"]) == 0
    assert "ice40-up5k   Lattice iCE40UP5K, SG48" in capsys.readouterr().out


def test_more_images_than_there_are(direct_bundle, capsys):
    line = fails(capsys, [direct_bundle.folder, "--simulate", 25])
    assert line == ("--simulate: must be at most 24, the bundle's vectors, not 25; generate with "
                    "more --vectors")


def test_an_edited_bundle(direct_bundle, tmp_path, capsys):
    """Refused; as it is on request, up to the next thing that is wrong."""
    folder = shutil.copytree(direct_bundle.folder, tmp_path / "b")
    with (folder / "rtl/bsnn_random_24.v").open("a") as file:
        file.write("\n")
    line = fails(capsys, [folder, "--simulate", 25])
    assert "must be as it was written, but rtl/bsnn_random_24.v was edited; give --edited" in line
    assert synth.main([str(folder), "--simulate", "25", "--edited"]) == 1
    shown = capsys.readouterr().err
    assert shown.startswith("files of the bundle are not as they were written, rtl/bsnn_random_24")
    assert "--simulate: must be at most 24" in shown


@for_each("name, suffix", [("nexus-40", ".pdc"), ("gowin-9", ".cst")])
def test_a_family_that_needs_pins(direct_bundle, capsys, name, suffix):
    line = fails(capsys, [direct_bundle.folder, "--target", name])
    assert line == (f"--pins: must be a {suffix} file for {name}, whose nextpnr places nothing "
                    "without pins, none was given; see docs/synthesis.md")


@for_each("name", ["board.lpf", "nowhere.pcf"])
def test_pins_that_are_not_there_or_of_another_family(direct_bundle, tmp_path, capsys, name):
    (tmp_path / "board.lpf").write_text("")
    line = fails(capsys, [direct_bundle.folder, "--target", "ice40-up5k", "--pins",
                          tmp_path / name])
    assert line == (f"--pins: must be a .pcf file for ice40-up5k, {tmp_path / name} is not; see "
                    "docs/synthesis.md")
    assert not (direct_bundle.folder / "synth").exists()


def test_a_missing_tool_exits_with_three_and_leaves_nothing(direct_bundle, capsys, monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest:
                        None if name.startswith("yowasp") else found(name, *rest))
    line = fails(capsys, [direct_bundle.folder, "--target", "ice40-up5k"], code=3)
    assert line.startswith("nextpnr-ice40: must be installed to place for ice40-up5k, none was")
    assert not (direct_bundle.folder / "synth").exists()


@pytest.mark.slow
@for_each("name", ["ecp5-25k", "ice40-hx8k"])
def test_a_whole_run(direct_bundle, tmp_path, capsys, name):
    """Placed, and the netlist gives the reference's scores; its clock is too much to ask for."""
    family = name.partition("-")[0]
    if importlib.util.find_spec(f"yowasp_nextpnr_{family}") is None:
        pytest.skip(f"yowasp-nextpnr-{family} is not installed")
    folder = shutil.copytree(direct_bundle.folder, tmp_path / "b")
    line = fails(capsys, [folder, "--target", name, "--simulate", 8, "--clock", 900])
    assert line.startswith(f"{name}: must reach 900 MHz, reaches ")
    found = json.loads((folder / "synth" / f"synth_{name}.json").read_text())
    assert found["clock"]["reached"] is False
    assert found["netlist_simulated"] == 8
    for resource in found["resources"].values():
        assert 0 <= resource["used"] <= resource["available"]
    assert found["inferences_per_second"] == pytest.approx(
        found["megahertz"] * 1e6 / found["cycles_per_inference"])
