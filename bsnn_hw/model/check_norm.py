"""What turns a synapse's sums into a current: bias, norm and gate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bsnn_hw.model.description import Norm, Synapse
from bsnn_hw.model.values import Table, word

__all__ = ["Scaling", "check_scaling"]


@dataclass(frozen=True)
class Scaling:
    """``bias`` and ``norm`` per channel, ``gate`` per timestep; ``own_gate`` as in `Layer`."""

    bias: np.ndarray
    norm: Norm
    gate: np.ndarray
    own_gate: bool = False

    def reach(self, synapse: Synapse, largest: float) -> float:
        """Largest absolute sum of a neuron's current over all timesteps, inf beyond float64.

        largest : float, largest absolute value that comes in
        """
        norm = self.norm
        with np.errstate(over="ignore", invalid="ignore"):
            sums = largest * synapse.reach + np.abs(self.bias)
            scale = np.maximum(np.abs(norm.gamma), 1) / np.sqrt(norm.var + norm.eps)
            current = (sums + np.abs(norm.mean)) * scale + np.abs(norm.beta)
            reach = float((current * np.abs(self.gate).sum()).max())
        return reach if np.isfinite(reach) else np.inf


def check_scaling(table: Table, channels: int | None, per: str, timesteps: int | None,
                  spiking: bool, constant_in: str = "") -> Scaling | None:
    """The bias, norm and gate of one synapse, each with its default; None after a problem.

    table : the layer or shortcut
    channels : int, None if unknown after another problem
    per : str, what has one value of these ("neuron", "output channel")
    timesteps : int, None if unknown after another problem
    spiking : bool, whether a neuron follows
    constant_in : str, where this is, if a gate there must be constants; "" where a sample may make
        it
    """
    bias = (table.vector("bias", channels, per) if table.has("bias") else _full(channels, 0.0))
    norm = _norm(table, channels, per)
    gate = _gate(table, timesteps, spiking, constant_in)
    # No problem of its own, and still None: the gate, where the model's timesteps are unknown.
    if bias is None or norm is None or gate is None:
        return None
    return Scaling(bias, norm, gate, word(table.raw("gate"), "kind") == "sample")


def _norm(table: Table, channels: int | None, per: str) -> Norm | None:
    """The BatchNorm, the identity where the file has none; None after a problem."""
    if not table.has("norm"):
        zero, one = _full(channels, 0.0), _full(channels, 1.0)
        return None if zero is None or one is None else Norm(one, zero, zero, one, 0.0)
    norm = table.inner("norm", required=("gamma", "beta", "mean", "var", "eps"))
    eps = norm.number("eps", "a finite number, 0 or more", least=0)
    gamma, beta, mean, var = (norm.vector(key, channels, per)
                              for key in ("gamma", "beta", "mean", "var"))
    if var is not None and norm.has("eps"):
        bad = np.flatnonzero(var + eps <= 0)
        if bad.size:
            norm.problem("var", f"plus eps must be above 0, but is not for {bad.size} of "
                                f"{var.size} {per}s, first {per} {bad[0]} with {var[bad[0]]}")
            return None
    if gamma is None or beta is None or mean is None or var is None:
        return None
    return Norm(gamma, beta, mean, var, eps)


def _gate(table: Table, timesteps: int | None, spiking: bool, constant_in: str
          ) -> np.ndarray | None:
    """The gate, or alpha, per timestep, ones where the file has none; None after a problem."""
    if not table.has("gate"):
        return _full(timesteps, 1.0)
    kind = word(table.raw("gate"), "kind")
    data = "alpha" if kind == "sample" else "value"
    gate = table.inner("gate", required=("kind", data))
    gate.choice("kind", {"constant": True, "sample": True})
    if kind not in ("constant", "sample"):
        return None
    values = gate.vector(data, timesteps, "timestep")
    if kind == "sample" and constant_in:
        gate.refuse("kind", f"'sample' is refused in {constant_in}: the hardware makes a gate of "
                            "each sample only where the layer's neurons take its own current and "
                            "nothing else; accepted is 'constant', with the running average of "
                            "training")
        return None
    if values is None or not spiking:
        return values
    bad = np.flatnonzero(values <= 0)
    if bad.size:
        gate.problem(data, f"must be above 0, but timestep {bad[0] + 1} has {values[bad[0]]}; "
                           "a gate of zero or below has no positive scale to divide by")
        return None
    return values


def _full(length: int | None, value: float) -> np.ndarray | None:
    if length is None:
        return None
    array = np.full(length, value)
    array.setflags(write=False)
    return array
