"""The neuron of a layer: what fires, when, and what firing does."""

from __future__ import annotations

import numpy as np

from bsnn_hw.model.check_readout import check_scoring
from bsnn_hw.model.description import Comparison, Neuron, Reset
from bsnn_hw.model.scoring import PerChannel, Scoring
from bsnn_hw.model.values import Table, equals, shown, word

__all__ = ["check_neuron", "membrane_reach"]

ROUNDING = 1e-6  # relative, of decimals in single precision that add up to each other

# Keys of other frameworks, and what they are here.
HINTS = {
    "beta": "snnTorch's beta is leak",
    "alpha": "snnTorch's alpha, the leak of a synaptic current, is current_leak",
    "tau_syn": "the leak of the synaptic current is current_leak: exp(-dt/tau_syn), or 1 - "
               "dt/tau_syn",
    "c_decay": "SpikingJelly's c_decay, the leak of a synaptic current, is current_leak",
    "tau": "leak = 1 - 1/tau; with decay_input also input_scale = 1/tau",
    "decay_input": "input_scale = 1/tau where the input decays, else 1",
    "v_threshold": "it is threshold",
    "v_th": "it is threshold",
    "reset_mechanism": "snnTorch's 'subtract' is reset 'soft' with reset_by threshold / leak, "
                       "'zero' is 'hard', 'none' is 'soft' with reset_by 0",
    "v_leak": "only a rest potential of 0 can be computed",
    "min_v_mem": "sinabs' min_v_mem is min_potential",
}


def check_neuron(table: Table, readout: bool, channels: int | None,
                 per: str) -> Neuron | Scoring | None:
    """The neuron, or of a readout what its scores are; None after a problem.

    table : the layer; readout : bool, whether it must be the readout
    channels : int, None if unknown after another problem
    per : str, what has constants of its own ("neuron", "output channel")
    """
    if not table.has("neuron"):
        return None
    kind = word(table.raw("neuron"), "type")
    if kind == "readout":
        scoring = check_scoring(table, channels)
        if not readout:
            table.problem("neuron", "must be 'lif' or 'if', not 'readout', which stands only in "
                                    "the last layer, and not there where spikes are counted")
        return scoring
    neuron = table.inner("neuron", hints=HINTS, required=(
        "type", *(("leak",) if kind == "lif" else ()), "threshold", "reset", "comparison"),
        optional=("input_scale", "current_leak", "reset_by", "reset_delay", "v_reset",
                  "refractory", "saturate", "min_potential", *(() if kind == "lif" else ("leak",))))
    accepted = {"lif": True, "if": True, "readout": True}
    if neuron.usable and neuron.choice("type", accepted) and readout:
        table.problem("neuron", "must be 'readout' in the last layer, whose currents over the "
                                f"timesteps make the scores, not {shown(kind)}; where its spikes "
                                "are the scores, give the model the key 'readout', {'type': "
                                "'spike_count'}")
    return _spiking(neuron, kind, channels, per)


