"""The emitted Verilog as WebAssembly: names, limits, the cache, and what it computes."""

import errno
import gzip
import importlib.util
import os

import numpy as np
import pytest

from bsnn_hw.emission.opened import open_bundle
from bsnn_hw.errors import ToolError
from bsnn_hw.ir.schedule import Port
from bsnn_hw.ports.bytes import byte_counts
from bsnn_hw.reference.network import run
from bsnn_hw.reporting import circuit as circuits
from bsnn_hw.reporting.circuit import Circuit, build_circuit, compiler_missing
from bsnn_hw.reporting.stored import checksum, page_data
from tests.bundles import make_bundle
from tests.for_each import for_each, for_each_in

needs_compiler = pytest.mark.skipif(compiler_missing() is not None, reason="no ziglang")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "bsnn-hw"


@for_each("name, mangled", [
    ("top", "top"), ("layer_fc1.neurons.firing", "layer__fc1_2e_neurons_2e_firing"),
    ("a__b", "a____b")])
def test_names_as_cxxrtl_has_them(name, mangled):
    assert circuits._mangled(name) == mangled


def test_the_checksum_by_hand():
    spread = 2654435761
    values = np.array([[1, 0, -2], [0, 1, 0]])
    assert checksum(values) == [(spread - 2 * 5 * spread) % 2**32, 3 * spread % 2**32]


@pytest.mark.wide
def test_a_circuit_that_is_too_large(direct_bundle, cache, monkeypatch):
    monkeypatch.setattr(circuits, "MOST_CELLS", 10)
    monkeypatch.setattr(circuits, "_compile", lambda place: pytest.fail("compiled"))
    words = build_circuit(direct_bundle.design)
    assert isinstance(words, str)
    assert " cells, and a page runs 10 at most; verify simulates it" in words
    monkeypatch.setattr(circuits, "_translate", lambda *_: pytest.fail("translated again"))
    assert build_circuit(direct_bundle.design) == words


def test_a_circuit_is_compiled_once(direct_bundle, cache, monkeypatch):
    monkeypatch.setattr(circuits, "_compile", lambda place: (place / "circuit.cpp").read_bytes())
    made = build_circuit(direct_bundle.design)
    assert isinstance(made, Circuit) and b"layer__" in gzip.decompress(made.wasm)
    monkeypatch.setattr(circuits, "_compile", lambda place: pytest.fail("compiled again"))
    assert build_circuit(direct_bundle.design) == made


@pytest.mark.wide
def test_a_cache_without_room(direct_bundle, cache, monkeypatch):
    def full(path, content):
        path.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(circuits, "_compile", lambda place: b"wasm")
    monkeypatch.setattr(circuits.Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        build_circuit(direct_bundle.design)
    assert list(cache.iterdir()) == []


@pytest.mark.wide
def test_a_compiler_that_fails(direct_bundle, cache, monkeypatch):
    monkeypatch.setattr(circuits, "_FLAGS", ("--no-such-flag",))
    with pytest.raises(ToolError, match="ziglang: must compile the circuit, but failed with code"):
        build_circuit(direct_bundle.design)
    assert not list(cache.glob("*.wasm.gz"))


@for_each_in("bundles", "bundle")
def test_what_a_page_is_told(bundle):
    trace = run(bundle.network, bundle.inputs)
    data = page_data(bundle.design, Circuit(b"", 1), bundle.inputs, trace, None)
    assert data["scores"] == trace.scores.tolist() and data["count"] == len(bundle.inputs)
    assert len(data["input"]["lane"]) == bundle.network.input.size
    assert [layer["name"] for layer in data["layers"]] == [
        layer.name for layer in bundle.network.hidden]


class Instance:
    """The module's exports, called by wasmtime."""

    def __init__(self, wasm):
        import wasmtime

        engine = wasmtime.Engine()
        self.store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
        self.store.set_wasi(wasmtime.WasiConfig())
        linker.define_wasi()
        self.exports = linker.instantiate(self.store, wasmtime.Module(engine, wasm)).exports(
            self.store)
        self.call("_initialize")

    def call(self, name, *arguments):
        return self.exports[name](self.store, *arguments)

    def scores(self, design, sample):
        """Of one inference, the beats as `Design.stimulus` gives them."""
        self.call("reset")
        stimulus = design.stimulus(sample[None])
        flags = stimulus.last.astype(np.uint8) | stimulus.mark.astype(np.uint8) << 1
        beats = np.concatenate([stimulus.data, flags[:, None]], axis=1)
        memory, place = self.exports["memory"], self.call("packet", len(beats))
        memory.write(self.store, beats.tobytes(), place)
        self.call("run", 1_000_000)
        start, length = self.call("log_start"), self.call("log_length")
        log = np.frombuffer(memory.read(self.store, start, start + 4 * length), "<u4")
        return self._outputs(design, log)

    def _outputs(self, design, log):
        sizes = [-(-probe.charged.width // 32) + -(-probe.fired.width // 32)
                 for probe in design.probes]
        narrow = design.port is Port.BYTES
        found, at = [], 0
        while at < len(log):
            if log[at] == len(sizes):
                found.append(int(log[at + 2]))
                at += 4 if narrow else 5
            else:
                at += 2 + sizes[log[at]]
        return found


@pytest.mark.slow
@needs_compiler
@pytest.mark.skipif(importlib.util.find_spec("wasmtime") is None, reason="no wasmtime")
@for_each("port", list(Port))
def test_the_compiled_circuit_gives_the_references_scores(port, tmp_path):
    bundle = make_bundle(24, tmp_path / "b", port=port)
    design = open_bundle(bundle.folder)
    made = build_circuit(design)
    assert isinstance(made, Circuit)
    instance = Instance(gzip.decompress(made.wasm))
    wanted = run(bundle.network, bundle.inputs)
    for sample, scores, answer in zip(bundle.inputs, wanted.scores, wanted.classes, strict=True):
        found = instance.scores(design, sample)
        if port is Port.BYTES:
            size = byte_counts(design.network).score
            whole = b"".join(bytes([byte]) for byte in found)
            assert whole[len(scores) * size] == answer
            found = [int.from_bytes(whole[i * size:(i + 1) * size], "little", signed=True)
                     for i in range(len(scores))]
        else:
            sign = 1 << design.layout.slots.output_width - 1
            found = [(value ^ sign) - sign for value in found]
        assert found == scores.tolist()
