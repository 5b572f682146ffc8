"""A bundle with AXI4 streams and registers: as cocotbext-axi sees it, and as its texts say it."""

import shutil
from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw import axi
from bsnn_hw.emission.bundle import write_bundle
from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.ir.schedule import Port
from bsnn_hw.lowering.lower import lower
from bsnn_hw.model.check import describe
from bsnn_hw.reference.network import run
from bsnn_hw.sim.lint import lint
from bsnn_hw.soc import TOP
from bsnn_hw.soc.core import registers_of
from bsnn_hw.soc.texts import write_texts
from bsnn_hw.verilog.header import HEADER
from bsnn_hw.verilog.write import yosys_reads
from evidence.random_models import random_inputs
from evidence.random_plans import random_schedule
from evidence.random_streams import random_streams
from tests.bundles import make_bundle, make_map_bundle
from tests.emission.readers import icarus, slang
from tests.for_each import for_each

SAMPLES = 6


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A bundle of events, T = 8, and what the verb makes of it."""
    place = tmp_path_factory.mktemp("soc")
    bundle = make_bundle(32, place / "b", port=Port.BYTES)
    assert axi.main([str(place / "b")]) == 0
    return bundle, place / "b_axi"


def test_no_linter_objects(small):
    paths = sorted((small[1] / "rtl").glob("*.v"))
    assert lint(paths, TOP) == [] and yosys_reads(paths, TOP) == []


def test_slang_and_icarus_have_nothing_to_say(small, tmp_path):
    paths = sorted((small[1] / "rtl").glob("*.v"))
    assert slang(paths, TOP) == (0, 0)
    assert icarus(paths, TOP, tmp_path) == (0, [])


def body(text):
    """The lines behind the header, in an order of their own."""
    return sorted(HEADER.sub("", text).splitlines())


def test_layers_are_the_bundle_s(small):
    bundle, folder = small
    top = bundle.design.verilog.top
    layers = [path for path in bundle.design.verilog.paths if "_layer_" in path.name]
    assert len(layers) > 10
    for path in layers:
        ours = folder / "rtl" / path.name.replace(top, f"{TOP}_core", 1)
        text = path.read_text().replace(top, f"{TOP}_core")
        assert body(ours.read_text()) == body(text), path.name


def check(bundle, folder):
    pytest.importorskip("cocotbext.axi")
    from evidence.activity_rtl import check_counts

    counted = check_counts(bundle.folder, bundle.inputs[:SAMPLES], folder)
    assert counted["inferences"] == SAMPLES and counted["events_0"]


@pytest.mark.wide
def test_exact_and_counted(small, tmp_path):
    check(small[0], tmp_path)


@pytest.mark.wide
def test_a_state_is_kept_until_a_register_asks_for_a_new_one(tmp_path):
    """Second-order neurons and a recurrence that keep theirs, at all of the bench's pauses."""
    pytest.importorskip("cocotbext.axi")
    from evidence.activity_rtl import OF_STREAMS, check_counts

    document = random_streams(102)
    inputs, resets = random_inputs(102, document, 9), np.arange(9) % 4 == 3
    network = lower(describe(document, "random"), inputs).network
    assert network.hidden[0].recurrences and network.hidden[0].neuron.holds
    write_bundle(network, random_schedule(102, network), inputs, tmp_path / "b", port=Port.BYTES)
    trace = run(network, inputs, resets=resets)
    assert (trace.scores != run(network, inputs).scores).any()
    check_counts(tmp_path / "b", inputs, tmp_path, OF_STREAMS, resets)
    paths = sorted((tmp_path / "axi/rtl").glob("*.v"))
    assert lint(paths, TOP) == []
    assert "`control.restart`" in (tmp_path / "axi/README.md").read_text()


@pytest.mark.slow
@for_each("seed", [24, 34, "maps"])
def test_other_networks(seed, tmp_path):
    make = make_map_bundle if seed == "maps" else lambda *rest, **port: make_bundle(seed, *rest,
                                                                                    **port)
    check(make(tmp_path / "b", port=Port.BYTES), tmp_path)


def test_systemrdl_is_what_the_circuit_has(small):
    compiler = pytest.importorskip("systemrdl").RDLCompiler()
    bundle, folder = small
    compiler.compile_file(str(folder / "registers.rdl"))
    found = {node.inst_name: node.absolute_address
             for node in compiler.elaborate().top.children()}
    assert found == {register.name: register.address
                     for register in registers_of(bundle.design).registers}


def test_names_that_mean_something_in_systemrdl(small, tmp_path):
    """Its compiler runs Perl between <% and %>; a bundle that others made has any name."""
    design = small[0].design
    network = replace(design.network, name='a"; <%= 6 * 7 %> \\')
    design = replace(design, layout=replace(design.layout, network=network))
    write_texts(design, registers_of(design), tmp_path)
    assert '    name = "a; = 6  7";\n' in (tmp_path / "registers.rdl").read_text()


def test_what_cannot_be(small, tmp_path, capsys):
    bundle, folder = small
    assert axi.main([str(bundle.folder)]) == 1
    assert f"{folder}: must not exist; give another --out" in capsys.readouterr().err
    events = make_bundle(34, tmp_path / "events")
    assert axi.main([str(events.folder)]) == 1
    assert "must have ports of bytes; generate it with --port bytes" in capsys.readouterr().err
    shutil.copytree(bundle.folder, tmp_path / "edited")
    path = next((tmp_path / "edited/rtl").glob("*.v"))
    path.write_text(path.read_text() + "\n")
    assert axi.main([str(tmp_path / "edited")]) == 1
    assert "must be as it was written, but" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["edited", "events"]


def test_the_identifier_is_the_board_s(small):
    bundle, folder = small
    identifier = open_bundle(bundle.folder).identifier
    registers = {register.name: register.fields[0].value
                 for register in registers_of(bundle.design).plain}
    halves = [registers[f"identifier_{half}"].to_bytes(4, "little").hex()
              for half in ("low", "high")]
    assert "".join(halves) == identifier
    assert f"for the circuit {identifier}." in (folder / "README.md").read_text()
