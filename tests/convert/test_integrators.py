"""Leaky integrators without spikes as the last neurons: their membranes are the scores."""

import numpy as np
import pytest
import torch
from torch import nn

from bsnn_hw import convert
from bsnn_hw.convert.readout import HELD, hold
from bsnn_hw.convert.trace import TraceError
from bsnn_hw.errors import ModelError
from tests.convert.signs import BinaryLinear, signs

EVENTS = {"coding": "events"}


def test_second_order_membranes_are_factors_of_timesteps():
    """Sum, mean and last value of U[t] = a·U[t-1] + I[t], I[t] = b·I[t-1] + G[t], step by step."""
    random = np.random.default_rng(0)
    for kind, taken in (("sum", np.sum), ("mean", np.mean), ("last", lambda each: each[-1])):
        for timesteps in (1, 2, 7):
            leak, held_leak = random.random(2)
            currents = random.standard_normal(timesteps)
            given = random.random(timesteps)
            membrane = held = 0.0
            membranes = []
            for current in given * currents:
                held = held_leak * held + current
                membrane = leak * membrane + held
                membranes.append(membrane)
            layer = {"gate": {"kind": "constant", "value": torch.from_numpy(given)},
                     "neuron": {"type": "readout", "score": kind,
                                HELD: (float(leak), float(held_leak), kind)}}
            hold(layer, timesteps)
            parts = layer["gate"]["value"].numpy() * currents
            assert layer["neuron"]["score"] == ("sum" if kind == "last" else kind)
            assert np.isclose(np.mean(parts) if kind == "mean" else np.sum(parts),
                              taken(np.array(membranes)), rtol=1e-12)
    plain = {"neuron": {"type": "readout"}}
    hold(plain, 3)
    assert plain == {"neuron": {"type": "readout"}}
    with pytest.raises(TraceError, match="leaks of their own"):
        hold({"neuron": {HELD: (torch.ones(2), 0.5, "sum")}}, 3)


def agreed(document):
    found = document["recipe"]["converted"]
    assert found["spikes_differ"] == found["scores_differ"] == 0
    return document


@pytest.mark.wide  # of packages that `make install` leaves out
def test_norse():
    norse = pytest.importorskip("norse.torch")
    torch.manual_seed(0)

    class Net(nn.Module):
        """Norse's example of CIFAR-10: cells by hand, voltages written into a tensor."""

        def __init__(self, *head, reduce):
            super().__init__()
            fires = norse.LIFParameters(v_th=torch.as_tensor(0.3))
            self.features = norse.SequentialState(BinaryLinear(12, 20), norse.LIFCell(fires))
            self.classes = norse.SequentialState(*head)
            self.reduce = reduce

        def forward(self, x):
            voltages = torch.empty(9, x.shape[0], 4)
            state = held = None
            for step in range(9):
                spikes, state = self.features(x, state)
                voltage, held = self.classes(spikes, held)
                voltages[step, :, :] = voltage
            return self.reduce(voltages)

    linear = norse.LILinearCell(20, 4)
    linear.input_weights.data = signs(linear.input_weights, 0.25)
    taken = {"sum": lambda x: x.sum(0), "mean": lambda x: x.mean(0), "last": lambda x: x[-1],
             "max": lambda x: torch.max(x, 0)[0]}
    second, first = [BinaryLinear(20, 4), norse.LICell()], [BinaryLinear(20, 4), norse.LIBoxCell()]
    options = {"coding": "direct", "bits": 4, "scale": 1 / 15}
    for kind, reduce in taken.items():
        layers = agreed(convert.norse(Net(*first, reduce=reduce), (12,), 9, **options))["layers"]
        assert layers[-1]["neuron"]["leak"] == pytest.approx(0.9)
        for head in (second, [linear]) if kind != "max" else ():
            layers = agreed(convert.norse(Net(*head, reduce=reduce), (12,), 9, **options))["layers"]
            assert "leak" not in layers[-1]["neuron"] and len(layers[-1]["gate"]["value"]) == 9
    with pytest.raises(ModelError, match=r"largest membranes over time .* second-order neurons"):
        convert.norse(Net(*second, reduce=taken["max"]), (12,), 9, **options)
    whole = norse.SequentialState(norse.Lift(BinaryLinear(12, 20)), norse.LIF(),
                                  norse.Lift(BinaryLinear(20, 4)), norse.LI())
    agreed(convert.norse(whole, (12,), 9, **EVENTS, sequence=True, output=0, readout="last"))
    hidden = norse.SequentialState(BinaryLinear(12, 20), norse.LICell(), BinaryLinear(20, 4),
                                   norse.LIFCell())
    with pytest.raises(ModelError, match="must take spikes or the input, not a membrane"):
        convert.norse(hidden, (12,), 9, **EVENTS, readout="spike_count")
    resting = norse.LICell(norse.LIParameters(v_leak=torch.tensor(0.5)))
    with pytest.raises(ModelError, match="a v_leak other than 0 of a leaky integrator"):
        convert.norse(Net(BinaryLinear(20, 4), resting, reduce=taken["sum"]), (12,), 9, **options)


