"""Points of a study: one choice of everything, and the hash of all that its results depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.exploration.axes import Choice, chosen, every, label
from bsnn_hw.exploration.study import Study

__all__ = ["Point", "digest", "grid", "picked"]


def digest(facts: Any) -> str:
    """sha256 of what JSON can hold; the order of keys does not count."""
    text = json.dumps(facts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Point:
    """One network, precision, plan, part and seed.

    seed : None where nothing is trained and nothing placed
    """

    network: Choice
    precision: Choice
    plan: Choice
    part: str
    seed: int | None

    @property
    def trained(self) -> bool:
        """Whether its network is trained first."""
        return "dataset" in self.network

    @property
    def words(self) -> dict[str, str]:
        """Its choices for people, by column."""
        own = {key: value for key, value in self.network.items()
               if key not in ("name", "model", "data", "data_dir")}
        name = self.network.get("name") or Path(self.network.get("model", "")).stem
        more = label(own) if own else ""
        return {"network": " ".join(filter(None, [name, more])), "precision": label(self.precision),
                "plan": label(self.plan)}

    @property
    def choices(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {"network": self.network, "precision": self.precision, "plan": self.plan,
                "part": self.part, "seed": self.seed}


def grid(study: Study) -> Iterator[Point]:
    """Every point, the part and the seed the fastest."""
    for network in every(study.networks):
        for precision in every(study.precisions):
            for plan in every(study.plans):
                for part in study.parts:
                    for seed in _seeds(study, network):
                        yield Point(network, precision, plan, part, seed)


def picked(study: Study, pick: Callable[[str, int], int]) -> Point:
    """One point; ``pick`` as in `axes.chosen`."""
    def among(question: str, values: tuple[Any, ...]) -> Any:
        return values[pick(question, len(values)) if len(values) > 1 else 0]

    network = chosen("network", study.networks, pick)
    return Point(network, chosen("precision", study.precisions, pick),
                 chosen("plan", study.plans, pick), among("part", study.parts),
                 among("seed", _seeds(study, network)))


def _seeds(study: Study, network: Choice) -> tuple[int | None, ...]:
    """A seed counts where something is drawn with it."""
    return study.seeds if "dataset" in network or study.measure.synth else (None,)
