"""NIR files: each writer's conventions, what must be said, and what is refused."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn

from bsnn_hw import convert, generate
from bsnn_hw.check import main
from bsnn_hw.errors import InputError, ModelError
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from evidence.random_networks import check_document
from tests.convert.signs import signs
from tests.for_each import for_each

# nirtorch warns of its own function, which snnTorch, sinabs and Norse call.
pytestmark = [pytest.mark.wide,  # of packages that `make install` leaves out
              pytest.mark.filterwarnings("ignore::DeprecationWarning")]
EVENTS = {"coding": "events", "readout": "mean"}
SAID = {"dt": 1e-3, "decay": "euler", "reset": "hard", "comparison": ">"}


@pytest.fixture
def nir():
    return pytest.importorskip("nir")


def binary(net):
    for part in net.modules():
        if isinstance(part, (nn.Linear, nn.Conv2d)):
            part.weight.data = signs(part.weight.data, 0.37)  # no ties
    return net


def agree(document, other, share=0.0):
    """Two models do the same with random samples, but for a share of the spikes."""
    first, second = describe(document), describe(other)
    shape = (32, first.timesteps, first.input.size)
    inputs = (np.random.default_rng(0).random(shape) < 0.4).astype(np.uint8)
    a, b = run(first, inputs), run(second, inputs)
    for one, two in zip(a.spikes, b.spikes, strict=True):
        assert (one != two).mean() <= share and one.any()


def lif(nir, neurons, **more):
    ones = np.ones(neurons)
    return nir.LIF(**{"tau": 0.01 * ones, "r": ones, "v_leak": 0 * ones, "v_threshold": ones,
                      "v_reset": 0 * ones, **more})


def firing(nir):
    return lif(nir, 5, r=8 * np.ones(5))


def graph(nir, *nodes, outputs=3):
    """A chain; the edges in an order that is not theirs."""
    names = [f"n{number}" for number in range(len(nodes))]
    edges = [("input", "n0"), *pairwise(names), (names[-1], "output")]
    return nir.NIRGraph({"input": nir.Input(np.array([6])), **dict(zip(names, nodes)),
                         "output": nir.Output(np.array([outputs]))}, edges[::-1],
                        type_check=False)


def affine(nir, neurons, fan_in):
    weight = np.random.default_rng(neurons).choice([-1.0, 1.0], (neurons, fan_in))
    return nir.Affine(weight, np.zeros(neurons))


def chain(nir, *nodes):
    return graph(nir, affine(nir, 5, 6), *nodes, affine(nir, 3, 5))


# What each framework's own exporter writes

def test_spikingjelly(nir, tmp_path):
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    torch.manual_seed(0)
    for made in (neuron.LIFNode(3.0), neuron.LIFNode(3.0, decay_input=False, v_reset=-0.5),
                 neuron.IFNode(), neuron.ParametricLIFNode(2.0)):
        net = binary(nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), made, nn.AvgPool2d(2),
                                   nn.Flatten(), nn.Linear(36, 3)))
        export_to_nir(net, torch.rand(1, 2, 8, 8), save_path=tmp_path / "net.nir")
        document = convert.nir(tmp_path / "net.nir", 6, source="spikingjelly", **EVENTS)
        agree(document, convert.spikingjelly(net, (2, 8, 8), 6, **EVENTS), 1e-3)


def test_sinabs(nir, tmp_path):
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import SingleSpike
    from sinabs.nir import to_nir

    torch.manual_seed(0)
    for norm in (True, False):
        net = binary(nn.Sequential(
            nn.Linear(20, 36), layers.LIFSqueeze(
                tau_mem=torch.full((36,), 5.0), spike_threshold=torch.full((36,), 0.5),
                spike_fn=SingleSpike, norm_input=norm, batch_size=1),
            nn.Linear(36, 8), layers.IAFSqueeze(spike_fn=SingleSpike, batch_size=1),
            nn.Linear(8, 3)))
        nir.write(tmp_path / "net.nir", to_nir(net, torch.rand(1, 20)))
        with pytest.raises(InputError, match="does not say `spikes`, `norm_input`; give them"):
            convert.nir(tmp_path / "net.nir", 6, source="sinabs", **EVENTS)
        document = convert.nir(tmp_path / "net.nir", 6, source="sinabs", spikes="single",
                               norm_input=norm, **EVENTS)
        agree(document, convert.sinabs(net, (20,), 6, **EVENTS))


def test_norse(nir, tmp_path):
    norse = pytest.importorskip("norse.torch")
    from norse.torch.utils.export_nir import to_nir

    torch.manual_seed(0)
    ones = torch.ones(36)
    rules = norse.LIFBoxParameters(tau_mem_inv=200 * ones, v_leak=0 * ones, v_th=0.2 * ones,
                                   v_reset=0 * ones)
    net = binary(norse.SequentialState(nn.Linear(20, 36), norse.LIFBoxCell(rules),
                                       nn.Linear(36, 3)))
    nir.write(tmp_path / "net.nir", to_nir(net, torch.rand(20)))
    document = convert.nir(tmp_path / "net.nir", 6, source="norse", **EVENTS)
    agree(document, convert.norse(net, (20,), 6, **EVENTS), 1e-3)


def test_snntorch(nir, tmp_path):
    snn = pytest.importorskip("snntorch")
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(0)
    for mechanism, reset in (("subtract", "soft"), ("zero", "hard")):
        leaky = snn.Leaky(beta=torch.full((36,), 0.9), threshold=torch.full((36,), 1.5),
                          init_hidden=True, reset_mechanism=mechanism)
        net = binary(nn.Sequential(nn.Linear(20, 36), leaky, nn.Linear(36, 3)))
        nir.write(tmp_path / "net.nir", export_to_nir(net, torch.rand(1, 20), ignore_dims=[0]))
        with pytest.raises(InputError, match="does not say `reset`; give it"):
            convert.nir(tmp_path / "net.nir", 6, source="snntorch", **EVENTS)
        document = convert.nir(tmp_path / "net.nir", 6, source="snntorch", reset=reset, **EVENTS)
        agree(document, convert.snntorch(net, (20,), 6, **EVENTS), 1e-3)


# What must be said

def test_what_is_open_is_asked_for(nir):
    with pytest.raises(InputError, match="does not say `dt`, `decay`, `reset`, `comparison`; give "
                                         "them, or the framework that wrote the file"):
        convert.nir(chain(nir, lif(nir, 5)), 4, **EVENTS)
    with pytest.raises(InputError, match="does not say `dt`, `reset`, `comparison`"):
        convert.nir(chain(nir, nir.IF(np.ones(5), np.ones(5))), 4, **EVENTS)


def test_numbers_by_hand(nir):
    neuron = convert.nir(chain(nir, lif(nir, 5, r=3 * np.ones(5))), 4, **SAID,
                         **EVENTS)["layers"][0]["neuron"]
    assert neuron == {"type": "lif", "leak": 1 - 0.1, "input_scale": pytest.approx(0.3),
                      "threshold": 1.0, "reset": "hard", "comparison": ">"}
    rest = -2 * np.ones(5)
    neuron = convert.nir(chain(nir, lif(nir, 5, v_leak=rest, v_reset=rest)), 4, **SAID,
                         **EVENTS)["layers"][0]["neuron"]
    assert neuron["threshold"] == 3.0
    neuron = convert.nir(chain(nir, nir.IF(500 * np.ones(5), np.ones(5))), 4, **SAID,
                         **EVENTS)["layers"][0]["neuron"]
    assert neuron["input_scale"] == 0.5 and "leak" not in neuron


def test_inner_graphs_and_sums(nir):
    inner = graph(nir, affine(nir, 5, 6), lif(nir, 5), outputs=5)
    nodes = {"input": nir.Input(np.array([6])), "body": inner, "a": affine(nir, 3, 5),
             "output": nir.Output(np.array([3]))}
    edges = [("a", "output"), ("body", "a"), ("input", "body")]
    whole = nir.NIRGraph(nodes, edges, type_check=False)
    names = [layer["name"] for layer in convert.nir(whole, 4, **SAID, **EVENTS)["layers"]]
    assert names == ["body_n0", "a"]


# Lava, which has no package for this Python: its equations, written down here

def lava_file(nir, current_decay, voltage_decay):
    """A graph as the NIR project's converter writes lava-dl's numbers of Loihi: decays of 4096,
    thresholds and weights of 64."""
    rng, ones, dt = np.random.default_rng(2), np.ones(5), 1e-4
    tau_syn, tau_mem = dt / (current_decay / 4096), dt / (voltage_decay / 4096)
    neuron = nir.CubaLIF(tau_syn=tau_syn * ones, tau_mem=tau_mem * ones, r=tau_mem / dt * ones,
                         v_leak=0 * ones, v_threshold=83 / 64 * ones, w_in=tau_syn / dt * ones,
                         v_reset=0 * ones)
    weight = nir.Linear(rng.integers(-3, 4, (5, 6)) * 16 / 64)
    return graph(nir, weight, neuron, affine(nir, 3, 5))


def lava_spikes(inputs, weight, current_decay, voltage_decay, threshold):
    """Those of lava's LIF in floating point: current, voltage, more than the threshold, 0."""
    current, voltage = np.zeros((2, len(inputs), len(weight)))
    spikes = np.zeros((*inputs.shape[:2], len(weight)), bool)
    for t in range(inputs.shape[1]):
        current = current * (1 - current_decay / 4096) + inputs[:, t] @ weight.T
        voltage = voltage * (1 - voltage_decay / 4096) + current
        spikes[:, t] = voltage > threshold
        voltage[spikes[:, t]] = 0
    return spikes


