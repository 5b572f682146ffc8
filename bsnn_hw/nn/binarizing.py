"""Linear and Conv2d layers of any torch network into binary ones, with the AGMM gate."""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.utils import parametrize

from bsnn_hw.errors import InputError, ModelError
from bsnn_hw.nn.estimators import ESTIMATORS, Int8Weights, SignWeights
from bsnn_hw.nn.gate import AGMMGate
from bsnn_hw.nn.timed import TIMES, TimedGate

__all__ = ["binarize"]

_GATES = ("agmm", "agmm-sample")
_ENDS = (8, 1, None)
_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d)
_SYNAPSES = (nn.Linear, nn.Conv2d)
_FLAT = ("SeqToANNContainer", "MultiStepContainer")  # SpikingJelly's: time goes into the batch


def binarize(module: nn.Module, *, gate: str | Callable[[int], nn.Module] | None = "agmm",
             timesteps: int | None = None, layers: Collection[str] | None = None,
             norms: Mapping[str, str | None] | None = None, ends: int | None = 8,
             estimator: str = "clipped", clip: float | None = 1.0, time: str | None = None,
             inplace: bool = False) -> Any:
    """Make the Linear and Conv2d layers of `module` binary, each gated behind its BatchNorm.

    The layers stay where they are and of their class; they multiply with the signs of their
    weights, which go on as latent weights. A layer without a norm keeps the mean size of its
    weights as a constant scale.

    Parameters
    ----------
    module : of torch, snnTorch or SpikingJelly; its first and last such layer, in the order of
        its registration, are its ends
    gate : "agmm", with a running average at inference; "agmm-sample", the sample's own; a function
        of a layer's channels that makes one; or None. There is none behind the last layer
    timesteps : int, T; needed with a gate
    layers : names as in ``named_modules``; all where it is left out
    norms : from a layer's name to its norm's, or to None, where it is not the next module
    ends : bits of the first and the last layer: 8, 1, or None to leave them as they are
    estimator, clip : as `SignWeights`
    time : where the timesteps are, as `TimedGate`; "steps" in SpikingJelly's ``step_mode="m"``
        and else "calls", where it is left out
    inplace : bool; else a copy is changed

    Returns
    -------
    nn.Module
        The changed module; make the optimizer after it.

    Raises
    ------
    ModelError
        Every layer that cannot be made binary, with why: weights or a norm that it shares, other
        parametrizations.
    InputError
        For options outside their range. And in a forward pass, when a layer is called twice in a
        timestep; without `timesteps`, when it is called more often than others.
    """
    _check_options(gate, timesteps, ends, estimator, time)
    module = module if inplace else copy.deepcopy(module)
    synapses = {name: part for name, part in _named(module) if isinstance(part, _SYNAPSES)}
    chosen = _chosen(synapses, layers)
    found = _norms(module, synapses, norms or {})
    problems = [problem for name in chosen for problem in _problems(module, name, found)]
    if problems:
        raise ModelError(problems)
    first, last = next(iter(synapses)), list(synapses)[-1]
    where = {name: time or _time(module, found[name] or name) for name in chosen}
    for name in chosen:
        layer = synapses[name]
        norm = module.get_submodule(found[name] or name)
        weights = _weights(layer, name in (first, last), ends, estimator, clip,
                           normed=norm is not layer)
        if weights is not None:
            parametrize.register_parametrization(layer, "weight", weights)
        if gate is not None and name != last:
            assert timesteps is not None
            made = _gate(gate, timesteps, len(layer.weight))
            _attach(norm, TimedGate(made, timesteps, where[name]))
    _watch(module, where, timesteps)
    return module


def _check_options(gate: Any, timesteps: Any, ends: Any, estimator: str, time: Any) -> None:
    checks = (
        ("gate", f"one of {_GATES}, a function of the channels, or None", gate,
         gate is None or callable(gate) or gate in _GATES),
        ("timesteps", "1 or more with a gate", timesteps,
         (timesteps is None and gate is None) or (isinstance(timesteps, int) and timesteps >= 1)),
        ("ends", f"one of {_ENDS}", ends, ends in _ENDS),
        ("estimator", f"one of {ESTIMATORS}", estimator, estimator in ESTIMATORS),
        ("time", f"one of {TIMES} or None", time, time is None or time in TIMES))
    for name, expected, value, holds in checks:
        if not holds:
            raise InputError(f"`{name}`: must be {expected}, not {value!r}; change it")


def _named(module: nn.Module) -> list[tuple[str, nn.Module]]:
    return list(module.named_modules())


def _chosen(synapses: dict[str, Any], layers: Collection[str] | None) -> list[str]:
    if not synapses:
        raise InputError("module: must have Linear or Conv2d layers, has none; give the network")
    unknown = sorted(set(layers or ()) - synapses.keys())
    if unknown:
        raise InputError(f"`layers`: must be names of Linear or Conv2d layers "
                         f"({', '.join(synapses)}), not {', '.join(unknown)}; change them")
    return [name for name in synapses if layers is None or name in layers]


