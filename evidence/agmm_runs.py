"""The runs of `evidence.agmm`: what differs from one to the next, and how one is trained."""

from __future__ import annotations

import functools
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from bsnn_hw.nn.data import load
from bsnn_hw.nn.flips import FlipMonitor
from bsnn_hw.nn.gate import AGMMGate, ConstantGate
from bsnn_hw.nn.network import Network
from bsnn_hw.nn.norm import BatchNorm
from bsnn_hw.nn.synapse import BinaryConv2d, BinaryLinear
from bsnn_hw.nn.zoo import narrow_resnet, narrow_vgg11
from evidence.agmm_grid import Run, Size

__all__ = ["build", "train"]

TIMESTEPS = 2
RATES = {"sgd": 0.1, "adam": 0.01}
GATE_RATE = 0.1  # of alpha, as a share of the learning rate
EVALUATION_BATCH = 2000
_LATENT = (BinaryConv2d, BinaryLinear)
EAGER_STEPS = 3  # before a CUDA graph takes over


def build(run: Run) -> Network:
    """The network of a run, from its seed: equal weights for all variants."""
    first = run.variant == "before"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(run.seed)
        style: dict[str, Any] = {"timesteps": TIMESTEPS, "int8_ends": True, "gate": _gate(run),
                                 "gate_first": first}
        network = (narrow_vgg11(**style) if run.network == "vgg" else
                   narrow_resnet(run.depth, run.network, **style))
    if run.variant == "scale-half":
        for module in network.modules():
            if isinstance(module, BatchNorm):
                nn.init.constant_(module.weight, 0.5)
    return network


def _gate(run: Run) -> str | Callable[[int], nn.Module]:
    if run.variant in ("none", "scale-half", "rate-half"):
        return "none"
    if run.variant == "constant":
        return lambda _: ConstantGate(torch.full((TIMESTEPS,), 0.5))
    given: dict[str, dict[str, Any]] = {
        "sample": {"over": "sample", "inference": "sample"}, "sample-running": {"over": "sample"},
        "batch-own": {"inference": "sample"}, "alpha-2": {"alpha": 2.0},
        "shared": {"alpha": nn.Parameter(torch.ones(TIMESTEPS))}}
    options = given.get(run.variant, {})
    if run.variant == "channels":
        return lambda channels: AGMMGate(TIMESTEPS, channels=channels)
    return lambda _: AGMMGate(TIMESTEPS, **options)


class Images(NamedTuple):
    """Training and test images, (samples, 1, 16, 16) of 0..1, with their labels."""

    train_x: Tensor
    train_y: Tensor
    test_x: Tensor
    test_y: Tensor