def test_files_of_lava(nir):
    inputs = (np.random.default_rng(1).random((50, 9, 6)) < 0.5).astype(np.uint8)
    for decays in ((4096, 128), (1024, 512), (2000, 1)):
        file = lava_file(nir, *decays)
        document = convert.nir(file, 9, source="lava", **EVENTS)
        wanted = lava_spikes(inputs, file.nodes["n0"].weight, *decays, 83 / 64)
        assert 0.05 < wanted.mean() < 0.9
        assert np.array_equal(run(describe(document), inputs).spikes[0], wanted), decays


def test_files_of_lava_in_rtl(nir):
    document = convert.nir(lava_file(nir, 1024, 512), 9, source="lava", **EVENTS)
    assert check_document(2, document, lint=True).endswith(": exact")


def test_neurons_of_lava_without_a_current(nir):
    """A LIF and an IF add their input as it is, where r is that of no scaling."""
    ones = np.ones(5)
    leaky = convert.nir(chain(nir, nir.LIF(0.001 * ones, 10 * ones, 0 * ones, ones)), 4,
                        source="lava", **EVENTS)["layers"][0]["neuron"]
    assert leaky == {"type": "lif", "leak": pytest.approx(0.9), "reset": "hard", "comparison": ">",
                     "input_scale": pytest.approx(1), "threshold": 1.0}
    adding = convert.nir(chain(nir, nir.IF(ones, ones)), 4, source="lava", **EVENTS)
    assert adding["layers"][0]["neuron"]["input_scale"] == 1.0


