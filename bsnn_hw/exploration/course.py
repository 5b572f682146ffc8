"""What happens to a point, from its network to its row: the steps in order, as a generator.

It yields a step, and is sent what the step gave.  A step names what it depends on by what is in its
inputs, not by the steps that made them: two plans with the same lanes share one circuit.
"""

from __future__ import annotations

from collections.abc import Generator
from pathlib import Path
from typing import Any

from bsnn_hw.emission.inventory import digest as file_digest
from bsnn_hw.exploration.points import Point, digest
from bsnn_hw.exploration.sources import Source, Sources
from bsnn_hw.exploration.steps import Done, Step, router_version
from bsnn_hw.exploration.study import Study, recipe_of

__all__ = ["Course", "course", "point_key"]

Course = Generator[Step, Done, dict[str, Any]]


def point_key(study: Study, point: Point, sources: Sources, code: str) -> str:
    """Hash of everything that the point's row depends on.

    Raises
    ------
    InputError
        A file of it cannot be read.
    """
    plan = sources.plan_file(point)
    measure = study.measure
    return digest([point.choices, sources.of(point.network).hashes, plan and file_digest(plan),
                   [measure.samples, measure.vectors, measure.verify, measure.synth,
                    measure.clock], study.port.value,
                   router_version(point.part) if measure.synth else None, code])


def course(study: Study, point: Point, sources: Sources, cache: Path, code: str) -> Course:
    """The point's steps; returns the columns of its row that were measured."""
    source, measure, port = sources.of(point.network), study.measure, study.port.value
    model, hashes = source.reads["model"], source.hashes
    if point.trained:
        step = _train(point, source, code)
        made = yield step
        model = step.folder(cache) / "model.pt"
        hashes = {**hashes, "model": made.facts["model"]}
    step = Step("lower", {**hashes, "precision": point.precision, "samples": measure.samples},
                {**source.reads, "model": model}, code)
    lowered = (yield step).facts
    numbers = {"network": lowered["network"], "calibration": lowered["calibration"]}
    reads: dict[str, Any] = {"lowered": step.folder(cache)}
    step = _plan(point, sources, {**numbers, "port": port}, reads, code)
    planned = (yield step).facts
    row = {"accuracy": lowered["accuracy"], "fits": not planned["excess"], "measured": "forecast",
           "lanes": _joined(planned["lanes"]), "parallel": _joined(planned["parallel"]),
           "engines": _joined(planned["engines"]),
           **{key: planned[key] for key in ("cells", "registers", "blocks", "multipliers",
                                            "cycles", "clock", "energy")}}
    if measure.verify or measure.synth:
        step = Step("emit", {"network": lowered["network"], "test": lowered["test"],
                             "schedule": planned["schedule"], "vectors": measure.vectors,
                             "port": port}, {**reads, "plan": step.folder(cache)}, code)
        bundle = {"bundle": (yield step).facts["bundle"]}
        at = {"bundle": step.folder(cache) / "bundle"}
        if measure.verify:
            verified = (yield Step("verify", bundle, at, code)).facts
            row |= {"exact": verified["inferences"], "cycles": verified["cycles"],
                    "measured": "simulated"}
        if measure.synth:
            asked = {"part": point.part, "seed": point.seed, "clock": measure.clock,
                     "router": router_version(point.part)}
            row |= (yield Step("synth", {**bundle, **asked}, at, code)).facts
            row["measured"] = "placed"
    return {**row, "rate": row["clock"] * 1e6 / row["cycles"]}


def _train(point: Point, source: Source, code: str) -> Step:
    recipe = {**recipe_of(point.network), "seed": point.seed}
    name = point.network.get("name", point.network["dataset"])
    return Step("train", {**source.hashes, "recipe": recipe, "name": name},
                {"data_dir": source.reads["data_dir"]}, code)


def _plan(point: Point, sources: Sources, options: dict[str, Any], reads: dict[str, Any],
          code: str) -> Step:
    path = sources.plan_file(point)
    plan = {**point.plan, **({"file": file_digest(path)} if path else {})}
    return Step("plan", {**options, "plan": plan, "part": point.part}, {**reads, "file": path},
                code)


def _joined(values: list[Any]) -> str:
    return ",".join(map(str, values))
