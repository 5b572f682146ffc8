"""Every refusal that convolutions, pooling and shortcuts bring, and what they become."""

import torch

from bsnn_hw.model.check import describe
from bsnn_hw.model.description import (
    CurrentShortcut,
    Pooling,
    PoolingKind,
    Shape,
    SpikeShortcut,
    SynapseShortcut,
)
from tests.for_each import for_each
from tests.model.refusals import problems_of, put


def test_maps_become_a_model(maps):
    model = describe(maps)
    assert model.input.shape == Shape(1, 6, 6)
    assert {layer.name: layer.shape for layer in model.layers} == {
        "conv1": Shape(4, 6, 6), "conv2": Shape(4, 6, 6), "conv3": Shape(5, 4, 2),
        "conv4": Shape(5, 4, 2), "fc1": Shape(6), "fc2": Shape(6), "out": Shape(3)}
    one, two, three, four, five, six, last = model.layers
    assert (one.feed.source, one.feed.pool, one.feed.shape) == (None, None, Shape(1, 6, 6))
    assert (two.synapse.stride, two.synapse.padding) == ((1, 1), (1, 1))
    assert two.shortcuts == (CurrentShortcut("conv1"),)
    assert (three.synapse.stride, three.synapse.padding) == ((1, 2), (1, 1))
    assert three.feed.pool == Pooling(PoolingKind.MAX, (2, 2))
    assert (three.feed.shape, three.feed.source_shape) == (Shape(4, 3, 3), Shape(4, 6, 6))
    assert four.shortcuts[0] == SpikeShortcut("conv3", 0.5)
    through = four.shortcuts[1]
    assert isinstance(through, SynapseShortcut) and through.shape == four.shape
    assert (through.source, through.feed.shape) == ("conv1", Shape(4, 6, 6))
    assert len(through.norm.gamma) == 5 and len(through.gate) == 3
    assert (five.feed.divisor, six.feed.divisor) == (2, 1)
    assert (six.feed.source, last.feed.source) == ("conv2", "fc2")


@for_each("shape, wanted", [
    ([36], Shape(36)), ([6, 6], Shape(1, 6, 6)), ([4, 3, 3], Shape(4, 3, 3)),
    ([1, 1, 6, 6], Shape(36))])
def test_shape_of_the_input(build_document, shape, wanted):
    document = build_document(sizes=(36, 4, 3))
    document["input"]["shape"] = shape
    assert describe(document).input.shape == wanted


def test_windows_of_one_place_change_nothing(maps):
    maps["layers"][1]["pool"] = {"kind": "avg", "size": 1}
    assert describe(maps).layers[1].feed.pool is None


def test_a_map_from_a_linear_layer_has_one_place(build_document):
    document = build_document(sizes=(6, 5, 4, 3))
    document["layers"][1] |= {"type": "conv2d", "weight": torch.randn(4, 5, 1, 1)}
    assert describe(document).layers[1].shape == Shape(4)
    document["layers"][1] |= {"weight": torch.randn(4, 5, 3, 3), "padding": 1}
    assert describe(document).layers[1].shape == Shape(4)


