"""Tables, shares and strange values as a person reads them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from bsnn_hw.folding import terminal_width

__all__ = ["is_integer", "listed", "percent", "shown", "table"]

MOST_CHARACTERS = 60  # of a string in a message
MOST_NAMES = 12


def table(rows: Sequence[Sequence[object]], width: int | None = None) -> str:
    """Rows of cells as aligned text, the first row the heading; the first column left.

    width : characters of a line, beyond which columns come in a table of their own below, with the
        first column again; None for those of the terminal, where stdout is one
    """
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    return "\n\n".join("\n".join("  ".join(row[i].rjust(widths[i]) if i else row[i].ljust(widths[i])
                                           for i in part).rstrip() for row in cells)
                       for part in _parts(widths, width or terminal_width()))


def _parts(widths: Sequence[int], most: int | None) -> Iterator[list[int]]:
    """Columns that fit beside each other."""
    part = [0]
    for column in range(1, len(widths)):
        taken = sum(widths[each] + 2 for each in part) + widths[column]
        if most is not None and taken > most and len(part) > 1:
            yield part
            part = [0]
        part.append(column)
    yield part


def percent(share: float | None) -> str:
    """A share of 1 as text."""
    return "-" if share is None else f"{100 * share:.2f} %"


def is_integer(value: object) -> bool:
    """Whether ``value`` is an int of at most 64 bits; True and False are no integers."""
    return isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64


def shown(value: object) -> str:
    """``value`` for a message: one short line, made in as little time however large or nested the
    value is."""
    if isinstance(value, str):
        return repr(value if len(value) <= MOST_CHARACTERS else
                    value[:MOST_CHARACTERS - 3] + "...")
    if isinstance(value, bool) or value is None or isinstance(value, float):
        return repr(value)
    if isinstance(value, int):
        return str(value) if is_integer(value) else f"an integer of {value.bit_length()} bits"
    if isinstance(value, (list, tuple)):
        if len(value) <= 8 and all(is_integer(item) for item in value):
            return str(list(value))
        return f"a {type(value).__name__} of {len(value)} values"
    if isinstance(value, dict):
        return f"a dictionary of {len(value)} keys"
    if getattr(value, "is_nested", False):
        return "a nested tensor"
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        return f"a {str(value.dtype).removeprefix('torch.')} array of shape {tuple(value.shape)}"
    return f"a {type(value).__name__}"


def listed(names: Iterable[object]) -> str:
    """Names for a message, at most twelve of them."""
    names = list(names)
    rest = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
    return ", ".join(map(shown, names[:MOST_NAMES])) + rest
