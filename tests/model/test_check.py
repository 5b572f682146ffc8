"""Every refusal: the layer, what must hold, what was given, what is accepted; all at once."""

import math
import warnings

import numpy as np
import pytest
import torch

from bsnn_hw.errors import ModelError
from bsnn_hw.model.check import check, describe
from tests.for_each import for_each
from tests.model.refusals import endless, put, refused

NAN = torch.tensor([0.0, torch.nan, torch.inf, 1.0, 2.0])
KNOWN = "known keys are"
with warnings.catch_warnings(action="ignore"):
    NESTED = torch.nested.nested_tensor([torch.ones(2), torch.ones(3)], layout=torch.jagged)

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
    ("input.scale", 0, [r"scale must be a finite number above 0, or a tensor.*, not 0"]),
    ("input.scale", ..., [r"scale is missing"]),
    ("input.offset", float("inf"), [r"offset must be a finite number, or a tensor.*, not inf"]),
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
    ("layers.0.type", "depthwise_conv2d", [r"'conv2d' with as many 'groups' as channels"]),
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
    ("layers.0.weight", NESTED, [r"weight must be a dense tensor, not a nested one"]),
    ("layers.0.neuron.leak", NESTED, [r"neuron.leak must be a dense tensor, not a nested one"]),
    ("timesteps", NESTED, [r"timesteps must be an integer from 1 to 1024, not a nested tensor"]),
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
    ("layers.0.neuron.refractory", 2, [r"neuron\.refractory must be True, False or absent, not 2: "
                                       r"a refractory neuron rests for one timestep"]),
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
    ({"bits": 9}, r"input: bits must be an integer from 1 to 8, not 9"),
    ({"scale": 0}, r"input: scale must be a finite number above 0"),
    ({"offset": True}, r"input: offset must be a finite number.*not True"),
    ({"bits": torch.ones(2)}, r"input: bits must be an integer from 1 to 8"),
])
def test_what_counts_of_events_cannot_be(build_document, value, pattern):
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
