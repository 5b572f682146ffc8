"""The converter on a framework of the tests' own: what is followed, and what is refused where."""

import numpy as np
import pytest
import torch
from torch import nn

from bsnn_hw.errors import ModelError
from bsnn_hw.model.check import describe
from tests.convert.converting import EVENTS, PIXELS, chain, convert, refused
from tests.convert.signs import BinaryConv2d, BinaryLinear
from tests.convert.toy import Fire, Strange, Twice, looped, toy
from tests.for_each import for_each


@pytest.fixture(autouse=True)
def _same_weights():
    torch.manual_seed(0)


class Function(nn.Module):
    """A forward that is a function of two layers with neurons."""

    def __init__(self, forward):
        super().__init__()
        self.a, self.b = BinaryLinear(6, 5), BinaryLinear(5, 5)
        self.fire, self.last = Fire(), Fire()
        self.out = BinaryLinear(5, 3)
        self._forward = forward

    def forward(self, x):
        return self._forward(self, x)


# What is followed

def test_a_module_of_one_timestep():
    document = convert(chain())
    assert [layer["name"] for layer in document["layers"]] == ["layer_0", "layer_2"]
    assert document["layers"][1]["neuron"] == {"type": "readout"}
    assert document["recipe"]["converted"]["samples"] == 16


def test_a_depthwise_separable_network():
    module = nn.Sequential(
        BinaryConv2d(1, 4, 3, padding=1), Fire(), BinaryConv2d(4, 4, 3, padding=2, dilation=2,
                                                               groups=4), Fire(),
        BinaryConv2d(4, 6, 1, groups=2), Fire(), nn.Flatten(), BinaryLinear(6 * 25, 3))
    layers = convert(module, (1, 5, 5))["layers"]
    assert [layer.get("groups", 1) for layer in layers] == [1, 4, 2, 1]
    assert layers[1]["dilation"] == [2, 2]


def test_a_module_that_loops_itself_needs_no_readout():
    assert convert(looped(chain()), readout=None)["layers"][0]["name"] == "body_0"
    total = looped(chain(), reduce=lambda record: sum(record) / 3)
    assert "score" not in convert(total, readout=None)["layers"][-1]["neuron"]


def test_hooks_of_ones_own():
    """What they do to currents, in front of a neuron or behind a layer, is followed."""
    module = chain()
    bias = module[0].bias.detach().double()
    module[0].register_forward_hook(lambda part, args, out: -out / 2)
    module[1].register_forward_pre_hook(lambda part, args: (args[0] + 0.25,))
    norm = convert(module)["layers"][0]["norm"]
    assert norm["gamma"].tolist() == [-0.5 * 0.25] * 5
    assert norm["beta"].tolist() == (0.25 - 0.5 * bias).tolist()


def test_spikes_that_are_scaled_one_by_one_and_all_alike():
    def scaled(self, x):
        return self.out(self.fire(self.a(x)) * torch.full((5,), 0.5))

    last = convert(Function(scaled))["layers"][-1]
    assert last["norm"]["gamma"].tolist() == [0.5 * 0.25] * 3


def test_counts_of_events_that_forward_scales():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = chain()

        def forward(self, x):
            return self.body(x / 4 - 0.5)

    document = convert(Scaled(), **EVENTS | {"bits": 3})
    assert document["input"] == {"coding": "events", "shape": [6], "bits": 3, "scale": 0.25,
                                 "offset": -0.5}


@for_each("place, message", [(-1, None), (2, None), (1, "not timestep 2 alone")])
def test_a_forward_that_gives_one_timestep_of_all(place, message):
    """The last is a readout that is known; the others are none."""
    module = looped(chain(), reduce=lambda record: torch.stack(record)[place])
    if message:
        refused(f"`output`: must be over all 3 timesteps, or .* {message}", module, readout=None)
    else:
        assert convert(module, readout=None)["layers"][-1]["neuron"]["score"] == "last"
    last = looped(chain(), reduce=lambda record: record[-1])
    assert convert(last, readout=None)["layers"][-1]["neuron"]["score"] == "last"


