"""All proofs."""

from __future__ import annotations

from evidence.proofs import (
    axi,
    events,
    margins,
    networks,
    neurons,
    pools,
    scores,
    steps,
    streams,
    sums,
)
from evidence.proofs.proof import Proof

__all__ = ["PROOFS"]

PROOFS: tuple[Proof, ...] = (*streams.PROOFS, *events.PROOFS, *sums.PROOFS, *steps.PROOFS,
                             *neurons.PROOFS, *pools.PROOFS, *scores.PROOFS, *axi.PROOFS,
                             *margins.PROOFS, *networks.PROOFS)
