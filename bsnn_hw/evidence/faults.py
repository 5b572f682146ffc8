"""``python -m bsnn_hw.evidence.faults BUNDLE``: faults put into the Verilog are caught and placed.

Each fault is chosen from the bundle's own vectors so that the reference says where it must show
first: one weight bit, one threshold, ``>`` for ``>=``, the events of one neuron dropped.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bsnn_hw.command import run_verb
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import BsnnError, InputError, MismatchError

__all__ = ["Fault", "find_faults", "main", "provoke"]


@dataclass(frozen=True)
class Fault:
    """One edit of one emitted file.

    name : what it is; file : of the bundle's rtl/; old, new : text, ``old`` stands there once
    expected : text that the failure must contain
    """

    name: str
    file: str
    old: str
    new: str
    expected: str


def find_faults(design: Design, inputs: np.ndarray) -> list[Fault]:
    """The faults that ``inputs`` can show; a tie must occur for the comparison's."""
    from bsnn_hw.reference.network import run

    trace = run(design.network, inputs)
    texts = {path.name: path.read_text() for path in design.verilog.paths}
    makers = (_weight_bit, _threshold, _comparison, _dropped_events)
    return [fault for fault in (make(design, texts, trace, inputs) for make in makers) if fault]


def provoke(design: Design, fault: Fault, inputs: np.ndarray, folder: Path) -> str:
    """Build the design with the fault in ``folder``, run ``inputs``, return the check's message.

    Raises
    ------
    BsnnError
        The fault went unnoticed.
    """
    from bsnn_hw.verification.native import build_model, verify_native

    rtl = folder / "rtl"
    shutil.copytree(design.verilog.paths[0].parent, rtl)
    path = rtl / fault.file
    text = path.read_text()
    assert text.count(fault.old) == 1, fault
    path.write_text(text.replace(fault.old, fault.new))
    paths = tuple(rtl / source.name for source in design.verilog.paths)
    broken = replace(design, verilog=replace(design.verilog, paths=paths))
    simulation = build_model(broken, folder / "build", optimize="-O0")
    try:
        verify_native(broken, simulation, inputs)
    except MismatchError as error:
        return str(error)
    raise BsnnError(f"{fault.name}: must be noticed, but {len(inputs)} inferences were exact")


def _module(texts, design, suffix):
    return f"{design.verilog.top}_{suffix}.v", texts[f"{design.verilog.top}_{suffix}.v"]


def _constant(text, memory, row):
    """The line that initialises one row of a memory: (line, width, value)."""
    match = re.search(rf"^ *{memory}\[{row}\] = (\d+)'h([0-9a-f]+);$", text, re.MULTILINE)
    assert match is not None, f"{memory}[{row}]"
    return match[0], int(match[1]), int(match[2], 16)


def _set(line, width, value):
    return re.sub(r"\d+'h[0-9a-f]+", f"{width}'h{value:x}", line)


def _where(design, inference, index, timestep, neuron):
    return (f"inference {inference}, layer {design.network.hidden[index].name}, "
            f"timestep {timestep + 1}, neuron {neuron}:")


def _weight_bit(design, texts, trace, inputs):
    """Neuron 0's weight from the first input that the first active sample uses."""
    layer, geometry = design.network.hidden[0], design.geometries[0]
    if not layer.synapse.connected[0] or not inputs.any():
        return None
    sample, *timestep, source = (int(i) for i in np.argwhere(inputs)[0])
    bank, row = (int(n) for n in geometry.lane_row(np.array(source)))
    file, text = _module(texts, design, f"layer_{layer.name}_synapses")
    line, width, value = _constant(text, f"bank_{bank}", row << geometry.fold_bits)
    return Fault("one weight bit", file, line, _set(line, width, value ^ 1),
                 _where(design, sample, 0, (timestep or [0])[0], 0))


