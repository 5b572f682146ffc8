"""Where a study's networks and samples come from, and the hashes of what is in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsnn_hw import pipeline
from bsnn_hw.emission.inventory import digest as file_digest
from bsnn_hw.errors import InputError
from bsnn_hw.exploration.axes import Choice
from bsnn_hw.exploration.points import Point, digest
from bsnn_hw.exploration.study import recipe_of
from bsnn_hw.exploration.work import array_digest
from bsnn_hw.nn.data import load as load_data
from bsnn_hw.nn.recipe import default_recipe

__all__ = ["Source", "Sources"]


@dataclass(frozen=True)
class Source:
    """What a network is made of.

    hashes : of the model file, where there is one, and of all samples
    reads : where they are: ``model``, ``data``, ``data_dir``; None for what is not given
    """

    hashes: dict[str, str]
    reads: dict[str, Any]


class Sources:
    """Sources by network and plan file, each looked at once; paths are from the study's folder."""

    def __init__(self, folder: Path):
        self._folder = folder.resolve()
        self._known: dict[str, Source] = {}

    def of(self, network: Choice) -> Source:
        """The network's source.

        Raises
        ------
        InputError
            A file or data set of it cannot be read.
        """
        key = digest(network)
        if key not in self._known:
            self._known[key] = (self._trained if "dataset" in network else self._given)(network)
        return self._known[key]

    def plan_file(self, point: Point) -> Path | None:
        """The file of the point's plan, None where it has none.

        Raises
        ------
        InputError
            It is not there.
        """
        if "file" not in point.plan:
            return None
        path = self._folder / point.plan["file"]
        if not path.is_file():
            raise InputError(f"plan: file must be there, {path} is not")
        return path

    def _given(self, network: Choice) -> Source:
        path, data = self._folder / network["model"], network.get("data")
        if data is not None and Path(data).suffix == ".npz":
            data = str(self._folder / data)
        reads = {"model": path, "data": data, "data_dir": self._data_dir(network)}
        model = pipeline.load(path)
        samples = pipeline.samples_of(model, data=data, data_dir=reads["data_dir"])
        labels = [] if samples.labels is None else [array_digest(samples.labels)]
        arrays = [array_digest(samples.calibration), array_digest(samples.test), *labels]
        return Source({"model": file_digest(path), "data": digest(arrays)}, reads)

    def _trained(self, network: Choice) -> Source:
        recipe = default_recipe(**recipe_of(network))
        folder = self._data_dir(network)
        data = load_data(recipe.dataset, folder, recipe.bits)
        arrays = [array_digest(each) for each in (data.train_x, data.train_y, data.test_x,
                                                  data.test_y)]
        return Source({"data": digest(arrays)},
                      {"model": None, "data": recipe.dataset, "data_dir": folder})

    def _data_dir(self, network: Choice) -> Path | None:
        return self._folder / network["data_dir"] if "data_dir" in network else None
