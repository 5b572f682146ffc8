"""``python -m bsnn_hw.nn.table LOG…``: training logs side by side, as a Markdown table."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from bsnn_hw.errors import BsnnError, InputError

__all__ = ["main", "table"]

_HEAD = ("run", "weights", "gate", "seed", "epochs", "validation", "test", "mean π", "mean π_e",
         "firing rates", "spikes per inference")


def table(logs: Sequence[str | Path]) -> str:
    """Return a Markdown table with a row per log of a finished run.

    Accuracies are of the last epoch; π is the share of the signs that a step flips, mean over all
    steps of all epochs; π_e is the share that differ before and after an epoch, mean over all
    epochs but the first, which starts from random signs; rates and spikes are those of the test
    set.

    Raises
    ------
    InputError
        When a file is not the log of a finished run.
    """
    rows = [_HEAD, ("---",) * len(_HEAD), *(_row(Path(log)) for log in logs)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _row(path: Path) -> tuple[str, ...]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        first, *epochs, last = map(json.loads, lines)
        recipe, test = first["recipe"], last["test"]
        validation = epochs[-1]["validation_accuracy"]
        flips = _mean(line["flip_ratio"] for line in epochs if line["flip_ratio"] is not None)
        # Logs of earlier versions have no flips per epoch.
        by_epoch = _mean(line["epoch_flip_ratio"] for line in epochs[1:]
                         if line.get("epoch_flip_ratio") is not None)
        return (path.stem, recipe.get("weights", "binary"), recipe["gate"], str(recipe["seed"]),
                str(len(epochs)), "none" if validation is None else f"{validation:.2%}",
                f"{test['accuracy']:.2%}", "" if flips is None else f"{flips:.2e}",
                "" if by_epoch is None else f"{by_epoch:.3f}", _joined(_rates(recipe, test), ".3f"),
                _joined(test["spikes_per_inference"].values(), ".1f"))
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise InputError(f"{path}: must be the log (.jsonl) of a finished run, {error!r}; "
                         f"train first") from error


def _mean(values: Iterable[float]) -> float | None:
    numbers = list(values)
    return sum(numbers) / len(numbers) if numbers else None


def _rates(recipe: dict[str, Any], test: dict[str, Any]) -> list[float]:
    if "rates" in test:
        return list(test["rates"].values())
    # Logs of earlier versions: all layers were fully connected.
    return [count / (recipe["timesteps"] * neurons)
            for count, neurons in zip(test["spikes_per_inference"].values(), recipe["hidden"],
                                      strict=True)]


def _joined(values, form: str) -> str:
    return ", ".join(format(value, form) for value in values)


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return the exit code."""
    logs = sys.argv[1:] if arguments is None else arguments
    if not logs or logs[0] in ("-h", "--help"):
        print("usage: python -m bsnn_hw.nn.table LOG.jsonl [LOG.jsonl ...]")
        return 0 if logs else 2
    try:
        print(table(logs), end="")
    except BsnnError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
