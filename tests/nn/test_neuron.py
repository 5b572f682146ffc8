"""Neurons: worked-out sequences, gradients, arguments."""

import pytest
import torch

from bsnn_hw.nn.neuron import IF, LIF
from tests.for_each import for_each


def run(neuron, *currents):
    """Spikes of one neuron for one current per timestep."""
    return neuron(torch.tensor(currents).view(-1, 1, 1)).flatten().tolist()


def test_hard_reset_forgets_the_excess():
    # H: 0.75, 1.125 fires -> 0, 0.75, 0.875
    assert run(LIF(0.5), 0.75, 0.75, 0.75, 0.5) == [0, 1, 0, 0]


def test_soft_reset_keeps_the_excess():
    # H: 1.75 fires -> 0.75, 0.375 + 0.75 = 1.125 fires -> 0.125
    assert run(LIF(0.5, reset="soft"), 1.75, 0.75, 0.0) == [1, 1, 0]
    assert run(LIF(0.5, reset="hard"), 1.75, 0.75, 0.0) == [1, 0, 0]


def test_a_tie_fires_only_with_at_least():
    assert run(LIF(0.5), 1.0) == [1]
    assert run(LIF(0.5, comparison=">"), 1.0) == [0]


def test_integrate_and_fire_does_not_leak():
    assert run(IF(), 0.5, 0.25, 0.25, 0.0) == [0, 0, 1, 0]
    assert run(LIF(0.5), 0.5, 0.25, 0.25, 0.0) == [0, 0, 0, 0]


def test_threshold_and_input_scale():
    assert run(IF(threshold=2.0, input_scale=0.5), 2.0, 2.0) == [0, 1]


def test_static_current_runs_t_timesteps():
    assert LIF(0.5)(torch.tensor([[[0.75]]]), 3).flatten().tolist() == [0, 1, 0]


def test_surrogate_is_a_triangle_around_the_threshold():
    currents = 1 + torch.tensor([[[-1.5, -1.0, -0.25, 0.0, 0.5, 2.0]]])
    IF()(currents.requires_grad_()).sum().backward()
    assert currents.grad.flatten().tolist() == [0, 0, 0.75, 1, 0.5, 0]


@for_each("reset, wanted", [("hard", 0.0), ("soft", 0.75 * 0.5)])
def test_reset_is_detached(reset, wanted):
    # H1 = 1.25 fires. A detached hard reset cuts the path to step 2, a soft one leaves leak.
    currents = torch.tensor([[[1.25]], [[0.625]]], requires_grad=True)
    spikes = LIF(0.5, reset=reset)(currents)
    spikes[1].sum().backward()
    second = 0.625 if reset == "hard" else 0.75
    assert spikes.flatten().tolist() == [1, 0]
    assert currents.grad.flatten().tolist() == pytest.approx([wanted, second])


class Spike(torch.autograd.Function):
    """The surrogate, to be put together by torch's own rules."""

    @staticmethod
    def forward(ctx, excess):
        ctx.save_for_backward(excess)
        return (excess >= 0).float()

    @staticmethod
    def backward(ctx, gradient):
        return gradient * (1 - ctx.saved_tensors[0].abs()).clamp(min=0)


def by_operations(neuron, currents, timesteps):
    """The docstring's equations, each an operation that torch derives."""
    potential, spikes = torch.zeros_like(currents[0]), []
    for current in currents.expand(timesteps, *currents.shape[1:]):
        charged = neuron.leak * potential + neuron.input_scale * current
        fired = Spike.apply(charged - neuron.threshold)
        spikes.append(fired)
        kept = fired.detach()
        potential = (charged * (1 - kept) if neuron.reset.value == "hard"
                     else charged - neuron.threshold * kept)
    return torch.stack(spikes)


@for_each("steps", [1, 4])
@for_each("options", [{}, {"reset": "soft", "threshold": 0.7}, {"leak": 1.0},
                                     {"leak": 0.3, "input_scale": 0.7}])
def test_spikes_and_gradients_are_those_of_the_equations(options, steps):
    torch.manual_seed(0)
    neuron, weights = LIF(**options), torch.randn(4, 8, 3, 5, 5)
    currents = torch.randn(steps, 8, 3, 5, 5, requires_grad=True)
    results = []
    for run_steps in (neuron, lambda *given: by_operations(neuron, *given)):
        spikes = run_steps(currents, 4)
        results.append((spikes, *torch.autograd.grad((spikes * weights).sum(), currents)))
    assert torch.equal(results[0][0], results[1][0])
    assert torch.allclose(results[0][1], results[1][1], atol=1e-6)


@for_each("options, message", [
    ({"leak": 0.0}, r"Leak must be in \(0, 1\], not 0.0"),
    ({"leak": 1.5}, "Leak must be"),
    ({"leak": float("nan")}, "Leak must be"),
    ({"threshold": 0.0}, "Threshold must be positive, not 0.0"),
    ({"input_scale": -1.0}, "Input scale must be positive, not -1.0"),
    ({"reset": "none"}, "'none' is not a valid Reset"),
    ({"comparison": "<"}, "'<' is not a valid Comparison"),
])
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        LIF(**options)


@for_each("reset", ["hard", "soft"])
@for_each("comparison", [">=", ">"])
def test_step_by_step_is_the_same(reset, comparison):
    """Spikes and gradients, of currents some of which lie on the threshold."""
    torch.manual_seed(0)
    neuron = LIF(0.75, reset=reset, comparison=comparison, input_scale=0.5)
    whole = (torch.randint(-8, 17, (7, 5, 3)) / 4).requires_grad_()
    stepped = whole.detach().clone().requires_grad_()
    spikes, kept = [], None
    for current in stepped:
        fired, kept = neuron.step(current, kept)
        spikes.append(fired)
    weights = torch.randn(7, 5, 3)
    assert torch.equal(torch.stack(spikes), neuron(whole))
    (torch.stack(spikes) * weights).sum().backward()
    (neuron(whole) * weights).sum().backward()
    torch.testing.assert_close(stepped.grad, whole.grad)
