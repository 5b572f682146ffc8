"""The training loop: surrogate gradients, straight-through weights, exact resume."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bsnn_hw.errors import InputError
from bsnn_hw.nn.data import Dataset, encode_events
from bsnn_hw.nn.gate import AGMMGate
from bsnn_hw.nn.network import Network, fully_connected
from bsnn_hw.nn.recipe import Recipe

__all__ = ["Trainer"]

_EVALUATION_BATCH = 1000
# At full rate some gates run to zero or below, and the hardware divides by them.
_GATE_RATE = 0.1


class Trainer:
    """A network in training; its state between two epochs can be saved and continued.

    Every random choice of an epoch comes from the seed and the epoch's number, so a continued run
    is bit for bit the uninterrupted one.

    Parameters
    ----------
    recipe : Recipe
    dataset : Dataset, the one that the recipe names
    state : what `state` returned, to continue from

    Members
    -------
    network : Network
    epoch : int, finished epochs
    history : list of dict of primitives, one per finished epoch (docs/training.md)

    Raises
    ------
    InputError
        When the device is absent, the validation split leaves no training data, or `state` does
        not fit the recipe.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, state: dict[str, Any] | None = None):
        samples = len(dataset.train_x) - recipe.validation
        if samples < recipe.batch:
            raise InputError(f"validation: must leave at least one batch of {recipe.batch}, leaves "
                             f"{samples} of {len(dataset.train_x)}; lower --validation or --batch")
        if recipe.device == "cuda" and not torch.cuda.is_available():
            raise InputError("device: cuda must be usable, found none; use --device cpu")
        torch.set_num_threads(recipe.threads)
        self.recipe = recipe
        self.dataset = dataset
        self.epoch = 0
        self.history: list[dict[str, Any]] = []
        self._inputs, self._labels = self._tensors(dataset.train_x, dataset.train_y)
        self._batches = samples // recipe.batch
        self._samples = samples
        self.network = _build(recipe, dataset).to(recipe.device)
        self._optimizer = torch.optim.Adam(_groups(self.network), lr=recipe.learning_rate,
                                           fused=True)
        if state is not None:
            self._restore(state)

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.epoch >= self.recipe.epochs

    def state(self) -> dict[str, Any]:
        """Return everything that the next epochs depend on: tensors and primitives."""
        return {"recipe": self.recipe.as_dict(), "epoch": self.epoch, "history": self.history,
                "network": self.network.state_dict(), "optimizer": self._optimizer.state_dict()}

    def run_epoch(self, progress: Callable[[Iterable], Iterable] = iter) -> dict[str, Any]:
        """Train one epoch and return its line of the history.

        Parameters
        ----------
        progress : wraps the iterable of batches, for a progress bar

        Raises
        ------
        InputError
            When the loss is no longer finite.
        """
        self.network.train()
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.epoch)
        order = torch.randperm(self._samples, generator=generator).to(self.recipe.device)
        tally = _Tally(self.network)
        for step in progress(range(self._batches)):
            chosen = order[step * self.recipe.batch:(step + 1) * self.recipe.batch]
            inputs = self._mirror(self._inputs[chosen], generator)
            self._set_learning_rate(self.epoch * self._batches + step)
            loss, output = self._step(inputs, self._labels[chosen])
            tally.add(loss, output, self._labels[chosen])
        self.epoch += 1
        self.history.append(self._line(tally))
        return self.history[-1]

    def validate(self) -> dict[str, Any] | None:
        """Evaluate on the validation split, which training never sees; None without one."""
        if not self.recipe.validation:
            return None
        return self._evaluate(self._inputs[self._samples:], self._labels[self._samples:])

    def test(self) -> dict[str, Any]:
        """Evaluate on the test set: to report, never to choose by."""
        return self._evaluate(*self._tensors(self.dataset.test_x, self.dataset.test_y))

    def _tensors(self, values, labels) -> tuple[Tensor, Tensor]:
        return (torch.from_numpy(values).to(self.recipe.device),
                torch.from_numpy(labels).to(self.recipe.device))

    def _mirror(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        if not self.recipe.flips:
            return inputs
        images = inputs.view(-1, *self.dataset.shape)
        mirrored = torch.rand(len(images), generator=generator).to(inputs.device) < 0.5
        return torch.where(mirrored.view(-1, 1, 1), images.flip(2), images).flatten(1)

    def _encode(self, inputs: Tensor) -> Tensor:
        """Turn integers (batch, size) into what the network takes."""
        if self.recipe.coding == "events":
            events = encode_events(inputs.cpu().numpy(), self.recipe.timesteps, self.recipe.bits)
            return torch.from_numpy(events).to(self.recipe.device, torch.float32)
        return inputs.float() / ((1 << self.recipe.bits) - 1)

    def _set_learning_rate(self, step: int) -> None:
        share = step / (self.recipe.epochs * self._batches)
        for group in self._optimizer.param_groups:
            rate = self.recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2
            group["lr"] = rate * group["share"]

    def _step(self, inputs: Tensor, labels: Tensor):
        output = self.network(self._encode(inputs))
        loss = functional.cross_entropy(output.logits, labels)
        self._optimizer.zero_grad()
        (loss + self.recipe.rate_penalty * output.rates.sum()).backward()
        self._optimizer.step()
        self.network.clip()
        return loss.detach(), output

    def _line(self, tally: _Tally) -> dict[str, Any]:
        line = {"epoch": self.epoch, **tally.means()}
        if not math.isfinite(line["loss"]):
            raise InputError(f"epoch {self.epoch}: the loss must be finite, is {line['loss']}; "
                             f"lower --learning-rate")
        validation = self.validate()
        line["validation_accuracy"] = validation["accuracy"] if validation else None
        line["gates"] = _gates(self.network)
        return line

    @torch.no_grad()
    def _evaluate(self, inputs: Tensor, labels: Tensor) -> dict[str, Any]:
        self.network.eval()
        correct, spikes = 0, torch.zeros(len(self.network.hidden))
        for part, wanted in zip(inputs.split(_EVALUATION_BATCH), labels.split(_EVALUATION_BATCH),
                                strict=True):
            output = self.network(self._encode(part))
            correct += int((output.logits.argmax(1) == wanted).sum())
            spikes += torch.tensor([float(layer.sum()) for layer in output.spikes])
        return {"accuracy": correct / len(labels), "samples": len(labels),
                "spikes_per_inference": _named(self.network, spikes / len(labels))}

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.epoch, self.history = int(state["epoch"]), list(state["history"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise InputError("checkpoint: its tensors must fit its recipe, they do not; "
                             "train again") from error


class _Tally:
    """Sums over the batches of an epoch, and the signs that flipped from step to step."""

    def __init__(self, network: Network):
        self._network = network
        self._signs = _signs(network)
        # On the network's device, so that no step waits for a transfer.
        zero = torch.zeros((), dtype=torch.int64, device=network.readout.synapse.weight.device)
        self._flips = {name: zero.clone() for name in self._signs}
        self._loss, self._correct = zero.float(), zero.clone()
        self._rates = torch.zeros(len(network.hidden), device=zero.device)
        self._seen = self._steps = 0

    def add(self, loss: Tensor, output, labels: Tensor) -> None:
        """Count one step."""
        self._steps += 1
        self._seen += len(labels)
        self._loss += loss
        self._correct += (output.logits.detach().argmax(1) == labels).sum()
        self._rates += output.rates.detach()
        signs = _signs(self._network)
        for name, before in self._signs.items():
            self._flips[name] += (signs[name] != before).sum()
        self._signs = signs

    def means(self) -> dict[str, Any]:
        """Return loss, accuracy, firing rates, and flip ratios per step, by layer and in total."""
        flips = {name: int(count) for name, count in self._flips.items()}
        ratios = {name: count / (self._steps * self._signs[name].numel())
                  for name, count in flips.items()}
        weights = sum(signs.numel() for signs in self._signs.values())
        rates = self._rates / self._steps
        neurons = torch.tensor([len(signs) for signs in self._signs.values()][:-1])
        spikes = rates.cpu() * self._network.timesteps * neurons
        return {"loss": float(self._loss) / self._steps,
                "train_accuracy": int(self._correct) / self._seen,
                "flip_ratio": sum(flips.values()) / (self._steps * weights),
                "flip_ratios": ratios, "rates": _named(self._network, rates),
                "spikes_per_inference": _named(self._network, spikes)}


def _build(recipe: Recipe, dataset: Dataset) -> Network:
    sizes = (dataset.train_x.shape[1], *recipe.hidden, len(dataset.classes))
    with torch.random.fork_rng(devices=[]):  # a library call leaves the caller's seed alone
        torch.manual_seed(recipe.seed)
        return fully_connected(sizes, timesteps=recipe.timesteps, gate=recipe.gate,
                               leak=recipe.leak, threshold=recipe.threshold, reset=recipe.reset,
                               coding=recipe.coding)


def _groups(network: Network) -> list[dict[str, Any]]:
    """Return the optimizer's groups: what learns at the full rate, and the gates."""
    named = dict(network.named_parameters())
    gates = [named.pop(name) for name in list(named) if name.endswith(".gate.alpha")]
    return [{"params": list(named.values()), "share": 1.0},
            {"params": gates, "share": _GATE_RATE}]


def _signs(network: Network) -> dict[str, Tensor]:
    """Return which weights are +1, by layer name."""
    return {name: weight >= 0 for name, weight in network.latent_weights().items()}


def _named(network: Network, values: Tensor) -> dict[str, float]:
    return {name: float(value) for name, value in zip(network.hidden, values, strict=True)}


def _gates(network: Network) -> dict[str, list[float]]:
    """Return each gate's alpha, and its constants where it has them, by layer."""
    gates = {}
    for name, layer in network.layers().items():
        if isinstance(layer.gate, AGMMGate):
            running = layer.gate.average == "running"
            gates[name] = (layer.gate.values() if running else layer.gate.alpha).tolist()
    return gates
