"""The AGMM gate: its value, its gradient, its running average."""

import pytest
import torch

from bsnn_hw.nn.gate import AGMMGate, ConstantGate
from tests.for_each import for_each


def test_gate_of_a_known_mean():
    gate = AGMMGate(2)
    gate.alpha.data = torch.tensor([1.0, 3.0])
    currents = torch.stack([torch.full((4, 5), 0.0), torch.full((4, 5), 2.0)])
    result = gate(currents)
    sigmoid = 1 / (1 + torch.exp(torch.tensor(-2.0)))
    assert torch.allclose(result[0], torch.zeros(4, 5))
    assert torch.allclose(result[1], torch.full((4, 5), float(3 * sigmoid * 2)))


def test_gradient_runs_through_the_mean():
    gate = AGMMGate(1)
    currents = torch.tensor([[[1.0, 3.0]]], requires_grad=True)
    gate(currents).sum().backward()
    sigmoid = torch.sigmoid(torch.tensor(2.0))
    # d/dy of s(E)·(y1 + y2): directly s(E), and s'(E)·(y1 + y2)/2 through the mean.
    wanted = sigmoid + sigmoid * (1 - sigmoid) * 4 / 2
    assert torch.allclose(currents.grad, wanted.expand(1, 1, 2))
    assert gate.alpha.grad.item() == pytest.approx(float(sigmoid) * 4)


def test_inference_uses_the_running_average():
    gate = AGMMGate(2)
    gate(torch.stack([torch.full((4, 5), 1.0), torch.full((4, 5), -1.0)]))
    assert gate.running_mean.tolist() == pytest.approx([0.1, -0.1])
    gate.eval()
    constants = torch.sigmoid(gate.running_mean)
    currents = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    assert torch.equal(gate(currents), constants.view(2, 1, 1) * currents)
    assert torch.equal(gate.values(), constants)


@for_each("over", ["batch", "sample"])
def test_static_current_gets_a_gate_per_timestep(over):
    gate = AGMMGate(3, over=over)
    gate.alpha.data = torch.tensor([1.0, 2.0, 3.0])
    result = gate(torch.ones(1, 4, 5))
    assert result.shape == (3, 4, 5)
    assert torch.allclose(result[1], 2 * result[0])
    assert torch.allclose(result[2], 3 * result[0])


def test_sample_gate_differs_from_sample_to_sample():
    gate = AGMMGate(1, over="sample", inference="sample").eval()
    currents = torch.tensor([[[2.0, 4.0], [-1.0, 1.0]]])
    assert torch.allclose(gate(currents)[0, 0], currents[0, 0] * torch.sigmoid(torch.tensor(3.0)))
    assert torch.allclose(gate(currents)[0, 1], currents[0, 1] * 0.5)


@for_each("over", ["batch", "sample"])
def test_gate_takes_feature_maps(over):
    assert AGMMGate(2, over=over)(torch.ones(2, 3, 4, 5, 5)).shape == (2, 3, 4, 5, 5)


def test_clip_keeps_alpha_well_above_zero():
    gate = AGMMGate(2)
    gate.alpha.data = torch.tensor([-0.5, 2.0])
    gate.clip()
    assert gate.alpha.tolist() == pytest.approx([0.5, 2.0])


def test_constant_gate():
    gate = ConstantGate(torch.tensor([0.5, 2.0]))
    assert gate(torch.ones(1, 1, 1)).flatten().tolist() == [0.5, 2.0]
    assert gate.values().tolist() == [0.5, 2.0]


@for_each("options, message", [
    ({"over": "time"}, r"mean must be over one of .*, not 'time'"),
    ({"inference": "batch"}, r"inference must be one of .*, not 'batch'"),
    ({"ratios": "odd"}, r"ratios must be one of .*, not 'odd'"),
    ({"alpha": torch.nn.Parameter(torch.ones(3))}, r"shared as \(2,\), .*, not \(3,\)"),
])
def test_unknown_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        AGMMGate(2, **options)


def test_the_batch_gate_can_take_the_samples_own_mean_at_inference():
    gate = AGMMGate(1, inference="sample")
    currents = torch.tensor([[[2.0, 4.0], [-1.0, 1.0]]])
    assert torch.allclose(gate(currents), currents * torch.sigmoid(torch.tensor(1.5)))
    assert torch.allclose(gate.eval()(currents)[0, 0],
                          currents[0, 0] * torch.sigmoid(torch.tensor(3.0)))


def test_the_running_average_of_samples_is_that_of_the_batch():
    currents = torch.randn(2, 3, 5, generator=torch.Generator().manual_seed(0))
    gates = [AGMMGate(2, over=over) for over in ("batch", "sample")]
    for gate in gates:
        gate(currents)
    assert torch.allclose(gates[0].running_mean, gates[1].running_mean)


def test_a_gate_per_channel():
    gate = AGMMGate(2, channels=2)
    currents = torch.tensor([0.0, 2.0]).view(1, 1, 2, 1, 1).expand(2, 3, 2, 4, 4)
    result = gate(currents)
    assert torch.allclose(result[:, :, 1], 2 * torch.sigmoid(torch.tensor(2.0)))
    assert gate.running_mean.tolist() == [pytest.approx([0, 0.2])] * 2
    assert gate.eval()(currents).shape == currents.shape == result.shape
    assert AGMMGate(2, channels=5, over="sample")(torch.ones(1, 3, 5)).shape == (2, 3, 5)


def test_gates_share_an_alpha():
    alpha = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    gates = torch.nn.ModuleList([AGMMGate(2, alpha=alpha) for _ in range(2)])
    assert len(list(gates.parameters())) == 1
    assert AGMMGate(2, alpha=2.0).alpha.tolist() == [2.0, 2.0]


def test_a_sample_gate_has_no_constants():
    with pytest.raises(ValueError, match="must come from a running average"):
        AGMMGate(2, inference="sample").values()


@for_each("training", [True, False])
def test_equal_gates(training):
    gate = AGMMGate(2, ratios="equal").train(training)
    gate.alpha.data = torch.tensor([1.0, 3.0])
    gate(torch.randn(2, 4, 5, generator=torch.Generator().manual_seed(0)))
    first, second = gate(torch.ones(1, 4, 5))
    assert torch.equal(first, second)
    constants = gate.alpha.detach() * torch.sigmoid(gate.running_mean)
    assert gate.values().tolist() == [pytest.approx(float(constants.mean()))] * 2


def test_equal_gates_need_all_timesteps():
    with pytest.raises(ValueError, match="must be 'free' where a call is one timestep"):
        AGMMGate(2, ratios="equal")(torch.ones(1, 4, 5), slice(1, 2))