def test_events_over_time_in_one_forward():
    class Sequence(nn.Module):
        def __init__(self):
            super().__init__()
            self.body = chain()

        def forward(self, x):
            return torch.stack([self.body(frame) for frame in x]).mean(0)

    document = convert(Sequence(), readout=None, sequence=True, **EVENTS)
    assert document["input"] == {"coding": "events", "shape": [6]}


def test_one_timestep_only():
    convert(chain(), timesteps=1)
    convert(looped(chain(), 1), timesteps=1, readout=None)


def test_the_module_is_as_before():
    module = chain().train()
    before = {name: value.clone() for name, value in module.state_dict().items()}
    convert(module)
    assert module.training
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())
    assert module[0].weight.dtype == torch.float32 and not module[1]._forward_hooks


def test_a_state_that_is_handed_on():
    def forward(self, x):
        v, record = None, []
        for _ in range(3):
            spikes, v = self.fire(self.a(x), v)
            record.append(self.out(spikes))
        return torch.stack(record).mean(0)

    module = Function(forward)
    module.fire.state = True
    convert(module, readout=None)


def test_joins_currents_and_spikes():
    def forward(self, x):
        current = self.a(x)
        spikes = self.fire(current)
        return self.out(self.last(self.b(spikes) + current + 0.5 * spikes))

    second = convert(Function(forward))["layers"][1]
    assert second["shortcuts"] == [{"kind": "current", "from": "a"},
                                   {"kind": "spikes", "from": "a", "scale": 0.5}]


def test_a_convolution_with_norm_and_pooling():
    net = nn.Sequential(BinaryConv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), Fire(0.25),
                        nn.MaxPool2d(2), nn.Dropout(), nn.Flatten(), BinaryLinear(16, 3))
    net[1].running_mean.uniform_(-1, 1)
    net[1].running_var.uniform_(0.5, 2)
    document = convert(net, (1, 4, 4))
    assert document["layers"][1]["pool"] == {"kind": "max", "size": [2, 2]}
    model = describe(document)
    assert np.allclose(model.layers[0].norm.mean * 0.125, net[1].running_mean)


def test_names_that_verilog_has():
    module = nn.Sequential()
    for name, part in (("input", BinaryLinear(6, 5)), ("fire", Fire()),
                       ("output", BinaryLinear(5, 3))):
        module.add_module(name, part)
    assert [layer["name"] for layer in convert(module)["layers"]] == ["input_2", "output_2"]


# What is refused, and where

def test_control_flow_by_values():
    def forward(self, x):
        spikes = self.fire(self.a(x))
        if spikes.sum(1).max() > 3:
            return self.out(spikes)
        return self.out(self.last(self.b(spikes)))

    refused(r"test_converter.py, line \d+: the module itself must not decide by what the network "
            "computes, but bool\\(\\) reads it", Function(forward))


def test_what_is_only_logged_does_no_harm():
    def forward(self, x):
        spikes = self.fire(self.a(x))
        self.rate = (spikes > 0).float().mean()
        return self.out(spikes)

    convert(Function(forward))
    used = Function(lambda self, x: self.out(self.fire(self.a(x)) * self.a(x).mean()))
    refused(r"takes the mean over something else than the timesteps", used)


def test_neurons_by_hand():
    refused("calls torch's gt, which has no counterpart",
            Function(lambda self, x: self.out((self.a(x) > 1).float())))


def writing(places, make=lambda x: torch.zeros(3, len(x), 3), reduce=lambda record: record.mean(0)):
    """Writes the currents of three timesteps to these places of a tensor."""
    def forward(self, x):
        record = make(x)
        for place in places:
            record[place] = self.out(self.fire(self.a(x)))
        return reduce(record)

    return Function(forward)


