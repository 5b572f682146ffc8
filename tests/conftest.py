"""Emitted designs, bundles and native simulations, made once for all tests that only look."""

import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest

from tests import once

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small networks; other tests run beside


def pytest_collection_finish():
    """Modules stay until the end: they are no garbage, and need not be searched again and again."""
    gc.freeze()


def pytest_collection_modifyitems(items):
    if " " in sys.prefix + tempfile.gettempdir():
        for item in items:
            if item.get_closest_marker("makefile"):
                item.add_marker(pytest.mark.skip("cocotb's Makefiles know no spaces in names"))


@pytest.fixture(autouse=True)
def no_progress(monkeypatch):
    """On a slow machine a verb says on stderr what goes on; no test is of another opinion then,
    nor after a verb of another test that was to say all."""
    from bsnn_hw import progress

    monkeypatch.setattr(progress, "PATIENCE", 1e6)
    monkeypatch.setattr(progress, "_talk", progress.Talk.NOTHING)


@pytest.fixture
def plain():
    """A folder whose name make can take, wherever $TMPDIR is."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def object_cache():
    """For a user's `make`, so that Verilator's runtime is not compiled again: its OBJCACHE.

    Nothing where the cache lies in a folder with a space, which a Makefile would split."""
    from bsnn_hw.sim.toolchain import verilator

    script = verilator().cocotb_environment()["PATH"].split(os.pathsep)[0] + "/objcache"
    return "" if " " in script else script


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory):
    """A folder of this run of the tests, the same in each of its processes."""
    return once.run_folder(tmp_path_factory)


@pytest.fixture(scope="session", autouse=True)
def tools_work_once(run_folder):
    """Yosys, and the compiler of native simulations, make of the same what they made of it in this
    run."""
    from bsnn_hw.sim import program
    from bsnn_hw.verilog import write

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(write, "ask", once.once_written(write.ask, run_folder))
        patch.setattr(program, "_compile", once.once_compiled(program._compile, run_folder))
        yield


@pytest.fixture(scope="session")
def direct_bundle(run_folder):
    """Direct coding; do not change it."""
    from tests.bundles import make_bundle

    return once.made_once(run_folder / "direct", lambda folder: make_bundle(24, folder))


@pytest.fixture(scope="session")
def events_bundle(run_folder):
    """Events in eight timesteps; do not change it."""
    from tests.bundles import make_bundle

    return once.made_once(run_folder / "events", lambda folder: make_bundle(32, folder))


@pytest.fixture(scope="session")
def brief_bundle(run_folder):
    """Events in one timestep, so no mark; do not change it."""
    from tests.bundles import make_bundle

    return once.made_once(run_folder / "brief", lambda folder: make_bundle(34, folder))


@pytest.fixture(scope="session")
def maps_bundle(run_folder):
    """Events of an image, convolutions and joins; do not change it."""
    from tests.bundles import make_map_bundle

    return once.made_once(run_folder / "maps", make_map_bundle)


@pytest.fixture(scope="session")
def words_bundle(run_folder):
    """Words at the port and between layers; do not change it."""
    from tests.bundles import make_words_bundle

    return once.made_once(run_folder / "words", make_words_bundle)


@pytest.fixture(scope="session")
def bundles(direct_bundle, events_bundle, brief_bundle, maps_bundle, words_bundle):
    """All five."""
    return {"direct": direct_bundle, "events": events_bundle, "brief": brief_bundle,
            "maps": maps_bundle, "words": words_bundle}


@pytest.fixture(scope="session", params=[
    ("direct",), pytest.param(("events", "brief", "maps", "words"), marks=pytest.mark.wide)],
    ids=["direct", "others"])
def drives(request, run_folder):
    """Bundles, their manifests, and simulations built of what those name: one, and the others."""
    import json

    from bsnn_hw.sim.native import build_native

    def drive(kind):
        bundle = request.getfixturevalue(f"{kind}_bundle")
        facts = json.loads((bundle.folder / "manifest.json").read_text())
        sources = [bundle.folder / source for source in facts["sources"]]
        return bundle, facts, once.made_once(
            run_folder / f"drive_{kind}",
            lambda folder: build_native(sources, facts["top"], folder, (), "-O0"))

    return {kind: drive(kind) for kind in request.param}


@pytest.fixture(scope="session")
def emitted(tmp_path_factory):
    """The design `Mixed` as Verilog, with some observed signals."""
    from amaranth.back import rtlil

    from bsnn_hw.verilog.write import to_verilog
    from tests.verilog.designs import Mixed

    text = rtlil.convert(Mixed(), name="mixed", emit_src=False)
    observed = [
        ("mixed.neuron", "charged"), ("mixed.neuron", "fired"), ("mixed.neuron", "spikes__valid"),
        ("mixed.pool", "accumulators"),
    ]
    return to_verilog(text, tmp_path_factory.mktemp("rtl"), "mixed", observed)
