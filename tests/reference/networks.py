"""Random integer networks, and the integer network in plain Python, from docs/ir.md alone."""

import itertools
from dataclasses import replace

import numpy as np

from bsnn_hw.ir.network import (
    Coding,
    Comparison,
    Conv,
    CurrentShortcut,
    Dense,
    Hidden,
    Input,
    JoinKind,
    Network,
    NeuronSpec,
    PoolKind,
    Readout,
    Reset,
    SpikeShortcut,
)


def dense(rng, neurons, fan_in):
    return Dense(rng.choice(np.array([-1, 1], np.int8), (neurons, fan_in)),
                 rng.random(neurons) > 0.15)


def random_network(seed, coding, sizes=None, timesteps=None):
    """Any option, small tables around 0, so that ties, resets and negative floors are common."""
    rng = np.random.default_rng(seed)
    sizes = sizes or [int(size) for size in rng.integers(1, 8, rng.integers(2, 6))]
    steps = timesteps or int(rng.integers(1, 9))
    layers = []
    for index, (fan_in, neurons) in enumerate(itertools.pairwise(sizes[:-1])):
        fraction, leak_bits = (int(bits) for bits in rng.integers(0, 4, 2))
        leak = rng.integers(0, (2 << leak_bits) + 1, (steps, neurons))
        leak = leak[:, 0] if rng.random() < 0.5 else leak
        leak[0] = 0
        span = 3 << fraction
        layers.append(Hidden(f"fc{index}", dense(rng, neurons, fan_in), NeuronSpec(
            fraction, leak_bits, leak, rng.integers(-span, span + 1, (steps, neurons)),
            rng.integers(-1, span + 1, (steps, neurons)), Reset(rng.choice(["hard", "soft"])),
            Comparison(rng.choice([">=", ">"])), None,
            rng.integers(-1, span + 1, (steps, neurons)) if rng.random() < 0.5 else None)))
        if layers[-1].neuron.reset is Reset.HARD and (seed + index) % 3 == 0:
            layers[-1] = replace(layers[-1], neuron=replace(layers[-1].neuron, refractory=True))
    classes = sizes[-1]
    gain = rng.integers(-5, 6, (steps, classes))
    if rng.random() < 0.5:
        gain[:] = gain[0]
    readout = Readout("out", dense(rng, classes, sizes[-2]), gain,
                      rng.integers(-3, 4, classes), 1.0)
    bits = int(rng.integers(1, 9)) if coding is Coding.DIRECT else 1
    return Network(f"seed {seed}", steps, Input(coding, sizes[0], bits), tuple(layers), readout,
                   tuple(map(str, range(classes))))


def random_inputs(network, count, seed):
    rng = np.random.default_rng(seed)
    shape = (network.input.size,)
    if network.input.coding is Coding.EVENTS:
        shape = (network.timesteps, *shape)
    values = rng.integers(0, network.input.max_value + 1, (count, *shape))
    return (values * (rng.random(values.shape) < 0.6)).astype(np.uint8)


def execute(network, sample, state=None):
    """One sample in Python integers: per layer and timestep lists of (H, S, V), then scores.

    state : of a stateful network, a dictionary that the sample starts from, if it is not empty, and
        leaves its own in
    """
    trace = [[] for _ in network.hidden]
    state = {} if state is None else state
    held = state.setdefault("held", [[0] * layer.shape.size for layer in network.hidden])
    potentials = state.setdefault("potentials", [[0] * layer.shape.size
                                                 for layer in network.hidden])
    rests = state.setdefault("rests", [[False] * layer.shape.size for layer in network.hidden])
    before = state.setdefault("before", {index: [0] * layer.shape.size
                                         for index, layer in enumerate(network.hidden)})
    scores = [int(value) for value in network.readout.bias]
    membranes, peak = list(scores), network.readout.peak
    for t in range(network.timesteps):
        row = sample if network.input.coding is Coding.DIRECT else sample[t]
        values, currents = {-1: multiplied(network.input, row)}, {}
        for index, layer in enumerate(network.hidden):
            values[index] = before[index]  # until the layer has spikes of this timestep
            currents[index] = current(network, index, t, values, currents)
            held[index] = [synaptic(layer.neuron, t, channel(layer.shape, n), kept, now)
                           for n, (kept, now) in enumerate(
                               zip(held[index], currents[index], strict=True))]
            steps = [neuron(layer.neuron, t, channel(layer.shape, n), *each)
                     for n, each in enumerate(zip(potentials[index], held[index], rests[index],
                                                  strict=True))]
            trace[index].append(steps)
            rests[index] = [fired for _, fired, _ in steps]
            values[index] = joined(network, index, [int(fired) for _, fired, _ in steps], values)
            potentials[index] = [settled for _, _, settled in steps]
            before[index] = values[index]
        for c, acc in enumerate(gathered(network, len(network.hidden), network.readout, values)):
            weighed = int(network.readout.gain[t, c]) * acc
            if peak is None:
                scores[c] += weighed
                continue
            left = membranes[c] * int(peak.leak[c]) >> peak.leak_bits
            membranes[c] = left + weighed + int(peak.bias[t, c])
            scores[c] = max(scores[c], membranes[c]) if t else membranes[c]
    return trace, scores, scores.index(max(scores))