# What is refused

@for_each("message, options", [
    ("`source`: must be one of snntorch, .* of other writers say `dt`", {"source": "nengo"}),
    ("`comparison`: must be >= or >", {"comparison": "="}),
    ("`dt`: must be a timestep above 0, not -1.0", {"dt": -1.0}),
    ("`dt`: must be a timestep above 0, not '1 ms'", {"dt": "1 ms"}),
    ("`refractory`: must be False or left out where the reset is soft",
     {"refractory": True, "reset": "soft"}),
    ("`readout`: must be 'mean' or", {"readout": None}),
    ("no smaller than tau", {"dt": 0.01}),
    ("several spikes per timestep", {"spikes": "multi"})])
def test_options(nir, message, options):
    with pytest.raises(InputError, match=message):
        convert.nir(chain(nir, lif(nir, 5)), 4, **{**SAID, **EVENTS, **options})


def test_nodes(nir):
    ones = np.ones(5)
    with pytest.raises(ModelError) as failure:
        convert.nir(chain(nir, nir.Threshold(ones), nir.LI(ones, ones, ones)), 4, **SAID, **EVENTS)
    assert "node 'n1': a threshold without a membrane" in failure.value.problems[0]
    assert "node 'n2': an integrator without spikes" in failure.value.problems[1]
    empty = chain(nir, lif(nir, 5))  # as Norse's exporter leaves a Flatten
    empty.nodes["n1"] = None
    with pytest.raises(InputError, match="node 'n1': must be a node of NIR, and is none"):
        convert.nir(empty, 4, **SAID, **EVENTS)
    loop = chain(nir, lif(nir, 5))
    loop.edges.append(("n1", "n1"))
    with pytest.raises(InputError, match=r"node 'n1': must not take what depends on itself"):
        convert.nir(loop, 4, **SAID, **EVENTS)
    floats = graph(nir, nir.Linear(np.random.default_rng(0).normal(size=(5, 6))), lif(nir, 5),
                   affine(nir, 3, 5))
    with pytest.raises(ModelError, match="module 'n0': weights must be"):
        convert.nir(floats, 4, **SAID, **EVENTS)
    with pytest.raises(ModelError, match="a v_leak other than v_reset"):
        convert.nir(chain(nir, lif(nir, 5, v_leak=ones)), 4, **SAID, **EVENTS)