def _threshold(design, texts, trace, inputs):
    """The threshold of the first neuron that fires becomes one more than its potential."""
    for index, (layer, seen) in enumerate(zip(design.network.hidden, trace.hidden, strict=True)):
        geometry = design.geometries[index]
        file, text = _module(texts, design, f"layer_{layer.name}_neurons")
        for sample, timestep, neuron in np.argwhere(seen.fired)[:200].tolist():
            fold, position = divmod(neuron, geometry.parallel)
            line, width, value = _constant(text, "threshold",
                                           (timestep << geometry.fold_bits) + fold)
            bits = width // geometry.parallel
            raised = int(seen.charged[sample, timestep, neuron]) + 1
            if raised < 1 << bits - 1:
                mask = (1 << bits) - 1 << bits * position
                return Fault("one threshold", file, line,
                             _set(line, width, value & ~mask | raised << bits * position),
                             _where(design, sample, index, timestep, neuron))
    return None


def _comparison(design, texts, trace, inputs):
    """The comparison of the first position where a potential equals its threshold."""
    for index, (layer, seen) in enumerate(zip(design.network.hidden, trace.hidden, strict=True)):
        ties = np.argwhere(seen.charged == layer.neuron.threshold).tolist()
        geometry = design.geometries[index]
        for sample, timestep, neuron in ties:
            position = neuron % geometry.parallel
            file, text = _module(texts, design, f"layer_{layer.name}_neurons")
            old, new = layer.neuron.comparison.value, {">=": ">", ">": ">="}
            signed = rf"\$signed\(charged\[{_bits(design, index, position)}\]\) {old} \$signed"
            match = re.search(signed, text)
            if match is None or text.count(match[0]) != 1:
                continue
            return Fault(f"{new[old]} for {old}", file, match[0],
                         match[0].replace(f" {old} ", f" {new[old]} "),
                         _where(design, sample, index, timestep, neuron))
    return None


def _bits(design, index, position):
    width = design.hidden_bounds[index].charged.width
    return f"{(position + 1) * width - 1}:{position * width}"


def _dropped_events(design, texts, trace, inputs):
    """The link behind the first layer loses the spikes of the first neuron that fires."""
    if not trace.hidden or not trace.hidden[0].fired.any():
        return None
    name, geometry = design.network.hidden[0].name, design.geometries[1]
    sample, timestep, neuron = np.argwhere(trace.hidden[0].fired)[0].tolist()
    word, bit = divmod(neuron, geometry.source_width)
    slot = bit // geometry.banks
    file, text = _module(texts, design, f"link_{name}_encoder_{bit % geometry.banks}")
    match = re.search(r"assign pending_next = words__ready \? (words__payload\[(\d+):0\])", text)
    if match is None:
        return None
    slots = int(match[2]) + 1
    fold_width = max(1, (geometry.words - 1).bit_length())
    fold = f"words__payload[{slots + fold_width - 1}:{slots}] == {fold_width}'d{word}"
    dropped = f"(words__payload[{match[2]}:0] & ~({{{slots}{{{fold}}}}} & {slots}'d{1 << slot}))"
    expected = (f"inference {sample}, layer {design.network.hidden[1].name}, timestep "
                f"{timestep + 1}" if len(design.network.hidden) > 1 else f"inference {sample}")
    return Fault("dropped events", file, match[0], match[0].replace(match[1], dropped), expected)


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.emission.opened import open_bundle

    design = open_bundle(options.bundle)
    inputs = np.load(options.bundle / "vectors" / "inputs.npy")
    faults = find_faults(design, inputs)
    if len(faults) < 4:
        raise InputError(f"{options.bundle}: its vectors must show four faults, they show "
                         f"{[fault.name for fault in faults]}; generate it with more --vectors")
    for fault in faults:
        with tempfile.TemporaryDirectory(prefix="bsnn_hw_") as scratch:
            message = provoke(design, fault, inputs, Path(scratch))
        if fault.expected not in message:
            raise BsnnError(f"{fault.name}: must be placed at {fault.expected} not at {message}")
        print(f"{fault.name:16} {message}", flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.evidence.faults",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path, help="folder written by python -m bsnn_hw.generate")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
