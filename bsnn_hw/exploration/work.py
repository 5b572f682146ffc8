"""What each step does: a stage of the pipeline from files to files, and facts about what it made.

A step reads what its options and its files say, and writes into its own folder.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from bsnn_hw import pipeline
from bsnn_hw.devices.chips import find_chip
from bsnn_hw.devices.targets import find_target
from bsnn_hw.emission.inventory import digest as file_digest
from bsnn_hw.errors import ToolError
from bsnn_hw.exploration.steps import router_version
from bsnn_hw.exploration.study import recipe_of
from bsnn_hw.ir import store
from bsnn_hw.ir.schedule import Engine, Port
from bsnn_hw.lowering.lower import Lowered, PrecisionRequest
from bsnn_hw.nn.data import load as load_data
from bsnn_hw.nn.export import save_trained
from bsnn_hw.nn.recipe import default_recipe
from bsnn_hw.nn.training import Trainer
from bsnn_hw.planning.activity import measure_activity
from bsnn_hw.planning.plan_file import plan_toml
from bsnn_hw.reference.network import run
from bsnn_hw.reporting.activity import count
from bsnn_hw.samples import affordable
from bsnn_hw.scratch import scratch_folder
from bsnn_hw.synthesis.flow import Request, measure
from bsnn_hw.synthesis.report import text

__all__ = ["WORK", "array_digest"]

Options = Mapping[str, Any]
Reads = Mapping[str, Any]
Facts = dict[str, Any]


def array_digest(array: np.ndarray) -> str:
    """sha256 of an array's values, type and shape."""
    found = hashlib.sha256(f"{array.dtype} {array.shape}".encode())
    found.update(np.ascontiguousarray(array).data)
    return found.hexdigest()


def train(options: Options, reads: Reads, folder: Path) -> Facts:
    """A recipe to model.pt."""
    recipe = default_recipe(**recipe_of(options["recipe"]))
    trainer = Trainer(recipe, load_data(recipe.dataset, reads["data_dir"], recipe.bits))
    while not trainer.finished:
        trainer.run_epoch()
    accuracy = trainer.test()["accuracy"]
    save_trained(folder / "model.pt", trainer, accuracy, options["name"])
    return {"model": file_digest(folder / "model.pt"), "accuracy": accuracy}


def lower(options: Options, reads: Reads, folder: Path) -> Facts:
    """A model to network.json, with the samples that later steps take, and its accuracy."""
    torch.set_num_threads(1)
    model = pipeline.load(reads["model"])
    samples = pipeline.samples_of(model, data=reads["data"], data_dir=reads["data_dir"])
    lowered = pipeline.lower(model, samples, PrecisionRequest(**options["precision"]))
    network = lowered.network
    kept = affordable(network, options["samples"])
    test = samples.test[:kept]
    classes = run(network, test, potentials=False).classes
    assert lowered.calibration is not None
    store.save(folder / "network.json", network)
    np.save(folder / "calibration.npy", lowered.calibration)
    np.save(folder / "test.npy", test)
    return {"network": file_digest(folder / "network.json"),
            "calibration": array_digest(lowered.calibration), "test": array_digest(test),
            "samples": len(test), "source": samples.source,
            "accuracy": None if samples.labels is None else
            float((classes == samples.labels[:kept]).mean()),
            "fraction_bits": [each.fraction_bits for each in lowered.precision]}


def _lowered(folder: Path) -> Lowered:
    """What `lower` left in its folder, as far as later stages need it."""
    return Lowered(store.read(folder / "network.json"), (),
                   calibration=np.load(folder / "calibration.npy"))


def plan(options: Options, reads: Reads, folder: Path) -> Facts:
    """A network to a schedule for a part, and its forecast."""
    torch.set_num_threads(1)
    lowered, port = _lowered(reads["lowered"]), Port(options["port"])
    given = dict(options["plan"])
    if "engine" in given:
        given["engine"] = [None if name == "auto" else Engine(name)
                           for name in given["engine"].split(",")]
    if "file" in given:
        given |= {"plan": reads["file"]}
        del given["file"]
    found = pipeline.plan(lowered, port=port, target=options["part"], **given)
    bare = plan_toml(lowered.network, found.schedule)
    (folder / "schedule.toml").write_text(bare, encoding="utf-8")
    assert found.forecast is not None and found.clock is not None
    cost = found.forecast.cost
    return {"schedule": hashlib.sha256(bare.encode()).hexdigest(),
            "lanes": [layer.lanes for layer in found.schedule.layers],
            "parallel": [layer.parallel for layer in found.schedule.layers],
            "engines": [layer.engine.value for layer in found.schedule.layers],
            "cells": round(cost.cells), "registers": round(cost.registers),
            "blocks": cost.blocks, "multipliers": cost.multipliers,
            "cycles": found.forecast.cycles, "clock": found.clock,
            "excess": " and ".join(map(str, found.excess)),
            "energy": _energy(lowered, pipeline.layout(lowered, found, port=port))}


def _energy(lowered: Lowered, layout: Any) -> float:
    """nJ per inference, the estimate of docs/report.md."""
    assert lowered.calibration is not None
    trace = run(lowered.network, lowered.calibration, potentials=False)
    activity = measure_activity(lowered.network, lowered.calibration, trace, layout.port)
    return sum(each.energy for each in count(layout, activity)) / 1e3


def emit(options: Options, reads: Reads, folder: Path) -> Facts:
    """A network and its schedule to a bundle."""
    torch.set_num_threads(1)
    lowered, port = _lowered(reads["lowered"]), Port(options["port"])
    found = pipeline.plan(lowered, port=port, plan=reads["plan"] / "schedule.toml")
    test = np.load(reads["lowered"] / "test.npy")
    pipeline.emit(lowered, found, folder / "bundle", test, vectors=options["vectors"], port=port)
    return {"bundle": file_digest(folder / "bundle" / "manifest.json")}


def verify(options: Options, reads: Reads, folder: Path) -> Facts:
    """A bundle's vectors through its RTL: every spike, membrane potential and score."""
    torch.set_num_threads(1)
    outcome = pipeline.verify(reads["bundle"])
    return {"inferences": outcome.inferences, "cycles": outcome.cycles}


def synth(options: Options, reads: Reads, folder: Path) -> Facts:
    """A bundle to figures of a part, placed with one seed."""
    torch.set_num_threads(1)
    target = find_target(options["part"])
    if options["router"] not in (None, own := router_version(options["part"])):
        raise ToolError(f"worker: must have {target.router.package} {options['router']} as where "
                        f"the study was started, not {own or 'none'}; install it there")
    with scratch_folder() as scratch:
        bundle = Path(shutil.copytree(reads["bundle"], scratch / "bundle"))
        figures = measure(Request(bundle, target, (options["seed"],), options["clock"]))
    (folder / "figures.txt").write_text(text(figures) + "\n", encoding="utf-8")
    family = find_chip(target.name).family
    used: dict[str | None, int] = {resource.bel: figures.used(resource)
                                   for resource in target.resources}
    kinds = {"cells": family.logic, "registers": family.registers, "blocks": family.blocks,
             "multipliers": family.multipliers}
    return {**{kind: used.get(bel, 0) for kind, bel in kinds.items()},
            "cycles": figures.cycles, "clock": figures.best.megahertz}


WORK: dict[str, Callable[[Options, Reads, Path], Facts]] = {
    "train": train, "lower": lower, "plan": plan, "emit": emit, "verify": verify, "synth": synth}
