"""A recording of an event camera through a bundle's RTL, in memory that does not grow with it."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

from bsnn_hw.emission.opened import check_edits, open_bundle
from bsnn_hw.events.framing import Framing
from bsnn_hw.events.stimulus import sample_shape, stimulus
from bsnn_hw.progress import counted, step
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.verification.native import Left, build_model, verify_native
from bsnn_hw.verification.run import of_edited

__all__ = ["verify_events"]

SHOWN = 5  # classes


def verify_events(folder: Path, recording: Path, framing: Framing, *,
                  edited: bool = False) -> None:
    """Drive the Verilated model with a recording's timesteps and print what it showed.

    edited : bool, take files that are not as they were written

    Raises
    ------
    MismatchError
        Names the first difference.
    InputError
        The recording cannot be read, or does not fit the network; a file of the bundle was edited.
    """
    design = open_bundle(folder)
    edits = check_edits(folder, edited)
    batches, tally = stimulus(recording, framing, sample_shape(design.network))
    classes: Counter[int] = Counter()
    number, cycles = 0, 0.0
    started = time.monotonic()
    with scratch_folder() as build:
        with step("simulation compiled"):
            simulation = build_model(design, build, optimize="-O2")
        built, done = time.monotonic(), counted(None, "inferences")
        with step("recording simulated and compared"):
            before = Left(build / "state.bin") if design.network.stateful else None
            for inputs in batches:
                outcome = verify_native(design, simulation, inputs, number=number, before=before)
                number += len(inputs)
                cycles += outcome.cycles * len(inputs)
                classes.update(outcome.classes.tolist())
                done(number)
    print(f"events    {tally}")
    print(f"RTL       {number:,} inferences: every spike, membrane potential and score equal "
          f"({built - started:.0f} s to build, {time.monotonic() - built:.0f} s to run)")
    names = ", ".join(f"{index} {count:,} times" for index, count in classes.most_common(SHOWN))
    print(f"classes   {names}")
    print(f"cycles    {cycles / number:,.1f} per inference back to back")
    print("verdict   exact: the RTL computes what the reference computes"
          f"{of_edited(edits)}")
