"""``python -m evidence.bridges``: bytes and cycles of an inference behind each bridge.

Beside those of the core alone.  The emitted boards are simulated from pin to pin, by cocotbext-uart
and an SPI controller at full speed, and the AXI block by cocotbext-axi; every result is the
reference's.  At the end what the Python driver could send, before a line that costs no time.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bsnn_hw.command import run_verb
from bsnn_hw.link.bridge import Bridge
from bsnn_hw.text import table

if TYPE_CHECKING:
    import numpy as np

    from bsnn_hw.driver.facts import BoardFacts
    from bsnn_hw.ir.network import Network

__all__ = ["Measured", "main", "measure", "packets"]

ROOT = Path(__file__).parents[1]
CLOCK, DIVISOR = 12.0, 4  # MHz, and cycles of a bit on the serial line: 3 Mbaud
_MEASURED = re.compile(r"^MEASURED (\{.*\})$", re.MULTILINE)


@dataclass(frozen=True)
class Measured:
    """Of an inference: clock cycles, and bytes to the board and back."""

    cycles: float
    sent: float
    heard: float


def packets(network: Network, facts: BoardFacts, inputs: np.ndarray,
            resets: np.ndarray | None = None) -> tuple[list[bytes], list[bytes]]:
    """Samples as the board takes them, and the results that it must give; ``resets`` as in
    `run`."""
    from bsnn_hw.reference.network import run

    trace = run(network, inputs, potentials=False, resets=resets)
    results = [b"".join(int(score).to_bytes(facts.score_bytes, "little", signed=True)
                        for score in scores) + int(answer).to_bytes(facts.class_bytes, "little")
               for scores, answer in zip(trace.scores, trace.classes, strict=True)]
    return facts.sample_bytes(inputs), results


def measure(board: Path, network: Network, inputs: np.ndarray, folder: Path,
            bridge: Bridge) -> Measured:
    """Classify ``inputs`` at the pins of the emitted ``board``.

    bridge : what the board has

    Raises
    ------
    MismatchError
        A result is not the reference's, or an answer is not what the protocol says.
    """
    from bsnn_hw.boards import TOP
    from bsnn_hw.driver.facts import BoardFacts
    from bsnn_hw.sim.cocotb_run import run_cocotb

    facts = BoardFacts.read(board)
    samples, results = packets(network, facts, inputs)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "case.json").write_text(json.dumps({
        "bridge": bridge, "divisor": facts.divisor, "hello": facts.shape.hello().hex(),
        "block": facts.shape.block, "samples": [sample.hex() for sample in samples],
        "results": [result.hex() for result in results]}), encoding="utf-8")
    done = run_cocotb(sorted((board / "rtl").glob("*.v")), TOP, "bridge_bench",
                      Path(__file__).parent, folder / "build",
                      variables={"CASE": str(folder / "case.json")}, brief=True)
    found = _MEASURED.search(done.log.read_text(encoding="utf-8"))
    assert found is not None
    return Measured(**json.loads(found[1]))


class _Answering:
    """A line that takes no time, with the answers of a board that is always right."""

    def __init__(self, facts: BoardFacts):
        from bsnn_hw.link.frames import Kind, encode

        def answer(kind: Kind, number: int, payload: bytes) -> bytes:
            return encode(bytes([kind, number]), bytes(2), payload)

        result = bytes(facts.shape.result)
        self._answers = [answer(Kind.HELLO, 0, facts.shape.hello()),
                         *(answer(Kind.RESULT, number % 256, result) for number in range(1, 257))]
        self._asked = -1
        self.bytes = 0

    def write(self, data: bytes) -> None:
        self.bytes += len(data)
        self._asked += len(data) < 32  # a question; blocks come many at once

    def read(self, seconds: float) -> bytes:
        asked = self._asked
        return self._answers[asked and (asked - 1) % 256 + 1]

    def close(self) -> None:
        """Nothing is open."""


def _host_rate(facts: BoardFacts, inputs: np.ndarray) -> tuple[float, float]:
    """(inferences a second, bits a second on a serial line) of the Python driver alone."""
    import numpy as np

    from bsnn_hw.driver import Device

    line = _Answering(facts)
    device = Device(line, facts)
    many = np.resize(inputs, (2000, *inputs.shape[1:]))
    started = time.perf_counter()
    device.classify(many)
    took = time.perf_counter() - started
    return len(many) / took, 10 * line.bytes / took


def _rows(model: Path, count: int, folder: Path) -> list[list[str]]:
    from bsnn_hw import emit, load, lower, plan
    from bsnn_hw.boards.core import write_core
    from bsnn_hw.driver.facts import BoardFacts
    from bsnn_hw.verification.native import build_model, verify_native
    from evidence.activity_rtl import TESTS, check_counts

    lowered = lower(load(model))
    design = emit(lowered, plan(lowered, port="bytes"), folder / "bundle", vectors=1, port="bytes")
    assert lowered.calibration is not None  # an example has samples
    network, inputs = lowered.network, lowered.calibration[:count]
    core = verify_native(design, build_model(design, folder / "native", probes=False), inputs)
    found = {}
    for bridge in Bridge:
        write_core(folder / "bundle", folder / bridge, clock=CLOCK,
                   baud=int(CLOCK * 1e6 / DIVISOR), bridge=bridge)
        found[bridge] = measure(folder / bridge, network, inputs, folder / f"run_{bridge}", bridge)
    facts = BoardFacts.read(folder / "uart")
    size, result = facts.shape.sample, facts.shape.result
    (folder / "axi_run").mkdir()
    axi = check_counts(folder / "bundle", inputs, folder / "axi_run", TESTS)["cycles"] / count
    rates = {"core, ports of bytes": Measured(core.cycles, size, result),
             "AXI4-Stream of 4 bytes": Measured(axi, size, result),
             f"SPI, SCK {CLOCK / 8:g} MHz": found[Bridge.SPI],
             f"serial line, {CLOCK / DIVISOR:g} Mbaud": found[Bridge.UART]}
    rate, bits = _host_rate(facts, inputs)
    return [
        *([model.stem, name, f"{each.sent:,.0f}", f"{each.heard:,.0f}", f"{each.cycles:,.0f}",
           f"{CLOCK * 1e6 / each.cycles:,.0f}", f"{100 * core.cycles / each.cycles:.1f} %"]
          for name, each in rates.items()),
        [model.stem, f"Python driver alone ({bits / 1e6:.1f} Mbaud)", "", "", "", f"{rate:,.0f}",
         ""]]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m evidence.bridges",
                                     description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, action="append", metavar="FILE",
                        help="model file, may be given again (default: the fully connected "
                             "examples)")
    parser.add_argument("--samples", type=int, default=8, metavar="N", help="of each (default: 8)")
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.scratch import scratch_folder
    from evidence.activity_rtl import EXAMPLES

    rows = [["network", "bridge", "bytes in", "bytes out", "cycles", f"at {CLOCK:g} MHz",
             "of the core's"]]
    for model in options.model or [ROOT / f"examples/{name}.pt" for name in EXAMPLES]:
        with scratch_folder() as folder:
            rows += _rows(model, options.samples, folder)
    print(table(rows))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
