"""The emitted Verilog as WebAssembly: Yosys' CXXRTL writes C++, the compiler in ziglang does the
rest.

Compiling takes up to a minute; the same circuit is compiled once per user.
"""

from __future__ import annotations

import gzip
import hashlib
import importlib.util
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from bsnn_hw.child import ask
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import ToolError
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.processes import run
from bsnn_hw.scratch import cache_folder, removed_after, scratch_folder
from bsnn_hw.sim.memory_files import with_memory_files
from bsnn_hw.sim.render import render

__all__ = ["MOST_CELLS", "Circuit", "build_circuit", "compiler_missing"]

MOST_CELLS = 20_000  # of the flat circuit; beyond, a page takes too long to compile and to run
INSTALL = "pip install 'bsnn-hw[report]'"
# Rotating loops took most of the compiler's time in the one long function that CXXRTL writes.
_FLAGS = ("-target", "wasm32-wasi", "-O2", "-mllvm", "-rotation-max-header-size=0", "-s",
          "-std=c++17", "-fno-exceptions", "-DNDEBUG", "-mexec-model=reactor", "-w")


@dataclass(frozen=True)
class Circuit:
    """A design that a page can run.

    wasm : bytes, compressed by gzip
    cells : int, of the flat circuit, a memory being one
    """

    wasm: bytes
    cells: int


@dataclass(frozen=True)
class _Group:
    """C++ names of a layer's probe."""

    firing: str
    charged: str
    fired: str


@dataclass(frozen=True)
class _Glue:
    """What templates/circuit.cpp.j2 reads; ``beat`` is in bytes."""

    top: str
    module: str
    beat: int
    input_last: bool
    input_user: bool
    output_user: bool
    groups: tuple[_Group, ...]


def compiler_missing() -> str | None:
    """What to install for a page that runs the circuit; None where all is there."""
    if importlib.util.find_spec("ziglang") is None:
        return f"no compiler for WebAssembly was found, {INSTALL}"
    return None


def build_circuit(design: Design) -> Circuit | str:
    """The circuit, from the user's cache if it is there; where it has too many cells, why not.

    Raises
    ------
    ToolError
        Yosys or the compiler failed.
    """
    glue = render("circuit.cpp.j2", circuit=_glue(design))
    folder = cache_folder()
    key = _key(design, glue)
    kept = folder / f"circuit-{key}.wasm.gz"
    counted = folder / f"circuit-{key}.cells"
    cells = int(counted.read_text(encoding="utf-8")) if counted.exists() else None
    known = cells is not None and (kept.exists() or cells > MOST_CELLS)
    if cells is None or not known:
        with scratch_folder() as place:
            cells = _translate(design, place)
            if cells <= MOST_CELLS:
                (place / "circuit.cpp").write_text(glue, encoding="utf-8")
                _keep(kept, gzip.compress(_compile(place), mtime=0))
        _keep(counted, str(cells).encode())
    if cells > MOST_CELLS:
        return (f"the circuit has {cells:,} cells, and a page runs {MOST_CELLS:,} at most; verify "
                "simulates it")
    return Circuit(kept.read_bytes(), cells)


def _translate(design: Design, place: Path) -> int:
    """Write design.cpp into ``place``; give the number of cells, and write nothing if too many."""
    observed = [_below_top(spot) for probe in design.probes
                for spot in (probe.firing, probe.charged, probe.fired)]
    # Under their own names in `place`, so that no name of the user's stands in a Yosys command.
    for source, path in with_memory_files(design.verilog.paths, place).items():
        (place / path.name).symlink_to(source)
    answer = ask("bsnn_hw.reporting.cxxrtl_child", {
        "paths": [path.name for path in design.verilog.paths], "top": design.verilog.top,
        "observed": observed, "most": MOST_CELLS, "cpp": "design.cpp",
    }, "yosys: Verilog to C++", folder=place)
    if answer["missing"]:
        raise ToolError(f"yosys: must keep {', '.join(answer['missing'][:3])}, and did not; "
                        "generate the bundle again")
    return answer["cells"]


def _compile(place: Path) -> bytes:
    spec = importlib.util.find_spec("pyosys")
    assert spec is not None and spec.origin is not None
    runtime = Path(spec.origin).parent / "share/include/backends/cxxrtl/runtime"
    result = run([sys.executable, "-m", "ziglang", "c++", *_FLAGS, "-I", runtime, "circuit.cpp",
                  "-o", "circuit.wasm"], cwd=place)
    if result.returncode:
        lines = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
        cause = next((line for line in lines if "error" in line), lines[-1])
        raise ToolError(f"ziglang: must compile the circuit, but failed with code "
                        f"{result.returncode}: {cause[:300]}; give `no_circuit`")
    return (place / "circuit.wasm").read_bytes()


def _keep(path: Path, content: bytes) -> None:
    with removed_after(path.with_name(f".{path.name}.{os.getpid()}")) as draft:
        draft.write_bytes(content)
        draft.replace(path)


def _key(design: Design, glue: str) -> str:
    """Of everything that the result depends on."""
    known = hashlib.sha256(repr((glue, _FLAGS, *_versions())).encode())
    for path in design.verilog.paths:
        known.update(f"{path.name}\n".encode() + path.read_bytes())
    return known.hexdigest()[:16]


def _versions() -> Iterator[str]:
    for package in ("ziglang", "pyosys"):
        try:
            yield version(package)
        except PackageNotFoundError:
            yield ""


def _glue(design: Design) -> _Glue:
    slots = design.layout.slots
    narrow = PORTS[design.port].packet_bytes(design.network) is not None
    groups = tuple(_Group(*(f"p_{_mangled(_below_top(spot))}"
                            for spot in (probe.firing, probe.charged, probe.fired)))
                   for probe in design.probes)
    return _Glue(design.verilog.top, f"p_{_mangled(design.verilog.top)}",
                 1 if narrow else slots.input_width // 8, True,
                 not narrow and slots.ends_timesteps, not narrow, groups)


def _below_top(spot) -> str:
    """A signal's name in the flat circuit."""
    _, _, path = f"{spot.path}.{spot.signal}".partition(".")
    return path


def _mangled(name: str) -> str:
    """CXXRTL's C++ name: an underscore doubled, anything else but letters and digits coded."""
    return re.sub(r"[^a-zA-Z0-9]", lambda sign: "__" if sign[0] == "_" else f"_{ord(sign[0]):x}_",
                  name)
