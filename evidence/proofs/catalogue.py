"""All proofs."""

from __future__ import annotations

from evidence.proofs import axi, events, streams, sums
from evidence.proofs.proof import Proof

__all__ = ["PROOFS"]

PROOFS: tuple[Proof, ...] = (*streams.PROOFS, *events.PROOFS,
                              *sums.PROOFS, *axi.PROOFS)
