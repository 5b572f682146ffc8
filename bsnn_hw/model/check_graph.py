"""All layers in order: each reads only earlier ones, and each is used by a later one."""

from __future__ import annotations

from bsnn_hw.model.check_feed import Seen
from bsnn_hw.model.check_layer import Place, check_layer
from bsnn_hw.model.check_synapse import MAX_WEIGHTS
from bsnn_hw.model.description import Input, Layer
from bsnn_hw.model.names import check_distinct
from bsnn_hw.model.values import Problems, Table, shown, word

__all__ = ["check_layers"]

MAX_LAYERS = 256


def check_layers(table: Table, timesteps: int | None, entry: Input | None, counted: bool,
                 problems: Problems) -> tuple[tuple[Layer, ...], int | None]:
    """The layers, empty after a problem, and the number of outputs, None if unknown.

    table : the model; timesteps, entry : None after a problem
    counted : bool, whether the last layer's spikes are counted, and it is no readout
    """
    given = table.raw("layers")
    if not table.has("layers"):
        return (), None
    if not isinstance(given, (list, tuple)) or not 1 <= len(given) <= MAX_LAYERS:
        table.problem("layers", f"must be a list of 1 to {MAX_LAYERS} layers, those with neurons "
                                f"and then the readout, not {shown(given)}")
        return (), None
    names = [name for name in (word(value, "name") for value in given) if name]
    seen = Seen(entry, names, MAX_WEIGHTS)
    layers: list[Layer] = []
    for index, value in enumerate(given):
        last = index == len(given) - 1
        place = Place(index, last, last and not counted, timesteps)
        checked = check_layer(value, place, seen, problems)
        if checked.layer:
            layers.append(checked.layer)
        if not place.last:
            seen.add(checked.known)
    for dead in () if seen.unsure else seen.unused:
        problems.add(dead.title, "must be used by a later layer, as 'input', in 'shortcuts' or in "
                                 "'join', and none does; leave it out")
    check_distinct(names, table)
    outputs = checked.known.shape.size if checked.known.shape else None
    return tuple(layers) if len(layers) == len(given) else (), outputs
