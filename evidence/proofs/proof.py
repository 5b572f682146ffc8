"""What a proof is, and how it and its fault are judged."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bsnn_hw.errors import BsnnError
from evidence.proofs.harness import Harness
from evidence.proofs.parts import Fault, Parts, broken, sound
from evidence.proofs.prover import prove
from evidence.proofs.replay import replay

__all__ = ["Judged", "Proof", "hold", "judge"]


@dataclass(frozen=True)
class Proof:
    """A harness that holds, and a fault with which it does not.

    build : makes the harness of the modules it is given
    quick : takes about a second
    cycles : int, that runs have of which it is a proof; None for no bound
    """

    name: str
    build: Callable[[Parts], Harness]
    fault: Fault
    quick: bool = True
    cycles: int | None = None


@dataclass(frozen=True)
class Judged:
    """A proof that was found, and the fault's counterexample.

    seconds : float, of the proof; rules : int, that hold; broken : str, the rule that the fault
    breaks; trace : lines, how
    """

    name: str
    seconds: float
    rules: int
    broken: str
    trace: tuple[str, ...]


def hold(proof: Proof) -> int:
    """Prove it, its fault aside; returns how many rules hold.

    Raises
    ------
    BsnnError
        A rule does not, and the message has the counterexample.
    """
    harness = proof.build(sound)
    verdict = prove(harness, proof.cycles)
    if not verdict.proven:
        rules, lines = replay(proof.build(sound), verdict.inputs)
        raise BsnnError("\n".join([f"{proof.name}: {rules[0]}, and it does not", *lines]))
    return len(harness.rules)


def judge(proof: Proof) -> Judged:
    """Prove it, and find the fault.

    Raises
    ------
    BsnnError
        A rule does not hold, and the message has the counterexample; or the fault breaks none.
    """
    start = time.monotonic()
    held = hold(proof)
    seconds = time.monotonic() - start
    faulty = prove(proof.build(broken(proof.fault)), proof.cycles)
    if faulty.proven:
        raise BsnnError(f"{proof.name}: its fault must break a rule, and breaks none")
    rules, lines = replay(proof.build(broken(proof.fault)), faulty.inputs)
    return Judged(proof.name, seconds, held, rules[0], tuple(lines))
