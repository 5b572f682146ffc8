"""What a user asks of ``generate``, as one frozen dataclass."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bsnn_hw.emission.memories import Memories
from bsnn_hw.ir.schedule import Engine, Port, Rows
from bsnn_hw.lowering.lower import PrecisionRequest
from bsnn_hw.planning.goal import Goal
from bsnn_hw.planning.request import PlanOptions

__all__ = ["Request"]


@dataclass(frozen=True)
class Request:
    """What a user asks for; None means that the program chooses.

    model : Path of the model file; out : Path of the folder to write
    vectors : int, test vectors in the bundle
    lanes, parallel : one count per layer, the readout last
    target : part to plan for; goal : what the plan is to be good at; clock : MHz
    plan : Path of a plan file, which lanes, parallel and goal cannot go with
    engines : an engine or None per layer, or a single one for all
    data, data_dir : see ``samples.find_samples``
    port : Port, of the top level
    block_rows : ``state`` and ``constants`` of ``Rows``
    units : bool, neurons may step in units of their own where the program chooses the plan
    document : what ``model`` says, where it is no model file itself
    memories : Memories, whether the Verilog is there with files of words too
    """

    model: Path
    out: Path
    force: bool = False
    precision: PrecisionRequest = field(default_factory=PrecisionRequest)
    lanes: Sequence[int] | None = None
    parallel: Sequence[int] | None = None
    target: str | None = None
    goal: Goal | None = None
    clock: float | None = None
    plan: Path | None = None
    engines: Sequence[Engine | None] | None = None
    vectors: int = 32
    data: str | None = None
    data_dir: Path | None = None
    top: str | None = None
    port: Port = Port.EVENTS
    block_rows: Sequence[int] | None = None
    document: dict[str, Any] | None = None
    memories: Memories = Memories.VERILOG
    units: bool = False

    @property
    def plan_options(self) -> PlanOptions:
        """What is said of the plan."""
        return PlanOptions(self.target, self.goal, self.clock, self.plan, self.lanes,
                           self.parallel, self.engines,
                           Rows(*self.block_rows) if self.block_rows else None, self.units)
