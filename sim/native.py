"""A native simulation: a C++ main around the Verilated model, for whole data sets.

`build_native` makes the program once, `run_native` (in `bsnn_hw.sim.native_run`) feeds it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bsnn_hw.sim.program import PREFIX, build_program
from bsnn_hw.sim.render import render
from bsnn_hw.verilog.write import Observed

__all__ = ["Group", "NativeModel", "build_native"]

PATIENCE = 600  # seconds for some cycles; logic that feeds itself never ends one


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
    savable : bool, a run may go on from what another one left
    """

    executable: Path
    input_width: int
    output_width: int
    groups: tuple[Group, ...]
    savable: bool = False


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
    input_user: int  # all bits of s_axis_tuser, 0 without
    output_last: bool
    output_user: bool
    groups: tuple[_Row, ...]
    patience: int
    savable: bool


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


def _driver(top: str, ports: dict[str, int], groups: Sequence[Group],
            savable: bool = False) -> _Driver:
    return _Driver(
        top, PREFIX, word_count(ports["s_axis_tdata"]), word_count(ports["m_axis_tdata"]),
        "s_axis_tlast" in ports, (1 << ports.get("s_axis_tuser", 0)) - 1,
        "m_axis_tlast" in ports, "m_axis_tuser" in ports,
        tuple(_row(group) for group in groups), PATIENCE, savable,
    )


def _visible(groups: Iterable[Group]) -> str:
    """Verilator's configuration file that keeps the observed signals readable."""
    places = {place for group in groups for place in (group.valid, *group.signals)}
    lines = sorted(
        f'public_flat_rd -module "{place.module}" -var "{place.signal}"' for place in places
    )
    return "\n".join(["`verilator_config", *lines, ""])


def build_native(
    paths: Iterable[Path],
    top: str,
    folder: Path,
    groups: Sequence[Group] = (),
    optimize: str = "-O1",
    savable: bool = False,
) -> NativeModel:
    """Build a native simulation of the design in ``paths``.

    The top level has the ports ``clk``, ``rst`` (synchronous, active high) and two AXI4-Streams
    ``s_axis_*`` and ``m_axis_*``; tlast and tuser may be missing.

    Parameters
    ----------
    paths : the Verilog files
    top : str, module name of the top level
    folder : Path, for everything that is built; made if needed
    groups : what the program writes down besides the output stream
    optimize : str, of the compiler; -O1 builds fastest, -O3 pays for long runs
    savable : bool, runs may leave their state in a file, and go on from it

    Raises
    ------
    ToolError
        Verilator or the C++ compiler is missing or failed.
    """
    def driver(ports: dict[str, int]) -> str:
        return render("native_driver.cpp.j2", driver=_driver(top, ports, groups, savable))

    executable, ports = build_program(paths, top, folder, driver, _visible(groups), optimize,
                                      savable)
    return NativeModel(executable, ports["s_axis_tdata"], ports["m_axis_tdata"], tuple(groups),
                       savable)
