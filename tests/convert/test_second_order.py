"""Second-order neurons of every framework: spike for spike what the module does, exact in RTL, and
what is refused."""

import numpy as np
import pytest
import torch
from torch import nn

from bsnn_hw import convert
from bsnn_hw.convert.family import NeuronError
from bsnn_hw.convert.family_snntorch import SNNTORCH
from bsnn_hw.errors import InputError, ModelError
from bsnn_hw.model.check import describe
from bsnn_hw.model.real import run
from evidence.random_networks import check_document
from tests.convert.signs import BinaryConv2d, BinaryLinear, signs
from tests.for_each import for_each

PIXELS = {"coding": "direct", "bits": 8, "scale": 1 / 255}
EVENTS = {"coding": "events", "readout": "mean"}
SEEDS = range(3)

# nirtorch warns of its own function, which snnTorch and Norse call.
pytestmark = [pytest.mark.wide,  # of packages that `make install` leaves out
              pytest.mark.filterwarnings("ignore::DeprecationWarning")]


def exact(document, layers=1):
    """No spike and no score differs, and ``layers`` have synaptic currents."""
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["ties"] == found["scores_differ"] == 0
    assert found["spikes"] > 0
    second = [layer for layer in document["layers"] if "current_leak" in layer["neuron"]]
    assert len(second) == layers
    return document


# snnTorch

@for_each("reset", [
    {}, {"reset_mechanism": "zero"}, {"reset_mechanism": "zero", "reset_delay": False},
    {"reset_mechanism": "none"}])
def test_synaptic_that_learned_all_it_can(reset):
    snn = pytest.importorskip("snntorch")
    for seed in SEEDS:
        torch.manual_seed(seed)
        rand = torch.rand(3, 24)
        neuron = snn.Synaptic(alpha=0.1 + 0.8 * rand[0], beta=0.1 + 0.8 * rand[1],
                              threshold=0.5 + 2 * rand[2], learn_alpha=True, learn_beta=True,
                              learn_threshold=True, init_hidden=True, **reset)
        net = nn.Sequential(BinaryLinear(12, 24), neuron, BinaryLinear(24, 3))
        document = exact(convert.snntorch(net, (12,), 12, **EVENTS, seed=seed))
        neuron = document["layers"][0]["neuron"]
        assert neuron["current_leak"].shape == (24,)
        assert neuron.get("refractory", False) == (reset == {"reset_mechanism": "zero"})


def test_the_networks_of_snntorchs_documentation_in_rtl():
    """The example of Synaptic's documentation, with a loop over its states, trained or not."""
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        def __init__(self, **reset):
            super().__init__()
            self.fc1, self.lif1 = BinaryLinear(12, 16), snn.Synaptic(alpha=0.9, beta=0.8, **reset)
            self.fc2, self.lif2 = BinaryLinear(16, 4), snn.Synaptic(alpha=0.9, beta=0.8, **reset)

        def forward(self, x):
            syn1, mem1 = self.lif1.reset_mem()
            syn2, mem2 = self.lif2.reset_mem()
            record = []
            for _ in range(6):
                spk1, syn1, mem1 = self.lif1(self.fc1(x), syn1, mem1)
                spk2, syn2, mem2 = self.lif2(self.fc2(spk1), syn2, mem2)
                record.append(spk2)
            return torch.stack(record).sum(0)

    for seed, reset in enumerate(({}, {"reset_mechanism": "zero"},
                                  {"reset_mechanism": "zero", "reset_delay": False})):
        torch.manual_seed(seed)
        document = exact(convert.snntorch(Net(**reset), (12,), 6, **PIXELS), layers=2)
        assert check_document(1 + 2 * seed, document, lint=True).endswith(": exact")


def test_synaptic_behind_a_convolution_and_one_alpha_above_1():
    snn = pytest.importorskip("snntorch")
    torch.manual_seed(0)
    net = nn.Sequential(
        BinaryConv2d(2, 4, 3), snn.Synaptic(alpha=torch.rand(4, 1, 1), beta=0.7, init_hidden=True),
        nn.Flatten(), BinaryLinear(144, 8), snn.Synaptic(alpha=1.25, beta=0.5, init_hidden=True),
        BinaryLinear(8, 3))
    document = exact(convert.snntorch(net, (2, 8, 8), 6, **EVENTS), layers=2)
    assert document["layers"][0]["neuron"]["current_leak"].shape == (4,)
    assert document["layers"][1]["neuron"]["current_leak"] == 1.0


