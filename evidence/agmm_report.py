"""``python -m evidence.agmm_report``: the tables of docs/agmm.md, from the log of `evidence.agmm`.

Differences are paired by seed, with a 95 % interval in brackets (Student's t over the seeds).
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError
from evidence.agmm import LOG
from evidence.agmm_plot import curves_svg

__all__ = ["CLAIMS", "Claim", "Difference", "claim_table", "failures", "main", "paired", "read"]

# Of a two-sided 95 % interval, by the number of pairs.
STUDENT = {2: 12.706, 3: 4.303, 4: 3.182, 5: 2.776}
TRAINED = 0.5  # a run below this training accuracy has not trained
REACHED = 0.98
AGAINST = ("none", "constant", "scale-half", "rate-half")
_BESIDE = {1: "more than", 0: "not told apart from", -1: "less than"}
Line = dict[str, Any]
Log = dict[tuple[str, int, str, str], dict[int, Line]]


@dataclass(frozen=True)
class Claim:
    """What the paper says of a quantity, and how it is read off a run.

    title : of its table; better : +1 where more of it is claimed, -1 where less
    value : of a run, given the ungated run of its seed
    relative : differences as a share, not as they are
    grain : what a value can be wrong by, where it is counted in whole numbers
    """

    title: str
    better: int
    value: Callable[[Line, Line], float]
    relative: bool
    form: str
    grain: float = 0.0


def _reached(line: Line, bare: Line) -> float:
    """The first epoch whose test accuracy is 98 % of the ungated run's last one; one more than
    there are where none is."""
    bar = REACHED * bare["test"][-1]
    return next((number for number, accuracy in enumerate(line["test"], 1) if accuracy >= bar),
                len(line["test"]) + 1)


CLAIMS = (
    Claim("Flips per step, π", -1, lambda line, _: statistics.mean(line["flips"]), True, ".2e"),
    Claim("Flips per epoch, π_e", -1, lambda line, _: statistics.mean(line["epoch_flips"][1:]),
          True, ".4f"),
    Claim("Epochs to 98 % of the ungated run's accuracy", -1, _reached, False, ".1f",
          1.0),
    Claim("Test accuracy, mean over the epochs, %", 1,
          lambda line, _: 100 * statistics.mean(line["test"]), False, ".2f"),
    Claim("Test accuracy, %", 1, lambda line, _: 100 * line["test"][-1], False, ".2f"),
    Claim("Firing rate", -1, lambda line, _: line["rate"][-1], True, ".3f"),
)


@dataclass(frozen=True)
class Difference:
    """A mean over pairs and its interval, in what is printed; from 2 pairs on."""

    mean: float
    low: float
    high: float
    pairs: int

    @property
    def sign(self) -> int:
        """+1 or -1 where the interval leaves 0 out, else 0."""
        return 1 if self.low > 0 else -1 if self.high < 0 else 0


def paired(values: Sequence[float], others: Sequence[float], relative: bool,
           grain: float = 0.0) -> Difference:
    """The difference of pairs; relative, in per cent of `others`, by the mean of the logarithms.

    grain : added to the interval on both sides
    """
    change = [math.log(a / b) if relative else a - b for a, b in zip(values, others, strict=True)]
    mean, count = statistics.mean(change), len(change)
    half = STUDENT[count] * statistics.stdev(change) / math.sqrt(count) + grain
    mean, low, high = (100 * math.expm1(bound) if relative else bound
                       for bound in (mean, mean - half, mean + half))
    return Difference(mean, low, high, count)


def read(path: Path) -> Log:
    """The runs of a log, by network, depth, optimizer and variant, and by seed."""
    log: Log = {}
    try:
        for line in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
            key = (line["network"], line["depth"], line["optimizer"], line["variant"])
            log.setdefault(key, {})[line["seed"]] = line
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: must be a log of evidence.agmm, {error!r}; "
                         f"run it first") from error
    return log


def _trained(line: Line) -> bool:
    return line["train"][-1] >= TRAINED


def failures(log: Log) -> list[str]:
    """The runs that did not train, in words; tables leave their seeds out."""
    return [f"{network}-{depth} {optimizer} {variant} {seed}"
            for (network, depth, optimizer, variant), runs in log.items()
            for seed, line in runs.items() if not _trained(line)]


def compare(log: Log, place: tuple[str, int, str], claim: Claim, other: str
            ) -> Difference | None:
    """The gate against another variant, over the seeds that both have; None below two."""
    gated, others, bare = (log.get((*place, variant), {}) for variant in ("agmm", other, "none"))
    seeds = [seed for seed in sorted(gated.keys() & others.keys() & bare.keys())
             if all(_trained(runs[seed]) for runs in (gated, others, bare))]
    if len(seeds) < min(STUDENT):
        return None
    return paired([claim.value(gated[seed], bare[seed]) for seed in seeds],
                  [claim.value(others[seed], bare[seed]) for seed in seeds], claim.relative,
                  claim.grain)


def _places(log: Log) -> list[tuple[str, int, str]]:
    return sorted({key[:3] for key in log}, key=lambda place: (place[0], place[2] != "sgd",
                                                               place[1]))


def _verdict(claim: Claim, difference: Difference | None) -> str:
    if difference is None:
        return "no pairs"
    return {0: "not told apart", claim.better: "as claimed", -claim.better: "the opposite"}[
        difference.sign]


def _text(difference: Difference | None, relative: bool) -> str:
    if difference is None:
        return "-"
    unit, form = (" %", "+.1f") if relative else ("", "+.2f")
    mark = "**" if difference.sign else ""
    few = "" if difference.pairs > 2 else f", {difference.pairs} pairs"
    return (f"{mark}{difference.mean:{form}}{unit}{mark} [{difference.low:{form}}, "
            f"{difference.high:{form}}{few}]")


def claim_table(log: Log, claim: Claim) -> str:
    """A Markdown table of a quantity: without the gate, and the gate against none and controls."""
    rows = [["network", "optimizer", "none", *(f"gate against {name}" for name in AGAINST),
             "verdict"]]
    for place in _places(log):
        network, depth, optimizer = place
        bare = [claim.value(line, line) for line in log.get((*place, "none"), {}).values()
                if _trained(line)]
        found = [compare(log, place, claim, other) for other in AGAINST]
        rows.append([f"{network}-{depth}", optimizer,
                     format(statistics.mean(bare), claim.form) if bare else "-",
                     *(_text(each, claim.relative) for each in found),
                     _verdict(claim, found[0])])
    return markdown(rows)


def verdict_table(log: Log) -> str:
    """A Markdown table of the claims by network: what the intervals say, and what a constant gate
    does in the gate's place."""
    rows = [["network", "optimizer", *(claim.title for claim in CLAIMS)]]
    for network, depth, optimizer in _places(log):
        cells = []
        for claim in CLAIMS:
            found, constant = (compare(log, (network, depth, optimizer), claim, other)
                               for other in ("none", "constant"))
            cells.append(_verdict(claim, found) + (
                f"; {_BESIDE[claim.better * constant.sign]} a constant gate"
                if found and constant and claim.better * found.sign > 0 else ""))
        rows.append([f"{network}-{depth}", optimizer, *cells])
    return markdown(rows)


