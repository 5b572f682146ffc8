"""What a document may hold, and what nearly is such a thing."""

import math

import numpy as np
import torch

from bsnn_hw.model.check import describe
from bsnn_hw.model.description import Coding, Comparison, Reset
from tests.for_each import for_each
from tests.model.refusals import put, refused


def test_a_valid_document_becomes_a_model(document):
    document["layers"][1]["neuron"] = {
        "type": "if", "threshold": 2, "reset": "soft", "comparison": ">", "input_scale": 0.5,
        "reset_by": 0.25, "reset_delay": False, "v_reset": 0.0, "leak": None}
    for key in ("bias", "norm", "gate"):
        del document["layers"][0][key]
    model = describe(document)
    assert (model.name, model.timesteps, model.classes) == ("test", 3, ("0", "1", "2"))
    assert (model.input.coding, model.input.size, model.input.bits) == (Coding.DIRECT, 6, 4)
    assert (model.input.scale, model.input.offset) == (0.25, -1.0)
    assert [layer.name for layer in model.layers] == ["fc1", "fc2", "fc3"]
    one, two, last = (layer.neuron for layer in model.layers)
    assert (one.leak, one.threshold, one.reset, one.comparison, one.input_scale) == (
        0.5, 1.0, Reset.HARD, Comparison.AT_LEAST, 1.0)
    assert (two.leak, two.threshold, two.reset, two.comparison, two.input_scale) == (
        1.0, 2.0, Reset.SOFT, Comparison.ABOVE, 0.5)
    assert (one.reset_amount, two.reset_amount) == (1.0, 0.25)
    assert last is None
    first = model.layers[0]
    assert first.synapse.bias.tolist() == [0.0] * 5 and first.gate.tolist() == [1.0] * 3
    norm = first.norm
    assert (norm.gamma.tolist(), norm.beta.tolist()) == ([1.0] * 5, [0.0] * 5)
    assert (norm.mean.tolist(), norm.var.tolist(), norm.eps) == ([0.0] * 5, [1.0] * 5, 0.0)


def test_constants_of_a_neuron_may_be_given_per_channel(document):
    leak, threshold = torch.linspace(0, 1, 5), torch.arange(1, 6)
    document["layers"][0]["neuron"] = {
        "type": "lif", "leak": leak, "threshold": threshold, "reset": "soft", "comparison": ">",
        "reset_by": torch.zeros(5), "input_scale": torch.ones(5, requires_grad=True)}
    neuron = describe(document).layers[0].neuron
    assert neuron.leak.tolist() == leak.double().tolist()
    assert neuron.threshold.tolist() == threshold.tolist()
    assert neuron.reset_amount.tolist() == [0.0] * 5
    assert neuron.input_scale.tolist() == [1.0] * 5


def test_spikes_of_the_last_layer_are_counted_by_a_readout_behind_it(build_document):
    document = build_document(sizes=(6, 5, 4))
    document["layers"][1]["neuron"] = {"type": "if", "threshold": 1.0, "reset": "hard",
                                       "comparison": ">"}
    document["readout"] = {"type": "spike_count", "group": 2}
    model = describe(document)
    last = model.layers[2]
    assert (last.name, last.neuron, model.classes) == ("spike_count", None, ("0", "1"))
    assert last.synapse.coefficients.tolist() == [[1, 1, 0, 0], [0, 0, 1, 1]]
    document["readout"]["group"] = 3
    refused(document, r"model: readout\.group must divide the 4 neurons of the last layer, not 3")
    document["readout"] = {"type": "spike_count"}
    document["layers"][0]["name"] = "Spike_Count"
    assert describe(document).layers[2].name == "spike_count_2"
    assert len(describe(document).classes) == 4


