"""A plugin of pytest: which statements each test and each shared fixture executes, and how long it
takes.

``pytest -p evidence.mutant_lines`` leaves a file of each of its processes in ``build/lines``.  The
statements of functions say themselves that they are executed; a tracer would be called for each
line of Amaranth's simulations too, and doubles their time.
"""

from __future__ import annotations

import ast
import builtins
import json
import os
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import Any

import pytest

from evidence.mutant_sample import FOLDERS, ROOT

__all__ = ["FOUND", "Lines", "pytest_configure", "telling"]

FOUND = Path("build/lines")
HIT = "_mutants_hit"  # a builtin of the processes that record
WATCHED = tuple(f"{ROOT / folder}{os.sep}" for folder in FOLDERS)


def telling(text: str | bytes, source: str) -> ast.Module:
    """A module of which each statement in a function calls `HIT` with ``source`` and its line."""
    tree = ast.parse(text)
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            for node in ast.walk(function):
                for field in ("body", "orelse", "finalbody"):
                    body = getattr(node, field, None)
                    if isinstance(body, list) and not hasattr(node, f"told_{field}"):
                        setattr(node, f"told_{field}", True)
                        body[:] = [new for each in body for new in _told(each, source)]
    return ast.fix_missing_locations(tree)


def _told(node: ast.stmt, source: str) -> list[ast.stmt]:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return [node]  # a docstring stands first
    place = ast.Tuple([ast.Constant(source), ast.Constant(node.lineno)], ast.Load())
    call = ast.Call(ast.Name(HIT, ast.Load()), [place], [])
    return [ast.copy_location(ast.Expr(call), node), node]


def _watch() -> None:
    """From now on modules of the folders tell; their bytecode is neither read nor kept."""
    compiled: Callable = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> Any:
        path = self.get_filename(fullname)
        if not path.startswith(WATCHED):
            return compiled(self, fullname)
        source = Path(path).relative_to(ROOT).as_posix()
        return compile(telling(self.get_data(path), source), path, "exec")

    SourceFileLoader.get_code = get_code  # type: ignore[assignment, method-assign]


def pytest_configure(config: pytest.Config) -> None:
    """In each process that runs tests."""
    if hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None):
        config.pluginmanager.register(Lines())


class Lines:
    """Statements of a process, by context."""

    def __init__(self) -> None:
        self._hits: set[tuple[str, int]] = set()
        self._of: dict[str, set[tuple[str, int]]] = defaultdict(set)
        self._test = ""
        self._seconds: dict[str, float] = defaultdict(float)
        self._used: dict[str, set[str]] = defaultdict(set)
        self._seconds_of: dict[str, float] = defaultdict(float)
        self._failed: set[str] = set()
        setattr(builtins, HIT, self._hits.add)
        _watch()

    def _end(self, context: str) -> None:
        """What was executed since the last end was it in ``context``."""
        self._of[context] |= self._hits
        self._hits.clear()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: Any) -> Generator[None, Any, Any]:
        """A test, and what only it uses."""
        self._end("")
        self._test = item.nodeid
        for found in item._fixtureinfo.name2fixturedefs.values():
            if found[-1].scope != "function":
                self._used[self._test].add(_name(found[-1]))
        result = yield
        self._end(self._test)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any) -> Generator[None, Any, Any]:
        """A fixture, which is no test's where others may use it."""
        if fixturedef.scope == "function":
            return (yield)
        name, begun = _name(fixturedef), time.perf_counter()
        self._used[self._test].add(name)
        self._end(self._test)
        try:
            return (yield)
        finally:
            self._end(name)
            seconds = time.perf_counter() - begun
            self._seconds_of[name] += seconds
            self._seconds[self._test] -= seconds

    def pytest_runtest_logreport(self, report: Any) -> None:
        """Each of the three parts of a test."""
        self._seconds[report.nodeid] += report.duration
        if not report.passed:
            self._failed.add(report.nodeid)

    def pytest_sessionfinish(self) -> None:
        """Tests that failed or were skipped are none that could find a fault."""
        tests: dict[str, tuple[float, dict[str, float]]] = {}
        lines: dict[str, dict[int, list[str]]] = defaultdict(lambda: defaultdict(list))
        for name, seconds in self._seconds.items():
            if name not in self._failed:
                used = sorted(self._used[name])
                tests[name] = round(seconds, 3), {each: round(self._seconds_of[each], 3)
                                                  for each in used if each in self._seconds_of}
                for source, line in self._of[name].union(*(self._of[each] for each in used)):
                    lines[source][line].append(name)
        FOUND.mkdir(parents=True, exist_ok=True)
        (FOUND / f"{os.getpid()}.json").write_text(json.dumps(
            {"tests": tests, "lines": lines}), encoding="utf-8")


def _name(fixture: Any) -> str:
    return f"{fixture.baseid}|{fixture.argname}"