def test_writing_into_a_tensor():
    convert(writing(range(3)), readout=None)
    every = slice(None)
    convert(writing([(every, 0), (every, 1), (every, 2)], lambda x: x.new_zeros(len(x), 3, 3),
                    lambda record: record.max(dim=1).values), readout=None)
    convert(writing([(every, 0, every), (every, 1, ...), (every, 2)],
                    lambda x: x.new_zeros(len(x), 3, 3), lambda record: record.sum(1)),
            readout=None)
    convert(writing([(0, every), (1, ...), (2, every, every)]), readout=None)
    for places, message in (
            ([0, 1, 1], "writes timestep 2 of 3 a second time"),
            ([0, 1, -1], "writes timestep 0 of 3 a second time, or there is none"),
            ([0, 2, 1], "which are not one of each of the 3 timesteps, in order"),
            ([(0, slice(2)), 1, 2], "writes into a part of a tensor that is no timestep")):
        refused(rf"test_converter.py, line \d+: the module itself .*{message}", writing(places),
                readout=None)

    def partly(self, x):
        record = torch.zeros(3, len(x), 3)
        for step in range(3):
            current = self.out(self.fire(self.a(x)))
            if step:
                record[step] = current
        return record.mean(0)

    refused("reads a tensor into which only some of the timesteps were written", Function(partly),
            readout=None)


def test_axes_in_the_words_of_numpy():
    for reduce in (lambda record: torch.stack(record).mean(axis=0),
                   lambda record: torch.stack(record, axis=1).sum(axis=1),
                   lambda record: torch.stack(record).amax(axis=0)):
        convert(looped(chain(), reduce=reduce), readout=None)
    refused("the mean over time and keeps the axis", looped(
        chain(), reduce=lambda record: torch.stack(record).mean(axis=0, keepdims=True)),
            readout=None)


def test_concatenating():
    """Timesteps, along an axis that each has for it; other values of the network are no one's."""
    def timesteps(record):
        return torch.cat([current.unsqueeze(0) for current in record])

    convert(looped(chain(), reduce=lambda record: timesteps(record).sum(0)), readout=None)
    convert(looped(chain(), reduce=lambda record: torch.cat(
        [current[:, None] for current in record], 1).mean(1)), readout=None)
    convert(looped(chain(), 1, reduce=lambda record: timesteps(record).sum(0)), timesteps=1,
            readout=None)
    refused("concatenates 3 values, which are not one of each", looped(
        chain(), reduce=lambda record: timesteps(record[::-1]).sum(0)), readout=None)
    wide = Function(lambda self, x: torch.cat([self.out(self.fire(self.a(x)))] * 2, 1))
    refused("not what torch.cat puts side by side; give each its own neurons", wide)


def test_constants_made_after_a_value():
    """Of its shape, or of as many samples; one that is written over was another before."""
    def forward(self, x):
        current = self.a(x)
        v, scores = torch.zeros_like(current), torch.zeros(len(x), 3)
        for _ in range(3):
            spikes, v = self.fire(current + x.new_zeros(len(x), 5), v)
            scores += self.out(spikes)
        return scores

    module = Function(forward)
    module.fire.state = True
    assert convert(module, readout=None)["layers"][-1]["neuron"]["score"] == "sum"
    own = Function(lambda self, x: self.out(self.fire(
        self.a(x) + torch.arange(2.0 * 5).view(2, 5))))
    refused("has a constant of its own for each sample", own, timesteps=3)


def test_products_by_other_names():
    def added(self, x):
        spikes = self.fire(torch.addmm(torch.arange(5.0), x, torch.ones(6, 5)))
        return self.out(spikes)

    assert convert(Function(added))["layers"][0]["bias"].tolist() == [0, 1, 2, 3, 4]
    twice = Function(lambda self, x: self.out(self.fire(
        torch.addmm(torch.ones(5), x, torch.ones(6, 5), alpha=2))))
    refused("adds with an alpha or a beta", twice)
    summed = Function(lambda self, x: self.out(self.fire(
        torch.einsum("ni,io->no", x, torch.ones(6, 5)))))
    refused("calls torch's einsum, which has no counterpart in a model file; write a product with "
            "weights as linear", summed)


@for_each("change, advice", [
    (torch.relu, "between weights and neuron there are norms and factors only"),
    (lambda x: nn.functional.layer_norm(x, (5,)), "use a BatchNorm"),
    (lambda x: torch.softmax(x, 1), "behind the last layer leave it to whoever reads the scores"),
    (torch.round, "a circuit has its own bits"), (torch.cosh, "docs/convert.md lists what has")])
def test_what_to_do_in_its_place(change, advice):
    refused(f"has no counterpart in a model file; {advice}",
            Function(lambda self, x: self.out(self.fire(change(self.a(x))))))


