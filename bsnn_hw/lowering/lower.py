"""The real-valued model to the integer network, layer by layer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from bsnn_hw.errors import InputError
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.network import Coding, Hidden, Input, Network, Readout
from bsnn_hw.lowering.factors import with_factors
from bsnn_hw.lowering.fold import fold_hidden, fold_readout
from bsnn_hw.lowering.gate import USUAL_BITS, GateBits, fold_gated
from bsnn_hw.lowering.gate_precision import GATE_BITS, choose_gated
from bsnn_hw.lowering.graph import INPUT, Graph
from bsnn_hw.lowering.join import fold_group, usual_fraction_bits
from bsnn_hw.lowering.joint_precision import choose_group
from bsnn_hw.lowering.precision import Precision, choose_hidden, choose_readout
from bsnn_hw.lowering.rounding import MAX_FRACTION_BITS, MAX_LEAK_BITS, MAX_WIDTH
from bsnn_hw.lowering.samples import Samples, enough, sequence_starts
from bsnn_hw.lowering.spikes import placed, spike_join
from bsnn_hw.model.composed import averages, without_average
from bsnn_hw.model.description import Conv2d, Layer, Model, PerChannel, ScoreKind, Scoring
from bsnn_hw.model.real import check_inputs, run
from bsnn_hw.reference.readout import decide, score

__all__ = ["Kept", "Lowered", "PrecisionRequest", "lower"]

# Without calibration data: fine enough for every network measured so far (docs/precision.md).
DEFAULT_FRACTION_BITS = 6
DEFAULT_LEAK_BITS = 8


@dataclass(frozen=True)
class PrecisionRequest:
    """What the user asks for; what is None or missing is chosen from calibration data.

    tolerance : share of a layer's spikes that integers may change
    classes : share of the samples whose class integers may change; where ``tolerance`` changes
        more, it is made smaller, step by step
    fraction_bits : one number for all layers; leak_bits : likewise
    per_layer : layer name to fraction bits, stronger than ``fraction_bits``; of layers that join
        their currents one is enough
    gate_bits : of all gates that samples make
    membrane_bits : that a charged membrane may have at most; fraction bits are chosen below it
    """

    tolerance: float = 0.01
    fraction_bits: int | None = None
    leak_bits: int | None = None
    per_layer: Mapping[str, int] | None = None
    classes: float = 0.02
    gate_bits: GateBits | None = None
    membrane_bits: int | None = None

    @property
    def is_chosen(self) -> bool:
        """Whether calibration data has anything to choose in spiking layers."""
        return self.fraction_bits is None or self.leak_bits is None


@dataclass(frozen=True)
class Kept:
    """What integers with one ``tolerance`` of changed spikes make of the calibration samples.

    samples : int, how many; changed : share of them with another class
    network : the integer network
    """

    tolerance: float
    samples: int
    changed: float
    network: Network


@dataclass(frozen=True)
class Lowered:
    """The integer network and, per layer, how its precision was found.

    tried : with calibration data, one per tolerance, that of the request first; the network is
        one of theirs
    model : what it was made of; calibration : samples that precision was chosen on; None where
        the pipeline did not make it
    """

    network: Network
    precision: tuple[Precision, ...]
    tried: tuple[Kept, ...] = ()
    model: Model | None = None
    calibration: np.ndarray | None = None


def lower(model: Model, calibration: np.ndarray | None = None,
          request: PrecisionRequest | None = None) -> Lowered:
    """Turn the model into integers.

    Parameters
    ----------
    model : Model
    calibration : integers or None
        Samples to choose precision on: (N, size) for direct coding, (N, T, size) for events.
        Where integers change too many classes, a tenth of the tolerance is tried, down to 0.
        Of a convolutional network the first are taken, as many as make 10**8 neurons and 10**10
        synapses, times timesteps; at least one.

    Raises
    ------
    InputError
        ``per_layer`` names a layer that the model does not have, bits or tolerance are out of
        range, the calibration samples do not fit, or a layer needs too wide potentials.
    """
    request = request or PrecisionRequest()
    _check_request(model, request)
    if calibration is not None:
        calibration = _checked(model, calibration)
    graph = Graph(_without_averages(_fold_timesteps(with_factors(model))))
    _check_groups(graph, request)
    if calibration is None:
        return _lowered(graph, None, request)[0]
    inputs = enough(graph, calibration)
    wanted = run(model, inputs, keep=None, resets=sequence_starts(len(inputs))).classes
    found, tried = [], []
    for tolerance in _tolerances(request):
        lowered, classes = _lowered(graph, inputs, replace(request, tolerance=tolerance))
        changed = float(np.mean(classes != wanted))
        found.append(lowered)
        tried.append(Kept(tolerance, len(inputs), changed, lowered.network))
        if changed <= request.classes:
            break
    best = min(range(len(tried)), key=lambda index: tried[index].changed)
    return replace(found[best], tried=tuple(tried[:best + 1]))


def _tolerances(request: PrecisionRequest) -> list[float]:
    """The tolerances to try, in order."""
    if not request.is_chosen or request.tolerance == 0:
        return [request.tolerance]
    return [request.tolerance, request.tolerance / 10, request.tolerance / 100, 0.0]


def _lowered(graph: Graph, inputs: np.ndarray | None,
             request: PrecisionRequest) -> tuple[Lowered, np.ndarray | None]:
    """The network for one tolerance, and its classes of ``inputs``, None without any."""
    samples = None if inputs is None else Samples(graph, inputs)
    groups = {number: group for group in graph.groups for number in group}
    done: dict[int, tuple[Hidden, Precision]] = {}
    for number in range(len(graph.model.layers) - 1):
        if number not in done:
            done.update(_group(graph, groups[number], samples, request) if number in groups
                        else {number: _hidden(graph, number, samples, request)})
        if samples is not None:
            samples.fire(number, done[number][0])
    readout, chosen = _readout(graph, samples, request)
    hidden = [done[number] for number in sorted(done)]
    network = Network(graph.model.name, graph.model.timesteps, _input(graph),
                      tuple(layer for layer, _ in hidden), readout, graph.model.classes)
    _check_membranes(network, request)
    lowered = Lowered(network, (*(precision for _, precision in hidden), chosen))
    if samples is None:
        return lowered, None
    accs = samples.sums(len(hidden))
    return lowered, decide(score(readout, accs)).numpy()


def _check_membranes(network: Network, request: PrecisionRequest) -> None:
    """Refuse membranes that are wider than was asked for."""
    for layer, bounds in zip(network.hidden, network_bounds(network)[0], strict=True):
        width = bounds.charged.width
        if request.membrane_bits is not None and width > request.membrane_bits:
            raise InputError(
                f"layer '{layer.name}': membranes must have at most {request.membrane_bits} bits "
                f"(`membrane_bits`), and have {width}, {layer.neuron.fraction_bits} of them of "
                "fractions; allow more, or train for fewer (docs/training.md)")


def _input(graph: Graph) -> Input:
    source = graph.model.input
    mapped = isinstance(graph.model.layers[0].synapse, Conv2d)
    factors = () if source.factors is None else tuple(source.factors.tolist())
    scale = source.scale if source.factors is None else source.scale * source.factors
    # Without a map, each value is a channel.
    places = 1 if mapped else source.shape.positions
    return Input(source.coding, source.size, source.bits, _listed(scale, places),
                 _listed(source.offset, places), source.shape if mapped else None, factors,
                 source.used)


def _listed(value: PerChannel, places: int) -> float | tuple[float, ...]:
    return tuple(value.repeat(places).tolist()) if isinstance(value, np.ndarray) else value


def _group(graph: Graph, group: tuple[int, ...], samples: Samples | None,
           request: PrecisionRequest) -> dict[int, tuple[Hidden, Precision]]:
    names = [graph.model.layers[number].name for number in group]
    wanted = next((bits for name in names for bits in [(request.per_layer or {}).get(name)]
                   if bits is not None), request.fraction_bits)
    if samples is not None:
        return choose_group(graph, group, samples, tolerance=request.tolerance,
                            fraction_bits=wanted, leak_bits=request.leak_bits)
    bits = usual_fraction_bits(graph, group) if wanted is None else wanted
    leak_bits = DEFAULT_LEAK_BITS if request.leak_bits is None else request.leak_bits
    folded = fold_group(graph, group, fraction_bits=bits,
                        leak_bits=dict.fromkeys(group, leak_bits))
    return {number: (layer, Precision(bits, leak_bits, None)) for number, layer in folded.items()}


def _hidden(graph: Graph, number: int, samples: Samples | None,
            request: PrecisionRequest) -> tuple[Hidden, Precision]:
    layer = graph.model.layers[number]
    wanted, source = _fraction_bits(layer, request), graph.source(layer)
    entry, value = graph.model.input if source == INPUT else None, graph.max_value(source)
    if samples is None:
        bits = DEFAULT_FRACTION_BITS if wanted is None else wanted
        leak_bits = DEFAULT_LEAK_BITS if request.leak_bits is None else request.leak_bits
        gate_bits = (request.gate_bits or USUAL_BITS) if layer.own_gate else None
        fold = fold_hidden if gate_bits is None else partial(fold_gated, bits=gate_bits)
        folded = fold(layer, entry, max_value=value, fraction_bits=bits, leak_bits=leak_bits)
        chosen = Precision(bits, leak_bits, None, gate_bits)
    elif layer.own_gate:
        folded, chosen = choose_gated(
            layer, entry, samples.sums(number), samples.given_by(source),
            samples.pieces(layer.shape.size), max_value=value, tolerance=request.tolerance,
            fraction_bits=wanted, leak_bits=request.leak_bits, gate_bits=request.gate_bits)
    else:
        folded, chosen = choose_hidden(
            layer, entry, samples.sums(number), samples.pieces(layer.summed.size), max_value=value,
            tolerance=request.tolerance, fraction_bits=wanted, leak_bits=request.leak_bits,
            membrane_bits=request.membrane_bits)
    return replace(placed(graph, number, folded), join=spike_join(graph, number)), chosen


def _readout(graph: Graph, samples: Samples | None,
             request: PrecisionRequest) -> tuple[Readout, Precision]:
    number, model = len(graph.model.layers) - 1, graph.model
    layer, wanted = model.layers[-1], _fraction_bits(model.layers[-1], request)
    source = graph.source(layer)
    entry, value = model.input if source == INPUT else None, graph.max_value(source)
    if samples is None:
        bits = DEFAULT_FRACTION_BITS if wanted is None else wanted
        leak = DEFAULT_LEAK_BITS if request.leak_bits is None else request.leak_bits
        folded = fold_readout(layer, entry, timesteps=model.timesteps, max_value=value,
                              gain_bits=bits, leak_bits=leak)
        chosen = Precision(bits, None if folded.peak is None else leak, None)
    else:
        folded, chosen = choose_readout(
            layer, entry, samples.sums(number), timesteps=model.timesteps, max_value=value,
            tolerance=request.tolerance / 2, gain_bits=wanted, leak_bits=request.leak_bits)
    return placed(graph, number, folded), chosen


def _fold_timesteps(model: Model) -> Model:
    """A direct-coded readout without hidden layers sees the same in every timestep: take one."""
    if len(model.layers) > 1 or model.input.coding is not Coding.DIRECT:
        return model
    last = model.layers[0]
    shares = last.scoring.weights(model.timesteps)
    factor = (last.gate * shares.T).T.sum(axis=0) / last.scoring.divisor(model.timesteps)
    norm = replace(last.norm, gamma=last.norm.gamma * factor, beta=last.norm.beta * factor)
    return replace(model, timesteps=1, layers=(
        replace(last, norm=norm, gate=np.ones(1), scoring=Scoring(ScoreKind.SUM)),))


def _without_averages(model: Model) -> Model:
    """Where currents are averaged, wider kernels: the same numbers."""
    return replace(model, layers=tuple(without_average(layer) if averages(layer) else layer
                                       for layer in model.layers))


def _fraction_bits(layer: Layer, request: PrecisionRequest) -> int | None:
    return (request.per_layer or {}).get(layer.name, request.fraction_bits)


def _check_request(model: Model, request: PrecisionRequest) -> None:
    names = [layer.name for layer in model.layers]
    per_layer = request.per_layer or {}
    unknown = sorted(set(per_layer) - set(names))
    if unknown:
        raise InputError(f"fraction bits: no layer is called {', '.join(unknown)}; "
                         f"the model has {', '.join(names)}")
    for bits in (request.fraction_bits, *per_layer.values()):
        _check_bits("fraction bits", bits, MAX_FRACTION_BITS)
    _check_bits("leak bits", request.leak_bits, MAX_LEAK_BITS)
    _check_bits("membrane bits", request.membrane_bits, MAX_WIDTH, 1)
    for what, bits in asdict(request.gate_bits).items() if request.gate_bits else ():
        choices = GATE_BITS[what]
        _check_bits(f"gate bits: {what}", bits, choices[-1], choices[0])
    for what, share in (("tolerance", request.tolerance), ("classes", request.classes)):
        if not 0 <= share <= 1:
            raise InputError(f"{what}: must be a share from 0 to 1, not {share}")


def _check_groups(graph: Graph, request: PrecisionRequest) -> None:
    """Layers of one group that are given bits are given the same."""
    for group in graph.groups:
        given = {graph.model.layers[number].name: bits for number in group
                 for bits in [(request.per_layer or {}).get(graph.model.layers[number].name)]
                 if bits is not None}
        if len(set(given.values())) > 1:
            raise InputError(f"fraction bits: layers {', '.join(given)} join their currents and "
                             f"must be given the same, not {', '.join(map(str, given.values()))}")


def _check_bits(what: str, bits: int | None, most: int, least: int = 0) -> None:
    if bits is not None and not least <= bits <= most:
        raise InputError(f"{what}: must be from {least} to {most}, not {bits}")


def _checked(model: Model, calibration: np.ndarray) -> np.ndarray:
    calibration = check_inputs(model.input, model.timesteps, calibration)
    if not len(calibration):
        raise InputError("calibration: must have at least one sample, has none; give samples, or "
                         "give the fraction bits")
    return calibration