FOUR = "layer 'conv4': shortcuts"
CASES = [
    # path, value, beginnings and ends of the problems
    ("layers.0.weight", torch.ones(4, 1), [(
        "layer 'conv1': weight must have 4 dimensions (channels out, channels in, kernel height, "
        "kernel width)", "not shape (4, 1)")]),
    ("layers.0.weight", torch.ones(4, 1, 0, 3), [(
        "layer 'conv1': weight must have at least one output channel and one input", "0, 3)")]),
    ("layers.0.weight", torch.ones(4, 2, 3, 3), [(
        "layer 'conv1': weight must be (channels out, 1, height, width) because the input gives "
        "1 x 6 x 6", "not shape (4, 2, 3, 3)")]),
    ("layers.1.weight", torch.ones(4, 1, 3, 3), [(
        "layer 'conv2': weight must be (channels out, 4, height, width) because layer 'conv1' "
        "gives 4 x 6 x 6", "a depthwise convolution has groups of one channel, give `groups`")]),
    ("layers.1.groups", 3, [(
        "layer 'conv2': groups must divide the 4 channels out", "not be 3")]),
    ("layers.1.dilation", [1, 0], [(
        "layer 'conv2': dilation must be an integer from 1 to 64, or two", "not [1, 0]")]),
    ("layers.1.stride", 0, [(
        "layer 'conv2': stride must be an integer from 1 to 64, or two, [vertical, horizontal]",
        "not 0")]),
    ("layers.1.stride", [1, 2, 3], [("layer 'conv2': stride must be an", "not [1, 2, 3]")]),
    ("layers.1.stride", True, [("layer 'conv2': stride must be an integer", "not True")]),
    ("layers.1.padding", "same", [(
        "layer 'conv2': padding must be an integer or two, [vertical, horizontal], not 'same'",
        "'same' is (k - 1) / 2 for an odd kernel side k")]),
    ("layers.1.padding", -1, [("layer 'conv2': padding must be an integer from 0 to 63", "-1")]),
    ("layers.1.padding", [1, 3], [(
        "layer 'conv2': padding must be less than the kernel's sides, 3 x 3, not [1, 3]",
        "outputs without an input")]),
    ("layers.1.weight", torch.ones(4, 4, 3, 9), [(
        "layer 'conv2': weight must have a kernel that fits the padded map, 8 x 8, not 3 x 9",
        "layer 'conv1' gives 4 x 6 x 6")]),
    ("layers.1.weight", torch.ones(4, 4, 9, 3), [(
        "layer 'conv2': weight must have a kernel that fits the padded map, 8 x 8, not 9 x 3",
        "layer 'conv1' gives 4 x 6 x 6")]),
    ("layers.1.weight", torch.ones(4, 4, 65, 1), [
        ("layer 'conv2': weight must have a kernel with sides of at most 64", "not 65 x 1")]),
    ("layers.1.kernel_size", 3, [("layer 'conv2': unknown key 'kernel_size'", "weight's shape)")]),
    ("layers.1.padding_mode", "reflect", [("layer 'conv2': unknown key 'padding_mode'", "zeros)")]),
    ("layers.1.transposed", True, [("layer 'conv2': unknown key 'transposed'", "supported)")]),
    ("layers.1.bias", torch.ones(3), [(
        "layer 'conv2': bias must have one value per output channel, shape (4,)", "(3,)")]),
    ("layers.1.norm.var", torch.full((4,), -1.0), [(
        "layer 'conv2': norm.var plus eps must be above 0", "first output channel 0 with -1.0")]),
    ("layers.4.weight", torch.ones(6, 40), [(
        "layer 'fc1': weight must be (neurons, 20) because layer 'conv4' gives 20 values "
        "(5 x 2 x 2)", "not shape (6, 40)")]),
    ("input.offset", torch.ones(2), [(
        "input: offset must have one value per channel of the input, shape (1,)", "shape (2,)")]),
    ("input.scale", torch.tensor([-1.0]), [(
        "input: scale must be a finite number above 0 for each channel of the input, but is not "
        "for 1 of 1", "with -1.0")]),
    ("input.shape", [36], [(
        "layer 'conv1': weight must be (channels out, 36, height, width) because the input gives "
        "36 x 1 x 1", "depthwise convolution has groups of one channel, give `groups`")]),
    ("input.shape", [1, 5000, 1], [(
        "layer 'conv1': weight must stand on a map with sides of at most 4096", "5000 x 1")]),
    ("layers.0.pool", {"kind": "max", "size": 2}, [(
        "layer 'conv1': pool must be absent in the first layer: spikes are pooled, not the "
        "network's input", "before they come in")]),
    ("layers.0.input", "conv1", [(
        "layer 'conv1': input must be absent in the first layer", "not 'conv1'")]),
    ("layers.2.pool", "max", [("layer 'conv3': pool must be a dictionary with the keys 'kind'",
                               "not 'max'")]),
    ("layers.2.pool.kind", "min", [(
        "layer 'conv3': pool.kind must be one of 'max', 'avg', 'sum'", "not 'min'")]),
    ("layers.2.pool.size", 7, [(
        "layer 'conv3': pool size [7, 7] must fit the map of layer 'conv2'", "4 x 6 x 6")]),
    ("layers.2.pool.size", 0, [("layer 'conv3': pool.size must be an integer from 1", "not 0")]),
    ("layers.2.pool.size", ..., [("layer 'conv3': pool.size is missing", "(docs/model.md)")]),
    ("layers.4.pool.stride", 1, [("layer 'fc1': pool stride must be size, [2, 1], and padding 0 "
                                  "where kind is 'avg'", "'max' takes any")]),
    ("layers.2.pool.padding", 2, [("layer 'conv3': pool padding must be less than size and stride",
                                   "or hold none")]),
    ("layers.2.pool.ceil_mode", True, [("layer 'conv3': pool unknown key 'ceil_mode'",
                                        "windows lie inside of the map)")]),
    ("layers.3.input", "conv5", [(
        "layer 'conv4': input must name an earlier layer with neurons, one of 'conv1', 'conv2', "
        "'conv3', not 'conv5'", "did you mean 'conv3'?")]),
    ("layers.3.input", 3, [("layer 'conv4': input must name an earlier", "not 3")]),
    ("layers.3.input", "fc1", [("layer 'conv4': input must name", "that layer is not earlier")]),
    ("layers.3.input", "out", [("layer 'conv4': input must name", "that layer is not earlier")]),
    ("layers.3.shortcuts", {"kind": "current"}, [(
        "layer 'conv4': shortcuts must be a list of at most 16 dictionaries", "of 1 keys")]),
    ("layers.3.shortcuts", [{}] * 17, [("layer 'conv4': shortcuts must be a list", "17 values")]),
    ("layers.3.shortcuts.0", "conv1", [(
        f"{FOUR}[0] must be a dictionary with the keys 'kind' and 'from'", "before the neuron")]),
    ("layers.3.shortcuts.0.kind", "ADD", [(
        f"{FOUR}[0].kind 'ADD' is refused: SEW's connections join spikes behind the neuron, and "
        "are the layer's key 'join'; accepted are 'current', 'spikes', 'linear', 'conv2d'",
        "add to the current before the neuron")]),
    ("layers.3.shortcuts.0.kind", "IAND", [(
        f"{FOUR}[0].kind 'IAND' is refused: SEW's connections join spikes behind the neuron",
        "before the neuron")]),
    ("layers.3.shortcuts.0.kind", "identity", [(
        f"{FOUR}[0].kind must be one of 'current', 'spikes', 'linear', 'conv2d'", "'identity'")]),
    ("layers.3.shortcuts.0.from", ..., [(f"{FOUR}[0].from is missing", "(docs/model.md)")]),
    ("layers.3.shortcuts.0.from", "conv4", [(
        f"{FOUR}[0].from must name an earlier layer with neurons", "that layer is not earlier")]),
    ("layers.3.shortcuts.0.from", "input", [(f"{FOUR}[0].from must name an earlier", "'input'")]),
    ("layers.3.shortcuts.0.scale", 0, [(
        f"{FOUR}[0].scale must be a finite number above 0", "not 0")]),
    ("layers.3.shortcuts.0.from", "conv1", [(
        f"{FOUR}[0] must have the shape of the layer's output, 5 x 4 x 2, but layer 'conv1' gives "
        "4 x 6 x 6; a 'conv2d' shortcut changes channels", "pool before it)")]),
    ("layers.3.gate", {"kind": "sample", "alpha": torch.ones(3)}, [(
        "layer 'conv4': gate.kind 'sample' is refused in a layer with shortcuts",
        "running average of training")]),
    ("layers.3.shortcuts.1.gate", {"kind": "sample", "alpha": torch.ones(3)}, [(
        f"{FOUR}[1].gate.kind 'sample' is refused in a shortcut",
        "running average of training")]),
    ("layers.0.gate", {"kind": "sample", "alpha": torch.ones(3)}, [(
        "layer 'conv2': shortcuts[0].from must not name a layer whose gate is of kind 'sample', as "
        "layer 'conv1' is", "running average of training")]),
    ("layers.3.shortcuts.1.stride", [1, 2], [(
        f"{FOUR}[1] must have the shape of the layer's output, 5 x 4 x 2, but it gives 5 x 4 x 1",
        "pool before it)")]),
    ("layers.3.shortcuts.1.gate.value", torch.tensor([1.0, 0.0, 1.0]), [(
        f"{FOUR}[1].gate.value must be above 0, but timestep 2 has 0.0", "divide by")]),
    ("layers.3.shortcuts.1.norm.gamma", torch.ones(4), [(
        f"{FOUR}[1].norm.gamma must have one value per output channel, shape (5,)", "(4,)")]),
    ("layers.3.shortcuts.1.weight", torch.ones(5, 1, 3, 5), [(
        f"{FOUR}[1].weight must be (channels out, 4, height, width)", "give `groups`")]),
    ("layers.3.shortcuts.1.weight_bits", 8, [(
        f"{FOUR}[1].weight must be int8 where weight_bits is 8", "not float32")]),
    ("layers.3.shortcuts.2.scale", 2, [(f"{FOUR}[2] unknown key 'scale'", "as it is)")]),
    ("layers.6.shortcuts", [{"kind": "spikes", "from": "fc1"}], [(
        "layer 'out': shortcuts must be absent in the readout", "before a neuron")]),
    ("layers.6.type", "conv2d", [(
        "layer 'out': type must be 'linear' in the last layer, whose outputs are the classes",
        "not 'conv2d'")]),
    ("layers.5.input", ..., [(
        "layer 'fc2': pool size [3, 1] must fit the map of layer 'fc1', 6 x 1 x 1", "x 1")]),
    ("layers.5.shortcuts", ..., [(
        "layer 'fc1': must be used by a later layer, as 'input', in 'shortcuts' or in 'join', and "
        "none does",
        "leave it out")]),
    ("layers.1.downsample", {}, [("layer 'conv2': unknown key 'downsample'", "'shortcuts')")]),
    ("layers.1.cnf", "ADD", [("layer 'conv2': unknown key 'cnf'", "'iand' or 'inhibit')")]),
    ("layers.1.type", "avgpool2d", [(
        "layer 'conv2': type must be one of 'linear', 'conv2d', not 'avgpool2d'",
        "of currents the key 'current_pool' of their layer")]),
    ("layers.2.weight", torch.full((5, 4, 2, 3), torch.nan), [(
        "layer 'conv3': weight must be finite, but 120 of 120", "diverge?")]),
    ("layers.0.weight_bits", 9, [(
        "layer 'conv1': weight_bits must be an integer from 1 to 8", "not 9")]),
    ("layers.0.weight_bits", 8, [(
        "layer 'conv1': weight must be int8 where weight_bits is 8", "not float32")]),
    ("layers.1.weight_bits", 3, [(
        "layer 'conv2': weight must be int8 where weight_bits is 3", "not float32")]),
]


