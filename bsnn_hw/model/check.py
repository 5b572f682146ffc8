"""A document (docs/model.md) becomes a Model, or every problem that it has is named at once."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from bsnn_hw.errors import ModelError
from bsnn_hw.model.check_layer import MAX_WEIGHTS, Place, check_layer
from bsnn_hw.model.description import Coding, Input, Layer, Model
from bsnn_hw.model.names import check_distinct, check_model_name
from bsnn_hw.model.values import Problems, Table, equals, is_integer, listed, shown, word

__all__ = ["FORMAT", "VERSION", "check", "describe"]

FORMAT = "bsnn-hw/model"
VERSION = 1

MAX_TIMESTEPS = 1024
MAX_LAYERS = 256
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
    if problems.invalid or problems.unsupported:
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
    table = Table("model", "", document, problems, optional=("classes", "recipe"), required=(
        "format", "version", "name", "timesteps", "input", "layers"))
    name = check_model_name(table)
    timesteps = table.integer("timesteps", 1, MAX_TIMESTEPS)
    source_input = _input(table.raw("input"), problems) if table.has("input") else None
    layers, outputs = _layers(table, timesteps, source_input, problems)
    classes = _classes(table, outputs)
    _recipe(table)
    if problems.invalid or problems.unsupported:
        return _NO_MODEL, problems
    assert timesteps is not None and source_input is not None
    return Model(name, timesteps, source_input, layers, classes), problems


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


def _is_state_dict(document: dict) -> bool:
    return bool(document) and all(hasattr(value, "shape") for value in document.values())


def _input(value: object, problems: Problems) -> Input | None:
    """The input, None after a problem."""
    before = len(problems.invalid)
    coding = word(value, "coding")
    quantised = ("bits", "scale", "offset")
    direct = coding == Coding.DIRECT.value
    table = Table("input", "", value, problems,
                  required=("coding", "shape", *(quantised if direct else ())),
                  optional=() if direct else quantised)
    table.choice("coding", {kind.value: kind for kind in Coding})
    size = _input_size(table)
    if direct:
        bits = table.integer("bits", 1, 8)
        scale = table.number("scale", "a finite number above 0", above=0)
        offset = table.number("offset")
    else:
        bits, scale, offset = 1, 1.0, 0.0
        if coding == Coding.EVENTS.value:
            _plain_events(table)
    if len(problems.invalid) > before:
        return None
    assert size is not None and bits is not None
    return Input(Coding(coding), size, bits, scale, offset)


def _input_size(table: Table) -> int | None:
    shape = table.raw("shape")
    if not table.has("shape"):
        return None
    if (isinstance(shape, (list, tuple)) and 1 <= len(shape) <= 8
            and all(is_integer(side) and side > 0 for side in shape)):
        return math.prod(int(side) for side in shape)
    table.problem("shape", "must be a list of 1 to 8 positive integers, as [784] or [1, 28, 28], "
                           f"not {shown(shape)}")
    return None


def _plain_events(table: Table) -> None:
    """An event has no value: what a direct input states may be repeated, not changed."""
    for key, plain in (("bits", 1), ("scale", 1), ("offset", 0)):
        given = table.raw(key)
        if given is not None and not equals(given, plain):
            table.problem(key, f"must be absent or {plain} for events, which carry no value, not "
                               f"{shown(given)}; graded inputs have coding 'direct'")


def _layers(table: Table, timesteps: int | None, source: Input | None,
            problems: Problems) -> tuple[tuple[Layer, ...], int | None]:
    """The layers, empty after a problem, and the number of outputs, None if unknown."""
    given = table.raw("layers")
    if not table.has("layers"):
        return (), None
    if not isinstance(given, (list, tuple)) or not 1 <= len(given) <= MAX_LAYERS:
        table.problem("layers", f"must be a list of 1 to {MAX_LAYERS} layers, those with neurons "
                                f"and then the readout, not {shown(given)}")
        return (), None
    layers: list[Layer | None] = []
    fan_in, giver, largest = source.size if source else None, "the input", _largest_input(source)
    room = MAX_WEIGHTS
    for index, value in enumerate(given):
        place = Place(index, index == len(given) - 1, timesteps, fan_in, giver, largest, room)
        checked = check_layer(value, place, problems)
        layers.append(checked.layer)
        fan_in, giver, largest = checked.neurons, checked.title, 1.0
        room -= checked.weights
    check_distinct([value["name"] for value in given if word(value, "name")], table)
    whole = tuple(layer for layer in layers if layer is not None)
    return whole if len(whole) == len(layers) else (), fan_in


def _largest_input(source: Input | None) -> float:
    if source is None:
        return 1.0
    return abs(source.scale) * (2**source.bits - 1) + abs(source.offset)


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
    return tuple(str(name) for name in given)


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
        elif not _is_primitive(value):
            table.problem(path, "must be a string, a boolean, a finite number, None, or a list or "
                                f"dictionary of these, not {shown(value)}")
            return


def _is_primitive(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, str):
        return value.isascii() or not any("\ud800" <= char <= "\udfff" for char in value)
    return value is None or isinstance(value, bool) or is_integer(value)
