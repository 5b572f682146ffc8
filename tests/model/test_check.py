"""Every refusal: the layer, what must hold, what was given, what is accepted; all at once."""

import math
import re

import numpy as np
import pytest
import torch

from bsnn_hw.errors import ModelError
from bsnn_hw.model.check import check, describe
from bsnn_hw.model.description import Coding, Comparison, Reset
from tests.for_each import for_each


def problems_of(document):
    with pytest.raises(ModelError) as caught:
        describe(document, "x.pt")
    assert caught.value.exit_code == 1
    for line in caught.value.problems:
        assert "\n" not in line and line.startswith("x.pt: ") and len(line) < 600
    return caught.value.problems


def refused(document, *patterns):
    """The document has exactly these problems, in this order."""
    problems = problems_of(document)
    assert len(problems) == len(patterns), problems
    for problem, pattern in zip(problems, patterns, strict=True):
        assert re.search(pattern, problem), problem


def put(document, path, value):
    """Set, or with ``...`` delete, what a path such as ``layers.0.neuron.leak`` names."""
    *way, key = path.split(".")
    for step in way:
        document = document[int(step)] if step.isdecimal() else document[step]
    if value is ...:
        del document[key]
    elif isinstance(document, list):
        document[int(key)] = value
    else:
        document[key] = value


def endless():
    """Three names that a lifetime would not suffice to print."""
    shared = ["a", "b", "c"]
    for _ in range(60):
        shared = [shared] * 3
    return shared


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


@pytest.mark.parametrize("delay", [True, False, None])
def test_a_hard_reset_is_the_same_with_either_delay(document, delay):
    """snnTorch's 'zero'; tests/model/test_real.py has its equations."""
    put(document, "layers.0.neuron.reset_delay", delay)
    assert describe(document).layers[0].neuron.reset is Reset.HARD


def test_a_delayed_soft_reset_is_another_one(document):
    document["layers"][0]["neuron"] |= {"reset": "soft", "reset_delay": True}
    refused(document, r"neuron\.reset_delay must be False or absent where reset is 'soft', not "
                      r"True: the reset comes at once here; snnTorch's 'subtract' with its default")


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


@pytest.mark.parametrize("weight", [[[0.3, 0.0]], [[0.3, 0.0], [0.0, -0.2]], [[-0.4], [0.0]]])
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


NAN = torch.tensor([0.0, torch.nan, torch.inf, 1.0, 2.0])
KNOWN = "known keys are"

