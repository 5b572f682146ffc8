"""``python -m bsnn_hw.explore study.toml``: networks, precisions, plans and parts on a cluster."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError, MismatchError, ToolError

if TYPE_CHECKING:
    from bsnn_hw.exploration.study import Study

__all__ = ["main"]

WORKERS = 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bsnn_hw.explore", description=__doc__)
    add = parser.add_argument
    add("study", type=Path, help="what to explore, in TOML (docs/explore.md)")
    add("--out", type=Path, metavar="FOLDER",
        help="store, cache and page; a study that was stopped goes on there (default: the study's "
             "name with _study)")
    add("--workers", type=int, default=WORKERS, metavar="N",
        help=f"processes on this machine (default: {WORKERS})")
    add("--scheduler", metavar="ADDRESS",
        help="of a Dask scheduler to use instead, such as tcp://host:8786")
    add("--again", action="store_true",
        help="try points again that were refused or not exact")
    return parser


def _act(options: argparse.Namespace) -> None:
    from bsnn_hw.exploration.study import read_study

    if options.workers < 1:
        raise InputError(f"--workers: must be 1 or more, not {options.workers}")
    study = read_study(options.study)
    out = options.out or Path(f"{options.study.stem}_study")
    rows = _explored(study, out, options)
    _show(study, out, rows)


def _explored(study: Study, out: Path, options: argparse.Namespace) -> list[dict[str, Any]]:
    """The rows of the study, in its order."""
    from bsnn_hw.cluster import dask_workers
    from bsnn_hw.exploration.choosing import chooser_of
    from bsnn_hw.exploration.run import Runner
    from bsnn_hw.exploration.store import open_store
    from bsnn_hw.progress import counted, say

    chooser = chooser_of(study)
    with (open_store(out) as store,
          dask_workers(options.workers, options.scheduler) as workers):
        keys = Runner(study, workers, store, out, say, counted(chooser.total, "points"),
                      options.again).run(chooser)
        return [row for key in keys if (row := store.point(key))]


def _show(study: Study, out: Path, rows: list[dict[str, Any]]) -> None:
    """Print the front and what went wrong, and write the page."""
    from bsnn_hw.exploration.front import cells_of, front, objectives_of
    from bsnn_hw.exploration.page import failures, page_text
    from bsnn_hw.nn.files import write_whole
    from bsnn_hw.text import table

    objectives = objectives_of(rows, study.objectives)
    best = front(rows, objectives)
    if best:
        print(table(cells_of(best)), end="\n\n")
    wrong = failures(rows)
    for each in wrong:
        print(f"{each.status:9} {each.count:,} point(s), {each.error}; the first: {each.first}")
    page = out / "study.html"
    write_whole(page, page_text(study.path.stem, rows, objectives).encode())
    done = sum(row["status"] == "done" for row in rows)
    print(f"points    {done:,} of {len(rows):,} with a result, {len(best):,} on the front of "
          f"{', '.join(objectives)}")
    print(f"written   {out / 'study.sqlite'}, {page}", flush=True)
    if different := [each for each in wrong if each.status == "different"]:
        raise MismatchError(f"{different[0].first}: {different[0].error}")
    if failed := [each for each in wrong if each.status == "failed"]:
        raise ToolError(f"{failed[0].first}: {failed[0].error}; start again to try it again")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, argv)


if __name__ == "__main__":
    sys.exit(main())