def test_rsynaptic():
    snn = pytest.importorskip("snntorch")
    for seed in SEEDS:
        torch.manual_seed(seed)
        lif = snn.RSynaptic(alpha=0.7, beta=0.8, linear_features=16, init_hidden=True,
                            reset_mechanism=("subtract", "none", "zero")[seed])
        lif.recurrent = BinaryLinear(16, 16)
        net = nn.Sequential(BinaryLinear(12, 16), lif, BinaryLinear(16, 3))
        document = exact(convert.snntorch(net, (12,), 9, **PIXELS, readout="mean", seed=seed))
        assert document["layers"][0]["shortcuts"][0]["kind"] == "recurrent"


def test_snntorch_refusals():
    snn = pytest.importorskip("snntorch")

    def refused(lif):
        with pytest.raises(ModelError) as failure:
            convert.snntorch(nn.Sequential(BinaryLinear(12, 16), lif, BinaryLinear(16, 3)), (12,),
                             4, **PIXELS, readout="mean")
        return str(failure.value)

    zero = snn.RSynaptic(alpha=0.9, beta=0.8, reset_mechanism="zero", reset_delay=False,
                         linear_features=16, init_hidden=True)
    with pytest.raises(NeuronError, match="RSynaptic with reset_delay=False and init_hidden=True, "
                       "whose forward fails in snnTorch itself"):
        SNNTORCH.neuron(zero)
    assert "two synaptic currents (Alpha)" in refused(
        snn.Alpha(alpha=0.9, beta=0.8, init_hidden=True))


@for_each("mechanism", ["subtract", "zero", "none"])
def test_rsynaptic_resets_late_whatever_its_reset_delay_says(mechanism):
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc1, self.fc2 = BinaryLinear(12, 16), BinaryLinear(16, 3)
            self.lif = snn.RSynaptic(alpha=0.5, beta=0.75, linear_features=16, reset_delay=False,
                                     reset_mechanism=mechanism)
            self.lif.recurrent = BinaryLinear(16, 16)

        def forward(self, x):
            spk, syn, mem = (x.new_zeros(len(x), 16) for _ in range(3))
            scores = 0
            for _ in range(6):
                spk, syn, mem = self.lif(self.fc1(x), spk, syn, mem)
                scores = scores + self.fc2(spk)
            return scores

    for seed in SEEDS:
        torch.manual_seed(seed)
        exact(convert.snntorch(Net(), (12,), 6, **PIXELS))


def test_a_zero_reset_that_comes_late_takes_the_current_too():
    """What `refractory` is: the membrane is 0 at the timestep after a spike, whatever the
    current."""
    snn = pytest.importorskip("snntorch")
    neuron = snn.Synaptic(alpha=0.5, beta=0.5, reset_mechanism="zero")
    syn, mem = neuron.reset_mem()
    membranes = []
    for _ in range(3):
        _, syn, mem = neuron(torch.full((1, 1), 2.0), syn, mem)
        membranes.append(float(mem))
    assert membranes == [2.0, 0.0, 3.5]  # I is 2, 3, 3.5


def test_second_order_membranes_as_scores():
    """Their last value is a sum of currents, each times a factor of its timestep; not the largest
    one, which is compared."""
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        def __init__(self, reduce):
            super().__init__()
            self.reduce = reduce
            self.fc, self.hidden = BinaryLinear(12, 8), snn.Leaky(beta=0.5)
            self.out, self.last = BinaryLinear(8, 3), snn.Synaptic(
                alpha=0.9, beta=0.8, reset_mechanism="none")

        def forward(self, x):
            mem, (syn, last) = self.hidden.reset_mem(), self.last.reset_mem()
            record = []
            for _ in range(4):
                spk, mem = self.hidden(self.fc(x), mem)
                _, syn, last = self.last(self.out(spk), syn, last)
                record.append(last)
            return self.reduce(torch.stack(record))

    document = convert.snntorch(Net(lambda x: x[-1]), (12,), 4, **PIXELS)
    assert document["recipe"]["converted"]["scores_differ"] == 0
    assert len(document["layers"][-1]["gate"]["value"]) == 4
    with pytest.raises(ModelError, match="the largest membranes over time of 'last'"):
        convert.snntorch(Net(lambda x: x.amax(0)), (12,), 4, **PIXELS)