def current(network, index, t, values, currents):
    """The whole current of every neuron of a layer."""
    layer = network.hidden[index]
    spec, result = layer.neuron, []
    accs = gathered(network, index, layer, values)
    if layer.current_pool is not None:
        accs = windows(layer.current_pool, layer.synapse.shape, accs)
    for n, acc in enumerate(accs):
        c = channel(layer.shape, n)
        weight = 2 ** spec.fraction_bits if spec.gain is None else int(spec.gain[t, c])
        result.append(acc * weight + int(spec.bias[t, c]) + at_border(layer, t, n))
    if layer.gate is not None:
        factor = gate_factor(network, index, t, values)
        result = [own * factor // 2 ** layer.gate.factor_bits for own in result]
    for shortcut in layer.shortcuts:
        if isinstance(shortcut, CurrentShortcut):
            more = currents[index - shortcut.back]
        elif isinstance(shortcut, SpikeShortcut):
            more = values[index - shortcut.back]
        else:
            more = gathered(network, index, shortcut, values)
        for n, value in enumerate(more):
            if not isinstance(shortcut, CurrentShortcut):
                value *= int(shortcut.gain[t, channel(layer.shape, n)])
            result[n] += value
    return result


def multiplied(source, row):
    """The values that come in, times the factor of their channel."""
    if not source.factors:
        return [int(value) for value in row]
    places = source.shape.height * source.shape.width
    return [int(value) * source.factors[n // places] for n, value in enumerate(row)]


def at_border(layer, t, n):
    """What the bias of neuron n is more than its channel's."""
    border = layer.neuron.border
    if border is None:
        return 0
    c, place = divmod(n, layer.shape.height * layer.shape.width)
    y, x = divmod(place, layer.shape.width)
    return int(border.extra[t, border.lines[y], border.columns[x], c])


def gate_factor(network, index, t, values):
    """What a layer's gate multiplies its current by."""
    layer = network.hidden[index]
    gate = layer.gate
    further = replace(layer.synapse, weights=gate.weights[None], connected=np.ones(1, bool))
    total = sum(gathered(network, index, replace(layer, synapse=further), values))
    place = (total + gate.offset) // 2 ** gate.shift
    return int(gate.table[t, min(max(place, 0), len(gate.table[t]) - 1)])


def channel(shape, n):
    return n // (shape.height * shape.width)


def joined(network, index, fired, values):
    """The spikes that leave a layer."""
    join = network.hidden[index].join
    if join is None:
        return fired
    result = []
    for own, other in zip(fired, pooled(network, index, join, values), strict=True):
        result.append({JoinKind.AND: own * other, JoinKind.IAND: (1 - own) * other,
                       JoinKind.INHIBIT: own * (1 - other)}[join.kind])
    return result


def pooled(network, index, part, values):
    """What comes from the layer that a part names, behind its pooling."""
    source = index - part.back
    return values[source] if part.pool is None else windows(
        part.pool, network.features(source), values[source])


def gathered(network, index, part, values):
    """Sums of a layer's or a shortcut's synapses over what comes in."""
    incoming = pooled(network, index, part, values)
    for each in part.summands:
        incoming = [one + more for one, more in
                    zip(incoming, pooled(network, index, each, values), strict=True)]
    return convolved(part.synapse, incoming) if isinstance(part.synapse, Conv) else counts(
        part.synapse, incoming)


def windows(pool, shape, values):
    result = []
    for c in range(shape.channels):
        for top in range(-pool.padding[0], shape.height + pool.padding[0] - pool.height + 1,
                         pool.stride[0]):
            for left in range(-pool.padding[1], shape.width + pool.padding[1] - pool.width + 1,
                              pool.stride[1]):
                window = [values[(c * shape.height + y) * shape.width + x]
                          for y in range(top, top + pool.height)
                          for x in range(left, left + pool.width)
                          if 0 <= y < shape.height and 0 <= x < shape.width]
                result.append(max(window) if pool.kind is PoolKind.MAX else sum(window))
    return result


def convolved(conv, values):
    weights, source, target = conv.weights.tolist(), conv.source, conv.shape
    part = source.channels // conv.groups
    result = []
    for c in range(target.channels):
        first = c * conv.groups // target.channels * part
        for y in range(target.height):
            for x in range(target.width):
                acc = 0
                for i in range(part):
                    for ky in range(conv.kernel[0]):
                        for kx in range(conv.kernel[1]):
                            row = y * conv.stride[0] + ky - conv.padding[0]
                            column = x * conv.stride[1] + kx - conv.padding[1]
                            if 0 <= row < source.height and 0 <= column < source.width:
                                place = ((first + i) * source.height + row) * source.width
                                place += column
                                acc += weights[c][i][ky][kx] * values[place]
                result.append(acc if conv.connected[c] else 0)
    return result


def counts(synapse, values):
    rows = synapse.weights.tolist()
    return [sum(w * v for w, v in zip(row, values, strict=True)) if connected else 0
            for row, connected in zip(rows, synapse.connected.tolist(), strict=True)]


def synaptic(spec, t, c, before, current):
    """What charges a membrane: of a second-order neuron what is left of ``before``, too."""
    if spec.current_leak is None:
        return current
    return before * int(spec.current_leak[t, c]) // 2 ** spec.leak_bits + current


def neuron(spec, t, c, potential, current, has_fired):
    product = potential * int(spec.leak[t, c])
    carried = product // 2 ** spec.leak_bits  # Python's // is floor
    charged = 0 if spec.refractory and has_fired else carried + current
    threshold = int(spec.threshold[t, c])
    fired = charged >= threshold if spec.comparison is Comparison.AT_LEAST else charged > threshold
    settled = charged
    if fired:
        settled = 0 if spec.reset is Reset.HARD else charged - int(spec.reset_by[t, c])
    if spec.floor is not None:
        settled = max(settled, int(spec.floor[t, c]))
    if spec.saturation is not None:
        half = 2 ** (spec.saturation - 1)
        settled = min(max(settled, -half), half - 1)
    return charged, fired, settled
