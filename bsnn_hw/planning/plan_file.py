"""A plan as a small TOML file: read and checked against a network, and written."""

from __future__ import annotations

import json
import math
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Network
from bsnn_hw.ir.schedule import BLOCK_ROWS, Engine, Rows, Schedule, Store, Stores
from bsnn_hw.layout.build import build_layout
from bsnn_hw.planning.goal import Goal, parse_goal
from bsnn_hw.planning.schedule import make_schedule
from bsnn_hw.text import is_integer, listed, shown

__all__ = ["PlanFile", "plan_toml", "read_plan"]

KEYS = ("target", "goal", "clock", "block_rows", "constant_rows", "layers")
COUNTS = ("lanes", "parallel")
LAYER_KEYS = (*COUNTS, "engine", "places", "units", "block_ram", "pipelined")
MOST_CHARACTERS = 1 << 18  # of a file
MOST_PARTS = 100  # of a key, a.b.c
ENGINES = {engine.value: engine for engine in Engine}
STORES = {store.value: store for store in Store}


@dataclass(frozen=True)
class PlanFile:
    """What a file says; None, or empty, where it says nothing.

    layers : name -> {"lanes": int, "parallel": int, "engine": str, "places": int, "units": int,
        "block_ram": list of str, "pipelined": bool}, as the file has them; checked by ``schedule``
    clock : MHz
    rows : from which on memories are in block RAM, of layers that do not name them
    """

    path: Path
    target: str | None = None
    goal: Goal | None = None
    clock: float | None = None
    rows: Rows | None = None
    layers: dict[str, dict[str, Any]] = field(default_factory=dict)

    def schedule(self, network: Network, pipelined: bool = False) -> Schedule:
        """The schedule of the file's layers.

        pipelined : of layers of which the file does not say it

        Raises
        ------
        InputError
            The file does not match the network; all problems are named, with the layer.
        """
        problems = list(self._problems(network))
        if problems:
            raise InputError("\n".join(problems))
        counts = [self.layers[layer.name] for layer in network.layers]
        try:
            schedule = make_schedule(network, [each["lanes"] for each in counts],
                                     [each["parallel"] for each in counts],
                                     [ENGINES[each.get("engine", "events")] for each in counts],
                                     [each.get("places", 1) for each in counts],
                                     [each.get("units") for each in counts]).pipelined(
                                         *(each.get("pipelined", pipelined) for each in counts))
        except InputError as error:
            raise InputError("\n".join(f"{self.path}: {line}"
                                       for line in str(error).splitlines())) from None
        if missing := list(self._missing(network, schedule)):
            raise InputError("\n".join(missing))
        return schedule

    def _missing(self, network: Network, schedule: Schedule) -> Iterator[str]:
        """Memories that are named, but that the layer does not have or that are a register."""
        if not any(layer.get("block_ram") for layer in self.layers.values()):
            return
        everything = schedule.placed(Stores(frozenset(Store)))
        for layer, block in zip(network.layers, build_layout(network, everything).blocks,
                                strict=True):
            there = [name for name, store in STORES.items() if store in block.in_blocks]
            for name in self.layers[layer.name].get("block_ram", []):
                if name not in there:
                    yield (f"{self.path}: layer '{layer.name}': block_ram must name memories of "
                           f"this layer with two rows or more, {', '.join(there) or 'none here'}, "
                           f"not {name}")

    def memories(self, network: Network) -> list[Rows | Stores | None]:
        """Per layer of a file that has a schedule what lies in block RAM, None where the file does
        not say."""
        named = [self.layers[layer.name].get("block_ram") for layer in network.layers]
        return [self.rows if each is None else Stores(frozenset(STORES[name] for name in each))
                for each in named]

    def _problems(self, network: Network) -> Iterator[str]:
        names = [layer.name for layer in network.layers]
        for name in self.layers:
            if name not in names:
                yield (f"{self.path}: layer {shown(name)}: must be one of the network's, "
                       f"{listed(names)}")
        for name in names:
            if name not in self.layers:
                yield f"{self.path}: layer '{name}': must be there, [layers.{name}] is missing"
                continue
            given = self.layers[name]
            if not isinstance(given, dict):
                yield f"{self.path}: layer '{name}': must be a table of lanes and parallel"
                continue
            for key in given:
                if key not in LAYER_KEYS:
                    yield (f"{self.path}: layer '{name}': must have {', '.join(LAYER_KEYS)} and "
                           f"nothing else, not {shown(key)}")
            stores = given.get("block_ram", [])
            if not isinstance(stores, list) or not all(
                    isinstance(each, str) and each in STORES for each in stores):
                yield (f"{self.path}: layer '{name}': block_ram must be a list of "
                       f"{', '.join(STORES)}, not {shown(stores)}")
            engine = given.get("engine", "events")
            if not isinstance(engine, str) or engine not in ENGINES:
                yield (f"{self.path}: layer '{name}': engine must be {' or '.join(ENGINES)}, "
                       f"not {shown(engine)}")
            for key in ("places", "units"):
                if not is_integer(given.get(key, 1)):
                    yield (f"{self.path}: layer '{name}': {key} must be a whole number, "
                           f"not {shown(given[key])}")
            if not isinstance(given.get("pipelined", False), bool):
                yield (f"{self.path}: layer '{name}': pipelined must be true or false, "
                       f"not {shown(given['pipelined'])}")
            for key in COUNTS:
                if not is_integer(given.get(key)):
                    yield (f"{self.path}: layer '{name}': {key} must be a whole number, "
                           f"not {shown(given.get(key))}" if key in given else
                           f"{self.path}: layer '{name}': {key} must be given")


