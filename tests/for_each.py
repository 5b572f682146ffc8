"""One property over many values as one test, which names the value that fails."""

import functools
import inspect
from collections.abc import Callable, Iterable

import pytest

__all__ = ["for_each"]


def for_each(names: str, values: Iterable[object]) -> Callable:
    """As `pytest.mark.parametrize`, in one test: all seeds, or all shapes, of one property.

    Parameters
    ----------
    names : str, arguments of the test, separated by commas
    values : a value for each turn, or a tuple of them where there are several names

    A turn that skips does not end the others. Fixtures of the test are shared by all turns, so
    this is not for a test that writes into ``tmp_path`` or patches.
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
            for turn in turns:
                arguments = dict(zip(several, turn, strict=True))
                try:
                    test(**fixtures, **arguments)
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
