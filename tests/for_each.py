"""One property over many values as one test, which names the value that fails."""

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["for_each"]


def for_each(names: str, values: Iterable[object]) -> Callable:
    """As `pytest.mark.parametrize`, in one test: all seeds, or all shapes, of one property.

    Parameters
    ----------
    names : str, arguments of the test, separated by commas
    values : a value for each turn, or a tuple of them where there are several names

    A turn that skips does not end the others. Each has a ``tmp_path`` and a ``monkeypatch`` of its
    own, its own copy of a fixture that is a dict, and finds nothing in ``capsys``; other fixtures
    are shared by all: a test that changes them is none for this.
    """
    several = [name.strip() for name in names.split(",")]
    turns = [value if len(several) > 1 else (value,) for value in values]
    if not turns:
        raise ValueError(f"{names} must have a value, or the test says nothing")

    def loop(test: Callable) -> Callable:
        signature = inspect.signature(test)

        @functools.wraps(test)
        def whole(**fixtures: object) -> None:
            skipped = 0
            for number, turn in enumerate(turns):
                arguments = dict(zip(several, turn, strict=True))
                try:
                    with _own(fixtures, number) as fresh:
                        test(**fresh, **arguments)
                except pytest.skip.Exception:
                    skipped += 1
                    if skipped == len(turns):
                        raise
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(", ".join(f"{key} = {value!r}"
                                             for key, value in arguments.items()))
                    raise

        whole.__signature__ = signature.replace(  # what pytest looks for fixtures in
            parameters=[one for one in signature.parameters.values() if one.name not in several])
        return whole

    return loop


@contextmanager
def _own(fixtures: dict[str, Any], number: int) -> Iterator[dict[str, Any]]:
    """``fixtures`` as turn ``number`` is to find them."""
    fresh = {name: copy.deepcopy(value) if isinstance(value, dict) else value
             for name, value in fixtures.items()}
    if "capsys" in fixtures:
        fixtures["capsys"].readouterr()
    if "tmp_path" in fixtures:
        fresh["tmp_path"] = fixtures["tmp_path"] / str(number)
        fresh["tmp_path"].mkdir()
    if "monkeypatch" not in fixtures:
        yield fresh
        return
    with fixtures["monkeypatch"].context() as fresh["monkeypatch"]:
        yield fresh