def test_samples_before_timesteps():
    def forward(self, x):
        record = [self.out(self.fire(self.a(x[:, step, ...]))) for step in range(x.shape[1])]
        return torch.stack(record, 1)

    options = {**EVENTS, "sequence": "batch_first"}
    convert(Function(forward), **options)
    summed = Function(lambda self, x: forward(self, x).sum(1))
    convert(summed, **options | {"readout": None})
    refused("only single timesteps can be taken, .* of axes .*T.*N.*batch_first", summed,
            **options | {"readout": None, "sequence": True})
    refused("`sequence`: must be False, True, 'batch_first' or 'time_last', not 'NT'", chain(),
            **options | {"sequence": "NT"})


def test_a_hook_that_changes_spikes():
    module = chain()
    module[1].register_forward_hook(lambda part, args, out: 2 * out)
    refused(r"module '1': must give spikes of 0 and 1, and gives 2; a hook of yours", module)


def test_a_list_of_timesteps():
    refused("not a list of them; return torch.stack", looped(chain(), reduce=list))


def test_samples_that_forward_encodes():
    """At random, or by comparisons: whoever makes the samples does."""
    for encode in (lambda x: (torch.rand_like(x) < x).float(), lambda x: x.clamp(0, 1)):
        refused("encode samples outside of the module", Function(
            lambda self, x, by=encode: self.out(self.fire(self.a(by(x))))))


def test_a_timestep_whose_axis_is_kept():
    def forward(self, x):
        frames = [x[step:step + 1] for step in range(len(x))]
        return torch.cat([self.out(self.fire(self.a(frame.squeeze(0)))).unsqueeze(0)
                          for frame in frames])

    convert(Function(forward), sequence=True, **EVENTS)
    convert(Function(lambda self, x: forward(self, x.transpose(0, 1))), sequence="batch_first",
            **EVENTS)
    refused("takes 2 timesteps at once", Function(lambda self, x: forward(self, x[1:])),
            sequence=True, **EVENTS)


def test_spikes_as_whole_numbers():
    convert(Function(lambda self, x: self.out(self.fire(self.a(x)).bool().float())))
    refused("makes whole numbers of what is no spikes", Function(
        lambda self, x: self.out(self.fire(self.a(x).int().float()))))


def test_products_and_delays():
    def product(self, x):
        current = self.a(x)
        return self.out(self.last(self.b(self.fire(current)) * current))

    refused("multiplies two values of the network that are not both spikes", Function(product))

    def delayed(self, x):
        record, before = [], None
        for _ in range(3):
            spikes = self.fire(self.a(x) if before is None else self.a(x) + self.b(before))
            before = spikes
            record.append(self.out(spikes))
        return torch.stack(record).mean(0)

    refused("recurrent or delayed|at each timestep", Function(delayed), readout=None)


def test_a_state_that_is_changed():
    def forward(self, x):
        v, record = None, []
        for _ in range(3):
            spikes, v = self.fire(self.a(x), v)
            v = v * 0.5
            record.append(self.out(spikes))
        return torch.stack(record).mean(0)

    module = Function(forward)
    module.fire.state = True
    refused("state that is not its own", module, readout=None)


def test_a_state_that_is_reset_at_every_timestep():
    def forward(self, x):
        record = []
        for _ in range(3):
            self.fire.v = None
            record.append(self.out(self.fire(self.a(x))))
        return torch.stack(record).mean(0)

    refused("module 'fire' has its state changed or reset between timesteps", Function(forward),
            readout=None)


@pytest.mark.wide
@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
def test_modules_that_were_compiled():
    """By torch.compile they are followed as they were written; by torch.jit they cannot be."""
    module = chain()
    module[0] = torch.compile(module[0])
    assert [layer["name"] for layer in convert(torch.compile(module))["layers"]] == [
        "layer_0", "layer_2"]
    module = chain()
    module[2] = torch.jit.trace(module[2], torch.zeros(1, 5))
    refused("module '2': is compiled by torch.jit", module)