def _spiking(neuron: Table, kind: str | None, channels: int | None, per: str) -> Neuron | None:
    def constant(key: str, must: str, **limits: float) -> PerChannel:
        return neuron.number_or_vector(key, must, length=channels, per=per, **limits)

    leak: PerChannel = 1.0
    if kind == "lif":
        leak = constant("leak", "a number from 0 to 1", least=0, most=1)
    elif kind == "if" and neuron.has("leak"):
        neuron.problem("leak", "must be absent for 'if', which does not leak; 'lif' has one")
    threshold = constant("threshold", "a finite number above 0", above=0)
    scale = constant("input_scale", "a finite number above 0", above=0)
    current_leak = (constant("current_leak", "a number from 0 to 1", least=0, most=1)
                    if neuron.has("current_leak") else 0.0)
    reset = neuron.choice("reset", {kind.value: kind for kind in Reset})
    if neuron.has("reset_by") and reset is Reset.HARD:
        neuron.problem("reset_by", "must be absent with reset 'hard', which goes to 0; 'soft' "
                                   "subtracts it")
    reset_by = constant("reset_by", "a finite number, 0 or more", least=0)
    comparison = neuron.choice("comparison", {kind.value: kind for kind in Comparison})
    refractory = _refractory(neuron, reset)
    _check_delay(neuron, reset, refractory)
    rest = neuron.raw("v_reset")
    if rest is not None and not equals(rest, 0):
        neuron.problem("v_reset", f"must be 0 or absent, not {shown(rest)}: a hard reset goes to "
                                  "0; subtract the rest potential from threshold and membrane")
    floor = (constant("min_potential", "a finite number, 0 or less", most=0)
             if neuron.has("min_potential") else None)
    if neuron.has("reset_by") and floor is not None:
        _check_room(neuron, threshold, floor, reset_by)
    if reset is None or comparison is None:
        return None
    return Neuron(leak, threshold, reset, comparison, scale,
                  reset_by if neuron.has("reset_by") else None, current_leak,
                  refractory=refractory,
                  saturate=neuron.integer("saturate", 4, 40) if neuron.has("saturate") else None,
                  min_potential=floor)


def membrane_reach(neuron: Neuron, reach: float, timesteps: int) -> float:
    """What no membrane potential nor threshold goes beyond, where a neuron's currents sum up to
    ``reach`` at most; infinite beyond float64."""
    with np.errstate(over="ignore"):
        synaptic = np.multiply(reach, neuron.gathered(timesteps))
        return float(np.max(np.multiply(synaptic, neuron.input_scale) + neuron.threshold
                            + np.multiply(timesteps, neuron.reset_amount)))


def _check_room(neuron: Table, threshold: PerChannel, floor: PerChannel,
                reset_by: PerChannel) -> None:
    """A spike may not take a membrane below its floor: what fires is not compared with it."""
    room, amount = np.broadcast_arrays(np.subtract(threshold, floor), reset_by)
    short = amount > room * (1 + ROUNDING)
    if short.any():
        neuron.problem("reset_by", f"must be at most threshold - min_potential, "
                                   f"{room[short][0]:g}, not {amount[short][0]:g}: a spike would "
                                   "take the membrane below its floor, with which only membranes "
                                   "that do not fire are compared")


def _refractory(neuron: Table, reset: Reset | None) -> bool:
    """Whether a neuron rests for a timestep after a spike."""
    rests = neuron.raw("refractory")
    if rests is not None and not isinstance(rests, bool):
        neuron.problem("refractory", f"must be True, False or absent, not {shown(rests)}: a "
                                     "refractory neuron rests for one timestep after a spike")
    elif rests and reset is Reset.SOFT:
        neuron.problem("refractory", "must be False or absent where reset is 'soft', not True: a "
                                     "refractory neuron is at 0 in the timestep after a spike")
    return rests is True


def _check_delay(neuron: Table, reset: Reset | None, refractory: bool) -> None:
    """snnTorch's ``reset_delay``: after a hard reset there is nothing left to reset late but what
    the membrane took in the same timestep."""
    delay = neuron.raw("reset_delay")
    if delay is not None and not isinstance(delay, bool):
        neuron.problem("reset_delay", f"must be True, False or absent, not {shown(delay)}")
    elif delay and reset is Reset.SOFT:
        neuron.problem("reset_delay", "must be False or absent where reset is 'soft', not True: "
                                      "the reset comes at once here; snnTorch's 'subtract' with "
                                      "its default True is that too, with reset_by threshold / "
                                      "leak, and its 'zero' is reset 'hard' with either")
    elif delay and neuron.has("current_leak") and not refractory:
        neuron.problem("reset_delay", "must be False or absent for a second-order neuron that is "
                                      "not refractory, not True: snnTorch's Synaptic with 'zero' "
                                      "and its default True has the key 'refractory', True")
