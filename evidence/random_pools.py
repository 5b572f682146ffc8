"""Random models of maps, some of whose layers pool currents before their neurons."""

from __future__ import annotations

from typing import Any

from evidence.random_map_models import Draw, Map, random_map_document

__all__ = ["random_pools"]

SHARE = 0.6  # of convolutions whose currents are pooled, where their map has more than a place


class _PoolingDraw(Draw):
    """Convolutions whose currents are pooled, by windows of any kind that fit."""

    def _synapse(self, shape: Map, largest: float) -> tuple[dict[str, Any], Map]:
        synapse, target = super()._synapse(shape, largest)
        if synapse["type"] != "conv2d" or self._rng.random() > SHARE:
            return synapse, target
        kind = str(self._rng.choice(["max", "max", "avg", "sum"]))
        size = [int(self._rng.integers(1, min(side, 3) + 1)) for side in target[1:]]
        stride = size if kind == "max" else [int(self._rng.integers(1, 4)) for _ in size]
        synapse["current_pool"] = {"kind": kind, "size": size, "stride": stride}
        down, right = ((side - across) // step + 1
                       for side, across, step in zip(target[1:], size, stride, strict=True))
        return synapse, (target[0], down, right)


def random_pools(seed: int) -> dict[str, Any]:
    """The model file's dictionary of ``seed``."""
    document = random_map_document(seed, _PoolingDraw)
    # What joins currents cannot have the largest of a window, and averages them.
    joined = {layer["name"] for layer in document["layers"] if layer.get("shortcuts")}
    joined |= {each["from"] for layer in document["layers"] for each in layer.get("shortcuts") or ()
               if each["kind"] == "current"}
    for layer in document["layers"]:
        pool = layer.get("current_pool")
        if pool and pool["kind"] == "max" and layer["name"] in joined:
            pool["kind"] = "avg"
    return document