@for_each("path, value, wanted", CASES)
def test_one_problem(maps, path, value, wanted):
    put(maps, path, value)
    problems = problems_of(maps)
    assert len(problems) == len(wanted), problems
    for problem, (beginning, end) in zip(problems, wanted, strict=True):
        assert problem.startswith(beginning) and problem.endswith(end), problem


def test_a_gate_of_each_sample_is_refused_where_currents_are_pooled(maps):
    put(maps, "layers.2.gate", {"kind": "sample", "alpha": torch.ones(3)})
    put(maps, "layers.2.current_pool", {"kind": "max", "size": 2})
    assert any(problem.startswith("layer 'conv3': gate.kind 'sample' is refused in a layer with "
                                  "current_pool") for problem in problems_of(maps))


def test_all_problems_at_once(maps):
    put(maps, "layers.0.stride", 0)
    put(maps, "layers.1.groups", 3)
    put(maps, "layers.2.pool.size", 7)
    put(maps, "layers.3.shortcuts.0.kind", "AND")
    put(maps, "layers.5.input", "conv9")
    assert [problem.split(" must")[0].split(" is")[0] for problem in problems_of(maps)] == [
        "layer 'conv1': stride", "layer 'conv2': groups", f"{FOUR}[0].kind 'AND'",
        "layer 'fc2': input"]