def test_states_that_are_mixed_up():
    snn = pytest.importorskip("snntorch")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif, self.out = (BinaryLinear(12, 8), snn.Synaptic(alpha=0.9, beta=0.8),
                                           BinaryLinear(8, 3))

        def forward(self, x):
            syn, mem = self.lif.reset_mem()
            record = []
            for _ in range(4):
                spk, mem, syn = self.lif(self.fc(x), syn, mem)
                record.append(self.out(spk))
            return torch.stack(record).mean(0)

    with pytest.raises(Exception, match="gets a state that is not its own"):
        convert.snntorch(Net(), (12,), 4, **PIXELS)


# SpikingJelly, sinabs

def test_cubalifnode():
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    for seed in SEEDS:
        torch.manual_seed(seed)
        made = neuron.CUBALIFNode(c_decay=0.7, v_decay=0.6, v_reset=(0.0, None)[seed % 2])
        made.step_mode = "sm"[seed % 2]
        net = nn.Sequential(BinaryLinear(12, 20), made, BinaryLinear(20, 3))
        exact(convert.spikingjelly(net, (12,), 9, **EVENTS, seed=seed, sequence=seed % 2 == 1))
    net = nn.Sequential(BinaryLinear(12, 20), neuron.CUBALIFNode(v_reset=-0.5),
                        BinaryLinear(20, 3))
    with pytest.raises(ModelError, match="CUBALIFNode with a reset to -0"):
        convert.spikingjelly(net, (12,), 9, **EVENTS)


def test_sinabs_with_a_synaptic_time_constant():
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import MembraneReset, SingleSpike

    for seed, options in enumerate((
            {}, {"norm_input": False, "reset_fn": MembraneReset()}, {"train_alphas": True})):
        torch.manual_seed(seed)
        made = layers.LIF(5.0, tau_syn=2.0, spike_threshold=torch.tensor(0.3),
                          spike_fn=SingleSpike, **options)
        net = nn.Sequential(BinaryLinear(12, 20), made, BinaryLinear(20, 3))
        document = exact(convert.sinabs(net, (12,), 9, **EVENTS, seed=seed))
        assert document["layers"][0]["neuron"]["current_leak"] == pytest.approx(np.exp(-1 / 2))
    net = nn.Sequential(BinaryLinear(12, 20), layers.IAF(
        tau_syn=3.0, spike_fn=SingleSpike, spike_threshold=torch.tensor(1.3)),
        BinaryLinear(20, 3))
    assert exact(convert.sinabs(net, (12,), 9, **EVENTS))["layers"][0]["neuron"]["type"] == "if"


# Norse

def cuba(norse, **more):
    return norse.LIFParameters(tau_mem_inv=torch.tensor(200.0), tau_syn_inv=torch.tensor(300.0),
                               v_th=torch.tensor(0.35), **more)


def test_lifcell_in_rtl():
    norse = pytest.importorskip("norse.torch")
    for seed, more in enumerate(({}, {"v_leak": torch.tensor(-0.25),
                                      "v_reset": torch.tensor(-0.25)})):
        torch.manual_seed(seed)
        net = norse.SequentialState(BinaryLinear(12, 20), norse.LIFCell(cuba(norse, **more)),
                                    BinaryLinear(20, 3))
        document = exact(convert.norse(net, (12,), 9, **EVENTS, seed=seed))
        neuron = document["layers"][0]["neuron"]
        assert (neuron["leak"], neuron["current_leak"], neuron["input_scale"]) == pytest.approx(
            (0.8, 0.7, 0.2))
        assert check_document(1 + 2 * seed, document, lint=True).endswith(": exact")


def test_lif_takes_all_timesteps_at_once():
    norse = pytest.importorskip("norse.torch")

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.lif, self.out = (BinaryLinear(12, 20), norse.LIF(cuba(norse)),
                                           BinaryLinear(20, 3))

        def forward(self, x):
            return self.out(self.lif(self.fc(x))[0]).mean(0)

    torch.manual_seed(0)
    exact(convert.norse(Net(), (12,), 9, coding="events", sequence=True))