class Training:
    """A run on its way; on a GPU its steps are replayed from a CUDA graph.

    Tests are seen after every epoch, for the curves; no epoch is picked by them.
    """

    def __init__(self, run: Run, size: Size, data: Images, device: str):
        self.run, self.size, self.device = run, size, device
        self.images, self.labels, *tests = (part.to(device) for part in data)
        self.tests = tuple(tests)
        self.network = build(run).to(device)
        self.rate = torch.zeros((), device=device)
        self.gate_rate = torch.zeros((), device=device)
        self.optimizer = self._optimizer()
        self.monitor = FlipMonitor(self.network)
        self.chosen = torch.zeros(size.batch, dtype=torch.int64, device=device)
        self.mirrored = torch.zeros(size.batch, 1, 1, 1, dtype=torch.bool, device=device)
        self.sums = torch.zeros(2, device=device)  # loss, and samples that were right
        self.steps = len(self.images) // size.batch
        self.step_count = 0
        self.graph: torch.cuda.CUDAGraph | None = None

    def _optimizer(self) -> torch.optim.Optimizer:
        named = dict(self.network.named_parameters())
        alphas = [named.pop(name) for name in list(named) if name.endswith("alpha")]
        groups = [{"params": list(named.values()), "lr": self.rate}]
        if alphas:
            groups.append({"params": alphas, "lr": self.gate_rate})
        if self.run.optimizer == "sgd":
            return torch.optim.SGD(groups, lr=self.rate, momentum=0.9, weight_decay=1e-4,
                                   fused=True)
        return torch.optim.Adam(groups, lr=self.rate, fused=True,
                                capturable=self.device == "cuda")

    def epoch(self, number: int) -> dict[str, float]:
        """Train an epoch, number from 0, and evaluate."""
        self.network.train()
        generator = torch.Generator().manual_seed(self.run.seed * 1_000_003 + number)
        order = torch.randperm(len(self.images), generator=generator).to(self.device)
        mirrored = (torch.rand(len(self.images), generator=generator) < 0.5).to(self.device)
        self.sums.zero_()
        for step in range(self.steps):
            part = slice(step * self.size.batch, (step + 1) * self.size.batch)
            self.chosen.copy_(order[part])
            self.mirrored.copy_(mirrored[part].view_as(self.mirrored))
            self._set_rates()
            self._advance()
        loss, right = (self.sums / self.steps).tolist()
        flips = self.monitor.epoch()
        return {"loss": loss, "train": right / self.size.batch, "flips": flips.per_step,
                "epoch_flips": flips.per_epoch, **self.evaluate()}

    def _set_rates(self) -> None:
        share = self.step_count / (self.size.epochs * self.steps)
        start = RATES[self.run.optimizer] * (0.5 if self.run.variant == "rate-half" else 1)
        rate = start * (1 + math.cos(math.pi * share)) / 2
        self.rate.fill_(rate)
        self.gate_rate.fill_(rate * (1 if self.run.variant == "alpha-free" else GATE_RATE))
        self.step_count += 1

    def _advance(self) -> None:
        if self.graph is not None:
            self.graph.replay()
        elif self.device == "cuda" and self.step_count > EAGER_STEPS:
            self.graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(self.graph, stream=torch.cuda.current_stream(),
                                  capture_error_mode="thread_local"):
                self._step()
            self.graph.replay()
        else:
            self._step()

    def _step(self) -> None:
        images, labels = self.images[self.chosen], self.labels[self.chosen]
        output = self.network(torch.where(self.mirrored, images.flip(3), images))
        loss = functional.cross_entropy(output.logits, labels)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.optimizer.step()
        self._clip()
        right = (output.logits.detach().argmax(1) == labels).sum()
        self.sums += torch.stack([loss.detach(), right.float()])

    def _clip(self) -> None:
        free = self.run.variant == "alpha-free"
        for module in self.network.modules():
            if isinstance(module, _LATENT) or (isinstance(module, AGMMGate) and not free):
                module.clip()

    @torch.no_grad()
    def evaluate(self) -> dict[str, float]:
        """Accuracy on the test images, and the spikes there per neuron and timestep."""
        self.network.eval()
        right = torch.zeros((), device=self.device)
        self.spikes = torch.zeros(len(self.network.hidden), device=self.device)
        for images, labels in zip(*(part.split(EVALUATION_BATCH) for part in self.tests),
                                  strict=True):
            output = self.network(images)
            right += (output.logits.argmax(1) == labels).sum()
            self.spikes += torch.stack([layer.sum() for layer in output.spikes])
        self.slots = torch.tensor([layer[:, 0].numel() for layer in output.spikes])
        samples = len(self.tests[1])
        return {"test": float(right) / samples,
                "rate": float(self.spikes.sum()) / samples / float(self.slots.sum())}

    def gates(self) -> list[list[float]]:
        """Alpha of every gate, in order."""
        return [rounded(module.alpha.tolist()) for module in self.network.modules()
                if isinstance(module, AGMMGate)]


@functools.cache
def images(size: Size, data_dir: str | None) -> Images:
    """Images of 16x16: a frame of two black pixels, then means of 2x2, 0..1."""
    data = load("fashion-mnist", data_dir, 8)

    def small(values: np.ndarray) -> Tensor:
        whole = torch.from_numpy(values.reshape(-1, 1, 28, 28)).float() / 255
        return functional.avg_pool2d(functional.pad(whole, (2, 2, 2, 2)), 2)

    return Images(small(data.train_x[:size.images]), torch.from_numpy(data.train_y[:size.images]),
                  small(data.test_x[:size.tests]), torch.from_numpy(data.test_y[:size.tests]))


def train(run: Run, size: Size, data_dir: str | None, device: str,
          until: float = math.inf) -> dict[str, Any] | None:
    """Train a run; its line of the log, or None when `until`, in seconds of time.time, passes."""
    torch.set_num_threads(1)
    began, history = time.time(), []
    training = Training(run, size, images(size, data_dir), device)
    with _stream(device):
        for number in range(size.epochs):
            history.append(training.epoch(number))
            if not math.isfinite(history[-1]["loss"]):
                break
            if time.time() > until:
                return None
    rates = (training.spikes.cpu() / len(training.tests[1]) / training.slots).tolist()
    return {**asdict(run), "size": asdict(size), "device": device, "torch": torch.__version__,
            "seconds": round(time.time() - began, 1), "alphas": training.gates(),
            "rates": rounded(rates),
            **{key: rounded(line[key] for line in history) for key in history[0]}}


def _stream(device: str) -> Any:
    """A stream of its own: what autograd does on the default one cannot be captured."""
    return torch.cuda.stream(torch.cuda.Stream() if device == "cuda" else None)


def rounded(values: Iterator[float] | list[float]) -> list[float]:
    """Four digits, so that logs stay small."""
    return [float(f"{value:.4g}") for value in values]
