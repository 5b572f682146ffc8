"""Which quick tests a mutant meets: those that execute its line, in the order of what they cost.

``Record`` holds what evidence.mutant_lines found.  The choice decides what a verdict costs, and is
no part of it.
"""

from __future__ import annotations

import ast
import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from evidence.mutant_sample import FOLDERS, ROOT

__all__ = ["LEFT_OUT", "Record", "digest", "nearest", "parts"]

# They compare with recorded text, and would show any change and not that it is wrong.
LEFT_OUT = ("tests/emission/test_circuits.py", "tests/emission/test_templates.py::test_golden",
            "tests/docs/")
NEAREST = 6  # files


def digest(path: Path) -> str:
    """Of a file's bytes."""
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def parts(text: str, line: int) -> Iterator[range]:
    """Lines around ``line``, the fewest first: its own, its statement's (of a compound one the
    head's), those of each function and class around it with their decorators, and all."""
    found = [range(line, line + 1), range(1, len(text.splitlines()) + 1)]
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.stmt):
            first = min([node, *getattr(node, "decorator_list", ())],
                        key=lambda each: each.lineno).lineno
            end, body = (node.end_lineno or first) + 1, getattr(node, "body", None)
            found.append(range(first, max(first + 1, body[0].lineno) if body else end))
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                found.append(range(first, end))
    yield from sorted((each for each in found if line in each), key=len)


def nearest(path: str) -> list[str]:
    """Files of quick tests for a source file: those of its name, then those that import it, the
    ones of its own wing first."""
    name, wing = Path(path).stem, path.removeprefix("bsnn_hw/").split("/")[0]
    module = ("bsnn_hw." if path.startswith("hdl/") else "") + path[:-3].replace("/", ".")
    found = []
    for test, imported in _imports().items():
        inside = Path(test).parts[1] == wing
        same = inside and f"{Path(test).stem}_".startswith(f"test_{name}_")
        if same or module in imported:
            found.append((not same, not inside, test))
    if not found:
        found = [(True, True, test) for test in _imports() if Path(test).parts[1] == wing]
    return [test for *_, test in sorted(found)][:NEAREST]


@lru_cache(maxsize=1)
def _imports() -> dict[str, set[str]]:
    """The modules that each file of tests imports."""
    found = {}
    for path in sorted((ROOT / "tests").glob("**/test_*.py")):
        names = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        # Of whole programs, hashes, other frameworks: none is near to anything.
        if path.parent.name not in ("tests", "emission", "convert", "evidence"):
            found[path.relative_to(ROOT).as_posix()] = names
    return found


class Record:
    """A file of the quick tests' lines and seconds; it need not be there yet."""

    def __init__(self, path: Path):
        self._path = path
        self.files: dict[str, str] = {}  # of sources and tests: digests when they were recorded
        self.tests: dict[str, tuple[float, dict[str, float]]] = {}  # seconds; shared fixtures'
        self.lines: dict[str, dict[int, list[str]]] = {}  # of a source: line -> tests
        if path.exists():
            known = json.loads(path.read_text(encoding="utf-8"))
            names = list(known["tests"])
            self.files, self.tests = known["files"], known["tests"]
            self.lines = {source: {int(line): [names[each] for each in found]
                                   for line, found in lines.items()}
                          for source, lines in known["lines"].items()}

    def stale(self) -> list[str]:
        """Files of tests that are new, or other than when they were recorded."""
        return [name for name in sorted(_files("tests", "test_")) if not name.startswith(LEFT_OUT)
                and self.files.get(name) != digest(ROOT / name)]

    def take(self, renewed: Sequence[str], found: Iterable[dict[str, Any]]) -> None:
        """Put in what was found of the files ``renewed``, and write all down."""
        gone = {*renewed, *(name for name in self.files if not (ROOT / name).exists())}
        self.tests = {name: each for name, each in self.tests.items() if _file(name) not in gone}
        for lines in self.lines.values():
            for line, names in lines.items():
                lines[line] = [name for name in names if name in self.tests]
        for each in found:
            self.tests |= each["tests"]
            for source, lines in each["lines"].items():
                for line, names in lines.items():
                    self.lines.setdefault(source, {}).setdefault(int(line), []).extend(names)
        # A source that has changed keeps its old digest, as most lines are known of that alone.
        sources = (name for folder in FOLDERS for name in _files(folder))
        fresh = {name: digest(ROOT / name) for name in (*sources, *renewed)}
        self.files = fresh | {name: self.files[name] for name in self.files if name not in gone}
        place = {name: number for number, name in enumerate(self.tests)}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.write_text(json.dumps({
            "files": self.files, "tests": self.tests,
            "lines": {source: {line: [place[name] for name in names]
                               for line, names in lines.items()}
                      for source, lines in self.lines.items()}}), encoding="utf-8")

    def state(self) -> str:
        """The same as long as all tests are."""
        tests = sorted(each for each in self.files.items() if each[0].startswith("tests/"))
        return hashlib.sha256(repr(tests).encode()).hexdigest()[:16]

    def covering(self, path: str, line: int) -> set[str]:
        """Tests that execute a line; of one that none does, as when it is imported, those that
        execute what is around it, and the nearest; of a file that has changed, any of it."""
        known = self.lines.get(path, {})
        ranges = list(parts((ROOT / path).read_text(encoding="utf-8"), line))
        if self.files.get(path) != digest(ROOT / path):
            ranges = ranges[-1:]
        for part in ranges:
            if found := {name for each in part for name in known.get(each, ())}:
                break
        if line not in known:
            near = nearest(path)
            found |= {name for name in self.tests if _file(name) in near}
        return found

    def batches(self, path: str, line: int, budgets: Sequence[float]) -> Iterator[list[str]]:
        """Tests for a mutant, in as many batches as there are budgets of seconds.

        The first is of the nearest files, the quickest first; the others go through all files, a
        test of each in turn, the quickest first in each.
        """
        near = nearest(path)
        left: dict[str, tuple[int, bool]] = {}  # -> its turn in its file, and where that is
        turns: Counter[str] = Counter()
        for name in sorted(self.covering(path, line), key=self._price):
            left[name] = (turns[_file(name)], _file(name) not in near)
            turns[_file(name)] += 1
        for number, budget in enumerate(budgets):
            batch: list[str] = []
            made: dict[str, float] = {}
            order = [name for name, (_, far) in left.items() if not far] if number == 0 else sorted(
                left, key=lambda name: left[name])
            for name in order:
                price = self._price(name, made)
                if price <= budget:
                    budget -= price
                    made |= self.tests[name][1]
                    batch.append(name)
                    del left[name]
            yield batch

    def _price(self, name: str, made: Iterable[str] = ()) -> float:
        seconds, fixtures = self.tests[name]
        return seconds + sum(each for fixture, each in fixtures.items() if fixture not in made)

    def price(self, names: Iterable[str]) -> float:
        """Seconds of several tests in one process."""
        made: dict[str, float] = {}
        for name in (names := list(names)):
            made |= self.tests[name][1]
        return sum(self.tests[name][0] for name in names) + sum(made.values())


def _file(test: str) -> str:
    return test.partition("::")[0]


def _files(folder: str, prefix: str = "") -> set[str]:
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).glob(f"**/{prefix}*.py")}
