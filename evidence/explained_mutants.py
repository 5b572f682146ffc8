"""Mutants that no test can or need find, each with the reason why."""

from __future__ import annotations

__all__ = ["EXPLAINED"]

# (file, the first changed line, that line with the fault) -> why nothing promised changes
EXPLAINED: dict[tuple[str, str, str], str] = {}