CASES = [
    # path, value, patterns
    ("name", ..., [r"model: name is missing"]),
    ("name", None, [r"name is missing"]),
    ("name", 3, [r"name must be a string, not 3"]),
    ("name", "a/b", [r"name must be 1 to 64 letters.*not 'a/b'"]),
    ("name", "", [r"name must be 1 to 64"]),
    ("name", "a" * 65, [r"name must be 1 to 64"]),
    ("timesteps", ..., [r"timesteps is missing"]),
    ("timesteps", 0, [r"timesteps must be an integer from 1 to 1024, not 0"]),
    ("timesteps", True, [r"timesteps must be an integer.*not True"]),
    ("timesteps", 3.0, [r"timesteps must be an integer.*not 3\.0"]),
    ("timesteps", 1025, [r"timesteps must be an integer.*not 1025"]),
    ("timesteps", 10**5000, [r"not an integer of 16610 bits"]),
    ("timesteps", torch.tensor(3.0), [r"timesteps must be an integer.*not 3\.0"]),
    ("timesteps", torch.tensor(True), [r"timesteps must be an integer.*not True"]),
    ("timesteps", torch.tensor([3]), [r"timesteps must be.*int64 array of shape \(1,\)"]),
    ("timesteps", torch.tensor(3, device="meta"), [r"timesteps must be.*int64 array of shape \("]),
    ("epochs", 3, [rf"model: unknown key 'epochs'; {KNOWN} 'format', 'version', 'name'"]),
    ("layer", [], [r"unknown key 'layer'; .*did you mean 'layers'"]),
    ("classes", "012", [r"classes must be a list of strings"]),
    ("classes", ["a"], [r"classes must name each of the 3 outputs of the readout, not 1"]),
    ("classes", ["a", 1, ""], [r"classes must be strings of 1 to 64.*not 1, ''"]),
    ("classes", endless(), [r"classes must be strings.*not a list of 3 values, a list of 3 "]),
    ("classes", ["a", "b", "a"], [r"classes must be distinct, but repeats 'a'"]),
    ("recipe", [1], [r"recipe must be a dictionary, not \[1\]"]),
    ("recipe", {"lr": [1, torch.zeros(2)]}, [r"recipe\.lr\[1\] must be.*float32 array of shape"]),
    ("recipe", {"lr": float("nan")}, [r"recipe\.lr must be .*not nan"]),
    ("recipe", {"s": "\ud800"}, [r"recipe\.s must be"]),
    ("recipe", {1: 2}, [r"recipe must have printable strings as keys"]),
    ("recipe", {"x": [0] * 200_000}, [r"recipe must hold at most 100000 values"]),
    ("input", 7, [r"input: it must be a dictionary with the keys.*not 7"]),
    ("input.coding", ..., [r"input: coding is missing"]),
    ("input.coding", "latency", [r"coding must be one of 'direct', 'events', not 'latency'"]),
    ("input.coding", 3, [r"coding must be one of 'direct', 'events', not 3"]),
    ("input.shape", 6, [r"shape must be a list of 1 to 8 positive integers.*not 6"]),
    ("input.shape", [], [r"shape must be a list"]),
    ("input.shape", [6, 0], [r"shape must be a list.*not \[6, 0\]"]),
    ("input.shape", [True, 6], [r"shape must be a list"]),
    ("input.shape", [7], [r"layer 'fc1': weight must be \(neurons, 7\) because the input gives 7 "
                          r"values, not shape \(5, 6\)"]),
    ("input.bits", ..., [r"input: bits is missing"]),
    ("input.bits", 9, [r"bits must be an integer from 1 to 8, not 9"]),
    ("input.bits", 0, [r"bits must be an integer from 1 to 8, not 0"]),
    ("input.scale", 0, [r"scale must be a finite number above 0, not 0"]),
    ("input.scale", ..., [r"scale is missing"]),
    ("input.offset", float("inf"), [r"offset must be a finite number, not inf"]),
    ("input.mean", 0.0, [rf"input: unknown key 'mean'; {KNOWN} 'coding', 'shape', 'bits'"]),
    ("layers", ..., [r"layers is missing"]),
    ("layers", {}, [r"layers must be a list of 1 to 256 layers"]),
    ("layers", [], [r"layers must be a list of 1 to 256 layers, .*not \[\]"]),
    ("layers.1", 5, [r"layer number 2: it must be a dictionary.*not 5"]),
    ("layers.0.name", ..., [r"layer number 1: name is missing"]),
    ("layers.0.name", 4, [r"layer number 1: name must be a string, not 4"]),
    ("layers.0.name", "1a", [r"layer '1a': name must be a letter.*not '1a'"]),
    ("layers.0.name", "fc1\n", [r"name must be a letter"]),
    ("layers.0.name", "é", [r"name must be a letter"]),
    ("layers.0.name", "a" * 64, [r"name must be a letter"]),
    ("layers.0.name", "wire", [r"name must be no keyword of Verilog or Python, not 'wire'; "
                               r"'wire_1' would do"]),
    ("layers.0.name", "lambda", [r"name must be no keyword"]),
    ("layers.0.name", "fc2", [r"layers must have distinct names.*not 'fc2' and 'fc2'"]),
    ("layers.0.name", "FC2", [r"layers must have distinct names.*not 'FC2' and 'fc2'"]),
    ("layers.0.type", ..., [r"layer 'fc1': type is missing"]),
    ("layers.0.type", "conv1d", [r"layer 'fc1': type must be one of 'linear', 'conv2d', not "
                                 r"'conv1d'; a convolution over one axis is a 'conv2d'"]),
    ("layers.0.type", 3, [r"layer 'fc1': type must be one of 'linear', 'conv2d', not 3$"]),
    ("layers.0.dilation", 2, [rf"unknown key 'dilation'; {KNOWN} 'name', .*has type 'conv2d'"]),
    ("layers.0.weight", ..., [r"layer 'fc1': weight is missing"]),
    ("layers.0.weight", [[1.0]], [r"weight must be a torch tensor, not a list"]),
    ("layers.0.weight", np.ones((5, 6)), [r"weight must be a torch tensor, not a float64 array"]),
    ("layers.0.weight", torch.ones(6), [r"weight must have 2 dimensions.*not shape \(6,\)"]),
    ("layers.0.weight", torch.ones(5, 6, 1, 1), [r"weight must have 2 dim.*\(5, 6, 1, 1\)"]),
    ("layers.0.weight", torch.ones(0, 6), [r"at least one neuron and one input, not shape \(0"]),
    ("layers.0.weight", torch.ones(5, 0), [r"at least one neuron and one input"]),
    ("layers.0.weight", torch.ones(5, 6, dtype=torch.complex64), [r"real numbers.*not complex64"]),
    ("layers.0.weight", torch.ones(5, 6, dtype=torch.bool), [r"must hold real numbers.*not bool"]),
    ("layers.0.weight", torch.ones(5, 6, dtype=torch.uint8), [r"signed type, not uint8.*0 as -1"]),
    ("layers.0.weight", torch.eye(5, 6), [r"weight must have -1.*not only 0 and 1.*2 \* w - 1"]),
    ("layers.0.weight", torch.ones(5, 6).to_sparse(), [r"weight must be a dense tensor"]),
    ("layers.0.weight", torch.ones(5, 6, device="meta"), [r"must be a dense tensor.*on meta"]),
    ("layers.0.weight", torch.tensor([[1.0] * 5 + [torch.nan]] * 5),
     [r"layer 'fc1': weight must be finite, but 5 of 30 values are NaN or infinite"]),
    ("layers.0.weight", torch.ones(1).expand(10**7, 10**7), [r"repeats fewer; save a contig"]),
    ("layers.1.weight", torch.ones(4, 9), [r"layer 'fc2': weight must be \(neurons, 5\) because "
                                           r"layer 'fc1' gives 5 values, not shape \(4, 9\)"]),
    ("layers.0.bias", torch.ones(4), [r"bias must have one value per neuron, shape \(5,\), not"]),
    ("layers.0.bias", torch.ones(5, 1), [r"bias must have one value per neuron"]),
    ("layers.0.bias", NAN, [r"bias must be finite, but 2 of 5 values"]),
    ("layers.0.bias", 0.0, [r"bias must be a torch tensor, not 0\.0"]),
    ("layers.0.bias", torch.full((5,), 1e308, dtype=torch.float64), [r"currents must be finite"]),
    ("layers.0.norm", 1, [r"layer 'fc1': norm must be a dictionary with the keys 'gamma'"]),
    ("layers.0.norm.gamma", ..., [r"norm\.gamma is missing"]),
    ("layers.0.norm.gamma", NAN, [r"norm\.gamma must be finite, but 2 of 5"]),
    ("layers.0.norm.mean", torch.ones(6), [r"norm\.mean must have one value per neuron"]),
    ("layers.0.norm.eps", ..., [r"norm\.eps is missing"]),
    ("layers.0.norm.eps", -1e-5, [r"norm\.eps must be a finite number, 0 or more"]),
    ("layers.0.norm.var", torch.full((5,), -1.0), [r"norm\.var plus eps must be above 0, but is "
                                                   r"not for 5 of 5 neurons, first neuron 0"]),
    ("layers.0.norm.momentum", 0.1, [r"norm unknown key 'momentum'"]),
    ("layers.0.gate", [1.0], [r"layer 'fc1': gate must be a dictionary.*not a list"]),
    ("layers.0.gate.kind", ..., [r"gate\.kind is missing"]),
    ("layers.0.gate.kind", "batch", [r"gate\.kind must be one of 'constant', 'sample', not"]),
    ("layers.0.gate.value", ..., [r"gate\.value is missing"]),
    ("layers.0.gate.value", torch.ones(4), [r"gate\.value must have one value per timestep, shape "
                                            r"\(3,\), not shape \(4,\)"]),
    ("layers.0.gate.value", torch.tensor([1, 0.0, 1]), [
        r"layer 'fc1': gate\.value must be above 0, but timestep 2 has 0\.0; a gate of zero or "
        r"below has no positive scale to divide by"]),
    ("layers.0.gate.value", torch.tensor([1, 1, -2]), [r"timestep 3 has -2\.0; a gate of zero"]),
    ("layers.0.gate.value", torch.tensor([1, torch.nan, 1]), [r"gate\.value must be finite"]),
    ("layers.0.gate", {"kind": "sample", "value": torch.ones(3)}, [
        r"gate\.alpha is missing", r"gate unknown key 'value'"]),
    ("layers.0.gate", {"kind": "sample", "alpha": torch.ones(2)}, [
        r"gate\.alpha must have one value per timestep"]),
    ("layers.0.gate", {"kind": "sample", "alpha": torch.tensor([1, 0.0, 1])}, [
        r"gate\.alpha must be above 0, but timestep 2 has 0\.0"]),
    ("layers.2.gate", {"kind": "sample", "alpha": torch.ones(3)}, [
        r"layer 'fc3': gate\.kind 'sample' is refused in the readout: the hardware makes a gate of "
        r"each sample only where the layer's neurons take its own current and nothing else; "
        r"accepted is 'constant'"]),
    ("layers.0.neuron", ..., [r"layer 'fc1': neuron is missing"]),
    ("layers.0.neuron", "lif", [r"neuron must be a dictionary with the keys"]),
    ("layers.0.neuron.type", "synaptic", [r"neuron\.type must be one of 'lif', 'if', 'readout'"]),
    ("layers.0.neuron.type", "if", [r"neuron\.leak must be absent for 'if'"]),
    ("layers.0.neuron.type", "readout", [
        *[rf"neuron unknown key '{key}'; known keys are 'type', 'score', 'leak' \(a readout does"
          for key in ("threshold", "reset", "comparison")],
        r"neuron must be 'lif' or 'if', not 'readout', which stands only in the last layer"]),
    ("layers.0.neuron.leak", ..., [r"neuron\.leak is missing"]),
    ("layers.0.neuron.leak", -0.1, [r"neuron\.leak must be a number from 0 to 1, or a tensor of"]),
    ("layers.0.neuron.leak", 1.01, [r"neuron\.leak must be a number from 0 to 1"]),
    ("layers.0.neuron.leak", torch.full((4,), 0.5), [r"leak must have one value per neuron, sh"]),
    ("layers.0.neuron.leak", torch.tensor([0.5, 0.5, 1.5, 1.0, -1.0]),
     [r"leak must be a number from 0 to 1 for each neuron, but is not for 2 of 5, first neuron"]),
    ("layers.0.neuron.threshold", torch.tensor([1.0, 0.0, 1.0, 1.0, 1.0]),
     [r"threshold must be a finite number above 0 for each neuron.*first neuron 1 with 0\.0"]),
    ("layers.0.neuron.threshold", torch.full((5,), math.nan), [r"must be finite, but 5 of 5"]),
    ("layers.0.neuron.leak", True, [r"neuron\.leak must be a number.*not True"]),
    ("layers.0.neuron.leak", torch.tensor(1.5), [r"neuron\.leak must be a number.*not 1\.5"]),
    ("layers.0.neuron.leak", np.array([0.5]), [r"neuron\.leak must be a number.*array of sh"]),
    ("layers.0.neuron.leak", torch.tensor(False), [r"neuron\.leak must be a number.*not False"]),
    ("layers.0.neuron.threshold", 0, [r"neuron\.threshold must be a finite number above 0, or"]),
    ("layers.0.neuron.threshold", ..., [r"neuron\.threshold is missing"]),
    ("layers.0.neuron.threshold", float("nan"), [r"threshold must be a finite.*not nan"]),
    ("layers.0.neuron.reset", "zero", [r"neuron\.reset must be one of 'hard', 'soft', not 'zero'"]),
    ("layers.0.neuron.reset", ..., [r"neuron\.reset is missing"]),
    ("layers.0.neuron.comparison", ">>", [r"neuron\.comparison must be one of '>=', '>', not"]),
    ("layers.0.neuron.comparison", ..., [r"neuron\.comparison is missing"]),
    ("layers.0.neuron.input_scale", 0, [r"neuron\.input_scale must be a finite number above 0"]),
    ("layers.0.neuron.reset_delay", 1, [r"neuron\.reset_delay must be True, False or absent"]),
    ("layers.0.neuron.reset_by", 1.0, [r"neuron\.reset_by must be absent with reset 'hard'"]),
    ("layers.0.neuron", {"type": "if", "threshold": 1.0, "reset": "soft", "comparison": ">",
                         "reset_by": -1}, [r"neuron\.reset_by must be a finite number, 0 or more"]),
    ("layers.0.neuron.reset_mechanism", "none", [r"unknown key 'reset_mechanism'.*reset_by 0"]),
    ("layers.0.neuron.v_reset", -0.1, [r"neuron\.v_reset must be 0 or absent, not -0\.1"]),
    ("layers.0.neuron.v_reset", torch.zeros(2), [r"neuron\.v_reset must be 0 or absent"]),
    ("layers.0.neuron.refractory", 2, [r"unknown key 'refractory'.*no refractory period"]),
    ("layers.0.neuron.beta", 0.5, [r"unknown key 'beta'.*snnTorch's beta is leak"]),
    ("layers.2.neuron.score", "first_spike", [r"neuron\.score 'first_spike' is refused: .*'max'"]),
    ("layers.2.neuron.score", "median", [r"neuron\.score must be one of 'mean', 'sum', 'last'"]),
    ("layers.2.neuron.leak", 1.5, [r"neuron\.leak must be a number from 0 to 1, or"]),
    ("layers.2.neuron.leak", torch.zeros(4), [r"neuron\.leak must have one value per class"]),
    ("readout", {"type": "spike_count"}, [r"'fc3': neuron must be 'lif' or 'if', not 'readout', .*"
                                          r"not there where spikes are counted"]),
    ("readout", {"type": "votes"}, [r"readout\.type must be one of 'spike_count', not 'votes'",
                                    r"'fc3': neuron must be 'lif' or 'if'"]),
    ("layers.2.neuron.threshold", 1.0, [r"layer 'fc3': neuron unknown key 'threshold'"]),
    ("layers.2.neuron", {"type": "lif", "leak": 0.5, "threshold": 1.0, "reset": "hard",
                         "comparison": ">="},
     [r"layer 'fc3': neuron must be 'readout' in the last layer.*not 'lif'"]),
]