def map_file(nir, **changed):
    """Convolutions with groups and with a kernel that is not square, which nir's own check of
    shapes refuses; the first of them in an inner graph."""
    rng = np.random.default_rng(0)

    def conv(shape, sides, groups=1):
        return nir.Conv2d(input_shape=sides, weight=rng.choice([-1.0, 1.0], shape), stride=1,
                          padding=0, dilation=1, groups=groups, bias=np.zeros(shape[0]))

    inner = {"in": nir.Input(np.array([4, 6, 7])), "conv": conv((8, 2, 3, 3), (6, 7), groups=2),
             "if": nir.IF(np.ones((8, 4, 5)), np.ones((8, 4, 5))),
             "out": nir.Output(np.array([8, 4, 5]))}
    nodes = {"input": nir.Input(np.array([4, 6, 7])),
             "body": nir.NIRGraph(inner, list(pairwise(inner)), type_check=False),
             "wide": conv((2, 8, 1, 3), (4, 5)), "pool": nir.SumPool2d(2, 2, 0),
             "if": nir.IF(np.ones((2, 2, 1)), np.ones((2, 2, 1))),
             "flat": nir.Flatten(input_type={"input": np.array([2, 2, 1])}, start_dim=0),
             "scale": nir.Scale(np.ones(4)), "fc": nir.Linear(rng.choice([-1.0, 1.0], (3, 4))),
             "output": nir.Output(np.array([3]))}
    return nir.NIRGraph(nodes | changed, list(pairwise(nodes)), type_check=False)


def test_shapes_are_checked_node_by_node(nir, tmp_path):
    """Also where nir's own check cannot be had."""
    nir.write(tmp_path / "net.nir", map_file(nir))
    right = convert.nir(tmp_path / "net.nir", 4, **SAID, **EVENTS)
    assert [layer.get("groups", 1) for layer in right["layers"]] == [2, 1, 1]
    assert describe(right).layers[1].summed.height == 4
    ones, weight = np.ones((8, 4, 5)), np.ones((2, 8, 1, 3))
    rest = {"stride": 1, "padding": 0, "dilation": 1, "groups": 1, "bias": np.zeros(2)}
    for name, node, message in (
            ("output", nir.Output(np.array([4])),
             r"the shape \(4,\) that the file says, not \(3,\)"),
            ("flat", nir.Flatten(input_type={"input": np.array([2, 2, 2])}, start_dim=0),
             r"the shape \(2, 2, 2\) that the file says, not \(2, 2, 1\)"),
            ("flat", nir.Scale(np.ones((2, 2, 2))), "must scale values of the shape"),
            ("wide", nir.Conv2d((4, 4), weight, **rest),
             r"the shape \(8, 4, 4\) that the file says, not \(8, 4, 5\)"),
            ("wide", nir.Conv2d(None, weight[0], **rest), "must have weights"),
            ("scale", nir.SumPool2d(2, 2, 0), "must get a map"),
            ("pool", nir.SumPool2d(5, 2, 0), "must fit the padded map"),
            ("scale", nir.IF(ones, ones), "must have parameters of the shape"),
            ("fc", nir.Linear(np.ones((3, 1, 4))), r"must have weights \(neurons, values\)"),
            ("fc", nir.Linear(np.ones((3, 5))), "must get 5 values in a row"),
            ("fc", nir.Linear(1j * np.ones((3, 4))), "must have real numbers, not complex128"),
            ("fc", nir.Affine(np.ones((3, 4)), np.zeros(4)), r"a bias of shape \(3,\), or one"),
            ("fc", nir.Affine(np.ones((3, 4)), np.zeros((1, 3))), r"not \(1, 3\)"),
            ("wide", nir.Conv2d(None, weight, **rest | {"stride": 0}), "one whole number of 1 or"),
            ("pool", nir.SumPool2d(2, 1.5, 0), "one whole number of 1 or more, or two, not 1.5"),
            ("input", nir.Input(np.array([4, 6.5, 7])), "must have a shape of whole numbers")):
        with pytest.raises(InputError, match=f"node '{name}': .*{message}"):
            convert.nir(map_file(nir, **{name: node}), 4, **SAID, **EVENTS)
    with pytest.raises(ModelError, match=r"module 'wide': weights must be some, not of shape"):
        convert.nir(map_file(nir, wide=nir.Conv2d(None, np.ones((2, 0, 1, 3)), **rest)), 4, **SAID,
                    **EVENTS)
    with pytest.raises(ModelError, match=r"layer 'wide': weight must be \(channels out, 8, "):
        convert.nir(map_file(nir, wide=nir.Conv2d(None, np.ones((2, 7, 1, 3)), **rest)), 4, **SAID,
                    **EVENTS)
    nir.write(tmp_path / "net.nir", map_file(nir, output=nir.Output(np.array([4]))))
    with pytest.raises(InputError, match="node 'output': must get values of the shape"):
        convert.nir(tmp_path / "net.nir", 4, **SAID, **EVENTS)


