"""Real-valued networks for the tests of lowering."""

import itertools

import numpy as np

from bsnn_hw.model.description import (
    Coding,
    Comparison,
    Input,
    Layer,
    Linear,
    Model,
    Neuron,
    Norm,
    Reset,
)

LIF = Neuron(0.5, 1.0, Reset.HARD, Comparison.AT_LEAST)


def norm(neurons, gamma=1.0, beta=0.0, mean=0.0, var=1.0, eps=0.0):
    """BatchNorm; numbers stand for all neurons."""
    return Norm(*(np.broadcast_to(np.asarray(v, float), neurons).copy()
                  for v in (gamma, beta, mean, var)), eps)


def layer(name, weight, neuron=None, gate=(1.0,), bias=0.0, **bn):
    weight = np.asarray(weight, float)
    neurons = len(weight)
    shift = np.broadcast_to(np.asarray(bias, float), neurons).copy()
    return Layer(name, Linear(weight, shift), norm(neurons, **bn), np.asarray(gate, float), neuron)


def network(*layers, coding=Coding.DIRECT, bits=4, scale=1.0, offset=0.0):
    source = Input(coding, layers[0].synapse.weight.shape[1],
                   bits if coding is Coding.DIRECT else 1, scale, offset)
    classes = tuple(map(str, range(len(layers[-1].synapse.weight))))
    return Model("test", len(layers[0].gate), source, layers, classes)


def inputs(model, count, seed=0):
    rng = np.random.default_rng(seed)
    shape = (count, model.input.size)
    if model.input.coding is Coding.EVENTS:
        shape = (count, model.timesteps, model.input.size)
    return rng.integers(0, 1 << model.input.bits, size=shape, dtype=np.uint8)


def random_model(seed, *, coding=Coding.DIRECT, timesteps=None, depth=3, dyadic=False,
                 extreme=False):
    """Layers of random sizes and options; ``dyadic`` parameters are exact in 12 fraction bits and
    hit thresholds exactly; ``extreme`` ones span hundreds of orders of magnitude."""
    rng = np.random.default_rng(seed)
    timesteps = timesteps or int(rng.integers(1, 9))
    sizes = [int(size) for size in rng.integers(1, 10, size=depth)]
    draw = _dyadic if dyadic else _extreme if extreme else _usual
    layers = []
    for index, (fan_in, neurons) in enumerate(itertools.pairwise(sizes)):
        last = index == depth - 2
        values = draw(rng, neurons, timesteps, last)
        neuron = None if last else Neuron(values["leak"], values["threshold"],
                                          Reset(rng.choice(["hard", "soft"])),
                                          Comparison(rng.choice([">=", ">"])),
                                          values["input_scale"], values["reset_by"])
        layers.append(layer(f"fc{index}", rng.normal(size=(neurons, fan_in)).round(1), neuron,
                            values["gate"], values["bias"], **values["bn"]))
    return network(*layers, coding=coding, bits=int(rng.integers(1, 5)),
                   scale=1.0 if dyadic else 0.3, offset=-1.0 if dyadic else 0.1)


def _constants(rng, choices, neurons):
    """One constant for all neurons, or one each."""
    return rng.choice(choices, neurons) if rng.random() < 0.3 else float(rng.choice(choices))


def _usual(rng, neurons, timesteps, last):
    return {"leak": _constants(rng, [1.0, 0.5, 0.83, 0.1], neurons),
            "threshold": _constants(rng, [0.7, 0.7, 0.4], neurons),
            "input_scale": _constants(rng, [1.0, 0.4], neurons),
            "reset_by": _constants(rng, [0.7, 0.0, 1.3], neurons),
            "gate": rng.random(timesteps) + 0.3,
            "bias": rng.normal(size=neurons),
            "bn": {"gamma": rng.normal(size=neurons), "beta": rng.normal(size=neurons),
                   "mean": rng.normal(size=neurons), "var": rng.random(neurons) + 0.1,
                   "eps": 1e-5}}


def _dyadic(rng, neurons, timesteps, last):
    return {"leak": _constants(rng, [1.0, 0.5], neurons),
            "threshold": _constants(rng, np.arange(1, 9) / 4, neurons),
            "input_scale": _constants(rng, [1.0, 0.5], neurons),
            "reset_by": _constants(rng, np.arange(9) / 4, neurons),
            "gate": np.full(timesteps, rng.choice([0.5, 1.0, 2.0])),
            "bias": rng.integers(-2, 3, neurons) / 2,
            "bn": {"gamma": rng.choice([-1.0, -0.5, 0.0, 0.5, 1.0, 2.0], neurons),
                   "beta": rng.integers(-4, 5, neurons) / 4,
                   "mean": rng.integers(-4, 5, neurons) / 4,
                   "var": rng.choice([0.25, 1.0, 4.0], neurons)}}


def _extreme(rng, neurons, timesteps, last):
    def wild(size, span):
        return rng.choice([-1.0, 1.0], size) * 10.0 ** rng.uniform(-span, span, size)

    def sometimes(values, others):
        return np.where(rng.random(np.shape(values)) < 0.3, values, others)

    span = float(rng.choice([1, 3, 12, 30]))
    gate = np.abs(wild(timesteps, min(span, 3) * float(rng.choice([0.0, 0.3, 1.0]))))
    return {"leak": float(rng.choice([1.0, 0.5, 1e-12, 1 - 1e-12, 5e-324])),
            "threshold": float(rng.choice([1.0, 1e-30, 1e30, 5e-324, 0.1])),
            "input_scale": float(rng.choice([1.0, 1e-6, 1e6])),
            "reset_by": rng.choice([None, 0.0, 1.0, 5e-324, 1e30]), "gate": gate,
            "bias": sometimes(wild(neurons, span), np.zeros(neurons)),
            "bn": {"gamma": sometimes(rng.choice([0.0, 5e-324, -1e-310, 1e-12, 1e9], neurons),
                                      wild(neurons, span)),
                   "beta": sometimes(wild(neurons, span), rng.normal(size=neurons)),
                   "mean": sometimes(wild(neurons, span), rng.normal(size=neurons)),
                   "var": sometimes(rng.choice([0.0, 1e30, 1e-30], neurons),
                                    rng.random(neurons)), "eps": 1e-12}}
