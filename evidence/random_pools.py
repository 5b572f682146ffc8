"""Random models of maps with every kind of pooling: of currents, of windows that overlap or leave
a rest."""

from __future__ import annotations

from typing import Any

from evidence.random_map_models import Draw, Map, random_map_document

__all__ = ["PoolingDraw", "random_pools"]

SHARE = 0.6  # of convolutions whose currents are pooled, where their map has more than a place


class PoolingDraw(Draw):
    """Convolutions whose currents are pooled, and pooling of spikes, by any windows that fit."""

    SIDES: tuple[int, ...] = (6, 7, 8, 9, 10, 11)

    def _pool(self, shape: Map) -> tuple[dict[str, Any], float, Map]:
        if self._rng.random() < 0.3:
            return {}, 1.0, shape
        kind = str(self._rng.choice(["max", "max", "max", "avg", "sum"]))
        size = self._size(shape, 4)
        stride, padding = list(size), [0, 0]
        if kind == "max" and self._rng.random() < 0.8:
            stride = [int(self._rng.integers(1, 4)) for _ in size]
            padding = [int(self._rng.integers(min(pair))) for pair in
                       zip(size, stride, strict=True)]
        down, right = ((side + 2 * pad - across) // step + 1 for side, across, step, pad in
                       zip(shape[1:], size, stride, padding, strict=True))
        largest = float(size[0] * size[1]) if kind == "sum" else 1.0
        pool = {"kind": kind, "size": size, "stride": stride, "padding": padding}
        return {"pool": pool}, largest, (shape[0], down, right)

    def _synapse(self, shape: Map, largest: float) -> tuple[dict[str, Any], Map]:
        synapse, target = super()._synapse(shape, largest)
        if synapse["type"] != "conv2d" or self._rng.random() > SHARE:
            return synapse, target
        kind = str(self._rng.choice(["max", "max", "avg", "sum"]))
        size = self._size(target, 3)
        stride = size if kind == "max" else [int(self._rng.integers(1, 4)) for _ in size]
        synapse["current_pool"] = {"kind": kind, "size": size, "stride": stride}
        down, right = ((side - across) // step + 1
                       for side, across, step in zip(target[1:], size, stride, strict=True))
        return synapse, (target[0], down, right)

    def _size(self, shape: Map, most: int) -> list[int]:
        """Windows of more than a place where the map has any: side by side or not, they differ."""
        return [int(self._rng.integers(min(side, 2), min(side, most) + 1)) for side in shape[1:]]


def random_pools(seed: int, kind: type[PoolingDraw] | None = None) -> dict[str, Any]:
    """The model file's dictionary of ``seed``, whose layers ``kind`` draws."""
    document = random_map_document(seed, kind or PoolingDraw)
    # What joins currents cannot have the largest of a window, and averages them.
    joined = {layer["name"] for layer in document["layers"] if layer.get("shortcuts")}
    joined |= {each["from"] for layer in document["layers"] for each in layer.get("shortcuts") or ()
               if each["kind"] == "current"}
    for layer in document["layers"]:
        pool = layer.get("current_pool")
        if pool and pool["kind"] == "max" and layer["name"] in joined:
            pool["kind"] = "avg"
    return document
