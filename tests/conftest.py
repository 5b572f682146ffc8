"""Emitted designs, bundles and native simulations, made once for all tests that only look."""

import gc
import os
import sys
import tempfile
from pathlib import Path

import pytest

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
    """On a slow machine a verb says on stderr what goes on; no test is of another opinion then."""
    from bsnn_hw import progress

    monkeypatch.setattr(progress, "PATIENCE", 1e6)


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
def direct_bundle(tmp_path_factory):
    """Direct coding; do not change it."""
    from tests.bundles import make_bundle

    return make_bundle(24, tmp_path_factory.mktemp("direct") / "bundle")


@pytest.fixture(scope="session")
def events_bundle(tmp_path_factory):
    """Events in eight timesteps; do not change it."""
    from tests.bundles import make_bundle

    return make_bundle(32, tmp_path_factory.mktemp("events") / "bundle")


@pytest.fixture(scope="session")
def brief_bundle(tmp_path_factory):
    """Events in one timestep, so no mark; do not change it."""
    from tests.bundles import make_bundle

    return make_bundle(34, tmp_path_factory.mktemp("brief") / "bundle")


@pytest.fixture(scope="session")
def maps_bundle(tmp_path_factory):
    """Events of an image, convolutions and joins; do not change it."""
    from tests.bundles import make_map_bundle

    return make_map_bundle(tmp_path_factory.mktemp("maps") / "bundle")


@pytest.fixture(scope="session")
def words_bundle(tmp_path_factory):
    """Words at the port and between layers; do not change it."""
    from tests.bundles import make_words_bundle

    return make_words_bundle(tmp_path_factory.mktemp("words") / "bundle")


@pytest.fixture(scope="session", params=["direct", "events", "brief", "maps", "words"])
def bundle(request):
    """Each of the five."""
    return request.getfixturevalue(f"{request.param}_bundle")


@pytest.fixture(scope="session")
def driven(bundle, tmp_path_factory):
    """A bundle and its simulation, built of what its manifest names."""
    import json

    from bsnn_hw.sim.native import build_native

    facts = json.loads((bundle.folder / "manifest.json").read_text())
    sources = [bundle.folder / source for source in facts["sources"]]
    model = build_native(sources, facts["top"], tmp_path_factory.mktemp("native"), (), "-O0")
    return bundle, facts, model


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