def test_tensors_without_dimensions_and_numpy_scalars_are_numbers(document):
    document["timesteps"] = np.int64(3)
    document["input"] |= {"bits": torch.tensor(4), "scale": np.float32(0.25),
                          "shape": [np.int32(6)]}
    document["layers"][0]["neuron"] |= {"leak": torch.tensor(0.5, requires_grad=True),
                                        "threshold": np.float64(1.0)}
    model = describe(document)
    assert (model.timesteps, model.input.size, model.input.bits, model.input.scale) == (
        3, 6, 4, 0.25)
    assert (model.layers[0].neuron.leak, model.layers[0].neuron.threshold) == (0.5, 1.0)


def test_a_readout_alone_is_a_model(build_document):
    model = describe(build_document(sizes=(6, 3)))
    assert [layer.neuron for layer in model.layers] == [None]


def test_a_readout_alone_has_no_largest_value_of_direct_samples(build_document):
    document = build_document(sizes=(6, 3))
    document["layers"][0]["neuron"]["score"] = "max"
    refused(document, r"layers must be more than a readout where its score is 'max'")
    describe(document | {"input": {"coding": "events", "shape": [6]}})


def test_arrays_are_read_only_copies(document):
    model = describe(document)
    weight = document["layers"][0]["weight"]
    before = model.layers[0].synapse.weight.copy()
    weight.zero_()
    for layer in model.layers:
        norm = layer.norm
        for array in (layer.synapse.weight, layer.synapse.bias, layer.gate, norm.gamma,
                      norm.beta, norm.mean, norm.var):
            assert array.dtype == np.float64 and not array.flags.writeable
    assert np.array_equal(model.layers[0].synapse.weight, before)


def test_events_may_state_that_they_carry_no_value(build_document):
    document = build_document(coding="events")
    document["input"] |= {"shape": (2, 3), "bits": 1, "scale": 1.0, "offset": 0}
    source = describe(document).input
    assert (source.coding, source.size, source.bits, source.scale, source.offset) == (
        Coding.EVENTS, 6, 1, 1.0, 0.0)


def test_events_may_be_counts(build_document):
    document = build_document(coding="events")
    document["input"] |= {"shape": (2, 3), "bits": 3, "scale": 0.5, "offset": -0.25}
    source = describe(document).input
    assert (source.coding, source.bits, source.scale, source.offset) == (
        Coding.EVENTS, 3, 0.5, -0.25)


@for_each("name", ["float64", "float16", "bfloat16", "int8", "int64",
                                  "float8_e4m3fn"])
def test_real_dtypes_are_accepted(document, name):
    weight = torch.tensor([[1, -1, -1, -1, 1, 1]] * 5).to(getattr(torch, name))
    document["layers"][0]["weight"] = torch.nn.Parameter(weight, requires_grad=False)
    assert describe(document).layers[0].synapse.weight[0].tolist() == [1, -1, -1, -1, 1, 1]


@for_each("number", [
    torch.tensor(0.5), torch.nn.Parameter(torch.tensor(0.5)), np.float32(0.5), np.float64(0.5),
    np.array(0.5), torch.tensor(0.5, dtype=torch.bfloat16)])
def test_numbers_of_torch_and_numpy_are_numbers(document, number):
    put(document, "layers.0.neuron.leak", number)
    put(document, "timesteps", np.int32(3))
    put(document, "version", np.array(1))
    put(document, "input.shape", [torch.tensor(6)])
    put(document, "layers.0.neuron.reset_delay", np.bool_(False))
    model = describe(document)
    assert type(model.layers[0].neuron.leak) is float and model.layers[0].neuron.leak == 0.5
    assert type(model.timesteps) is int and model.timesteps == 3


@for_each("delay", [True, False, None])
def test_a_hard_reset_is_the_same_with_either_delay(document, delay):
    """snnTorch's 'zero'; tests/model/test_real.py has its equations."""
    put(document, "layers.0.neuron.reset_delay", delay)
    assert describe(document).layers[0].neuron.reset is Reset.HARD


def test_a_delayed_soft_reset_is_another_one(document):
    document["layers"][0]["neuron"] |= {"reset": "soft", "reset_delay": True}
    refused(document, r"neuron\.reset_delay must be False or absent where reset is 'soft', not "
                      r"True: the reset comes at once here; snnTorch's 'subtract' with its default")


