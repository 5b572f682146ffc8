"""A gate called once per timestep is the gate called with all of them."""

import pytest
import torch

from bsnn_hw.nn import AGMMGate, ConstantGate
from bsnn_hw.nn.timed import TimedGate
from tests.for_each import for_each

CURRENTS = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0))


def made(time, kind=AGMMGate):
    gate = AGMMGate(3) if kind is AGMMGate else ConstantGate(torch.tensor([0.5, 1.0, 2.0]))
    if kind is AGMMGate:
        gate.alpha.data = torch.tensor([1.0, 2.0, 3.0])
    return TimedGate(gate, 3, time)


def run(gate):
    if gate.time == "calls":
        return torch.stack([gate(currents) for currents in CURRENTS])
    if gate.time == "flattened":
        return gate(CURRENTS.flatten(0, 1)).unflatten(0, (3, 4))
    return gate(CURRENTS)


@for_each("training", [True, False])
@for_each("kind", [AGMMGate, ConstantGate])
@for_each("time", ["calls", "flattened"])
def test_equal_to_all_steps_at_once(time, kind, training):
    gate, whole = made(time, kind).train(training), made("steps", kind).train(training)
    for _ in range(2):  # a second inference begins with the first timestep again
        assert torch.allclose(run(gate), run(whole))
    assert torch.allclose(gate.timestep_factors(), whole.timestep_factors())


def test_reset_begins_with_the_first_timestep():
    gate = made("calls", ConstantGate)
    gate(CURRENTS[0])
    gate.reset()
    assert torch.equal(gate(CURRENTS[0]), 0.5 * CURRENTS[0])


def test_calls_before_the_backward_pass():
    gate = made("calls")
    sum(gate(currents).sum() for currents in CURRENTS).backward()
    assert gate.gate.alpha.grad.shape == (3,)


def test_unknown_time():
    with pytest.raises(ValueError, match=r"Time must be one of .*, not 'later'"):
        made("later")
