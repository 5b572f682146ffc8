"""study.toml: the points to choose from, and what is measured of each (docs/explore.md)."""

from __future__ import annotations

import dataclasses
import math
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.devices.chips import CHIPS
from bsnn_hw.errors import InputError
from bsnn_hw.exploration.axes import Axis, Choice, Rule, Table, every, read_table
from bsnn_hw.ir.schedule import Engine, Port
from bsnn_hw.nn.data import DATASETS
from bsnn_hw.nn.recipe import Recipe, default_recipe
from bsnn_hw.planning.goal import parse_goal
from bsnn_hw.text import is_integer, listed, shown

__all__ = ["OBJECTIVES", "Measure", "Optuna", "Study", "read_study", "recipe_of"]

OBJECTIVES = {"accuracy": "max", "cells": "min", "cycles": "min", "clock": "max", "energy": "min",
              "rate": "max", "blocks": "min", "multipliers": "min"}
USUAL = ("accuracy", "cells", "cycles", "clock", "energy")
MOST_CHARACTERS = 1 << 18  # of a file
MOST_BITS = 12


@dataclass(frozen=True)
class Measure:
    """What is measured of a point beside the forecast.

    samples : test samples at most that accuracy is measured on
    vectors : inferences through the RTL, each exact
    verify : whether the RTL is generated and verified; synth : whether it is placed, too
    clock : MHz that nextpnr aims at, or None
    """

    samples: int = 512
    vectors: int = 8
    verify: bool = True
    synth: bool = False
    clock: float | None = None


@dataclass(frozen=True)
class Optuna:
    """Points chosen by Optuna's TPE: how many, and its seed."""

    trials: int
    seed: int = 0


@dataclass(frozen=True)
class Study:
    """Everything that study.toml says.

    networks : tables of `model` files or of recipes to train
    parts : names of targets; seeds : of training and of nextpnr
    optuna : None for every point of the grid
    objectives : columns that the front is of
    """

    path: Path
    networks: Axis
    precisions: Axis = (Table({}),)
    plans: Axis = (Table({}),)
    parts: tuple[str, ...] = ("ecp5-85k",)
    seeds: tuple[int, ...] = (0,)
    port: Port = Port.EVENTS
    measure: Measure = Measure()
    optuna: Optuna | None = None
    objectives: tuple[str, ...] = USUAL


def _whole(least: int, most: int | None = None) -> Rule:
    limits = f"{least} or more" if most is None else f"{least}..{most}"
    return Rule(f"a whole number, {limits}",
                lambda value: is_integer(value) and least <= value and not (
                    most is not None and value > most))


def _number(words: str, low: float, high: float) -> Rule:
    return Rule(words, lambda value: (is_integer(value) or isinstance(value, float))
                and low <= value <= high and math.isfinite(value))


def _one_of(names: Iterable[str]) -> Rule:
    known = list(names)
    return Rule(f"one of {', '.join(known)}", lambda value: value in known)


def _counts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(
        is_integer(each) and each >= 1 for each in value)


