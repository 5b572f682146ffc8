"""Model documents to be damaged: with every key of docs/model.md, and every word, between them."""

from __future__ import annotations

import math
from typing import Any

__all__ = ["documents"]


def documents() -> list[dict[str, Any]]:
    """Small models of every kind that the random networks draw."""
    import torch

    from evidence.random_counts import random_counts
    from evidence.random_floors import random_floors
    from evidence.random_gates import random_gated_document
    from evidence.random_groups import random_grouped
    from evidence.random_map_models import random_map_document
    from evidence.random_mixed import random_mixed
    from evidence.random_models import random_document, with_int8_ends
    from evidence.random_normalised import random_normalised
    from evidence.random_peaks import random_peaks
    from evidence.random_recurrences import random_recurrences
    from evidence.random_second_order import random_second_order
    from evidence.random_semantics import random_semantics
    from evidence.random_separable import random_separable
    from evidence.random_sew import random_sew
    from evidence.random_streams import random_streams

    first, *others = (small := random_document(24, largest=6))["layers"]
    neuron = first["neuron"] | {"v_reset": 0.0, "reset_delay": False}
    named = small | {"layers": [first | {"neuron": neuron}, *others],
                     "classes": [f"class {i}" for i in range(len(others[-1]["weight"]))],
                     "recipe": {"dataset": "digits", "log": [1, .5]}}
    given = small["input"]
    size = math.prod(given["shape"])
    partly = small | {"input": given | {"shape": [2 * size], "used": torch.arange(1, 2 * size, 2)}}
    drawn = {
        random_counts: (0, 1), random_floors: (4,), random_gated_document: (0, 1),
        random_grouped: (0,), random_map_document: (0, 1, 2), random_mixed: (0, 1, 2),
        random_normalised: (0, 1), random_peaks: (0, 1), random_recurrences: (0, 3),
        random_second_order: (0, 1, 2),
        random_semantics: (0, 1, 19), random_separable: (0,), random_sew: (0, 1, 2, 3),
        random_streams: (0, 3)}
    return [named, partly, _saturating(random_streams(2)),
            with_int8_ends(3, random_document(3, largest=6)),
            *(draw(seed) for draw, seeds in drawn.items() for seed in seeds)]


def _saturating(document: dict[str, Any]) -> dict[str, Any]:
    """With as many bits as thresholds may need where precision is chosen on no samples."""
    for layer in document["layers"]:
        if "saturate" in layer["neuron"]:
            layer["neuron"]["saturate"] = 32
    return document