def _norms(module: nn.Module, synapses: dict[str, Any], given: Mapping[str, str | None]
           ) -> dict[str, str | None]:
    """The norm of each layer: as given, or the module registered next."""
    whole = tuple(f"{name}." for name, part in _named(module)
                  if isinstance(part, (*_NORMS, *_SYNAPSES)))
    leaves = [name for name, part in _named(module) if not name.startswith(whole)
              and (f"{name}." in whole or not list(part.children()))]
    found: dict[str, str | None] = {}
    for name in synapses:
        after = leaves[leaves.index(name) + 1:] if name in leaves else []
        follows = bool(after) and isinstance(module.get_submodule(after[0]), _NORMS)
        found[name] = given.get(name, after[0] if follows else None)
    unknown = sorted(set(given) - synapses.keys())
    names = {name for name, part in _named(module) if isinstance(part, _NORMS)}
    loose = sorted(names - set(found.values()))
    if unknown or loose or not {norm for norm in given.values() if norm} <= names:
        raise InputError(f"`norms`: must say which layer each BatchNorm stands behind, and does "
                         f"not for {', '.join(loose + unknown) or dict(given)}; give norms="
                         f"{{layer: norm}} of {', '.join(synapses)} and {', '.join(sorted(names))}")
    return found


def _problems(module: nn.Module, name: str, norms: dict[str, str | None]) -> list[str]:
    """What stands against a binary layer `name`."""
    problems = []
    layer, norm = module.get_submodule(name), norms[name]
    if parametrize.is_parametrized(layer):
        problems.append(f"layer {name!r}: weights must be plain, and are parametrized already; "
                        f"binarize a network once, before other parametrizations")
    elif isinstance(layer.weight, nn.UninitializedParameter):
        problems.append(f"layer {name!r}: must know its shape; run a forward pass first")
    else:
        shared = [path for path, weight in module.named_parameters(remove_duplicate=False)
                  if weight is layer.weight and path != f"{name}.weight"]
        if shared:
            problems.append(f"layer {name!r}: weights must be its own, and are tied to "
                            f"{', '.join(shared)}; untie them, or leave it out of `layers`")
    others = [other for other, its in norms.items() if its == norm and other != name]
    aliases = [path for path, part in module.named_modules(remove_duplicate=False)
               if norm and part is module.get_submodule(norm) and path != norm]
    if norm and (others or aliases):
        problems.append(f"layer {name!r}: BatchNorm {norm!r} must be its own, and is shared with "
                        f"{', '.join(others + aliases)}; give each layer a norm of its own")
    return problems


def _weights(layer: nn.Module, end: bool, ends: int | None, estimator: str, clip: float | None, *,
             normed: bool) -> nn.Module | None:
    if end and ends != 1:
        return None if ends is None else Int8Weights()
    size = float(layer.weight.detach().abs().mean())  # type: ignore[operator]
    return SignWeights(estimator, clip=clip, scale=1.0 if normed or not size else size)


def _gate(kind: Any, timesteps: int, channels: int) -> nn.Module:
    if callable(kind):
        return kind(channels)
    if kind == "agmm-sample":
        return AGMMGate(timesteps, over="sample", inference="sample")
    return AGMMGate(timesteps)


def _time(module: nn.Module, name: str) -> str:
    """Where a framework puts the timesteps."""
    parents = [module.get_submodule(name.rsplit(".", depth)[0]) for depth in
               range(name.count(".") + 1)]
    if any(type(part).__name__ in _FLAT for part in parents):
        return "flattened"
    return "steps" if getattr(parents[0], "step_mode", "s") == "m" else "calls"


def _attach(layer: nn.Module, gate: TimedGate) -> None:
    layer.agmm_gate = gate
    layer.register_forward_hook(_apply_gate)


def _apply_gate(layer: Any, _: Any, currents: Tensor) -> Tensor:
    return layer.agmm_gate(currents)


def _watch(module: Any, where: dict[str, str], timesteps: int | None) -> None:
    """Have each forward pass of the network see that no layer is called twice in a timestep.

    where : of each layer, where its timesteps are; in its input they are all in one call
    timesteps : int; None where the layers' calls must tell
    """
    module.binarized = {"timesteps": timesteps, "where": where}
    for name in where:
        module.get_submodule(name).register_forward_hook(_count)
    module.register_forward_pre_hook(_begin)
    module.register_forward_hook(_finish)


def _count(layer: Any, *_: Any) -> None:
    layer.binarized_calls = getattr(layer, "binarized_calls", 0) + 1


def _begin(module: Any, *_: Any) -> None:
    for name in module.binarized["where"]:
        module.get_submodule(name).binarized_calls = 0


def _finish(module: Any, *_: Any) -> None:
    where = module.binarized["where"]
    calls = {name: module.get_submodule(name).binarized_calls for name in where}
    # A layer in front of all timesteps is called once; of the others those that are called least
    # tell how many timesteps there are.
    timesteps = module.binarized["timesteps"] or min(
        (count for name, count in calls.items() if count > 1 and where[name] == "calls"), default=1)
    for name, count in calls.items():
        most = timesteps if where[name] == "calls" else 1
        if count not in (0, 1, most):
            wanted = "once" if most == 1 else f"once or {most} times"
            raise InputError(f"layer {name!r}: must be called once per timestep, {wanted} in a "
                             f"forward pass, not {count} times; give each place a layer of its own")
