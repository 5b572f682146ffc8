"""A gate in a network that was written without one: it knows the timestep."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn

from bsnn_hw.nn.gate import AGMMGate

__all__ = ["TIMES", "TimedGate"]

TIMES = ("calls", "steps", "flattened")


class TimedGate(nn.Module):
    """An `AGMMGate` or another gate of T constants, in a network of any framework.

    Parameters
    ----------
    gate : module on (steps, batch, ...) with ``values()``
    timesteps : int, T
    time : {"calls", "steps", "flattened"}: each call is a timestep, of (batch, ...); a call has
        all of them, (T, batch, ...); or in the batch's axis, (T·batch, ...), time first
    """

    def __init__(self, gate: nn.Module, timesteps: int, time: str = "calls"):
        if time not in TIMES:
            raise ValueError(f"Time must be one of {TIMES}, not {time!r}")
        super().__init__()
        self.gate: Any = gate
        self.timesteps = timesteps
        self.time = time
        self.step = 0

    def forward(self, currents: Tensor) -> Tensor:
        """Gate the currents of one call; the shape stays."""
        if self.training and isinstance(self.gate, AGMMGate):
            self.gate.clip()
        if self.time == "flattened":
            return self.gate(currents.unflatten(0, (self.timesteps, -1))).flatten(0, 1)
        if self.time == "steps":
            return self.gate(currents)
        now, self.step = self.step, (self.step + 1) % self.timesteps
        return self.gate(currents.unsqueeze(0), slice(now, now + 1)).squeeze(0)

    def reset(self) -> None:
        """Begin with the first timestep; SpikingJelly's ``reset_net`` calls it."""
        self.step = 0

    def timestep_factors(self) -> Tensor:
        """Return the constants of inference, (T,): what `bsnn_hw.convert` reads."""
        return self.gate.values()

    def extra_repr(self) -> str:
        """What printing a model shows of it."""
        return f"timesteps={self.timesteps}, time={self.time!r}"
