"""A document (docs/model.md) becomes a Model, or every problem that it has is named at once."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

from bsnn_hw.errors import ModelError
from bsnn_hw.model.check_graph import check_layers
from bsnn_hw.model.check_input import check_input
from bsnn_hw.model.check_readout import check_spike_count, counting_layer
from bsnn_hw.model.description import Coding, Input, Layer, Model, ScoreKind
from bsnn_hw.model.names import check_model_name
from bsnn_hw.model.values import Problems, Table, equals, is_integer, listed, shown, unwrapped

__all__ = ["FORMAT", "VERSION", "check", "describe"]

FORMAT = "bsnn-hw/model"
VERSION = 1

MAX_TIMESTEPS = 1024
MAX_RECIPE = 100_000
MAX_RECIPE_DEPTH = 16

_NO_MODEL = Model("", 1, Input(Coding.EVENTS, 1), (), ())


def describe(document: object, source: str = "document") -> Model:
    """Check a document and return the network that it describes.

    Parameters
    ----------
    document : dict of tensors and primitives, as docs/model.md says
    source : str, what messages begin with, usually the file's name

    Raises
    ------
    ModelError
        With every problem, also what is right but not supported (a gate per sample).
    """
    model, problems = _examine(document, source)
    if problems.count:
        raise ModelError(problems.invalid + problems.unsupported)
    return model


def check(document: object, source: str = "document") -> None:
    """Raise ModelError if the document may not be written to a file.

    What the file can express and only the hardware cannot (a gate per sample) passes.
    """
    _, problems = _examine(document, source)
    if problems.invalid:
        raise ModelError(problems.invalid)


def _examine(document: object, source: str) -> tuple[Model, Problems]:
    problems = Problems(source)
    if not _is_ours(document, problems):
        return _NO_MODEL, problems
    table = Table("model", "", document, problems, optional=("classes", "recipe", "readout",
                                                             "stateful"),
                  required=("format", "version", "name", "timesteps", "input", "layers"))
    name = check_model_name(table)
    timesteps = table.integer("timesteps", 1, MAX_TIMESTEPS)
    entry = check_input(table.raw("input"), problems) if table.has("input") else None
    group = check_spike_count(table)
    layers, outputs = check_layers(table, timesteps, entry, group is not None, problems)
    if group and outputs is not None:
        if outputs % group:
            table.problem("readout.group", f"must divide the {outputs} neurons of the last layer, "
                                           f"not {group}")
        outputs //= group
    _check_peak(table, layers, entry)
    layers = _with_state(table, layers)
    classes = _classes(table, outputs)
    _recipe(table)
    if problems.count:
        return _NO_MODEL, problems
    assert timesteps is not None and entry is not None
    if group:
        layers = (*layers, counting_layer(layers, group, timesteps))
    return Model(name, timesteps, entry, layers, classes), problems


def _check_peak(table: Table, layers: tuple[Layer, ...], entry: Input | None) -> None:
    """Direct samples are summed once, and weighted; their largest value over time is not that."""
    alone = len(layers) == 1 and entry is not None and entry.coding is Coding.DIRECT
    if alone and layers[0].scoring.kind is ScoreKind.MAX:
        table.problem("layers", "must be more than a readout where its score is 'max' and the "
                                "input direct: currents are the same at every timestep then; "
                                "take 'last' or 'sum'")


def _with_state(table: Table, layers: tuple[Layer, ...]) -> tuple[Layer, ...]:
    """``layers``, whose neurons keep their state from sample to sample if the model says so."""
    cut = [layer.name for layer in layers if layer.neuron is not None and layer.neuron.saturate]
    if cut and unwrapped(table.raw("stateful")) is not True:
        table.problem("stateful", f"must be True where neurons saturate, as those of {listed(cut)} "
                                  "do: all others have as many bits as they need")
    if not table.has("stateful"):
        return layers
    value = unwrapped(table.raw("stateful"))
    if not isinstance(value, bool):
        table.problem("stateful", f"must be True or False, not {shown(value)}")
    elif value and layers and all(layer.neuron is None for layer in layers):
        table.problem("stateful", "must not be True without a layer with neurons, as scores start "
                                  "anew in every sample")
    elif value:
        return tuple(layer if layer.neuron is None else
                     replace(layer, neuron=replace(layer.neuron, stateful=True))
                     for layer in layers)
    return layers


def _is_ours(document: object, problems: Problems) -> bool:
    """Whether format and version are ours; if not, nothing else in the document means anything."""
    how = "write model files with bsnn_hw.model.format.save (docs/model.md)"
    if not isinstance(document, dict):
        problems.add("model", f"must be a dictionary, not {shown(document)}; {how}")
    elif "format" not in document and _is_state_dict(document):
        problems.add("model", "is a state_dict, which says nothing of neurons and timesteps; "
                              f"{how}")
    elif not equals(document.get("format"), FORMAT):
        given = shown(document["format"]) if "format" in document else "none"
        problems.add("model", f"format must be {FORMAT!r}, not {given}; {how}")
    elif not equals(document.get("version"), VERSION):
        problems.add("model", f"version must be {VERSION}, the only one that this program reads, "
                              f"not {shown(document.get('version'))}; a later version needs a "
                              "later bsnn-hw")
    else:
        return True
    return False


def _is_state_dict(document: dict[object, object]) -> bool:
    return bool(document) and all(hasattr(value, "shape") for value in document.values())


def _classes(table: Table, count: int | None) -> tuple[str, ...]:
    """The class names, "0", "1", ... where the file has none."""
    given = table.raw("classes")
    if given is None:
        return tuple(str(index) for index in range(count or 0))
    if not isinstance(given, (list, tuple)):
        table.problem("classes", f"must be a list of strings, not {shown(given)}")
        return ()
    if count is not None and len(given) != count:
        table.problem("classes", f"must name each of the {count} outputs of the readout, not "
                                 f"{len(given)}")
    bad = [name for name in given
           if not isinstance(name, str) or not 0 < len(name) <= 64 or not name.isprintable()]
    twice = [] if bad else [name for name, times in Counter(given).items() if times > 1]
    if bad:
        table.problem("classes", "must be strings of 1 to 64 printable characters, not "
                                 f"{listed(bad)}")
    if twice:
        table.problem("classes", f"must be distinct, but repeats {listed(twice)}")
    # Not of names with problems: the text of a list that holds itself many times over has no end.
    return () if bad else tuple(str(name) for name in given)


def _recipe(table: Table) -> None:
    """The recipe means nothing to us, but must be writable as JSON and end somewhere."""
    if not table.has("recipe"):
        return
    if not isinstance(table.raw("recipe"), dict):
        table.problem("recipe", f"must be a dictionary, not {shown(table.raw('recipe'))}")
        return
    stack: list[tuple[Any, str, int]] = [(table.raw("recipe"), "recipe", 0)]
    seen = 0
    while stack:
        value, path, depth = stack.pop()
        seen += 1
        size = len(value) if isinstance(value, (list, tuple, dict)) else 0
        if seen + len(stack) + size > MAX_RECIPE or depth > MAX_RECIPE_DEPTH:
            table.problem("recipe", f"must hold at most {MAX_RECIPE} values, at most "
                                    f"{MAX_RECIPE_DEPTH} deep")
            return
        if isinstance(value, (list, tuple)):
            stack += [(item, f"{path}[{index}]", depth + 1) for index, item in enumerate(value)]
        elif isinstance(value, dict):
            if not all(isinstance(key, str) and key.isprintable() for key in value):
                table.problem(path, "must have printable strings as keys")
                return
            stack += [(item, f"{path}.{key[:60]}", depth + 1) for key, item in value.items()]
        elif not _is_primitive(unwrapped(value)):
            table.problem(path, "must be a string, a boolean, a finite number, None, or a list or "
                                f"dictionary of these, not {shown(value)}")
            return


def _is_primitive(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    return value is None or isinstance(value, bool) or is_integer(value)
