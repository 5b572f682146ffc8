"""On which other board a network that does not fit would."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from bsnn_hw.boards.description import Board, known_boards
from bsnn_hw.devices.chips import find_chip
from bsnn_hw.emission.design import Design
from bsnn_hw.errors import InputError
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.request import PlanOptions, make_plan, reconcile
from bsnn_hw.reference.network import run

__all__ = ["could_take"]

LINK_SHARE = 0.85  # of a part, which a plan may take: the line and its memory need the rest


def could_take(design: Design, inputs: np.ndarray, board: Board, planned: bool) -> str:
    """Words about the listed boards on which the design's network would fit, planned anew.

    board : on which it does not; planned : whether it was planned for that one
    """
    network = design.network
    activity = measure_activity(network, inputs, run(network, inputs, potentials=False),
                                design.port)

    def fits(target: str) -> bool:
        try:
            plan = make_plan(network, activity, reconcile(PlanOptions(target, "smallest")))
        except InputError:
            return False
        assert plan.forecast is not None
        return find_chip(target).fill(plan.forecast.cost) <= LINK_SHARE

    if not planned and fits(board.part.name):
        return (f"planned for {board.name}, by the forecast, it fits: give the model file in the "
                f"bundle's place, or generate with `target` {board.part.name} and `goal` smallest")
    taken = {target: fits(target) for target in sorted(_targets())}
    names = [each.name for each in known_boards().values()
             if taken[each.part.name] and each.name != board.name]
    if not names:
        return "none of the listed boards would take it, as the planner sees it"
    return ("by the planner's forecast it fits, with the smallest plan for each, on "
            f"{', '.join(names)}")


def _targets() -> Iterator[str]:
    yield from {each.part.name for each in known_boards().values()}