def read_plan(path: Path) -> PlanFile:
    """The plan in ``path``.

    Raises
    ------
    InputError
        It is no TOML file, or says something that a plan does not.
    """
    try:
        text = path.read_text(encoding="utf-8")
        _check_size(text)
        facts = tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path}: must be a plan file, {error.strerror}") from None
    # Beside its own errors tomllib raises those of Python's numbers, dates and depth.
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: must be TOML, {error}") from None
    unknown = [key for key in facts if key not in KEYS]
    if unknown:
        raise InputError(f"{path}: must have {', '.join(KEYS)} and nothing else, "
                         f"not {listed(unknown)}")
    for key in ("target", "goal"):
        if key in facts and not isinstance(facts[key], str):
            raise InputError(f"{path}: {key} must be a string, not {shown(facts[key])}")
    layers = facts.get("layers", {})
    if not isinstance(layers, dict):
        raise InputError(f"{path}: layers must be tables [layers.NAME], not {shown(layers)}")
    goal = facts.get("goal")
    return PlanFile(path, facts.get("target"), goal and parse_goal(goal, f"{path}: goal"),
                    _clock(path, facts.get("clock")), _rows(path, facts), layers)


def _check_size(text: str) -> None:
    """Refuse what would take tomllib long: its time grows with the square of a key's parts."""
    if len(text) > MOST_CHARACTERS:
        raise ValueError(f"of at most {MOST_CHARACTERS} characters, not {len(text)}")
    if any(line.count(".") > MOST_PARTS for line in text.splitlines()
           if not line.lstrip().startswith("#")):
        raise ValueError(f"with keys of at most {MOST_PARTS} parts")


def _clock(path: Path, given: Any) -> float | None:
    if given is None:
        return None
    if not (is_integer(given) or isinstance(given, float)) or not 0 < given < math.inf:
        raise InputError(f"{path}: clock must be MHz above 0, not {shown(given)}")
    return float(given)


def _rows(path: Path, facts: dict[str, Any]) -> Rows | None:
    given = {key: facts[key] for key in ("block_rows", "constant_rows") if key in facts}
    for key, count in given.items():
        if not is_integer(count) or count < 2:
            raise InputError(f"{path}: {key} must be a whole number of 2 or more, not "
                             f"{shown(count)}")
    return Rows(given.get("block_rows", BLOCK_ROWS),
                given.get("constant_rows", BLOCK_ROWS)) if given else None


def plan_toml(network: Network, schedule: Schedule, *, target: str | None = None,
              goal: Goal | None = None, clock: float | None = None,
              notes: tuple[str, ...] = ()) -> str:
    """The plan as text that ``read_plan`` reads again.

    notes : of one line each, that go in as comments
    """
    lines = [f"# {note}" for note in notes]
    lines += [f'{key} = "{value}"' for key, value in (("target", target), ("goal", goal))
              if value is not None]
    lines += [f"clock = {clock:g}  # MHz"] if clock is not None else []
    blocks = build_layout(network, schedule).blocks
    for layer, plan, block in zip(network.layers, schedule.layers, blocks, strict=True):
        stores = sorted(store.value for store in block.in_blocks)
        lines += ["", f"[layers.{_key(layer.name)}]", f"lanes = {plan.lanes}",
                  f"parallel = {plan.parallel}"]
        lines += [f'engine = "{plan.engine.value}"'] if plan.engine is not Engine.EVENTS else []
        lines += [f"places = {plan.places}"] if plan.places > 1 else []
        lines += [f"units = {plan.units}"] if plan.units is not None else []
        lines += [f"block_ram = {json.dumps(stores)}",
                  f"pipelined = {json.dumps(plan.pipelined)}"]
    return "\n".join(lines).lstrip("\n") + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else json.dumps(name)