@for_each("path, value, patterns", CASES)
def test_one_problem(document, path, value, patterns):
    put(document, path, value)
    refused(document, *patterns)


@for_each("value, pattern", [
    ({"bits": 4}, r"input: bits must be absent or 1 for events, which carry no value, not 4"),
    ({"scale": 0.5}, r"input: scale must be absent or 1 for events"),
    ({"offset": True}, r"input: offset must be absent or 0 for events.*not True"),
    ({"bits": torch.ones(2)}, r"input: bits must be absent or 1 for events"),
])
def test_graded_events_are_refused(build_document, value, pattern):
    document = build_document(coding="events")
    document["input"] |= value
    refused(document, pattern)


@for_each("document, pattern", [
    (None, r"model: must be a dictionary, not None; write model files with"),
    ([1, 2], r"model: must be a dictionary, not \[1, 2\]"),
    (torch.ones(3), r"model: must be a dictionary, not a float32 array of shape \(3,\)"),
    ({}, r"format must be 'bsnn-hw/model', not none"),
    ({"fc1.weight": torch.ones(2)}, r"is a state_dict, which says nothing of neurons"),
    ({"format": "onnx"}, r"format must be 'bsnn-hw/model', not 'onnx'"),
    ({"format": np.array(["a", "b"])}, r"format must be 'bsnn-hw/model', not a <U1 array"),
    ({"format": "bsnn-hw/model"}, r"version must be 1, the only one.*not None"),
    ({"format": "bsnn-hw/model", "version": 2}, r"version must be 1.*not 2; a later version"),
    ({"format": "bsnn-hw/model", "version": True}, r"version must be 1.*not True"),
])
def test_foreign_documents(document, pattern):
    refused(document, pattern)