def test_a_delayed_reset_of_a_second_order_neuron_is_said_as_refractory(document):
    neuron = document["layers"][0]["neuron"]
    neuron |= {"reset_delay": True, "current_leak": 0.5}
    refused(document, r"neuron\.reset_delay must be False or absent for a second-order neuron that "
                      r"is not refractory, not True: snnTorch's Synaptic with 'zero' and its "
                      r"default True has the key 'refractory', True")
    neuron["refractory"] = True
    assert describe(document).layers[0].neuron.refractory


def ternary(*shape, scale=1.0):
    """-scale, 0 and scale in turn."""
    return torch.arange(math.prod(shape)).remainder(3).sub(1).reshape(shape) * scale


SIGNS = [
    (ternary(5, 6), r"must be signs, not ternary: 10 of 30 weights are 0, and sign\(0\) is \+1 "
                    r"here; state weight_bits 2 with an int8 tensor of -1, 0 and 1, its"),
    (ternary(5, 6) * torch.arange(1, 6)[:, None] / 4, r"must be signs, not ternary: 10 of 30"),
    (ternary(5, 6).to(torch.int8), r"must be signs, not ternary: 10 of 30 weights are 0, and sign"
                                   r".*state weight_bits, 2 to 8, with an int8 tensor where the"),
    (torch.arange(-15, 15).reshape(5, 6), r"must be signs, -1 or \+1 in a tensor of integers, not "
                                          r"-15 to 14: only signs count; write -1 or"),
    (torch.zeros(5, 6), r"must have signs, but all 30 weights are 0; was the layer trained"),
    (torch.zeros(5, 6, dtype=torch.int8), r"must have signs, but all 30 weights are 0"),
    (torch.eye(5, 6) / 4, r"must have -1.*not only 0 and 0\.25: 25 of 30.*write 2 \* w - 0\.25"),
    (torch.eye(5, 6, dtype=torch.int8), r"must have -1.*not only 0 and 1: 25 of 30.*2 \* w - 1"),
    (torch.arange(30).remainder(5).sub(2).reshape(5, 6) / 4,
     r"must be signs or latent weights, not values of 3 magnitudes: 6 of 30 weights are 0"),
    (torch.arange(30).sub(18).clamp(min=0).add(0.0).neg().reshape(5, 6),
     r"must be signs or latent weights, not pruned: 19 of 30 weights are 0"),
]


@for_each("bits", [None, 1])
@for_each("weight, pattern", SIGNS)
def test_what_is_no_signs_is_not_taken_as_signs(document, weight, pattern, bits):
    put(document, "layers.0.weight", weight)
    put(document, "layers.0.weight_bits", bits)
    refused(document, f"layer 'fc1': weight {pattern}")


@for_each("weight", [[[0.3, 0.0]], [[0.3, 0.0], [0.0, -0.2]], [[-0.4], [0.0]]])
def test_few_weights_tell_nothing(build_document, weight):
    document = build_document(sizes=(len(weight[0]), len(weight), 2))
    put(document, "layers.0.weight", torch.tensor(weight))
    assert describe(document).layers[0].synapse.weight.shape == (len(weight), len(weight[0]))


def test_a_latent_weight_may_be_zero(document):
    document["layers"][0]["weight"][0, 1:4] = torch.tensor([0.0, -0.0, 0.0])
    document["layers"][0]["weight"][1:] = torch.rand(4, 6) - 1.01
    layer = describe(document).layers[0]
    assert (layer.synapse.coefficients[0, 1:4] == 1).all()
    assert (layer.synapse.coefficients[1:] == -1).all()


def test_gradients_and_views_are_accepted(document):
    weight = torch.randn(6, 5, requires_grad=True)
    document["layers"][0]["weight"] = weight.T
    document["layers"][0]["bias"] = torch.tensor(2.0).expand(5)
    layer = describe(document).layers[0]
    assert np.array_equal(layer.synapse.weight, weight.detach().double().numpy().T)
    assert layer.synapse.bias.tolist() == [2.0] * 5
