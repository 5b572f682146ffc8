"""The neuron of a layer: what fires, when, and what firing does."""

from __future__ import annotations

from bsnn_hw.model.description import Comparison, Neuron, Reset
from bsnn_hw.model.values import Table, equals, shown, word

__all__ = ["check_neuron"]

# Keys of other frameworks, and what they are here.
HINTS = {
    "beta": "snnTorch's beta is leak",
    "tau": "leak = 1 - 1/tau; with decay_input also input_scale = 1/tau",
    "decay_input": "input_scale = 1/tau where the input decays, else 1",
    "v_threshold": "it is threshold",
    "v_th": "it is threshold",
    "reset_mechanism": "snnTorch's 'subtract' is reset 'soft' with reset_by threshold / leak, "
                       "'zero' is 'hard', 'none' is 'soft' with reset_by 0",
    "v_leak": "only a rest potential of 0 can be computed",
    "refractory": "neurons have no refractory period",
}
READOUT_HINTS = dict.fromkeys(
    ("threshold", "reset", "reset_by", "leak", "comparison", "input_scale"),
    "a readout has no membrane; its score is the mean over the timesteps")


def check_neuron(table: Table, last: bool) -> Neuron | None:
    """The neuron; None in the readout or after a problem.

    table : the layer; last : bool, whether it is the last layer
    """
    if not table.has("neuron"):
        return None
    kind = word(table.raw("neuron"), "type")
    if kind == "readout":
        table.inner("neuron", required=("type",), hints=READOUT_HINTS)
        if not last:
            table.problem("neuron", "must be 'lif' or 'if', not 'readout', which stands only in "
                                    "the last layer")
        return None
    neuron = table.inner("neuron", hints=HINTS, required=(
        "type", *(("leak",) if kind == "lif" else ()), "threshold", "reset", "comparison"),
        optional=("input_scale", "reset_by", "reset_delay", "v_reset",
                  *(() if kind == "lif" else ("leak",))))
    accepted = {"lif": True, "if": True, "readout": True}
    if neuron.usable and neuron.choice("type", accepted) and last:
        table.problem("neuron", "must be 'readout' in the last layer, whose mean over the "
                                f"timesteps are the scores, not {shown(kind)}; accepted before "
                                "it are 'lif' and 'if'")
    return _spiking(neuron, kind)


def _spiking(neuron: Table, kind: str | None) -> Neuron | None:
    leak = 1.0
    if kind == "lif":
        leak = neuron.number("leak", "a number above 0 and at most 1", above=0, most=1)
    elif kind == "if" and neuron.has("leak"):
        neuron.problem("leak", "must be absent for 'if', which does not leak; 'lif' has one")
    threshold = neuron.number("threshold", "a finite number above 0", above=0)
    scale = neuron.number("input_scale", "a finite number above 0", above=0)
    reset = neuron.choice("reset", {kind.value: kind for kind in Reset})
    reset_by = _reset_by(neuron, reset)
    comparison = neuron.choice("comparison", {kind.value: kind for kind in Comparison})
    if neuron.has("reset_delay") and neuron.raw("reset_delay") is not False:
        neuron.problem("reset_delay", "must be False or absent, not "
                       f"{shown(neuron.raw('reset_delay'))}: the reset comes at once here; "
                       "snnTorch's 'subtract' with its default True is that too, reset 'soft' with "
                       "reset_by threshold / leak, and its 'zero' is 'hard' with either")
    rest = neuron.raw("v_reset")
    if rest is not None and not equals(rest, 0):
        neuron.problem("v_reset", f"must be 0 or absent, not {shown(rest)}: a hard reset goes to "
                                  "0; subtract the rest potential from threshold and membrane")
    if reset is None or comparison is None:
        return None
    return Neuron(leak, threshold, reset, comparison, scale, reset_by)


def _reset_by(neuron: Table, reset: Reset | None) -> float | None:
    """What a soft reset subtracts; None where the file does not say."""
    if not neuron.has("reset_by"):
        return None
    if reset is Reset.HARD:
        neuron.problem("reset_by", "must be absent with reset 'hard', which goes to 0; 'soft' "
                                   "subtracts it")
    return neuron.number("reset_by", "a finite number, 0 or more", least=0)
