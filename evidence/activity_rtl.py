"""``python -m evidence.activity_rtl``: events and spikes counted in RTL, against the reference.

100 samples of each example through the emitted `bsnn_axi`, driven by cocotbext-axi: every result is
the reference's, and so are the counters of events and spikes of each layer, read over AXI4-Lite.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsnn_hw.command import run_verb
from bsnn_hw.text import table

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.engines.feed import Feed
    from bsnn_hw.ir.network import Conv, Dense, Network
    from bsnn_hw.link.registers import RegisterMap

__all__ = ["OF_STREAMS", "case_of", "check_counts", "main", "reference_counts"]

ROOT = Path(__file__).parents[1]
EXAMPLES = ("digits_fc", "fashion_mnist_fc")
PAUSE = 0.3
TESTS = "counters_are_the_reference_s"
# Other than these, tests take samples for all alike, wherever they stand.
OF_STREAMS = ",".join((TESTS, "a_sample_that_starts_anew", "results_under_random_pauses",
                       "registers_say_what_it_is"))
_COUNTED = re.compile(r"^COUNTED (\{.*\})$", re.MULTILINE)


def reference_counts(network: Network, inputs: np.ndarray) -> dict[str, int]:
    """Counter's name -> what it must be after ``inputs``.

    An event is a value above 0, or a spike, at the input of a layer's synapses, behind pooling by
    maxima; with several synapses (shortcuts) it counts for each.  One at the edge of a map that no
    neuron looks at is none.
    """
    from bsnn_hw.planning.activity import measure_activity
    from bsnn_hw.reference.network import run

    trace = run(network, inputs, potentials=False)
    counts = {"inferences": len(inputs)}
    for number, (layer, received) in enumerate(zip(
            network.layers, measure_activity(network, inputs, trace), strict=True)):
        shortcuts = [each for each in layer.shortcuts if hasattr(each, "synapse")]
        feeds = [received.feed, *(feed for feed in received.shortcuts if feed is not None)]
        counts[f"events_{number}"] = sum(
            _seen(each.synapse, part) for each, feed in zip([layer, *shortcuts], feeds,
                                                            strict=True) for part in feed.streams)
        if number < len(trace.hidden):
            counts[f"spikes_{number}"] = int(trace.hidden[number].sent.sum())
    return counts


def _seen(synapse: Dense | Conv, feed: Feed) -> int:
    """Events of ``feed`` that reach a neuron."""
    import numpy as np

    from bsnn_hw.ir.network import Conv

    if not isinstance(synapse, Conv):
        return int(np.count_nonzero(feed.events))
    sides = zip((synapse.source.height, synapse.source.width),
                (synapse.shape.height, synapse.shape.width), synapse.stride, synapse.kernel,
                synapse.padding, feed.window, strict=True)
    down, right = (_looked_at(*side) for side in sides)
    return int(np.count_nonzero(feed.map & down[:, None] & right))


def _looked_at(size: int, out: int, stride: int, kernel: int, padding: int,
               window: int) -> np.ndarray:
    """Positions of an axis that a neuron looks at, bool (size * window,)."""
    import numpy as np

    taps = np.arange(size)[:, None] + padding - stride * np.arange(out)
    return np.repeat(((taps >= 0) & (taps < kernel)).any(axis=1), window)


def case_of(registers: RegisterMap, samples: Sequence[bytes], results: Sequence[bytes],
            counters: dict[str, int], resets: np.ndarray | None = None) -> dict[str, Any]:
    """What ``evidence/axi_bench.py`` reads."""
    from bsnn_hw.link.registers import Access

    fields = {register.name: register.fields[0] for register in registers.plain}
    return {
        "samples": [sample.hex() for sample in samples],
        "results": [result.hex() for result in results],
        "restarts": [] if resets is None else resets.astype(int).tolist(),
        "counters": counters, "pause": PAUSE,
        "addresses": {register.name: register.address for register in registers.registers},
        "constants": {name: field.value for name, field in fields.items()
                      if field.access is Access.READ and field.value is not None},
    }


def _counts_between(network: Network, inputs: np.ndarray,
                    resets: np.ndarray | None) -> dict[str, int]:
    """`reference_counts`, where the state is 0 before some samples.

    A recurrence of a network that keeps its state takes a last timestep's spikes ahead of the
    sample that they are for, which may not come: events of its layer are left out.
    """
    import numpy as np

    starts = [] if resets is None else (np.flatnonzero(resets[1:]) + 1).tolist()
    parts = [reference_counts(network, part) for part in np.split(inputs, starts)]
    ahead = {f"events_{number}" for number, layer in enumerate(network.hidden)
             if network.stateful and layer.recurrences}
    return {name: sum(part[name] for part in parts) for name in parts[0] if name not in ahead}


def check_counts(bundle: Path, inputs: np.ndarray, folder: Path, tests: str | None = None,
                 resets: np.ndarray | None = None) -> dict[str, int]:
    """Emit ``bundle``'s circuit with AXI into ``folder`` and run the bench; what was counted.

    tests : of the bench; None for all
    resets : bool (N,), of a stateful network, the samples that start from a state of 0

    Raises
    ------
    MismatchError
        A result or a counter is not the reference's.
    """
    from bsnn_hw.boards.core import board_facts
    from bsnn_hw.emission.opened import open_bundle
    from bsnn_hw.sim.cocotb_run import run_cocotb
    from bsnn_hw.soc import TOP
    from bsnn_hw.soc.core import write_axi
    from evidence.bridges import packets

    design = open_bundle(bundle)
    _, registers = write_axi(bundle, folder / "axi")
    case = case_of(registers, *packets(design.network, board_facts(design, 1, 1), inputs, resets),
                   _counts_between(design.network, inputs, resets), resets)
    (folder / "case.json").write_text(json.dumps(case), encoding="utf-8")
    done = run_cocotb(sorted((folder / "axi/rtl").glob("*.v")), TOP, "axi_bench",
                      Path(__file__).parent, folder / "build",
                      variables={"CASE": str(folder / "case.json")}, testcase=tests,
                      brief=True)
    counted = _COUNTED.search(done.log.read_text(encoding="utf-8"))
    return json.loads(counted[1]) if counted else {}


def _report(model: Path, count: int, folder: Path) -> list[str]:
    """Lines about one example."""
    from bsnn_hw import emit, load, lower, plan

    lowered = lower(load(model))
    emit(lowered, plan(lowered, port="bytes"), folder / "bundle", vectors=1, port="bytes")
    assert lowered.calibration is not None  # an example has samples
    network, inputs = lowered.network, lowered.calibration[:count]
    counted = check_counts(folder / "bundle", inputs, folder, TESTS)
    rows = [["layer", "events", "an inference", "spikes", "an inference"]]
    for number, layer in enumerate(network.layers):
        events, spikes = counted[f"events_{number}"], counted.get(f"spikes_{number}")
        rows.append([layer.name, f"{events:,}", f"{events / count:,.1f}",
                     *(("", "") if spikes is None else (f"{spikes:,}", f"{spikes / count:,.1f}"))])
    return [f"{model.stem}: {count} samples, every result, event and spike the reference's; "
            f"{counted['cycles'] / count:,.1f} cycles an inference back to back", table(rows)]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evidence.activity_rtl",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, action="append", metavar="FILE",
                        help="model file, may be given again (default: the examples "
                             f"{' and '.join(EXAMPLES)})")
    parser.add_argument("--samples", type=int, default=100, metavar="N",
                        help="of each (default: 100)")
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder

    for model in options.model or [ROOT / f"examples/{name}.pt" for name in EXAMPLES]:
        with scratch_folder() as folder:
            print("\n".join(_report(model, options.samples, folder)), flush=True)


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