def test_edges_have_two_ends_and_are_there_once(nir):
    for edges, message in (
            ([("n0", "n7")], "edge at 'n7': must start and end at nodes of its graph"),
            ([("n7", "n1")], "edge at 'n7': must"), ([("n0", "n1")], "must be there once")):
        wrong = chain(nir, lif(nir, 5))
        wrong.edges += edges
        with pytest.raises(InputError, match=message):
            convert.nir(wrong, 4, **SAID, **EVENTS)


def test_what_is_no_graph(nir, tmp_path):
    for other in (7, nir.Linear(np.ones((3, 4)))):
        with pytest.raises(InputError, match=r"source_file: must be a path or a nir.NIRGraph"):
            convert.nir(other, 4, **SAID, **EVENTS)
    nir.write(tmp_path / "node.nir", nir.Linear(np.ones((3, 4))))
    with pytest.raises(InputError, match=r"node.nir: must be a NIR graph as nir writes them"):
        convert.nir(tmp_path / "node.nir", 4, **SAID, **EVENTS)


def test_neurons_of_no_number(nir):
    for more, message in (({"tau": np.full(5, np.nan)}, "a tau that is not finite; did"),
                          ({"tau": np.full(5, np.inf)}, "a tau that .* leaks nothing is an IF"),
                          ({"v_threshold": np.full(5, np.inf)}, "a v_threshold that is not finite"),
                          ({"r": np.ones(5) + 0j}, "an? r that is no real number, complex128")):
        with pytest.raises(ModelError, match=message):
            convert.nir(chain(nir, lif(nir, 5, **more)), 4, **SAID, **EVENTS)


def test_integers_do_not_run_over(nir):
    rest = np.full(5, -100, np.int8)
    neuron = convert.nir(
        chain(nir, lif(nir, 5, v_threshold=-rest, v_reset=rest, v_leak=rest)), 4, **SAID,
        **EVENTS)["layers"][0]["neuron"]
    assert neuron["threshold"] == 200.0


def test_tensors_of_torch(nir):
    """As sinabs' and Norse's exporters put them into a graph."""
    file, other = chain(nir, firing(nir)), chain(nir, firing(nir))
    for node in other.nodes.values():
        for key, value in vars(node).items():
            if isinstance(value, np.ndarray) and value.dtype == float:
                setattr(node, key, torch.from_numpy(value).requires_grad_())
    other.nodes["n2"].bias = torch.zeros(3, dtype=torch.bfloat16)
    for reset in ("hard", "soft"):
        agree(*(convert.nir(each, 4, **{**SAID, "reset": reset}, **EVENTS)
                for each in (file, other)))


def test_a_bias_for_all_channels(nir):
    files = [chain(nir, firing(nir)) for _ in range(2)]
    for file, bias in zip(files, (np.array([0.3]), np.full(5, 0.3)), strict=True):
        file.nodes["n0"].bias = bias
    agree(*(convert.nir(file, 4, **SAID, **EVENTS) for file in files))


