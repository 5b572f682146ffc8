"""Bundles with the narrow ports: the same integers, by both simulations."""

import re
import subprocess

import numpy as np
import pytest

from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.ir.schedule import Port
from bsnn_hw.ports.bytes import byte_counts
from bsnn_hw.reference.network import run
from bsnn_hw.sim.lint import lint
from bsnn_hw.verification.native import build_model, verify_native
from bsnn_hw.verification.run import verify_bench
from tests.bundles import make_bundle, make_map_bundle
from tests.for_each import for_each, quick


@quick(0, wide=1)
@for_each("seed", [24, 32, 34, "maps"])
def test_exact_at_native_speed(seed, tmp_path):
    bundle = (make_map_bundle(tmp_path / "b", port=Port.BYTES) if seed == "maps" else
              make_bundle(seed, tmp_path / "b", port=Port.BYTES))
    design = open_bundle(bundle.folder)
    assert design.port is Port.BYTES
    assert lint(design.verilog.paths, design.verilog.top) == []
    model = build_model(design, tmp_path / "native", optimize="-O0")
    assert (model.input_width, model.output_width) == (8, 8)
    for pauses in ({}, {"pause_in": .5, "pause_out": .3, "seed": 1}):
        outcome = verify_native(design, model, bundle.inputs, **pauses)
        np.testing.assert_array_equal(outcome.classes, run(bundle.network, bundle.inputs).classes)


@pytest.mark.slow
@for_each("seed", [24, 34])
def test_the_bundles_own_bench(seed, tmp_path, capsys):
    bundle = make_bundle(seed, tmp_path / "b", port=Port.BYTES)
    verify_bench(bundle.folder)
    assert "4 patterns of pauses: every spike, membrane potential and score" in \
        capsys.readouterr().out


@pytest.mark.wide
def test_the_readme_says_how_to_drive_it(tmp_path):
    bundle = make_bundle(24, tmp_path / "b", port=Port.BYTES)
    port, text = byte_counts(bundle.network), (bundle.folder / "README.md").read_text()
    assert "one inference; 19 value(s) in the order of their index; s_axis_tlast" in text
    assert f"2 score(s) of {port.score} byte(s), low end first, then the class in 1" in text
    assert "slot(s)" not in text


@pytest.mark.wide
def test_the_readme_s_lines_for_a_microcontroller_compile(tmp_path):
    bundle = make_bundle(24, tmp_path / "b", port=Port.BYTES)
    lines, = re.findall(r"```c\n(.+?)```", (bundle.folder / "README.md").read_text(), re.DOTALL)
    (tmp_path / "main.c").write_text(lines, encoding="utf-8")
    done = subprocess.run(["cc", "-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion",
                           "-Werror", "-fsyntax-only", "-I", bundle.folder / "driver",
                           tmp_path / "main.c"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
