"""Running a native simulation: beats in, beats and observed rows out, as numpy arrays."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.errors import MismatchError, ToolError
from bsnn_hw.processes import run
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.sim.native import PATIENCE, Group, NativeModel, word_count

__all__ = ["Beats", "NativeResult", "run_native"]

_HUNG, _PROTOCOL, _SLOW = 3, 4, 5  # exit codes of templates/native_driver.cpp.j2
_UNSETTLED = "did not converge"  # in Verilator's words
UNLIMITED = 1 << 62


@dataclass(frozen=True)
class Beats:
    """Beats of an AXI4-Stream.

    data : uint64 (beats, words), little end first: bit b of tdata is bit b % 64 of word b // 64
    last : bool (beats,)
    user : (beats,), bool on s_axis; on m_axis int64, tuser of up to 63 bits
    """

    data: np.ndarray
    last: np.ndarray
    user: np.ndarray


@dataclass(frozen=True)
class NativeResult:
    """What a run gave; cycle 0 is the first after reset.

    cycles : int, until the last packet had come out
    output : Beats of m_axis
    output_cycle : int64 (beats,), when each was taken
    accepted, produced : int64 (packets, 2), cycles of the first and the last beat of each packet
        (up to tlast) on s_axis and m_axis
    groups : name -> {signal: uint64 (rows, words)}, and ``cycle``: uint64 (rows, 1); raw bits,
        see `signed_values`
    """

    cycles: int
    output: Beats
    output_cycle: np.ndarray
    accepted: np.ndarray
    produced: np.ndarray
    groups: dict[str, dict[str, np.ndarray]]


def signed_values(raw: np.ndarray, width: int) -> np.ndarray:
    """Read the low ``width`` bits (1..64) of each row's first word as two's complement, int64."""
    shift = np.uint64(64 - width)
    return (raw[..., 0] << shift).view(np.int64) >> np.int64(64 - width)


def _pack(beats: Beats, width: int) -> np.ndarray:
    words = word_count(width)
    data = np.asarray(beats.data, dtype=np.uint64)
    if data.ndim != 2 or data.shape[1] != words:
        raise ValueError(f"stimulus must be (beats, {words}), not {data.shape}")
    packed = np.empty((len(data), words + 1), dtype="<u8")
    packed[:, :words] = data
    packed[:, words] = np.asarray(beats.last, np.uint64) | np.asarray(beats.user, np.uint64) << 1
    return packed


def _table(path: Path, columns: int) -> np.ndarray:
    return np.fromfile(path, dtype="<u8").reshape(-1, columns)


def _columns(table: np.ndarray, group: Group) -> dict[str, np.ndarray]:
    columns, offset = {"cycle": table[:, :1]}, 1
    for place in group.signals:
        words = word_count(place.width)
        columns[place.signal] = table[:, offset:offset + words]
        offset += words
    return columns


def _row_words(group: Group) -> int:
    return 1 + sum(word_count(place.width) for place in group.signals)


def _execute(model: NativeModel, arguments: list[str]) -> None:
    """Run the program, whose results are files; what it prints is for people."""
    result = run([model.executable, *arguments],
                 cwd=model.executable.parent)  # where its memories' files are
    message = result.stderr.strip() or result.stdout.strip()  # the latter Verilator's own
    # A file of words that is not there is no more than a warning to Verilator.
    lost = [line for line in (result.stdout + result.stderr).splitlines() if "$readmem" in line]
    if lost:
        raise ToolError(f"simulation: its memories' files must be beside it, but {lost[0]}")
    if result.returncode == -signal.SIGALRM:
        raise MismatchError(f"simulation: a clock cycle must end within {PATIENCE} s, and did not; "
                            "look for logic that feeds itself")
    if _UNSETTLED in message:
        raise MismatchError("simulation: logic that feeds itself must come to rest, but did not: "
                            f"{message.splitlines()[0]}")
    if result.returncode in (_HUNG, _PROTOCOL, _SLOW):
        raise MismatchError(f"simulation: {message}")
    if result.returncode:
        raise ToolError(f"simulation: failed with code {result.returncode}: {message}")


def run_native(
    model: NativeModel,
    stimulus: Beats,
    packets: int,
    *,
    seed: int = 0,
    pause_in: float = 0.0,
    pause_out: float = 0.0,
    watchdog: int = 100_000,
    packet_beats: int = 0,
    most_cycles: int = UNLIMITED,
    most_rows: Sequence[int] | None = None,
    state: Path | None = None,
) -> NativeResult:
    """Stream ``stimulus`` into the design and collect ``packets`` packets of its output.

    Parameters
    ----------
    packets : int, after whose last beat the run ends (and all stimulus is in)
    seed : int, of the pauses
    pause_in, pause_out : float, 0..1, probability that s_axis_tvalid stays low before a beat and
        that m_axis_tready is low, in each cycle
    watchdog : int, cycles without a beat on either port after which the run fails
    packet_beats : int, of each packet of the output, and nothing may follow the last; 0 for any
        number, ended by tlast
    most_cycles : int, after which the run fails
    most_rows : rows of each of the model's groups that are kept, None for all
    state : of a savable model, a file that the run goes on from, if it is there, and leaves; None
        for a run from the reset on of which nothing is left

    Raises
    ------
    MismatchError
        The design hung, was too slow, took back a beat that it had offered, or gave packets of
        another length.
    ToolError
        The simulation itself failed.
    """
    with scratch_folder() as folder:
        _pack(stimulus, model.input_width).tofile(folder / "stimulus.bin")
        _execute(model, [
            str(folder / "stimulus.bin"), str(folder), str(packets), str(seed),
            repr(pause_in), repr(pause_out), str(watchdog), str(packet_beats), str(most_cycles),
            *map(str, most_rows or [UNLIMITED] * len(model.groups)),
            *([str(state or folder / "state.bin")] if model.savable else []),
        ])
        words = word_count(model.output_width)
        beats = _table(folder / "beats.bin", words + 2)
        flags = beats[:, words]
        return NativeResult(
            int(_table(folder / "cycles.bin", 1)[0, 0]),
            Beats(beats[:, :words], (flags & 1).astype(bool), (flags >> 1).astype(np.int64)),
            beats[:, words + 1].astype(np.int64),
            _table(folder / "accepted.bin", 2).astype(np.int64),
            _table(folder / "produced.bin", 2).astype(np.int64),
            {
                group.name: _columns(_table(folder / f"group_{i}.bin", _row_words(group)), group)
                for i, group in enumerate(model.groups)
            },
        )
