"""Brevitas' quantisers of activations: factors of spikes and of inputs, or refused."""

import numpy as np
import pytest
import torch
from torch import nn

from bsnn_hw import convert as converters
from bsnn_hw.errors import InputError
from tests.convert.converting import EVENTS, PIXELS, convert, refused
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.convert.toy import Fire
from tests.for_each import for_each


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


class ActQuantProxyFromInjectorBase(nn.Module):
    """Named as Brevitas' is: a function of single values; ``given`` where it is switched off."""

    __module__ = "brevitas.proxy.runtime_quant"

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


def steps(step, most, least=0):
    """Rounds to multiples of a step."""
    return ActQuantProxyFromInjectorBase(
        lambda x: (x / step).round().clamp(least, most) * step)


def quantised(quantiser, *between):
    return nn.Sequential(BinaryLinear(6, 5), Fire(), *between, quantiser, BinaryLinear(5, 3))


def test_of_spikes_it_is_a_factor():
    document = convert(quantised(steps(0.375, 2)))
    assert document["layers"][-1]["norm"]["gamma"].tolist() == [0.75 * 0.25] * 3


def test_of_the_input_it_is_one_where_the_steps_are_the_inputs():
    inner = [BinaryLinear(6, 5), Fire(), BinaryLinear(5, 3)]
    document = convert(nn.Sequential(steps(0.125, 15), *inner), **PIXELS | {"scale": 0.125})
    assert document["input"]["scale"] == 0.125
    doubled = ActQuantProxyFromInjectorBase(lambda x: 2 * x.round() + 1)
    assert convert(nn.Sequential(doubled, *inner))["input"] == {
        "coding": "direct", "shape": [6], "bits": 4, "scale": 2.0, "offset": 1.0}
    refused(r"makes 0 of 1 and 16 of 15 in the network's input, which is not one factor for all "
            "values; have it in the quantiser's own steps by `scale` and `bits`",
            nn.Sequential(steps(8, 15), *inner))


def test_of_pooled_spikes():
    def pooled(quantiser, pool):
        return nn.Sequential(BinaryConv2d(1, 2, 3, padding=1), Fire(), pool, quantiser,
                             nn.Flatten(), BinaryLinear(8, 3))

    convert(pooled(steps(0.125, 255), nn.AvgPool2d(2)), (1, 4, 4))
    convert(pooled(steps(1, 3), nn.MaxPool2d(2)), (1, 4, 4))
    refused("makes 0.5 of 0.25 and 1 of 1 in pooled spikes, which is not one factor for all values"
            "; leave it out there", pooled(ActQuantProxyFromInjectorBase(lambda x: x.sqrt()),
                                           nn.AvgPool2d(2)), (1, 4, 4))


def test_that_is_switched_off():
    assert "norm" in convert(quantised(ActQuantProxyFromInjectorBase(lambda x: x)))["layers"][-1]


@for_each("make, message", [
    (lambda: nn.Sequential(BinaryLinear(6, 5), steps(1, 3), Fire(), BinaryLinear(5, 3)),
     "quantises currents; only spikes and the network's input can be quantised"),
    (lambda: quantised(ActQuantProxyFromInjectorBase(lambda x: x / x.max())),
     "quantises by a scale of each channel or of each batch"),
    (lambda: quantised(ActQuantProxyFromInjectorBase(lambda x: x * torch.arange(1.0, 6))),
     "quantises by a scale of each channel or of each batch"),
    (lambda: quantised(steps(4, 7)), "scales spikes by something else than one positive number"),
])
def test_what_is_refused(make, message):
    refused(message, make())


def test_quantised_inputs_of_several_scales():
    """Whatever channel a value is of, it becomes the same."""
    inner = [BinaryConv2d(2, 2, 3), Fire(), nn.Flatten(), BinaryLinear(8, 3)]
    scales = {"scale": [0.25, 0.5], "offset": [0.0, 1.0]}
    convert(nn.Sequential(steps(0.25, 255), *inner), (2, 4, 4), **PIXELS | scales)
    refused("in the network's input", nn.Sequential(steps(0.5, 255), *inner), (2, 4, 4),
            **PIXELS | scales)


def trained(*modules):
    """A network whose quantisers have seen batches, in inference mode."""
    network = nn.Sequential(*modules)
    for _ in range(3):
        network(torch.rand(8, 6))
    for part in network:
        if hasattr(part, "reset_mem"):
            part.reset_mem()
    return network.eval()


@pytest.mark.wide
@for_each("tensors", [False, True])
def test_brevitas(tensors):
    """QuantIdentity on the input, on spikes, with a few bits, and its quantised tensors."""
    quant = pytest.importorskip("brevitas.nn")
    snn = pytest.importorskip("snntorch")
    from brevitas.quant import SignedBinaryWeightPerTensorConst, Uint8ActPerTensorFloat

    binary = {"weight_quant": SignedBinaryWeightPerTensorConst}
    network = trained(
        quant.QuantIdentity(act_quant=Uint8ActPerTensorFloat, return_quant_tensor=tensors),
        quant.QuantLinear(6, 20, bias=True, **binary),
        snn.Leaky(beta=0.5, threshold=0.1, init_hidden=True),
        quant.QuantIdentity(return_quant_tensor=tensors), quant.QuantLinear(20, 12, bias=False,
                                                                            **binary),
        snn.Leaky(beta=0.5, threshold=0.1, init_hidden=True), quant.QuantReLU(bit_width=2),
        quant.QuantLinear(12, 3, bias=False, **binary))
    step = float(network[0].act_quant.scale())
    found = converters.brevitas(network, (6,), 5, coding="direct", bits=8, scale=step,
                                readout="mean")["recipe"]["converted"]
    assert found["spikes_differ"] <= 20 * found["ties"] and found["spikes"] > 2000
    with pytest.raises(InputError, match=r"module .0.act_quant. makes .* input"):
        converters.brevitas(network, (6,), 5, coding="direct", bits=4, scale=1 / 15,
                            readout="mean")


@pytest.mark.wide
def test_brevitas_weights_stay_as_they_are():
    quant = pytest.importorskip("brevitas.nn")
    snn = pytest.importorskip("snntorch")
    network = trained(quant.QuantLinear(6, 20, bias=False, weight_bit_width=4, input_quant=None),
                      snn.Leaky(beta=0.5, threshold=0.1, init_hidden=True),
                      quant.QuantIdentity(bit_width=4),
                      quant.QuantLinear(20, 3, bias=False, weight_bit_width=4))
    document = converters.brevitas(network, (6,), 4, **EVENTS | {"readout": "mean"})
    assert np.abs(document["layers"][0]["weight"].numpy()).max() == 7
