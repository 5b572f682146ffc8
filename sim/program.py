"""A design and a C++ ``main`` around it, as a program: Verilator, then the compiler.

What does not depend on the design, Verilator's runtime and its precompiled header, is compiled
once per user.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from bsnn_hw.errors import ToolError
from bsnn_hw.processes import run, started
from bsnn_hw.scratch import keep_log
from bsnn_hw.sim.kept import kept_folder
from bsnn_hw.sim.memory_files import with_memory_files
from bsnn_hw.sim.toolchain import Compiler, Verilator, compiler, verilator

__all__ = ["PREFIX", "build_program"]

PREFIX = "Vdut"  # of the C++ that Verilator writes

_COMMON = ("-std=gnu++20", "-pthread", "-fcf-protection=none", "-w")
_SLOW = "-O0"  # what runs once: constructors and initial values, megabytes for a large network
_PORT = re.compile(r"VL_(?:IN|OUT)\w*\(&(\w+),(\d+),(\d+)")


def build_program(paths: Iterable[Path], top: str, folder: Path,
                  driver: Callable[[dict[str, int]], str], visible: str = "",
                  optimize: str = "-O1", savable: bool = False) -> tuple[Path, dict[str, int]]:
    """Build a program of the design in ``paths`` and a ``main`` around it.

    It has to run in ``folder``, where the words of its memories are.

    Parameters
    ----------
    driver : makes the C++ of ``main`` of the top level's ports, name -> bits; the model is of the
        class ``PREFIX``
    visible : Verilator's configuration, of signals that the driver reads
    savable : whether the driver writes the model's state to a file and reads it

    Returns
    -------
    the program, and the top level's ports

    Raises
    ------
    ToolError
        Verilator or the C++ compiler is missing or failed.
    """
    tool, cxx = verilator(), compiler()
    folder = folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    sources = with_memory_files(paths, folder)
    observed = folder / "observed.vlt"
    observed.write_text(visible, encoding="utf-8")
    _call(
        tool.command("--cc", "-Wno-fatal", "--flatten", "-O3", "--x-assign", "unique",
                     "--x-initial", "unique", "--prefix", PREFIX, "--Mdir", folder,
                     "--top-module", top, *(["--savable"] if savable else []), observed, *sources),
        "verilator --cc", env=tool.environment(),
    )
    header = (folder / f"{PREFIX}.h").read_text(encoding="utf-8")
    ports = {name.replace("___05F", "__"): int(high) - int(low) + 1
             for name, high, low in _PORT.findall(header)}
    (folder / "driver.cpp").write_text(driver(ports), encoding="utf-8")
    runtime = "verilated", "verilated_threads", *(["verilated_save"] if savable else [])
    return _compile(folder, tool, cxx, optimize, runtime), ports


def _compile(folder: Path, tool: Verilator, cxx: Compiler, optimize: str,
             names_of_runtime: tuple[str, ...]) -> Path:
    """Compile what Verilator wrote and the driver, the fast and the slow half side by side."""
    runtime = _runtime(tool, cxx, optimize, names_of_runtime)
    sources = sorted(path.name for path in folder.glob(f"{PREFIX}*.cpp"))
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


def _runtime(tool: Verilator, cxx: Compiler, optimize: str, names: tuple[str, ...]) -> Path:
    """The folder of Verilator's compiled runtime, from the user's cache if it is whole there."""
    facts = (tool.root, tool.version, (tool.root / "include" / "verilated.h").stat().st_mtime_ns,
             cxx, optimize, _SLOW, _COMMON, names)
    return kept_folder("runtime", facts,
                       lambda draft: _fill_runtime(draft, tool, cxx, optimize, names))


def _fill_runtime(folder: Path, tool: Verilator, cxx: Compiler, optimize: str,
                  names: tuple[str, ...]) -> None:
    common = [*cxx.command, *_COMMON, *_include(tool)]
    for name in names:
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