def test_norse_refusals():
    norse = pytest.importorskip("norse.torch")
    for parameters, words in (
            (cuba(norse, v_leak=torch.tensor(0.1)), "must rest where it is reset to"),
            (norse.LIFParameters(tau_syn_inv=torch.tensor(1000.0)),
             r"dt \* tau_syn_inv = 1, and must be above 0 and below 1")):
        net = norse.SequentialState(BinaryLinear(12, 20), norse.LIFCell(parameters),
                                    BinaryLinear(20, 3))
        with pytest.raises(ModelError, match=words):
            convert.norse(net, (12,), 9, **EVENTS)


# NIR

SAID = {"dt": 1e-3, "decay": "euler", "reset": "hard", "comparison": ">", "synaptic": "first"}


def nir_graph(nir, **more):
    rng, ones = np.random.default_rng(0), np.ones(5)
    constants = {"tau_syn": 0.004 * ones, "tau_mem": 0.002 * ones, "r": 3 * ones,
                 "v_leak": 0 * ones, "v_threshold": 1.37 * ones, "w_in": 2 * ones}
    nodes = {"input": nir.Input(np.array([6])), "w": nir.Linear(rng.choice([-1., 1.], (5, 6))),
             "cuba": nir.CubaLIF(**constants | more),
             "out": nir.Linear(rng.choice([-1., 1.], (3, 5))), "output": nir.Output(np.array([3]))}
    edges = [("input", "w"), ("w", "cuba"), ("cuba", "out"), ("out", "output")]
    return nir.NIRGraph(nodes, edges, type_check=False)


def stepped(graph, inputs, decay, scaled):
    """The equations of NIR for a CubaLIF, step by step; ``scaled`` as `norm_input`."""
    node, weight = graph.nodes["cuba"], graph.nodes["w"].weight
    leaks = [1 - 1e-3 / tau if decay == "euler" else np.exp(-1e-3 / tau)
             for tau in (node.tau_syn, node.tau_mem)]
    shares = [1 - leak if scaled else 1 for leak in leaks]
    current, potential = np.zeros((2, len(inputs), 5))
    spikes = np.zeros((*inputs.shape[:2], 5), bool)
    for t in range(inputs.shape[1]):
        current = leaks[0] * current + shares[0] * node.w_in * (inputs[:, t] @ weight.T)
        charged = leaks[1] * potential + shares[1] * node.r * current
        spikes[:, t] = charged > node.v_threshold
        potential = np.where(spikes[:, t], 0, charged)
    return spikes


def test_cubalif_in_rtl():
    nir = pytest.importorskip("nir")
    inputs = (np.random.default_rng(1).random((20, 7, 6)) < 0.5).astype(np.uint8)
    for decay, norm_input in (("euler", None), ("exponential", True), ("exponential", False)):
        graph = nir_graph(nir)
        document = convert.nir(graph, 7, **SAID | {"decay": decay}, norm_input=norm_input, **EVENTS)
        wanted = stepped(graph, inputs, decay, decay == "euler" or norm_input)
        assert wanted.any()
        assert np.array_equal(run(describe(document), inputs).spikes[0], wanted), decay
        assert check_document(1, document, lint=True).endswith(": exact")


def test_what_a_cubalif_leaves_open():
    nir = pytest.importorskip("nir")
    graph = nir_graph(nir)
    with pytest.raises(Exception, match="NIR does not say `synaptic`; give it"):
        convert.nir(graph, 7, **SAID | {"synaptic": None}, **EVENTS)
    with pytest.raises(ModelError, match="takes the synaptic current of the timestep before"):
        convert.nir(graph, 7, **SAID | {"synaptic": "last"}, **EVENTS)
    with pytest.raises(Exception, match="`synaptic`: must be first or last, not 'late'"):
        convert.nir(graph, 7, **SAID | {"synaptic": "late"}, **EVENTS)
    with pytest.raises(ModelError, match="a timestep that is no smaller than tau_syn"):
        convert.nir(nir_graph(nir, tau_syn=np.full(5, 0.0005)), 7, **SAID, **EVENTS)
    whole = convert.nir(nir_graph(nir, tau_syn=np.full(5, 0.001)), 7, **SAID, **EVENTS)
    assert whole["layers"][0]["neuron"]["current_leak"] == 0.0


