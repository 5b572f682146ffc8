"""The neuron of a layer: what fires, when, and what firing does."""

from __future__ import annotations

from bsnn_hw.model.description import Comparison, Neuron, Reset
from bsnn_hw.model.values import Table, equals, scalar, shown, word

__all__ = ["check_neuron"]

# Keys of other frameworks, and what they are here.
HINTS = {
    "beta": "snnTorch's beta is leak",
    "tau": "leak = 1 - 1/tau; with decay_input also input_scale = 1/tau",
    "decay_input": "input_scale = 1/tau where the input decays, else 1",
    "v_threshold": "it is threshold",
    "v_th": "it is threshold",
    "reset_mechanism": "snnTorch's 'zero' is reset 'hard'; 'subtract' is not 'soft', see "
                       "docs/model.md",
    "v_leak": "only a rest potential of 0 can be computed",
    "refractory": "neurons have no refractory period",
}
READOUT_HINTS = dict.fromkeys(
    ("threshold", "reset", "leak", "comparison", "input_scale"),
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
        optional=("input_scale", "reset_delay", "v_reset",
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
    comparison = neuron.choice("comparison", {kind.value: kind for kind in Comparison})
    _check_delay(neuron, reset)
    rest = neuron.raw("v_reset")
    if rest is not None and not equals(rest, 0):
        neuron.problem("v_reset", f"must be 0 or absent, not {shown(rest)}: a hard reset goes to "
                                  "0; subtract the rest potential from threshold and membrane")
    if reset is None or comparison is None:
        return None
    return Neuron(leak, threshold, reset, comparison, scale)


def _check_delay(neuron: Table, reset: Reset | None) -> None:
    """snnTorch's ``reset_delay``: after a hard reset there is nothing left to reset late."""
    delay = scalar(neuron.raw("reset_delay"))
    if delay is not None and not isinstance(delay, bool):
        neuron.problem("reset_delay", f"must be True, False or absent, not {shown(delay)}")
    elif delay and reset is Reset.SOFT:
        neuron.problem("reset_delay", "must be False or absent where reset is 'soft', not True: "
                                      "with it snnTorch subtracts threshold / beta in place of "
                                      "the threshold; train with reset_mechanism='zero', which "
                                      "is reset 'hard' with either delay")
