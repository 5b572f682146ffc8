"""Tables and shares as a person reads them."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["percent", "table"]


def table(rows: Sequence[Sequence[object]]) -> str:
    """Rows of cells as aligned text, the first row the heading; the first column left."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n".join("  ".join(cell.ljust(width) if i == 0 else cell.rjust(width)
                               for i, (cell, width) in enumerate(zip(row, widths, strict=True)))
                     .rstrip() for row in cells)


def percent(share: float | None) -> str:
    """A share of 1 as text."""
    return "-" if share is None else f"{100 * share:.2f} %"