def test_all_problems_at_once(document):
    put(document, "timesteps", 0)
    put(document, "layers.0.weight", torch.full((5, 6), torch.nan))
    put(document, "layers.0.neuron.leak", 2)
    put(document, "layers.1.type", "maxpool")
    put(document, "layers.2.neuron.type", "mean")
    put(document, "classes", ["a", "b"])
    refused(document, "timesteps must be", "'fc1': weight must be finite, but 30 of 30",
            "'fc1': neuron.leak must be",
            "'fc2': type must be one of 'linear', 'conv2d', not 'maxpool'; pooling of spikes",
            "'fc3': neuron.threshold is missing", "'fc3': neuron.reset is missing",
            "'fc3': neuron.comparison is missing",
            "'fc3': neuron.type must be one of", "classes must name each of the 3 outputs")


def test_the_message_has_one_line_per_problem(document):
    put(document, "timesteps", 0)
    put(document, "name", 1)
    with pytest.raises(ModelError) as caught:
        describe(document)
    assert str(caught.value).count("\n") == 1
    assert str(caught.value).startswith("document: model: name must be a string")


def test_a_sample_gate_may_be_written_where_it_is_not_computed(document):
    put(document, "layers.2.gate", {"kind": "sample", "alpha": torch.ones(3)})
    check(document)
    refused(document, "'sample' is refused in the readout")
    put(document, "timesteps", 0)
    with pytest.raises(ModelError, match="timesteps"):
        check(document)


