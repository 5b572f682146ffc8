"""``python -m evidence.proofs``: the components of hdl/, proven for all that may come in.

Each proof is of a component at a small size, without a bound on the cycles.  For each a fault is
put into the component, which must give a counterexample; ``--trace`` prints it.
"""

from __future__ import annotations

import argparse
import resource
import sys
import time

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError
from evidence.pools import process_pool

__all__ = ["main"]


def _hold(module: str, jobs: int) -> None:
    """Whether what stands in ``module`` is as its proofs say, their faults aside."""
    from evidence.proofs.catalogue import PROOFS
    from evidence.proofs.proof import hold

    proofs = [proof for proof in PROOFS if proof.fault.module == module]
    with process_pool(jobs) as pool:
        for proof, rules in zip(proofs, pool.map(hold, proofs), strict=True):
            print(f"{proof.name:34} {rules:2} rules proven", flush=True)


def _act(options: argparse.Namespace) -> None:
    from evidence.proofs.catalogue import PROOFS
    from evidence.proofs.proof import judge

    if options.of is not None:
        return _hold(options.of, options.jobs)
    proofs = [proof for proof in PROOFS if proof.quick or not options.quick]
    if options.only is not None:
        proofs = [proof for proof in PROOFS if options.only in proof.name]
        if not proofs:
            raise InputError(f"`only`: must be a part of a proof's name, not {options.only!r}; "
                             "leave it out to see all")
    start, rules = time.monotonic(), 0
    with process_pool(options.jobs) as pool:
        for judged in pool.map(judge, proofs):
            rules += judged.rules
            print(f"{judged.name:34} {judged.rules:2} rules proven in {judged.seconds:5.1f} s; "
                  f"fault: {judged.broken}, broken in cycle {len(judged.trace) - 2}", flush=True)
            if options.trace:
                print("\n".join(f"    {line}" for line in judged.trace), flush=True)
    print(f"{len(proofs)} proofs of {rules} rules, each fault found, in "
          f"{time.monotonic() - start:.0f} s, {_processor_seconds():.0f} s of a processor")


def _processor_seconds() -> float:
    """Of this program and all that it started and that ended."""
    return sum(used.ru_utime + used.ru_stime for used in (
        resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)))


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.proofs",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="only those of about a second")
    parser.add_argument("--only", metavar="NAME", help="only those with this in their name")
    parser.add_argument("--of", metavar="MODULE", help="only whether those with a fault in this "
                        "module of hdl/ hold, without the fault")
    parser.add_argument("--trace", action="store_true", help="print the faults' counterexamples")
    parser.add_argument("--jobs", type=int, default=2, help="at the same time (default: 2)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
