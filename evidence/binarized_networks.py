"""Networks of torch, snnTorch and SpikingJelly, as `evidence.binarized` trains them."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bsnn_hw.nn import LIF, FlipMonitor, Layer, Network, Readout, binarize, save_model
from bsnn_hw.nn.data import load

__all__ = ["FRAMEWORKS", "WEIGHTS", "Framework", "Trained", "available", "train"]

TIMESTEPS = 4
PIXELS: dict[str, Any] = {"bits": 4, "scale": 1 / 15}
BATCH, RATE = 64, 5e-3


@dataclass(frozen=True)
class Framework:
    """A network of a framework and its way to a model file.

    packages : to be installed
    build : makes the network; it takes (batch, 64) and gives scores
    save : writes a trained and binarized network to a path
    options : of `binarize`, beside the gate
    """

    packages: tuple[str, ...]
    build: Callable[[], nn.Module]
    save: Callable[[nn.Module, Path], None]
    options: dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """A trained network, its share of right test digits, and π; None of float weights."""

    network: nn.Module
    accuracy: float
    flips: float | None


class _Neurons(nn.Module):
    """LIF neurons of a network whose batch axis holds the timesteps too."""

    def __init__(self) -> None:
        super().__init__()
        self.lif = LIF(0.5)

    def forward(self, currents: Tensor) -> Tensor:
        return self.lif(currents.unflatten(0, (TIMESTEPS, -1))).flatten(0, 1)


class _Plain(nn.Module):
    """The perceptron of PyTorch's quickstart, with neurons for its ReLUs, and norms."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.bn1, self.neurons1 = nn.Linear(64, 128), nn.BatchNorm1d(128), _Neurons()
        self.fc2, self.bn2, self.neurons2 = nn.Linear(128, 128), nn.BatchNorm1d(128), _Neurons()
        self.fc3 = nn.Linear(128, 10)

    def forward(self, pixels: Tensor) -> Tensor:
        spikes = pixels.repeat(TIMESTEPS, 1)
        spikes = self.neurons1(self.bn1(self.fc1(spikes)))
        spikes = self.neurons2(self.bn2(self.fc2(spikes)))
        return self.fc3(spikes).unflatten(0, (TIMESTEPS, -1)).mean(0)


def _save_plain(network: Any, path: Path) -> None:
    hidden = {"fc1": Layer(network.fc1, network.bn1, network.bn1.agmm_gate, network.neurons1.lif),
              "fc2": Layer(network.fc2, network.bn2, network.bn2.agmm_gate, network.neurons2.lif)}
    save_model(path, Network(hidden, Readout(network.fc3), timesteps=TIMESTEPS),
               input={"shape": [64], **PIXELS})


def _snntorch() -> nn.Module:
    import snntorch as snn

    class Net(nn.Module):
        """Tutorial 5, with a second hidden layer and a norm."""

        def __init__(self) -> None:
            super().__init__()
            self.fc1, self.bn1 = nn.Linear(64, 128), nn.BatchNorm1d(128)
            self.lif1 = snn.Leaky(beta=0.5)
            self.fc2, self.bn2 = nn.Linear(128, 128), nn.BatchNorm1d(128)
            self.lif2 = snn.Leaky(beta=0.5)
            self.fc3 = nn.Linear(128, 10)

        def forward(self, pixels: Tensor) -> Tensor:
            mem1, mem2 = self.lif1.init_leaky(), self.lif2.init_leaky()
            scores = []
            for _ in range(TIMESTEPS):
                spikes, mem1 = self.lif1(self.bn1(self.fc1(pixels)), mem1)
                spikes, mem2 = self.lif2(self.bn2(self.fc2(spikes)), mem2)
                scores.append(self.fc3(spikes))
            return torch.stack(scores).mean(0)

    return Net()


def _save_snntorch(network: nn.Module, path: Path) -> None:
    from bsnn_hw import convert
    from bsnn_hw.model.format import save

    save(path, convert.snntorch(network, (64,), TIMESTEPS, coding="direct", **PIXELS))


def _spikingjelly() -> nn.Module:
    from spikingjelly.activation_based import functional, layer, neuron

    class Net(nn.Module):
        """The convolutional network of the Fashion-MNIST tutorial, for 8x8 digits."""

        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                layer.Conv2d(1, 16, 3, padding=1, bias=False), layer.BatchNorm2d(16),
                neuron.IFNode(), layer.MaxPool2d(2),
                layer.Conv2d(16, 32, 3, padding=1, bias=False), layer.BatchNorm2d(32),
                neuron.IFNode(), layer.MaxPool2d(2), layer.Flatten(),
                layer.Linear(128, 64, bias=False), neuron.IFNode(),
                layer.Linear(64, 10, bias=False))
            functional.set_step_mode(self, "m")

        def forward(self, frames: Tensor) -> Tensor:
            return self.layers(frames).mean(0)

    class OfPixels(nn.Module):
        """The network of frames, fed with the same pixels at each timestep."""

        def __init__(self) -> None:
            super().__init__()
            self.network = Net()

        def forward(self, pixels: Tensor) -> Tensor:
            functional.reset_net(self)
            frames = pixels.unflatten(1, (1, 8, 8)).repeat(TIMESTEPS, 1, 1, 1, 1)
            return self.network(frames)

    return OfPixels()


def _save_spikingjelly(network: Any, path: Path) -> None:
    from bsnn_hw import convert
    from bsnn_hw.model.format import save

    save(path, convert.spikingjelly(network.network, (1, 8, 8), TIMESTEPS, coding="direct",
                                    sequence=True, **PIXELS))


FRAMEWORKS = {
    "torch": Framework((), _Plain, _save_plain, {"time": "flattened"}),
    "snntorch": Framework(("snntorch",), _snntorch, _save_snntorch, {}),
    "spikingjelly": Framework(("spikingjelly",), _spikingjelly, _save_spikingjelly, {}),
}
WEIGHTS = ("float", "binary", "gated")


def available(framework: Framework) -> bool:
    """Whether the framework is installed."""
    return all(importlib.util.find_spec(package) for package in framework.packages)


def train(framework: Framework, weights: str, epochs: int, seed: int) -> Trained:
    """Train a network; weights : of `WEIGHTS`."""
    torch.set_num_threads(1)
    torch.manual_seed(seed)
    network = framework.build()
    if weights != "float":
        gate = "agmm" if weights == "gated" else None
        network = binarize(network, gate=gate, timesteps=TIMESTEPS, **framework.options)
    monitor = FlipMonitor(network) if weights != "float" else None
    data = load("digits", bits=PIXELS["bits"])
    pixels, labels, tests, truth = (torch.from_numpy(part) for part in
                                    (data.train_x, data.train_y, data.test_x, data.test_y))
    optimizer = torch.optim.Adam(network.parameters(), lr=RATE)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, epochs)
    for _ in range(epochs):
        for part in torch.randperm(len(pixels)).split(BATCH)[:-1]:
            scores = network(pixels[part] * PIXELS["scale"])
            optimizer.zero_grad()
            nn.functional.cross_entropy(scores, labels[part]).backward()
            optimizer.step()
        schedule.step()
    network.eval()
    with torch.no_grad():
        right = network(tests * PIXELS["scale"]).argmax(1) == truth
    flips = monitor.epoch().per_step if monitor else None
    return Trained(network, float(right.float().mean()), flips)
