"""Signs and 8-bit weights over latent ones: values, gradients, clipping."""

import pytest
import torch

from bsnn_hw.nn import anneal
from bsnn_hw.nn.estimators import ESTIMATORS, Int8Weights, SignWeights
from tests.for_each import for_each

LATENT = (-2.0, -0.5, 0.0, 0.5, 2.0)


def gradient(estimator, progress=None):
    weights, latent = SignWeights(estimator, clip=None), torch.tensor(LATENT, requires_grad=True)
    if progress is not None:
        anneal(weights, progress)
    weights(latent).sum().backward()
    return latent.grad


@for_each("estimator", ESTIMATORS)
def test_signs_times_the_scale(estimator):
    weights = SignWeights(estimator, scale=0.25)(torch.tensor(LATENT))
    assert weights.tolist() == [-0.25, -0.25, 0.25, 0.25, 0.25]


def test_gradients_by_hand():
    assert gradient("straight-through").tolist() == [1, 1, 1, 1, 1]
    assert gradient("clipped").tolist() == [0, 1, 1, 1, 0]
    flat = gradient("annealed", 0.0)  # 10·tanh(w / 10)
    assert flat == pytest.approx(1 - torch.tanh(torch.tensor(LATENT) / 10) ** 2)
    sharp = gradient("annealed", 1.0)  # tanh(10·w)
    assert sharp[2] == 10 and sharp[0] < 1e-6


def test_latent_weights_are_clipped_in_training_only():
    weights, latent = SignWeights(clip=1.0), torch.tensor(LATENT)
    weights.eval()(latent)
    assert latent.tolist() == list(LATENT)
    weights.train()(latent)
    assert latent.tolist() == [-1, -0.5, 0, 0.5, 1]
    SignWeights(clip=None)(other := torch.tensor(LATENT))
    assert other.tolist() == list(LATENT)


def test_eight_bits_by_hand():
    latent = torch.tensor([-1.27, 0.004, 0.006, 0.5], requires_grad=True)
    weights = Int8Weights()(latent)
    assert weights.tolist() == pytest.approx([-1.27, 0.0, 0.01, 0.5])
    weights.sum().backward()
    assert latent.grad.tolist() == [1, 1, 1, 1]
    assert Int8Weights()(torch.zeros(3)).tolist() == [0, 0, 0]


@for_each("options, message", [
    ({"estimator": "magic"}, "Estimator must be one of .*, not 'magic'"),
    ({"clip": 0.0}, "Clip must be positive or None, not 0.0")])
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        SignWeights(**options)


def test_progress_out_of_range():
    with pytest.raises(ValueError, match="Progress must be within 0 and 1, not 2"):
        anneal(SignWeights("annealed"), 2)
