"""``python -m bsnn_hw.check FILE``: which layers can be generated, and why the others cannot."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError, ModelError
from bsnn_hw.nir_options import add_nir_options, nir_document
from bsnn_hw.progress import step

__all__ = ["Checked", "Judged", "check", "main"]


@dataclass(frozen=True)
class Judged:
    """A layer, or a node of a NIR file; refused where there are ``problems``."""

    name: str
    what: str
    problems: list[str]


@dataclass(frozen=True)
class Checked:
    """What a file says; ``problems`` are those that are of no single layer."""

    file: str
    accepted: bool
    layers: list[Judged]
    problems: list[str]


def check(document: Any, file: str) -> Checked:
    """Judge a document of docs/model.md, layer by layer."""
    from bsnn_hw.model.check import describe

    try:
        describe(document, file)
        problems: list[str] = []
    except ModelError as error:
        problems = [problem.removeprefix(f"{file}: ") for problem in error.problems]
    given = document.get("layers") if isinstance(document, dict) else None
    layers = []
    for number, layer in enumerate(given if isinstance(given, (list, tuple)) else []):
        name = layer.get("name") if isinstance(layer, dict) else None
        title = f"layer {name!r}: " if isinstance(name, str) else f"layer number {number + 1}: "
        own = [problem.removeprefix(title) for problem in problems if problem.startswith(title)]
        layers.append(Judged(str(name or number + 1), _what(layer), own))
        problems = [problem for problem in problems if not problem.startswith(title)]
    accepted = not problems and not any(layer.problems for layer in layers)
    return Checked(file, accepted, layers, problems)


def _what(layer: Any) -> str:
    """One line of what a layer is, as far as it says."""
    if not isinstance(layer, dict):
        return "no layer"
    neuron = layer.get("neuron")
    weight = getattr(layer.get("weight"), "shape", None)
    shape = " x ".join(map(str, weight)) if weight is not None else "without weights"
    kind = neuron.get("type") if isinstance(neuron, dict) else "no neuron"
    return f"{layer.get('type') or 'linear'} {shape}, {kind}"[:80]


def _of_file(options: argparse.Namespace) -> Checked:
    from bsnn_hw.model.format import read

    try:
        with step("model read"):
            document = nir_document(options)
            return check(read(options.model) if document is None else document, options.model.name)
    except ModelError as error:
        return Checked(options.model.name, False, [], list(error.problems))


def _lines(checked: Checked) -> str:
    width = max((len(layer.name) for layer in checked.layers), default=0)
    lines = []
    for layer in checked.layers:
        verdict = "refused " if layer.problems else "accepted"
        lines.append(f"{verdict}  {layer.name:{width}}  {layer.what}")
        lines += [f"{'':10}{problem}" for problem in layer.problems]
    lines += [f"refused   {problem}" for problem in checked.problems]
    count = sum(not layer.problems for layer in checked.layers)
    verdict = "accepted" if checked.accepted else "refused"
    return "\n".join([*lines, f"{checked.file}: {verdict}, {count} of {len(checked.layers)} "
                              "layers accepted"])


def _act(options: argparse.Namespace) -> None:
    checked = _of_file(options)
    print(json.dumps(asdict(checked), indent=1) if options.json else _lines(checked), flush=True)
    if not checked.accepted:
        raise InputError(f"{options.model}: must be a network that can be generated, and is not; "
                         "the lines above say why")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code, 0 where every layer is accepted and 1 where not."""
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.check", description=__doc__)
    parser.add_argument("model", type=Path, metavar="FILE",
                        help="model file, .pt or .safetensors (docs/model.md), or .nir")
    parser.add_argument("--json", action="store_true", help="print the verdict as JSON")
    add_nir_options(parser)
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
