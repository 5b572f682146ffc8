"""What integers make of the classes of the calibration samples, and what keeping them costs."""

from __future__ import annotations

from collections.abc import Iterator

from bsnn_hw.devices.chips import Chip, find_chip
from bsnn_hw.devices.families import Cost
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Network
from bsnn_hw.lowering.lower import Kept
from bsnn_hw.pipeline import Built
from bsnn_hw.planning.forecast import LayerCosts
from bsnn_hw.text import percent

__all__ = ["class_lines"]

LARGEST = "ecp5-85k"  # counts where no part was named


def class_lines(built: Built) -> Iterator[str]:
    """The share of changed classes; where the tolerance was made smaller for it, the price; where
    it is still too large, a note."""
    lowered, most = built.planned.lowered, built.request.precision.classes
    if not lowered.tried:
        return
    first, kept = lowered.tried[0], lowered.tried[-1]
    yield (f"classes   integers change {percent(kept.changed)} of the classes of {kept.samples:,} "
           f"calibration samples, at a tolerance of {100 * kept.tolerance:g} % of a layer's spikes")
    if kept is not first:
        yield (f"note      {100 * first.tolerance:g} % of a layer's spikes changed "
               f"{percent(first.changed)} of the classes; keeping them takes "
               f"{_price(built, first)}")
    if kept.changed > most:
        yield (f"note      that is more than {percent(most)} of the classes; more fraction bits "
               "and leak bits keep more")


def _price(built: Built, first: Kept) -> str:
    """Bits of the potentials and cells more than those of the network of ``first``."""
    network, schedule = built.design.network, built.design.schedule
    chip = built.planned.plan.chip or find_chip(LARGEST)

    def cells(other: Network) -> float:
        return sum(LayerCosts(other, chip.family).of(schedule), Cost()).cells

    return (f"potentials of {_widths(network)} bits instead of {_widths(first.network)}, about "
            f"{round(cells(network) - cells(first.network)):,} {_unit(chip)} more")


def _widths(network: Network) -> str:
    return "/".join(str(bounds.charged.width) for bounds in network_bounds(network)[0])


def _unit(chip: Chip) -> str:
    return chip.words(chip.family.logic)
