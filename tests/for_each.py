"""One property over many values as one test, which names the value that fails."""

import copy
import functools
import inspect
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

__all__ = ["for_each", "for_each_in", "quick"]


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
    found = [dict(zip(several, value if len(several) > 1 else (value,), strict=True))
             for value in values]
    if not found:
        raise ValueError(f"{names} must have a value, or the test says nothing")

    def loop(test: Callable) -> Callable:
        assert "turns" not in inspect.signature(test).parameters, "quick stands above for_each"
        # Of a loop around another one there is a turn for each pair of their values.
        lists = [found, *getattr(test, "lists", ())]
        return _looping(getattr(test, "once", test), lists, list(_turns(lists)))

    return loop


def for_each_in(group: str, name: str) -> Callable:
    """As `for_each`, above it if there are both, over the values of a fixture that is a dict.

    group : str, the fixture; name : str, of the test's argument; a failure says the value's key
    """
    def loop(test: Callable) -> Callable:
        @functools.wraps(test)
        def whole(**fixtures: object) -> None:
            values = fixtures.pop(group)
            assert isinstance(values, dict)
            _go(lambda of, **fresh: test(**fresh, **{name: values[of]}),
                [{"of": key} for key in values], fixtures)

        signature = inspect.signature(test)
        whole.__signature__ = signature.replace(parameters=[
            one.replace(name=group) if one.name == name else one
            for one in signature.parameters.values()])
        return whole

    return loop


def quick(count: int, wide: int | None = 0) -> Callable:
    """Only ``count`` of a test's turns are quick, ``wide`` more of them wide, all others slow.

    Above `for_each`: of a single list its first values, of several lists turns drawn with a seed,
    those first that have most values which none before them has.

    Parameters
    ----------
    count : int, quick turns; 0 if something quicker stands beside the test
    wide : int, turns with the mark ``wide``; None for all that are not quick
    """
    def split(whole: Any) -> Callable:
        chosen, left = _drawn(whole.lists, count + (wide or 0))
        if not left:
            raise ValueError(f"quick must be less than {len(chosen)} turns, not {count}"
                             + f" + {wide}" * bool(wide))
        if wide is None:
            chosen, left = [*chosen, *left], []
        parts = {name: _looping(whole.once, whole.lists, turns) for name, turns in (
            ("quick", chosen[:count]), ("wide", chosen[count:]), ("slow", left)) if turns}

        @functools.wraps(whole)
        def shared(turns: str, **fixtures: object) -> None:
            parts[turns](**fixtures)

        parameter = inspect.Parameter("turns", inspect.Parameter.KEYWORD_ONLY)
        signature = inspect.signature(whole)
        shared.__signature__ = signature.replace(
            parameters=[*signature.parameters.values(), parameter])
        marks: dict[str, Any] = {"quick": (), "wide": pytest.mark.wide, "slow": pytest.mark.slow}
        return pytest.mark.parametrize(
            "turns", [pytest.param(name, marks=marks[name]) for name in parts])(shared)

    return split


def _turns(lists: list[list[dict]]) -> Iterator[dict]:
    """Arguments of every turn, the last list's values changing first."""
    for values in itertools.product(*lists):
        yield {name: value for each in values for name, value in each.items()}


def _drawn(lists: list[list[dict]], count: int) -> tuple[list[dict], list[dict]]:
    """``count`` turns, and the others."""
    places = [set(enumerate(each)) for each in itertools.product(*(range(len(values))
                                                                   for values in lists))]
    turns = list(_turns(lists))
    order = list(range(len(turns)))
    if len(lists) > 1:
        random.Random(0).shuffle(order)
        missing = set().union(*places)
        for at in range(count):
            best = max(order[at:], key=lambda number: len(places[number] & missing))
            missing -= places[best]
            order.insert(at, order.pop(order.index(best)))
    return [turns[number] for number in order[:count]], [turns[number] for number in order[count:]]


def _looping(test: Callable, lists: list[list[dict]], turns: list[dict]) -> Callable:
    """``test`` with the arguments of each of ``turns``."""
    signature, names = inspect.signature(test), {name for values in lists for name in values[0]}

    @functools.wraps(test)
    def whole(**fixtures: object) -> None:
        _go(test, turns, fixtures)

    whole.once, whole.lists = test, lists
    whole.__signature__ = signature.replace(  # what pytest looks for fixtures in
        parameters=[one for one in signature.parameters.values() if one.name not in names])
    return whole


def _go(test: Callable, turns: list[dict], fixtures: dict[str, Any]) -> None:
    skipped = 0
    for number, arguments in enumerate(turns):
        try:
            with _own(fixtures, number) as fresh:
                test(**fresh, **arguments)
        except pytest.skip.Exception:
            skipped += 1
            if skipped == len(turns):
                raise
        except (Exception, pytest.fail.Exception) as error:
            error.add_note(", ".join(f"{key} = {value!r}" for key, value in arguments.items()))
            raise


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
