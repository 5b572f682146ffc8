"""What plans are made for: a part's capacity, and the clock that designs like these reach there.

Parts and their resources are rows of ``devices/targets.py``; a part of a family in
``families.py`` can be planned for without a further row.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from bsnn_hw.devices.families import FAMILIES, Cost, Family
from bsnn_hw.devices.targets import TARGETS, Target, find_target
from bsnn_hw.errors import InputError

__all__ = ["CHIPS", "FILL", "NOMINAL", "Chip", "Excess", "find_chip", "nominal_chip"]

# Of the logic and the flip-flops, how much a plan may take: the forecast is that good, and the
# router needs some room.
FILL = 0.9
NOMINAL_CELLS = 12_000  # and flip-flops


@dataclass(frozen=True)
class Excess:
    """A resource that a plan needs more of than there is: ``needed`` of ``there``."""

    words: str
    needed: int
    there: int

    def __str__(self) -> str:
        return (f"{self.needed:,} {self.words}, {self.needed - self.there:,} more than "
                f"{self.there:,}")


@dataclass(frozen=True)
class Chip:
    """A part to plan for."""

    target: Target
    family: Family

    @property
    def name(self) -> str:
        """What `target` calls it."""
        return self.target.name

    @property
    def clock(self) -> float:
        """MHz that plans count on at most, where none are asked for."""
        return self.family.clocks.get(self.name, self.family.clock)

    def likely_clock(self, cost: Cost, pipelined: bool = True) -> float:
        """MHz that a design of this size is likely to reach, whole ones.

        pipelined : bool, every layer is, where the family's plans are
        """
        family = self.family
        period = family.periods.get(self.name, family.period)
        return round(1e3 / (period if pipelined else family.plain or period).of(cost))

    def counted_clock(self, cost: Cost, pipelined: bool = True) -> float:
        """MHz that a plan of this size counts on: no more than are typical here, nor than it is
        likely to reach."""
        return min(self.clock, self.likely_clock(cost, pipelined))

    def capacity(self, bel: str | None) -> int:
        """How many of nextpnr's ``bel`` there are; 0 if none."""
        return sum(resource.capacity for resource in self.target.resources if resource.bel == bel)

    def words(self, bel: str | None) -> str:
        """What ``bel`` is for people."""
        return next((resource.words for resource in self.target.resources if resource.bel == bel),
                    "multipliers")

    def resources(self, cost: Cost) -> Iterator[tuple[str, float, int, float]]:
        """(words, used, capacity, most that a plan may take) of each resource of the family."""
        family = self.family
        for bel, used, fill in ((family.logic, cost.cells, FILL),
                                (family.registers, cost.registers, FILL),
                                (family.blocks, cost.blocks, 1),
                                (family.multipliers, cost.multipliers, 1)):
            if bel is not None:
                capacity = self.capacity(bel)
                yield self.words(bel), used, capacity, fill * capacity

    def excess(self, cost: Cost) -> list[Excess]:
        """What there is too little of, and by how much."""
        return [Excess(words, round(used), int(most))
                for words, used, _, most in self.resources(cost) if used > most]

    def fill(self, cost: Cost) -> float:
        """The largest share of what a plan may take; above 1 it does not fit."""
        return max(used / max(most, 1) for _, used, _, most in self.resources(cost))


CHIPS = tuple(Chip(target, FAMILIES[target.logic.bel]) for target in TARGETS
              if target.logic.bel in FAMILIES)


def nominal_chip(scale: int = 1) -> Chip:
    """What is planned for where no part is named: of ECP5's kind, with the block RAMs and
    multipliers of a large part for what is a small design there.

    scale : int, so many times the resources, for networks that are larger
    """
    chip = find_chip("ecp5-85k")
    small = (chip.family.logic, chip.family.registers)
    resources = tuple(replace(each, capacity=scale * (
        NOMINAL_CELLS if each.bel in small else each.capacity)) for each in chip.target.resources)
    return replace(chip, target=replace(chip.target, name="nominal", resources=resources))


def find_chip(name: str) -> Chip:
    """The part of that name.

    Raises
    ------
    InputError
        There is none, or none whose cells are known; the message lists those that are.
    """
    target = find_target(name)
    for chip in CHIPS:
        if chip.target == target:
            return chip
    raise InputError(f"`target`: must be one of {', '.join(chip.name for chip in CHIPS)} to plan "
                     f"for, not {name!r}; python -m bsnn_hw.synth takes it")


NOMINAL = nominal_chip()