def test_the_first_layer_has_no_shortcut(maps):
    put(maps, "layers.0.shortcuts", [{"kind": "spikes", "from": "conv1"}])
    assert problems_of(maps)[0].startswith(
        "layer 'conv1': shortcuts[0].from must name an earlier layer with neurons; here there is "
        "none, not 'conv1'")


def test_too_many_neurons(maps):
    put(maps, "input.shape", [1, 4096, 4096])
    assert problems_of(maps)[0] == (
        "layer 'conv1': weight must give at most 16777216 neurons, not 4 x 4096 x 4096; use a "
        "stride or pooling")


def test_windows_stand_on_no_endless_map(build_document):
    document = build_document(sizes=(6, 5, 4, 3))
    document["input"] |= {"shape": [1, 4096, 1], "offset": 0.0}
    document["layers"][0] |= {"type": "conv2d", "weight": torch.randn(5, 1, 64, 1),
                              "padding": [63, 0]}
    document["layers"][1]["pool"] = {"kind": "sum", "size": [2, 1]}
    assert problems_of(document) == ["layer 'fc2': pool must stand on a map with sides of at most "
                                     "4096, not 5 x 4159 x 1"]


def test_currents_add_up_beyond_float64(maps):
    put(maps, "layers.1.norm.beta", torch.full((4,), 1e308, dtype=torch.float64))
    put(maps, "layers.1.gate.value", torch.ones(3) / 3)
    describe(maps)
    put(maps, "layers.0.norm.beta", torch.full((4,), 1e308, dtype=torch.float64))
    put(maps, "layers.0.gate.value", torch.ones(3) / 3)
    assert problems_of(maps) == too_large("conv2")