def test_the_gate_of_the_readout_may_have_any_sign(document):
    put(document, "layers.2.gate.value", torch.tensor([0.0, -1.0, 2.0]))
    assert describe(document).layers[-1].gate.tolist() == [0.0, -1.0, 2.0]


def test_negative_and_zero_scales_are_legal(document):
    put(document, "layers.0.norm.gamma", torch.tensor([0.0, -0.0, -1.0, 1e-30, 5.0]))
    put(document, "layers.0.norm.var", torch.zeros(5))
    assert describe(document).layers[0].norm.gamma[2] == -1.0


def test_too_many_weights_in_all_layers(build_document):
    document = build_document()
    shared = torch.ones(8192, 8192, dtype=torch.int8)
    put(document, "input.shape", [8192])
    for index in (0, 1):
        for key in ("bias", "norm", "gate"):
            put(document, f"layers.{index}.{key}", ...)
    put(document, "layers.0.weight", torch.ones(2, 8192))
    put(document, "layers.1.weight", shared)
    refused(document, "limit of 67108864 weights")


def test_nested_values_stay_short_and_finite(document):
    bomb = []
    for _ in range(60):
        bomb = [bomb, bomb]
    circle = {}
    circle["circle"] = circle
    put(document, "recipe", {"bomb": bomb})
    put(document, "name", bomb)
    refused(document, "name must be a string, not a list", "recipe must hold at most")
    put(document, "name", "test")
    put(document, "recipe", circle)
    refused(document, "recipe must hold at most 100000 values, at most 16 deep")


def test_many_unknown_keys_are_counted(document):
    document |= {f"key{index}" + "x" * 1000: 1 for index in range(50)}
    refused(document, *["unknown key 'key"] * 12, "38 more unknown keys")