def _is_goal(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(parse_goal(value))
    except InputError:
        return False


def _is_engines(value: Any) -> bool:
    names = {"auto", *(engine.value for engine in Engine)}
    return isinstance(value, str) and set(value.split(",")) <= names


TEXT = Rule("a string", lambda value: isinstance(value, str) and bool(value))
BOOL = Rule("true or false", lambda value: isinstance(value, bool))
COUNTS = Rule("a list of whole numbers of 1 or more", _counts)
SHARE = _number("a share from 0 to 1", 0, 1)
CLOCK = _number("MHz above 0", 1e-9, math.inf)
PRECISION = {"fraction_bits": _whole(0, MOST_BITS), "leak_bits": _whole(0, MOST_BITS),
             "tolerance": SHARE, "classes": SHARE}
PLAN = {"goal": Rule("smallest, fastest or fps=N", _is_goal), "clock": CLOCK, "lanes": COUNTS,
        "parallel": COUNTS, "file": TEXT,
        "engine": Rule(", ".join(engine.value for engine in Engine)
                       + " or auto, of all layers or of each, separated by commas", _is_engines)}
MODEL = {"name": TEXT, "model": TEXT, "data": TEXT, "data_dir": TEXT}
MEASURE = {"samples": _whole(1), "vectors": _whole(1), "verify": BOOL, "synth": BOOL,
           "clock": CLOCK}
OPTUNA = {"trials": _whole(1), "seed": _whole(0)}
_KINDS = {"int": _whole(0), "float": _number("a number", -math.inf, math.inf), "bool": BOOL,
          "str": TEXT, "tuple[int, ...]": COUNTS}
RECIPE = {"name": TEXT, "data_dir": TEXT,
          **{field.name: _KINDS[str(field.type)] for field in dataclasses.fields(Recipe)
             if field.name not in ("seed", "kernels")},  # an axis of its own; pairs are no value
          "dataset": _one_of(DATASETS),
          "weights": _one_of(("binary", "int8-ends"))}  # no circuit holds real ones
KEYS = ("network", "precision", "plan", "parts", "seeds", "port", "measure", "optuna",
        "objectives")


def read_study(path: Path) -> Study:
    """The study in ``path``.

    Raises
    ------
    InputError
        It is no TOML file, or says something that a study does not; names the first such thing.
    """
    facts = _facts(path)
    for key in facts:
        if key not in KEYS:
            raise InputError(f"{path}: must have {', '.join(KEYS)} and nothing else, not "
                             f"{listed([key])}")
    if "network" not in facts:
        raise InputError(f"{path}: must have a table [[network]] at least; name a model file in "
                         "it, or a data set to train on")
    given: dict[str, Any] = {
        "networks": _axis(path, "network", facts["network"], None),
        "measure": Measure(**_single(path, "measure", facts, MEASURE)),
        "objectives": _list(path, "objectives", facts, USUAL, _one_of(OBJECTIVES)),
        "seeds": _list(path, "seeds", facts, (0,), _whole(0, 2**31 - 1)),
        "parts": _list(path, "parts", facts, Study.parts, _one_of(chip.name for chip in CHIPS)),
    }
    for key, rules in (("precision", PRECISION), ("plan", PLAN)):
        if key in facts:
            given[f"{key}s"] = _axis(path, key, facts[key], rules)
    if "optuna" in facts:
        table = _single(path, "optuna", facts, OPTUNA)
        if "trials" not in table:
            raise InputError(f"{path}: [optuna]: trials must be given, how many points to choose")
        given["optuna"] = Optuna(**table)
    return Study(path, port=_port(path, facts), **given)


def _facts(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        if len(text) > MOST_CHARACTERS:
            raise ValueError(f"of at most {MOST_CHARACTERS} characters, not {len(text)}")
        return tomllib.loads(text)
    except OSError as error:
        raise InputError(f"{path}: must be a study in TOML, {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: must be TOML, {error}") from None


def _axis(path: Path, name: str, given: Any, rules: Mapping[str, Rule] | None) -> Axis:
    """Tables [[name]]; networks have rules by their kind."""
    if not isinstance(given, list) or not given:
        raise InputError(f"{path}: {name} must be tables [[{name}]], not {shown(given)}")
    tables = []
    for number, each in enumerate(given, 1):
        where = f"{path}: [[{name}]] {number}"
        own = rules or (RECIPE if isinstance(each, dict) and "dataset" in each else MODEL)
        tables.append(read_table(where, each, own))
        if rules is None:
            _check_network(where, tables[-1])
    return tuple(tables)


def _check_network(where: str, table: Table) -> None:
    if not {"model", "dataset"} & table.values.keys():
        raise InputError(f"{where}: must have model, a model file, or dataset, to train on")
    for choice in every((table,)) if "dataset" in table.values else ():
        try:
            default_recipe(**recipe_of(choice))
        except InputError as error:
            raise InputError(f"{where}: {str(error).splitlines()[0]}") from None


def recipe_of(choice: Choice) -> dict[str, Any]:
    """What a table of a recipe says of the recipe itself."""
    fields = {key: value for key, value in choice.items() if key not in ("name", "data_dir")}
    return fields | ({"hidden": tuple(fields["hidden"])} if "hidden" in fields else {})


def _single(path: Path, name: str, facts: Mapping[str, Any],
            rules: Mapping[str, Rule]) -> dict[str, Any]:
    """Table [name], each key with one value."""
    where = f"{path}: [{name}]"
    values = read_table(where, facts.get(name, {}), rules).values
    for key, several in values.items():
        if len(several) > 1:
            raise InputError(f"{where}: {key} must be {rules[key].words}, and one, not "
                             f"{len(several)}")
    return {key: value for key, (value,) in values.items()}


def _list(path: Path, name: str, facts: Mapping[str, Any], usual: tuple[Any, ...],
          rule: Rule) -> tuple[Any, ...]:
    given = facts.get(name, list(usual))
    if not isinstance(given, list) or not given:
        raise InputError(f"{path}: {name} must be a list with a value at least, not "
                         f"{shown(given)}")
    for value in given:
        if not rule.holds(value):
            raise InputError(f"{path}: {name} must each be {rule.words}, not {shown(value)}")
    return tuple(dict.fromkeys(given))


def _port(path: Path, facts: Mapping[str, Any]) -> Port:
    given = facts.get("port", Port.EVENTS.value)
    names = [port.value for port in Port]
    if given not in names:
        raise InputError(f"{path}: port must be {' or '.join(names)}, not {shown(given)}")
    return Port(given)