def options_table(log: Log) -> str:
    """A Markdown table of every variant in a log, without differences."""
    rows = [["network", "optimizer", "variant", "seeds", "test", "π", "π_e", "firing rate"]]
    for (network, depth, optimizer, variant), runs in sorted(
            log.items(), key=lambda item: (item[0][2] != "sgd", item[0])):
        def mean(claim: Claim, lines: Iterable[Line] = runs.values()) -> str:
            return format(statistics.mean(claim.value(line, line) for line in lines), claim.form)

        rows.append([f"{network}-{depth}", optimizer, variant, str(len(runs)),
                     mean(CLAIMS[4]), mean(CLAIMS[0]), mean(CLAIMS[1]), mean(CLAIMS[5])])
    return markdown(rows)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as a Markdown table, the first row the heading."""
    lines = [rows[0], ["---"] * len(rows[0]), *rows[1:]]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _curves(log: Log, optimizer: str, key: str) -> dict[str, dict[str, list[float]]]:
    """Means over the seeds by panel (depth) and variant."""
    panels: dict[str, dict[str, list[float]]] = {}
    order = ["agmm", *AGAINST]
    shown = [key for key in log if key[0] == "bireal" and key[2] == optimizer and key[3] in order]
    for place in sorted(shown, key=lambda key: (key[1], order.index(key[3]))):
        _, depth, _, variant = place
        lines = [line[key] for line in log[place].values() if _trained(line)]
        panels.setdefault(f"{depth} layers, {optimizer}", {})[variant] = [
            statistics.mean(values) for values in zip(*lines, strict=True)]
    return panels


def _act(options: argparse.Namespace) -> None:
    log = read(options.log)
    if options.options:
        print(options_table(log), end="")
        return
    lines = [line for runs in log.values() for line in runs.values()]
    print(f"{len(lines)} runs, {sum(line['seconds'] for line in lines) / 3600:.1f} hours; did not "
          f"train: {', '.join(failures(log)) or 'none'}\n")
    print(verdict_table(log))
    for claim in CLAIMS:
        print(f"### {claim.title}\n\n{claim_table(log, claim)}")
    for optimizer in ("sgd", "adam") if options.plots else ():
        for key, words in (("test", "accuracy"), ("flips", "flips")):
            path = options.plots / f"agmm_{words}_{optimizer}.svg"
            path.write_text(curves_svg(_curves(log, optimizer, key)), encoding="utf-8")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.agmm_report",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--log", type=Path, default=LOG, help=f"({LOG})")
    parser.add_argument("--options", action="store_true", help="every variant of the log, in one "
                        "table")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw the curves there")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    raise SystemExit(main())