def too_large(name):
    return [f"layer {name!r}: currents must be finite, but with these parameters they can leave "
            "the range of float64; rescale the layer"]


def test_what_shortcuts_add_counts(maps):
    put(maps, "layers.5.shortcuts.1.scale", 1e308)
    assert problems_of(maps) == too_large("fc2")
    put(maps, "layers.5.shortcuts.1.scale", 1.0)
    put(maps, "layers.3.shortcuts.1.norm.beta", torch.full((5,), 1e308, dtype=torch.float64))
    put(maps, "layers.3.shortcuts.1.gate.value", torch.ones(3))
    assert problems_of(maps) == too_large("conv4")


@for_each("pool, shape", [
    ({"kind": "max", "size": 3, "stride": 2, "padding": 1}, Shape(4, 3, 3)),
    ({"kind": "max", "size": [4, 1]}, Shape(4, 1, 6)),
    ({"kind": "sum", "size": [5, 4]}, Shape(4, 1, 1)),
    ({"kind": "max", "size": 1, "stride": 4}, Shape(4, 2, 2)),
])
def test_windows_that_overlap_or_leave_a_rest(maps, pool, shape):
    maps["layers"][2]["pool"] = pool
    document = maps | {"layers": [*maps["layers"][:2], maps["layers"][2] | {
        "weight": torch.ones(3, shape.size), "norm": None, "gate": None, "bias": None,
        "type": "linear", "neuron": {"type": "readout"}}]}
    for key in ("stride", "padding"):
        document["layers"][2].pop(key)
    feed = describe(document).layers[2].feed
    assert (feed.shape, feed.source_shape) == (shape, Shape(4, 6, 6))


def test_sums_of_windows_are_larger_than_spikes(maps):
    one = torch.ones(6, dtype=torch.float64)
    maps["layers"][5] |= {
        "norm": {"gamma": 2e306 * one, "beta": 0 * one, "mean": 0 * one, "var": one, "eps": 0.0},
        "gate": {"kind": "constant", "value": torch.ones(3) / 3}, "bias": 0 * one}
    assert problems_of(maps) == too_large("fc2")
    put(maps, "layers.5.pool.kind", "avg")
    describe(maps)


def test_weights_of_few_bits_in_hidden_layers_and_shortcuts(maps):
    whole = torch.arange(-7, 8, dtype=torch.int8).repeat(40)
    hidden = maps["layers"][1]["weight"]
    put(maps, "layers.1.weight_bits", 4)
    put(maps, "layers.1.weight", whole[:hidden.numel()].reshape(hidden.shape))
    shortcut = maps["layers"][3]["shortcuts"][1]["weight"]
    put(maps, "layers.3.shortcuts.1.weight_bits", 2)
    put(maps, "layers.3.shortcuts.1.weight",
        whole[:shortcut.numel()].sign().reshape(shortcut.shape))
    layers = describe(maps).layers
    assert layers[1].synapse.coefficients.min() == -7 and layers[1].synapse.weight_bits == 4
    assert set(layers[3].shortcuts[1].synapse.coefficients.ravel()) == {-1, 0, 1}
    put(maps, "layers.1.weight_bits", 3)
    assert problems_of(maps) == ["layer 'conv2': weight must be from -3 to 3 where weight_bits is "
                                 "3, not -7"]


def test_weights_of_eight_bits(maps):
    put(maps, "layers.0.weight_bits", 8)
    put(maps, "layers.0.weight", torch.arange(-127, -91).reshape(4, 1, 3, 3).to(torch.int8))
    put(maps, "layers.6.weight_bits", 8)
    put(maps, "layers.6.weight", torch.zeros(3, 6, dtype=torch.int8))
    layers = describe(maps).layers
    assert [layer.synapse.weight_bits for layer in layers] == [8, *[1] * 5, 8]
    assert layers[0].synapse.coefficients.tolist() == maps["layers"][0]["weight"].tolist()
    assert not layers[-1].synapse.coefficients.any()
    put(maps, "layers.6.weight_bits", 1)
    assert problems_of(maps) == ["layer 'out': weight must have signs, but all 18 weights are 0; "
                                 "was the layer trained and saved?"]
    put(maps, "layers.6.weight", torch.full((3, 6), -1, dtype=torch.int8))
    assert (describe(maps).layers[-1].synapse.coefficients == -1).all()
    put(maps, "layers.0.weight", torch.full((4, 1, 3, 3), -128, dtype=torch.int8))
    assert problems_of(maps) == ["layer 'conv1': weight must be from -127 to 127 where weight_bits "
                                 "is 8, not -128"]
