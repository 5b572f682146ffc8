"""A module that can be called, for names that are a stage of the pipeline and a module too."""

from __future__ import annotations

import sys
import types
from typing import Any

__all__ = ["callable_as"]


def callable_as(module: str, function: str) -> None:
    """Let a module be called as a function of `bsnn_hw.pipeline`.

    Importing the module ``bsnn_hw.generate`` makes it ``bsnn_hw.generate``, where users expect
    the function.
    """

    class Callable(types.ModuleType):
        def __call__(self, *arguments: Any, **options: Any) -> Any:
            from bsnn_hw import pipeline

            return getattr(pipeline, function)(*arguments, **options)

    sys.modules[module].__class__ = Callable
