"""Small faults in the source, drawn with a seed: operators, comparisons, constants, conditions.

The faults are Cosmic Ray's; what stands in an annotation is left out, as it is never computed.
"""

from __future__ import annotations

import ast
import difflib
import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from bsnn_hw.errors import ToolError

__all__ = ["FOLDERS", "Mutant", "mutants_of", "sample"]

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("hdl", "bsnn_hw/lowering", "bsnn_hw/planning", "bsnn_hw/layout", "bsnn_hw/engines",
           "bsnn_hw/ports", "bsnn_hw/exploration")


@dataclass(frozen=True)
class Mutant:
    """A fault: the place-th of an operator's places in a file.

    path : of the file, from the checkout's root; line : its number, from 1
    """

    path: str
    operator: str
    place: int
    line: int

    def text(self) -> str:
        """The whole file with the fault.

        Raises
        ------
        ToolError
            Cosmic Ray is not installed.
        """
        return _mutated(self)

    def lines(self) -> tuple[str, str]:
        """The first line that it changes, before and after, without indentation; empty where it
        only adds or removes one."""
        before, after = _source(self.path).splitlines(), self.text().splitlines()
        changes = [line for line in difflib.ndiff(before, after)
                   if line[:2] in ("- ", "+ ") and line[2:].strip()]
        old = next((line for line in changes if line[0] == "-"), "- ")
        new = next((line for line in changes if line[0] == "+"), "+ ")
        return old[2:].strip(), new[2:].strip()


def sample(count: int, seed: int, folders: Sequence[str] = FOLDERS) -> list[Mutant]:
    """``count`` of all mutants of the folders that Python can read, in the order of the draw."""
    every = [mutant for folder in folders for path in sorted((ROOT / folder).glob("**/*.py"))
             for mutant in mutants_of(path.relative_to(ROOT).as_posix())]
    random.Random(seed).shuffle(every)
    return list(itertools.islice(filter(_is_python, every), count))


@cache
def _mutated(mutant: Mutant) -> str:
    from cosmic_ray.mutating import mutate_code

    changed = mutate_code(_source(mutant.path), _operators()[mutant.operator](), mutant.place)
    assert isinstance(changed, str)
    return changed


def _is_python(mutant: Mutant) -> bool:
    try:
        ast.parse(mutant.text())
    except SyntaxError:
        return False
    return True


def mutants_of(path: str) -> Iterator[Mutant]:
    """All of a file, in its order."""
    operators = _operators()
    from cosmic_ray.ast import ast_nodes, get_ast

    text = _source(path)
    nodes, never = list(ast_nodes(get_ast(text))), _annotations(text)
    places: dict[str, list[tuple[int, int]]] = {}
    for name, operator in sorted(operators.items()):
        # What a binary operator is replaced by does not say where it stands.
        kind = name.rpartition("_")[0] if name.startswith("ReplaceBinary") else name
        if kind not in places:
            places[kind] = [start for node in nodes
                            for start, _ in operator().mutation_positions(node)]
        for place, start in enumerate(places[kind]):
            if not any(first <= start < end for first, end in never):
                yield Mutant(path, name, place, start[0])


@lru_cache(maxsize=1)
def _operators():
    """Cosmic Ray's operators that take no arguments, by name."""
    try:
        from cosmic_ray.plugins import get_operator, operator_names
    except ImportError:
        raise ToolError("cosmic-ray: must be installed to make mutants, none was found; "
                        "pip install cosmic-ray") from None
    found = {name.partition("/")[2]: get_operator(name) for name in operator_names()}
    return {name: operator for name, operator in found.items()
            if not operator.arguments() and name != "NoOp"}


def _source(path: str) -> str:
    return (ROOT / path).read_text(encoding="utf-8")


def _annotations(text: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Where annotations begin and end, as (line, column)."""
    found: list[ast.expr] = []
    for node in ast.walk(ast.parse(text)):
        for name in ("annotation", "returns"):
            if isinstance(each := getattr(node, name, None), ast.expr):
                found.append(each)
    return [((each.lineno, each.col_offset), (each.end_lineno or 0, each.end_col_offset or 0))
            for each in found]
