"""A native simulation: a C++ main around the Verilated model, for whole data sets.

`build_native` makes the program once, `run_native` (in `bsnn_hw.sim.native_run`) feeds it. What
does not depend on the design, Verilator's runtime and its precompiled header, is compiled once
per user.
"""

from __future__ import annotations

import hashlib
import re
import secrets
import shutil
import zlib
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.errors import ToolError
from bsnn_hw.processes import run, started
from bsnn_hw.scratch import cache_folder, keep_log, removed_after
from bsnn_hw.sim.memory_files import with_memory_files
from bsnn_hw.sim.render import render
from bsnn_hw.sim.toolchain import Compiler, Verilator, compiler, verilator
from bsnn_hw.verilog.write import Observed

__all__ = ["Group", "NativeModel", "build_native"]

PATIENCE = 600  # seconds for some cycles; logic that feeds itself never ends one

_PREFIX = "Vdut"
_COMMON = ("-std=gnu++20", "-pthread", "-fcf-protection=none", "-w")
_SLOW = "-O0"  # what runs once: constructors and initial values, megabytes for a large network
_SEAL = "seal.txt"  # of a folder in the cache: checksums of its files, written last
_PORT = re.compile(r"VL_(?:IN|OUT)\w*\(&(\w+),(\d+),(\d+)")


@dataclass(frozen=True)
class Group:
    """Signals to write down, all at each clock edge where ``valid`` is 1.

    name : str, what `NativeResult.groups` calls it
    valid : Observed of 1 bit
    signals : at least one
    """

    name: str
    valid: Observed
    signals: tuple[Observed, ...]


@dataclass(frozen=True)
class NativeModel:
    """A program that simulates one design.

    input_width, output_width : int, bits of s_axis_tdata and m_axis_tdata
    """

    executable: Path
    input_width: int
    output_width: int
    groups: tuple[Group, ...]


@dataclass(frozen=True)
class _Signal:
    member: str  # of the Verilated model's root
    offset: int  # in the row, in words of 64 bits


@dataclass(frozen=True)
class _Row:
    valid: str
    words: int
    signals: tuple[_Signal, ...]


@dataclass(frozen=True)
class _Driver:
    """What templates/native_driver.cpp.j2 reads."""

    top: str
    prefix: str
    input_words: int
    output_words: int
    input_last: bool
    input_user: bool
    output_last: bool
    output_user: bool
    groups: tuple[_Row, ...]
    patience: int


