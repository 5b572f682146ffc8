"""The board's netlist, simulated from pin to pin, gives the reference's scores.

The PLL's model passes its input on: in the simulation the clock pin has the core's speed.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from bsnn_hw.boards.description import Board
from bsnn_hw.boards.virtual import running
from bsnn_hw.devices.clocks import Clocking
from bsnn_hw.driver import Device
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import MismatchError
from bsnn_hw.reference.network import run
from bsnn_hw.sim.pty_board import build_pty_board
from bsnn_hw.synthesis.proof import cell_models

__all__ = ["pll_model", "prove"]


def pll_model(clocking: Clocking) -> str:
    """Verilog of a PLL that passes its clock on and is locked; of nothing without a PLL."""
    if not clocking.cell:
        return ""
    inputs = [clocking.source, *clocking.tied, *filter(None, [clocking.feedback])]
    ports = ", ".join([*(f"input {name}" for name in inputs), f"output {clocking.output}",
                       f"output {clocking.locked}"])
    parameters = "".join(f"  parameter {name} = 0;\n" for name in clocking.parameters)
    return (f"module {clocking.cell} ({ports});\n{parameters}"
            f"  assign {clocking.output} = {clocking.source};\n"
            f"  assign {clocking.locked} = 1'b1;\nendmodule\n")


def prove(design: Design, board: Board, clocking: Clocking, netlist: Path, facts: BoardFacts,
          inputs: np.ndarray, folder: Path) -> None:
    """Send ``inputs`` to the pins of the simulated netlist and compare every score.

    Raises
    ------
    MismatchError
        Names the first difference.
    InputError
        The family has no models that a simulator reads.
    """
    folder.mkdir()
    models = folder / "cells.v"
    text = cell_models(board.part)
    if clocking.cell:
        box = rf"^\(\* blackbox \*\)\s*module {clocking.cell}\b.*?^endmodule$"
        text = re.sub(box, "", text, flags=re.DOTALL | re.MULTILINE) + pll_model(clocking)
    models.write_text(text, encoding="utf-8")
    build_pty_board([models, netlist], board.top, facts.divisor * clocking.divide, folder, "-O1")
    facts.write(folder)
    expected = run(design.network, inputs, potentials=False).scores
    with running(folder) as simulated, Device.open(f"pty:{simulated.device}", folder) as device:
        scores = device.scores(inputs)
    for number, (given, wanted) in enumerate(zip(scores, expected, strict=True)):
        if not np.array_equal(given, wanted):
            raise MismatchError(f"{board.name}: scores of image {number} must be "
                                f"{wanted.tolist()}, the netlist gives {given.tolist()}")
