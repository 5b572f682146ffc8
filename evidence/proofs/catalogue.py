"""All proofs."""

from __future__ import annotations

from evidence.proofs import (
    axi,
    events,
    gates,
    held,
    margins,
    networks,
    neurons,
    pools,
    scores,
    steps,
    streaming,
    streams,
    sums,
    walks,
)
from evidence.proofs.proof import Proof

__all__ = ["PROOFS"]

PROOFS: tuple[Proof, ...] = (*streams.PROOFS, *events.PROOFS, *sums.PROOFS, *held.PROOFS,
                             *walks.PROOFS, *steps.PROOFS, *neurons.PROOFS, *gates.PROOFS,
                             *pools.PROOFS, *scores.PROOFS, *streaming.PROOFS, *axi.PROOFS,
                             *margins.PROOFS, *networks.PROOFS)