@pytest.mark.wide
def test_spikingjelly():
    """As the networks of its examples of reinforcement learning end."""
    pytest.importorskip("spikingjelly")
    from spikingjelly.activation_based import functional, layer, neuron

    class Net(nn.Module):
        def __init__(self, head):
            super().__init__()
            self.fc = nn.Sequential(BinaryLinear(12, 20), neuron.IFNode(step_mode="m"),
                                    layer.SeqToANNContainer(BinaryLinear(20, 4)))
            self.head = head

        def forward(self, x):
            out = self.head(self.fc(x.repeat(6, 1, 1)))
            return torch.stack(out).sum(0) if isinstance(out, list) else out

    torch.manual_seed(0)
    options = {"coding": "direct", "bits": 4, "scale": 1 / 15}
    for decode, score in (("max-mem", "max"), ("last_mem", "last"), ("mean-mem", "mean"),
                          (None, "sum")):
        for head, leak in ((neuron.NonSpikingLIFNode(2.0, decode=decode), 0.5),
                           (neuron.NonSpikingIFNode(decode=decode), 1.0)):
            net = Net(head)
            last = agreed(convert.spikingjelly(net, (12,), 6, **options))["layers"][-1]["neuron"]
            assert last.get("score", "mean") == score and last["leak"] == leak
            functional.reset_net(net)
    with pytest.raises(ModelError, match="an integrator without spikes that gives 'max-abs-mem'"):
        convert.spikingjelly(Net(neuron.NonSpikingLIFNode(decode="max-abs-mem")), (12,), 6,
                             **options)


@pytest.mark.wide
def test_sinabs_and_snntorch():
    torch.manual_seed(0)
    layers = pytest.importorskip("sinabs.layers")
    from sinabs.activation import SingleSpike

    for options in ({"norm_input": True}, {}):
        net = nn.Sequential(BinaryLinear(12, 20), layers.IAF(spike_fn=SingleSpike),
                            BinaryLinear(20, 4), layers.ExpLeak(10.0, **options))
        for readout in ("last", "max", "mean"):
            agreed(convert.sinabs(net, (12,), 6, **EVENTS, readout=readout))
    floor = nn.Sequential(BinaryLinear(12, 20), layers.IAF(spike_fn=SingleSpike),
                          BinaryLinear(20, 4), layers.ExpLeak(10.0, min_v_mem=-1.0))
    with pytest.raises(ModelError, match="say min_v_mem=None, and train so"):
        convert.sinabs(floor, (12,), 6, **EVENTS, readout="last")
    snn = pytest.importorskip("snntorch")
    last = snn.Synaptic(alpha=0.9, beta=0.8, reset_mechanism="none", init_hidden=True, output=True)
    net = nn.Sequential(BinaryLinear(12, 20), snn.Leaky(beta=0.9, init_hidden=True),
                        BinaryLinear(20, 4), last)
    document = agreed(convert.snntorch(net, (12,), 6, **EVENTS, output=2, readout="last"))
    assert document["layers"][-1]["neuron"] == {"type": "readout", "score": "sum"}