def test_ternary_and_few_bit_weights_in_hidden_layers():
    class Levels(nn.Linear):
        def forward(self, x):
            return nn.functional.linear(x, (self.weight * self.factor).round() * 0.25)

    torch.manual_seed(3)
    net = nn.Sequential(Levels(6, 7), Fire(), Levels(7, 5), Fire(), Levels(5, 3))
    for part, factor in zip(net[::2], (3.6, 3.6, 17.0), strict=True):
        part.factor = factor
    layers = convert(net)["layers"]
    assert [layer["weight_bits"] for layer in layers] == [2, 2, 5]
    assert all(layer["weight"].dtype == torch.int8 for layer in layers)
    assert set(layers[1]["weight"].unique().tolist()) == {-1, 0, 1}


def test_weights_that_are_no_signs():
    with pytest.raises(ModelError) as failure:
        convert(nn.Sequential(nn.Linear(6, 5), Fire(), nn.Linear(5, 3)))
    assert len(failure.value.problems) == 2
    assert "module '0': weights must be +s and -s" in failure.value.problems[0]
    assert "straight-through" in failure.value.problems[0]


def test_all_neurons_that_are_refused_at_once():
    net = nn.Sequential(BinaryLinear(6, 5), Twice(), BinaryLinear(5, 5), Strange(),
                        BinaryLinear(5, 3))
    with pytest.raises(ModelError) as failure:
        convert(net)
    assert failure.value.problems == (
        "module '1': a second-order neuron (twice)",
        "module '3': Strange is not known here; known are Fire")


def test_no_neurons():
    refused("must have neurons of toy", nn.Sequential(BinaryLinear(6, 3)))


def test_options_that_are_missing_or_wrong():
    refused("`readout`: must be 'mean' or 'sum'", chain(), readout=None)
    refused("`readout`: must be one of", chain(), readout="votes")
    refused("`readout`: must be 'mean' or left out", looped(chain()), readout="last")
    refused("`bits` and `scale`: must be given", chain(), bits=None)
    for bits in (0, 9, 2.5):
        refused("`bits`: must be 1 to 8", chain(), bits=bits)
    refused("`coding`: must be", chain(), coding="rate")
    refused("`timesteps`: must be", chain(), timesteps=0)
    refused("`input_shape`: must be", chain(), shape=())
    refused("and computes 3; say the number of timesteps", looped(chain()),
            timesteps=5, readout=None)
    refused("is called more often", looped(chain()), timesteps=2, readout=None)


def test_a_forward_that_does_not_take_the_input():
    refused(r"`input_shape`: forward must run on inputs of shape \(2, 7\), and fails at signs.py, "
            r"line \d+ with RuntimeError: mat1", chain(), (7,))
    refused("module: must be a torch.nn.Module, not Chain", type("Chain", (), {})())


def test_several_outputs():
    both = Function(lambda self, x: (self.out(self.fire(self.a(x))), self.a(x)))
    refused("`output`: must be said, one of .0, 1.", both)
    convert(both, output=0)
    refused("`output`: must be one of", both, output=7)
    second = Function(lambda self, x: (torch.zeros(1), self.out(self.fire(self.a(x)))))
    convert(second)


def test_decisions_that_rounding_makes_are_counted():
    """Ten times 0.1 is not 1 where it is added up; the model multiplies."""
    class Tenths(nn.Linear):
        def forward(self, x):
            tenth = self.weight.new_tensor(0.1)
            return nn.functional.linear(x, torch.where(self.weight >= 0, tenth, -tenth))

    net = nn.Sequential(Tenths(6, 40, bias=False), Fire(0.3), BinaryLinear(40, 3))
    found = toy(net, (6,), 3, **PIXELS, readout="mean", samples=64)["recipe"]["converted"]
    assert found["ties"] > 0
    assert 0 < found["spikes_differ"] <= 3 * found["ties"]


def test_a_forward_that_is_random_is_found_out():
    class Noise(nn.Module):
        def forward(self, x):
            return x + torch.rand(x.shape[1:], dtype=x.dtype)

    net = nn.Sequential(BinaryLinear(6, 5), Noise(), Fire(), BinaryLinear(5, 3))
    refused("must compute what was traced, and does not: layer 'layer_0', sample", net)