def test_what_the_scores_do_not_need_is_left_out(nir, tmp_path):
    """nir itself puts an output behind each node that nothing takes."""
    file = chain(nir, firing(nir))
    wanted = convert.nir(file, 4, **SAID, **EVENTS)
    file.nodes |= {"delay": nir.Delay(np.ones(5)), "far": nir.Linear(np.ones((2, 7)))}
    file.edges.append(("n1", "delay"))
    agree(convert.nir(file, 4, **SAID, **EVENTS), wanted)
    del file.nodes["far"]
    nir.write(tmp_path / "net.nir", file)
    found = convert.nir(tmp_path / "net.nir", 4, output_node="output", **SAID, **EVENTS)
    agree(found, wanted)
    assert len(found["layers"]) == 2
    for named, message in ((None, "must have one output, not 2; say `output_node`, one of output"),
                           ("n1", "`output_node`: must be one of output, output_delay, not 'n1'")):
        with pytest.raises(InputError, match=message):
            convert.nir(tmp_path / "net.nir", 4, output_node=named, **SAID, **EVENTS)
    with pytest.raises(ModelError, match="node 'delay': a delay"):
        convert.nir(tmp_path / "net.nir", 4, output_node="output_delay", **SAID, **EVENTS)


def test_inputs_and_outputs(nir):
    file = chain(nir, firing(nir))
    file.nodes["more"] = nir.Input(np.array([5]))
    file.edges.append(("more", "n1"))
    with pytest.raises(InputError, match="must depend on one input, not on 2, input, more"):
        convert.nir(file, 4, **SAID, **EVENTS)
    file.edges = [edge for edge in file.edges if edge != ("n2", "output")]
    with pytest.raises(InputError, match="the output must depend on one input, not on 0"):
        convert.nir(file, 4, **SAID, **EVENTS)
    del file.nodes["output"]
    with pytest.raises(InputError, match="nodes: must have one output, not 0"):
        convert.nir(file, 4, **SAID, **EVENTS)


def test_a_delay_of_nothing(nir):
    agree(convert.nir(chain(nir, firing(nir), nir.Delay(np.zeros(5))), 4, **SAID, **EVENTS),
          convert.nir(chain(nir, firing(nir)), 4, **SAID, **EVENTS))


def test_files(nir, tmp_path):
    with pytest.raises(InputError, match=r"must be an existing \.nir file"):
        convert.nir(tmp_path / "none.nir", 4, **EVENTS)
    (tmp_path / "broken.nir").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
    with pytest.raises(InputError, match="must be a NIR graph") as failure:
        convert.nir(tmp_path / "broken.nir", 4, **EVENTS)
    assert "\n" not in str(failure.value)


def test_the_verb_names_options_as_flags(nir, tmp_path, capsys):
    path = tmp_path / "net.nir"
    nir.write(path, chain(nir, lif(nir, 5)))
    assert main([str(path)]) == 1
    assert "--timesteps: must be given" in capsys.readouterr().err
    said = [str(path), "--timesteps", "4", "--coding", "events", "--readout", "mean"]
    assert main(said) == 1
    assert "--dt, --decay, --reset, --comparison; give them" in capsys.readouterr().err
    assert main([*said, "--dt", "1e-3", "--decay", "euler", "--reset", "hard",
                 "--comparison", ">"]) == 0
    assert "2 of 2 layers accepted" in capsys.readouterr().out
    file = chain(nir, lif(nir, 5))
    file.nodes["more"] = nir.Linear(np.ones((2, 5)))
    file.edges.append(("n1", "more"))
    nir.write(path, file)
    assert main(said) == 1
    assert "say --output-node, one of output, output_more" in capsys.readouterr().err


def test_generate_takes_them(nir, tmp_path, capsys):
    path = tmp_path / "net.nir"
    nir.write(path, chain(nir, lif(nir, 5)))
    assert generate.main([str(path), "--dry-run", "--timesteps", "4", "--coding", "direct",
                          "--bits", "4", "--scale", "0.1", "--readout", "last", "--dt", "1e-3",
                          "--decay", "euler", "--reset", "soft", "--comparison", ">="]) == 0
    assert "network   net: 6-5-3, 45 binary weights" in capsys.readouterr().out