def word_count(width: int) -> int:
    """Words of 64 bits that hold ``width`` bits."""
    return -(-width // 64)


def _member(place: Observed) -> str:
    """Verilator's C++ name of a flattened signal: dots spelled out, double underscores coded."""
    return "__DOT__".join(
        part.replace("__", "___05F") for part in (*place.path.split("."), place.signal)
    )


def _row(group: Group) -> _Row:
    offset, signals = 1, []  # word 0 is the cycle
    for place in group.signals:
        signals.append(_Signal(_member(place), offset))
        offset += word_count(place.width)
    return _Row(_member(group.valid), offset, tuple(signals))


def _driver(top: str, ports: dict[str, int], groups: Sequence[Group]) -> _Driver:
    return _Driver(
        top, _PREFIX, word_count(ports["s_axis_tdata"]), word_count(ports["m_axis_tdata"]),
        "s_axis_tlast" in ports, "s_axis_tuser" in ports,
        "m_axis_tlast" in ports, "m_axis_tuser" in ports,
        tuple(_row(group) for group in groups), PATIENCE,
    )


def _visible(groups: Iterable[Group]) -> str:
    """Verilator's configuration file that keeps the observed signals readable."""
    places = {place for group in groups for place in (group.valid, *group.signals)}
    lines = sorted(
        f'public_flat_rd -module "{place.module}" -var "{place.signal}"' for place in places
    )
    return "\n".join(["`verilator_config", *lines, ""])


def _call(command: Sequence[str], what: str, **options) -> None:
    result = run(command, **options)
    if result.returncode:
        log = result.stderr + result.stdout
        raise ToolError(f"{what}: failed with code {result.returncode}: {_cause(log)}"
                        f"{keep_log(log)}")


def _cause(log: str) -> str:
    """The line of a compiler's log that says what is wrong: its first error, else its last."""
    lines = log.strip().splitlines() or ["no message"]
    return next((line for line in lines if "rror" in line), lines[-1])


def _include(tool: Verilator) -> list[str]:
    return [f"-I{tool.root / 'include'}", f"-I{tool.root / 'include' / 'vltstd'}"]


def _fill_runtime(folder: Path, tool: Verilator, cxx: Compiler, optimize: str) -> None:
    common = [*cxx.command, *_COMMON, *_include(tool)]
    for name in ("verilated", "verilated_threads"):
        source = tool.root / "include" / f"{name}.cpp"
        _call([*common, "-O2", "-c", str(source), "-o", str(folder / f"{name}.o")], "C++ compiler")
    header = folder / "runtime.h"
    header.write_text('#include "verilated.h"\n#include <string>\n#include <vector>\n',
                      encoding="utf-8")
    if cxx.is_gcc:
        precompiled = folder / "runtime.h.gch"  # GCC looks in this folder for one that fits
        precompiled.mkdir()
        for level in {optimize, _SLOW}:
            output = precompiled / level.strip("-")
            _call([*common, level, "-x", "c++-header", str(header), "-o", str(output)],
                  "C++ compiler")


def _runtime(tool: Verilator, cxx: Compiler, optimize: str) -> Path:
    """The folder of Verilator's compiled runtime, from the user's cache if it is whole there."""
    facts = (tool.root, tool.version, (tool.root / "include" / "verilated.h").stat().st_mtime_ns,
             cxx, optimize, _SLOW, _COMMON)
    key = hashlib.sha256(repr(facts).encode()).hexdigest()[:16]
    folder = cache_folder() / f"runtime-{key}"
    if not _is_whole(folder):
        with removed_after(folder.with_name(f"draft-{secrets.token_hex(8)}")) as draft:
            draft.mkdir()
            _fill_runtime(draft, tool, cxx, optimize)
            (draft / _SEAL).write_text(_sums(draft), encoding="utf-8")
            shutil.rmtree(folder, ignore_errors=True)
            try:
                draft.rename(folder)
            except OSError:
                if not _is_whole(folder):  # else another process was faster
                    raise
    return folder


def _is_whole(folder: Path) -> bool:
    """Whether the files in a folder of the cache are what was put there."""
    try:
        return (folder / _SEAL).read_text(encoding="utf-8") == _sums(folder)
    except (OSError, ValueError):
        return False


def _sums(folder: Path) -> str:
    """Checksum and name of every file in ``folder`` but the seal, a line each."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != _SEAL)
    return "".join(f"{zlib.crc32(path.read_bytes()):08x} {path.relative_to(folder)}\n"
                   for path in paths)


def _compile(folder: Path, tool: Verilator, cxx: Compiler, optimize: str) -> Path:
    """Compile what Verilator wrote and the driver, the fast and the slow half side by side."""
    runtime = _runtime(tool, cxx, optimize)
    sources = sorted(path.name for path in folder.glob(f"{_PREFIX}*.cpp"))
    halves = {
        "fast": ([name for name in sources if "Slow" not in name] + ["driver.cpp"], optimize),
        "slow": ([name for name in sources if "Slow" in name], _SLOW),
    }
    commands = []
    for half, (names, level) in halves.items():
        unit = folder / f"{half}.cc"
        unit.write_text("".join(f'#include "{name}"\n' for name in names), encoding="utf-8")
        commands.append([*cxx.command, *_COMMON, level, "-include", str(runtime / "runtime.h"),
                         *_include(tool), "-c", unit.name, "-o", f"{half}.o"])
    with ExitStack() as stack:
        running = [stack.enter_context(started(command, cwd=folder)) for command in commands]
        logs = ["".join(process.communicate()) for process in running]
    for process, log in zip(running, logs, strict=True):
        if process.returncode:
            raise ToolError(f"C++ compiler: must accept Verilator's simulation, but failed with "
                            f"code {process.returncode}: {_cause(log)}{keep_log(log)}")
    objects = [folder / "fast.o", folder / "slow.o", *sorted(runtime.glob("*.o"))]
    _call([*cxx.command, "-pthread", *map(str, objects), "-o", str(folder / "simulate")],
          "C++ linker")
    return folder / "simulate"


def build_native(
    paths: Iterable[Path],
    top: str,
    folder: Path,
    groups: Sequence[Group] = (),
    optimize: str = "-O1",
) -> NativeModel:
    """Build a native simulation of the design in ``paths``.

    The top level has the ports ``clk``, ``rst`` (synchronous, active high) and two AXI4-Streams
    ``s_axis_*`` and ``m_axis_*``; tlast and tuser of one bit may be missing.

    Parameters
    ----------
    paths : the Verilog files
    top : str, module name of the top level
    folder : Path, for everything that is built; made if needed
    groups : what the program writes down besides the output stream
    optimize : str, of the compiler; -O1 builds fastest, -O3 pays for long runs

    Raises
    ------
    ToolError
        Verilator or the C++ compiler is missing or failed.
    """
    tool, cxx = verilator(), compiler()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sources = with_memory_files(paths, folder)
    visible = folder / "observed.vlt"
    visible.write_text(_visible(groups), encoding="utf-8")
    _call(
        tool.command("--cc", "-Wno-fatal", "--flatten", "-O3", "--x-assign", "unique",
                     "--x-initial", "unique", "--prefix", _PREFIX, "--Mdir", folder,
                     "--top-module", top, visible, *sources),
        "verilator --cc", env=tool.environment(),
    )
    header = (folder / f"{_PREFIX}.h").read_text(encoding="utf-8")
    ports = {name.replace("___05F", "__"): int(high) - int(low) + 1
             for name, high, low in _PORT.findall(header)}
    driver = _driver(top, ports, groups)
    (folder / "driver.cpp").write_text(render("native_driver.cpp.j2", driver=driver),
                                       encoding="utf-8")
    executable = _compile(folder, tool, cxx, optimize)
    return NativeModel(executable, ports["s_axis_tdata"], ports["m_axis_tdata"], tuple(groups))
