"""A plan for a person: what each layer takes, in the part's words, and what else was weighed."""

from __future__ import annotations

from collections.abc import Iterator

from bsnn_hw.devices.chips import Chip
from bsnn_hw.devices.families import Cost
from bsnn_hw.engines.registry import network_geometries
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import Engine, Schedule
from bsnn_hw.ir.wording import lane_count, parallel_count
from bsnn_hw.planning.plan import Alternative, Plan, largest_taker
from bsnn_hw.text import percent, table

__all__ = ["plan_counts", "plan_lines"]


def plan_lines(network: Network, plan: Plan) -> Iterator[str]:
    """What ``generate`` prints about the plan."""
    if plan.chip is None or plan.forecast is None or plan.clock is None:
        yield f"plan      {plan_counts(plan.schedule)}"
        return
    chip = plan.chip
    yield (f"plan      {chip.name}: {chip.target.part}; "
           f"{plan.goal or 'as given'}, counting on {plan.clock:g} MHz")
    yield ""
    yield table(_layer_rows(network, plan, chip))
    yield ""
    yield (f"forecast  {plan.forecast.cycles:,.1f} cycles per inference, "
           f"{plan.forecast.speed(plan.clock):,.0f} inferences/s at {plan.clock:g} MHz; "
           f"layer {_slowest(network, plan)} takes the most cycles; the clock is likely to come to "
           f"{chip.likely_clock(plan.forecast.cost, plan.schedule.all_pipelined):g} MHz")
    yield from (f"engine    {note}" for note in plan.notes)
    for excess in plan.excess:
        most = largest_taker(network, chip, plan.forecast, excess.words)
        yield (f"warning   this does not fit {chip.name}: {excess}; {most}; give it fewer lanes or "
               "parallel neurons, or leave the choice to the planner")
    if plan.alternatives:
        yield ""
        yield table(_alternative_rows(plan, chip))


def _layout(schedule: Schedule) -> tuple[str, str]:
    """Lanes, those that take no events with their engine's first letter, and parallel neurons with
    their units."""
    lanes = (lane_count(layer.lanes, layer.places)
             + ("" if layer.engine is Engine.EVENTS else layer.engine.value[0])
             for layer in schedule.layers)
    return ",".join(lanes), ",".join(parallel_count(layer.parallel, layer.units)
                                     for layer in schedule.layers)


def plan_counts(schedule: Schedule) -> str:
    """``"lanes 4x3,6,1w, parallel 8/2,3,1"``: to three places at once, and of words; with two units
    for eight neurons."""
    lanes, parallel = _layout(schedule)
    return f"lanes {lanes}, parallel {parallel}"


def _slowest(network, plan):
    cycles = plan.forecast.layer_cycles
    return network.layers[max(range(len(cycles)), key=cycles.__getitem__)].name


def _used(chip: Chip, cost: Cost) -> list[str]:
    return [f"{round(used):,}" for _, used, _, _ in chip.resources(cost)]


def _layer_rows(network: Network, plan: Plan, chip: Chip) -> list[list[str]]:
    assert plan.forecast is not None
    resources = list(chip.resources(plan.forecast.cost))
    rows = [["layer", "engine", "lanes", "parallel", "folds", *(words for words, *_ in resources),
             "cycles/inf."]]
    for layer, each, geometry, cost, cycles in zip(
            network.layers, plan.schedule.layers, network_geometries(network, plan.schedule),
            plan.forecast.layers, plan.forecast.layer_cycles, strict=True):
        rows.append([layer.name, each.engine.value, lane_count(geometry.lanes, geometry.places),
                     parallel_count(each.parallel, each.units), f"{geometry.folds}",
                     *_used(chip, cost),
                     f"{cycles:,.1f}"])
    rows.append(["all", "", "", "", "", *_used(chip, plan.forecast.cost), ""])
    rows.append(["of", "", "", "", "", *(f"{capacity:,}" for _, _, capacity, _ in resources), ""])
    rows.append(["share", "", "", "", "", *(percent(used / capacity) if capacity else "-"
                                        for _, used, capacity, _ in resources), ""])
    return rows


def _alternative_rows(plan: Plan, chip: Chip) -> list[list[str]]:
    words = [words for words, *_ in chip.resources(plan.alternatives[0].forecast.cost)]
    rows = [["lanes", "parallel", *words, "cycles/inf.", "inferences/s", ""]]
    for each in plan.alternatives:
        rows.append([*_layout(each.schedule),
                     *_used(chip, each.forecast.cost), f"{each.forecast.cycles:,.1f}",
                     f"{each.speed:,.0f}", _verdict(plan, each)])
    return rows


def _verdict(plan: Plan, alternative: Alternative) -> str:
    if alternative.schedule == plan.schedule:
        return "chosen"
    if not alternative.excess:
        return "fits"
    return "too many " + " and ".join(excess.words for excess in alternative.excess)
