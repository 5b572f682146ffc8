"""What a NIR file leaves open: the timestep, the discretisation, the reset and the comparison.

NIR states differential equations, LIF ``tau v' = v_leak - v + r*I``, IF ``v' = r*I`` and CubaLIF
``tau_syn I' = -I + w_in*x`` in front of a LIF, and that the potential goes to ``v_reset``.  A
framework that writes one has its own rule of timesteps,
which is not in the file.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from bsnn_hw.convert.family import NeuronError, numbers
from bsnn_hw.errors import InputError

__all__ = ["SOURCES", "Conventions", "conventions", "needed", "neuron_of"]


@dataclass(frozen=True)
class Conventions:
    """How the writer of a file computes; None is not known.

    dt : float, the timestep in the file's unit of time
    decay : "euler", leak 1 - dt/tau; or "exponential", leak exp(-dt/tau)
    reset : "hard", to v_reset; "soft", by the threshold, or what ``subtract`` says
    comparison : ">=" or ">"
    norm_input : bool, whether an exponential leak scales the input by 1 - leak, else by r
    spikes : "single", at most one per timestep, or "multi"
    subtract : "threshold", or "threshold/leak" where the reset comes in front of the leak
    tau_times_dt : bool, whether time constants are written times dt
    integrate : float, what an IF adds for a current of 1 and r of 1; None is dt
    synaptic : "first", a membrane takes the synaptic current that the timestep's input is in, or
        "last", that of the timestep before
    jump : bool, whether an input changes a synaptic current by w_in, whatever tau_syn is
    refractory : bool, whether a hard reset comes so late that the membrane is at 0 in the timestep
        after a spike
    leaky_rests : bool, whether that is so of an LIF without spikes of its own too
    """

    dt: float | None = None
    decay: str | None = None
    reset: str | None = None
    comparison: str | None = None
    norm_input: bool | None = None
    spikes: str | None = None
    subtract: str = "threshold"
    tau_times_dt: bool = False
    integrate: float | None = None
    synaptic: str | None = None
    jump: bool = False
    refractory: bool | None = False
    leaky_rests: bool = True


# As the frameworks' own exporters write: snnTorch 0.9 to 1.0, SpikingJelly 2.0, sinabs 3.1,
# Norse 1.1; lava 0.10 and lava-dl 0.6.
SOURCES = {
    # The exporter writes v_reset 0 whatever the reset is, and not when it comes.
    "snntorch": Conventions(dt=1e-4, decay="euler", comparison=">", spikes="single",
                            norm_input=False, subtract="threshold/leak", synaptic="first",
                            refractory=None, leaky_rests=False),
    "spikingjelly": Conventions(dt=1e-4, decay="euler", reset="hard", comparison=">=",
                                spikes="single", norm_input=False, synaptic="first"),
    # tau is in timesteps; norm_input and spike_fn are not written.
    "sinabs": Conventions(dt=1.0, decay="exponential", reset="soft", comparison=">="),
    # tau is written times dt, in seconds squared.
    "norse": Conventions(dt=1e-3, decay="euler", reset="hard", comparison=">", spikes="single",
                         norm_input=False, tau_times_dt=True, integrate=1.0, synaptic="first",
                         jump=True),
    # As the NIR project's own converters for lava have it; lava itself writes no NIR.
    "lava": Conventions(dt=1e-4, decay="euler", reset="hard", comparison=">", spikes="single",
                        norm_input=False, synaptic="first", integrate=1.0),
}
PARAMETERS = ("tau", "tau_mem", "tau_syn", "r", "w_in", "v_leak", "v_threshold", "v_reset")
_WORDS = {"decay": ("euler", "exponential"), "reset": ("hard", "soft"), "comparison": (">=", ">"),
          "spikes": ("single", "multi"), "norm_input": (True, False),
          "synaptic": ("first", "last"), "refractory": (True, False)}


def conventions(source: str | None, **said: Any) -> Conventions:
    """Those of ``source``, with what is ``said`` in place of them; None is not said.

    Raises
    ------
    InputError
        A word is not known.
    """
    if source is not None and source not in SOURCES:
        raise InputError(f"`source`: must be one of {', '.join(SOURCES)}, not {source!r}; of other "
                         "writers say `dt`, `decay`, `reset` and `comparison`")
    for name, accepted in _WORDS.items():
        if said.get(name) is not None and said[name] not in accepted:
            raise InputError(f"`{name}`: must be {' or '.join(map(str, accepted))}, not "
                             f"{said[name]!r}")
    dt = said.get("dt")
    if dt is not None and (isinstance(dt, bool) or not isinstance(dt, (int, float, np.number))
                           or not 0 < dt < float("inf")):
        raise InputError(f"`dt`: must be a timestep above 0, not {dt!r}")
    base = SOURCES[source] if source else Conventions(spikes="single", norm_input=False)
    rules = replace(base, **{name: value for name, value in said.items() if value is not None})
    if said.get("refractory") and rules.reset == "soft":
        raise InputError("`refractory`: must be False or left out where the reset is soft; what "
                         "comes late and rests is a reset to v_reset")
    return rules


def needed(rules: Conventions, kinds: set[str], recurrent: bool = False) -> list[str]:
    """The names of what must be known for neurons of these NIR kinds, and is not.

    recurrent : whether some of them get their own spikes
    """
    names = ["reset", "comparison", "spikes"]
    if kinds & {"LIF", "CubaLIF"}:
        names = ["dt", "decay", *names, *(["norm_input"] if rules.decay == "exponential" else []),
                 *(["synaptic"] if "CubaLIF" in kinds else [])]
    elif rules.integrate is None:
        names = ["dt", *names]
    if rules.reset == "hard" and (rules.leaky_rests or recurrent or "CubaLIF" in kinds):
        names.append("refractory")
    return [name for name in names if getattr(rules, name) is None]


def neuron_of(node: Any, rules: Conventions, recurrent: bool = False) -> dict[str, Any]:
    """A NIR ``LIF``, ``CubaLIF`` or ``IF`` as a ``neuron`` of docs/model.md.

    recurrent : whether it gets its own spikes

    Raises
    ------
    NeuronError
        Its numbers cannot be matched.
    """
    if rules.spikes == "multi":
        raise NeuronError("a neuron of several spikes per timestep; train with SingleSpike")
    kind = type(node).__name__
    _check_numbers(node)
    facts: dict[str, Any] = {"threshold": numbers(node.v_threshold),
                             "comparison": rules.comparison, "reset": rules.reset}
    facts |= {"IF": _integrate, "LIF": _leaky, "CubaLIF": _current_based}[kind](node, rules)
    if rules.reset == "soft":
        if np.any(node.v_reset) or np.any(getattr(node, "v_leak", 0.0)):
            raise NeuronError("a rest potential other than 0 (v_reset, v_leak) with a soft reset; "
                              "the membrane must rest at 0")
        if rules.subtract == "threshold/leak":
            threshold = np.asarray(node.v_threshold, dtype=float)
            facts["reset_by"] = numbers(threshold / np.asarray(facts.get("leak", 1.0)))
        return facts
    if kind != "IF" and not np.array_equal(node.v_reset, node.v_leak):
        raise NeuronError("a v_leak other than v_reset; the membrane must rest where it is reset "
                          "to")
    rest = np.asarray(node.v_reset, dtype=float)
    facts["threshold"] = numbers(np.asarray(node.v_threshold, dtype=float) - rest)
    if rules.refractory and (rules.leaky_rests or recurrent or kind == "CubaLIF"):
        facts["refractory"] = True
    return facts


def _check_numbers(node: Any) -> None:
    """Refuse parameters that are no real numbers, or not finite."""
    for name in PARAMETERS:
        values = np.asarray(getattr(node, name, 0.0))
        if values.dtype.kind not in "biuf":
            raise NeuronError(f"a {name} that is no real number, {values.dtype}")
        if not np.isfinite(values.astype(float)).all():
            raise NeuronError(f"a {name} that is not finite" + (
                "; a neuron that leaks nothing is an IF" if np.isinf(values).all() and
                name.startswith("tau") else "; did the training diverge?"))


def _integrate(node: Any, rules: Conventions) -> dict[str, Any]:
    dt = rules.dt if rules.integrate is None else rules.integrate
    return {"type": "if", "input_scale": numbers(np.asarray(node.r, dtype=float) * dt)}


def _leaky(node: Any, rules: Conventions) -> dict[str, Any]:
    leak = _leak(node.tau, "tau", rules)
    return {"type": "lif", "leak": numbers(leak),
            "input_scale": numbers(np.asarray(node.r, dtype=float) * _share(leak, rules))}


def _current_based(node: Any, rules: Conventions) -> dict[str, Any]:
    if rules.synaptic == "last":
        raise NeuronError("a membrane that takes the synaptic current of the timestep before "
                          "(`synaptic` last); one that takes that of its own can be said")
    leak, kept = (_leak(getattr(node, name), name, rules) for name in ("tau_mem", "tau_syn"))
    scale = np.asarray(node.r, dtype=float) * _share(leak, rules) * np.asarray(node.w_in)
    scale = scale if rules.jump else scale * _share(kept, rules)
    return {"type": "lif", "leak": numbers(leak), "current_leak": numbers(kept),
            "input_scale": numbers(scale)}


def _leak(constant: Any, name: str, rules: Conventions) -> np.ndarray:
    """What a timestep leaves of a state with this time constant."""
    assert rules.dt is not None
    tau = np.asarray(constant, dtype=float) / (rules.dt if rules.tau_times_dt else 1.0)
    rate = rules.dt / tau
    if rules.decay != "euler":
        return np.asarray(np.exp(-rate))
    if name == "tau_syn":  # a synaptic current may be the current itself, in float32
        rate = np.where(np.isclose(rate, 1, rtol=1e-6, atol=0), 1.0, rate)
    if ((rate <= 0) | (rate > 1) | ((rate == 1) & (name != "tau_syn"))).any():
        raise NeuronError(f"a timestep that is no smaller than {name} ({numbers(tau)} with "
                          f"`dt` {rules.dt:g}); check `dt` and `source`")
    return np.asarray(1 - rate)


def _share(leak: np.ndarray, rules: Conventions) -> np.ndarray | float:
    """What a state takes of its input, beside r or w_in."""
    return 1 - leak if rules.decay == "euler" or rules.norm_input else 1.0