def test_a_cubalif_that_gets_its_spikes_back():
    nir = pytest.importorskip("nir")
    graph = nir_graph(nir)
    graph.nodes["back"] = nir.Linear(np.ones((5, 5)))
    graph.edges += [("cuba", "back"), ("back", "cuba")]
    layer = convert.nir(graph, 7, **SAID, **EVENTS)["layers"][0]
    assert layer["shortcuts"][0]["kind"] == "recurrent" and "current_leak" in layer["neuron"]


def alike(document, other):
    """Two models have the same spikes, but for float32's last bits in a file."""
    first, second = describe(document), describe(other)
    inputs = (np.random.default_rng(0).random((32, first.timesteps, first.input.size)) < 0.4)
    one, two = (run(each, inputs.astype(np.uint8)).spikes[0] for each in (first, second))
    assert (one != two).mean() < 1e-3 and one.any()
    for name in ("leak", "current_leak", "input_scale", "threshold"):
        found, wanted = (each.layers[0].neuron for each in (first, second))
        assert getattr(found, name) == pytest.approx(getattr(wanted, name), rel=1e-5), name


def signed(net):
    for part in net.modules():
        if isinstance(part, nn.Linear):
            part.weight.data = signs(part.weight.data, 0.37)  # no ties
    return net


def test_files_of_spikingjelly(tmp_path):
    pytest.importorskip("nir")
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    from spikingjelly.activation_based.nir_exchange import export_to_nir

    torch.manual_seed(0)
    net = signed(nn.Sequential(nn.Linear(12, 20), neuron.CUBALIFNode(0.7, 0.6), nn.Linear(20, 3)))
    export_to_nir(net, torch.rand(1, 12), save_path=tmp_path / "net.nir")
    alike(convert.nir(tmp_path / "net.nir", 8, source="spikingjelly", **EVENTS),
          convert.spikingjelly(net, (12,), 8, **EVENTS))


def test_files_of_snntorch(tmp_path):
    nir = pytest.importorskip("nir")
    snn = pytest.importorskip("snntorch")
    from snntorch.export_nir import export_to_nir

    torch.manual_seed(0)
    net = signed(nn.Sequential(
        nn.Linear(12, 20), snn.Synaptic(alpha=torch.full((20,), 0.7), beta=torch.full((20,), 0.6),
                                        threshold=torch.full((20,), 1.3), init_hidden=True),
        nn.Linear(20, 3)))
    nir.write(tmp_path / "net.nir", export_to_nir(net, torch.rand(1, 12), ignore_dims=[0]))
    document = convert.nir(tmp_path / "net.nir", 8, source="snntorch", reset="soft", **EVENTS)
    alike(document, convert.snntorch(net, (12,), 8, **EVENTS))
    with pytest.raises(InputError, match="NIR does not say `refractory`; give it"):
        convert.nir(tmp_path / "net.nir", 8, source="snntorch", reset="hard", **EVENTS)
    for late in (True, False):
        net[1].reset_delay, net[1].reset_mechanism = late, "zero"
        net[1].state_function = net[1]._base_zero
        document = convert.nir(tmp_path / "net.nir", 8, source="snntorch", reset="hard",
                               refractory=late, **EVENTS)
        assert document["layers"][0]["neuron"].get("refractory", False) == late
        alike(document, convert.snntorch(net, (12,), 8, **EVENTS))


def test_files_of_norse(tmp_path):
    nir = pytest.importorskip("nir")
    norse = pytest.importorskip("norse.torch")
    from norse.torch.utils.export_nir import to_nir

    torch.manual_seed(0)
    parameters = norse.LIFParameters(*(torch.full((20,), value) for value in (
        300.0, 200.0, 0.0, 0.35, 0.0)))
    net = signed(norse.SequentialState(nn.Linear(12, 20), norse.LIFCell(parameters),
                                       nn.Linear(20, 3)))
    nir.write(tmp_path / "net.nir", to_nir(net, torch.rand(12)))
    alike(convert.nir(tmp_path / "net.nir", 8, source="norse", **EVENTS),
          convert.norse(net, (12,), 8, **EVENTS))
