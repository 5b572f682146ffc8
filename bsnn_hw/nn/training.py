"""The training loop: surrogate gradients, straight-through weights, exact resume."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bsnn_hw.errors import InputError
from bsnn_hw.nn.augmentation import mirrored, shifted
from bsnn_hw.nn.building import build, distance, teacher
from bsnn_hw.nn.data import Dataset, encode_events
from bsnn_hw.nn.gate import AGMMGate
from bsnn_hw.nn.inputs import most_telling
from bsnn_hw.nn.membrane import Membranes
from bsnn_hw.nn.network import Network, Output
from bsnn_hw.nn.recipe import Recipe
from bsnn_hw.nn.replay import Replayed, own_stream
from bsnn_hw.nn.tally import Tally, by_layer

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
    twin : what `state` returned of the trained full-precision twin; for a recipe with distillation

    Members
    -------
    network : Network
    epoch : int, finished epochs
    history : list of dict of primitives, one per finished epoch (docs/training.md)
    used : Tensor or None, int64, indexes of the values that the network takes; None for all

    Raises
    ------
    InputError
        When the device is absent, the validation split leaves no training data, or `state` or
        `twin` does not fit the recipe.
    """

    def __init__(self, recipe: Recipe, dataset: Dataset, state: dict[str, Any] | None = None,
                 twin: dict[str, Any] | None = None):
        samples = len(dataset.train_x) - recipe.validation
        if samples < recipe.batch:
            raise InputError(f"validation: must leave at least one batch of {recipe.batch}, leaves "
                             f"{samples} of {len(dataset.train_x)}; lower `validation` or `batch`")
        if recipe.device == "cuda" and not torch.cuda.is_available():
            raise InputError("device: cuda must be usable, found none; use `device` cpu")
        torch.set_num_threads(recipe.threads)
        self.recipe = recipe
        self.dataset = dataset
        self.epoch = 0
        self.history: list[dict[str, Any]] = []
        self._inputs, self._labels = self._tensors(dataset.train_x, dataset.train_y)
        self._batches = samples // recipe.batch
        self._samples = samples
        self.used = self._chosen_inputs()
        self.network = build(recipe, dataset).to(recipe.device)
        self._membranes = Membranes(self.network, 1 if recipe.coding == "events" and
                                    dataset.timesteps is None else recipe.bits)
        if recipe.membrane_bits:
            self._membranes.check(recipe.membrane_bits)
        self._teacher = teacher(recipe, dataset, twin)
        # A recorded step reads its learning rates from the GPU's memory.
        recorded = recipe.device == "cuda" and recipe.coding == "direct"
        self._optimizer = torch.optim.Adam(_groups(self.network), lr=recipe.learning_rate,
                                           fused=True, capturable=recorded)
        if state is not None:
            self._restore(state)
        for group in self._optimizer.param_groups:  # a checkpoint may be of another device
            group["capturable"] = recorded
            group["lr"] = torch.zeros((), device=recipe.device) if recorded else 0.0
        self._advance = Replayed(self._update) if recorded else self._update

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
        progress : wraps the iterable of batches, to tell of progress

        Raises
        ------
        InputError
            When the loss is no longer finite.
        """
        with own_stream(self.recipe.device):
            return self._run_epoch(progress)

    def _run_epoch(self, progress: Callable[[Iterable], Iterable]) -> dict[str, Any]:
        self.network.train()
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.epoch)
        order = torch.randperm(self._samples, generator=generator).to(self.recipe.device)
        tally = Tally(self.network)
        for step in progress(range(self._batches)):
            chosen = order[step * self.recipe.batch:(step + 1) * self.recipe.batch]
            inputs = self._augment(self._inputs[chosen], generator)
            self._step_number = step + 1
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

    def _augment(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        """Change images at random; all frames of a sample alike."""
        images = inputs.view(len(inputs), -1, *self.dataset.shape[-2:])
        if self.recipe.flips:
            images = mirrored(images, generator)
        if self.recipe.shift:
            images = shifted(images, self.recipe.shift, generator)
        return images.reshape(inputs.shape)

    def _encode(self, inputs: Tensor) -> Tensor:
        """Turn integers (batch, size) or (batch, T, size) into what the network takes."""
        if self.used is not None:
            inputs = inputs[..., self.used]
        if self.dataset.timesteps is not None:
            values = inputs.float().transpose(0, 1) / ((1 << self.recipe.bits) - 1)
        elif self.recipe.coding == "events":
            events = encode_events(inputs.cpu().numpy(), self.recipe.timesteps, self.recipe.bits)
            values = torch.from_numpy(events).to(self.recipe.device, torch.float32)
        else:
            values = inputs.float() / ((1 << self.recipe.bits) - 1)
        return values.unflatten(-1, self.recipe.input_shape(self.dataset.shape))

    def _chosen_inputs(self) -> Tensor | None:
        """Which values of a sample enter; the validation split has no say."""
        if not self.recipe.inputs_used:
            return None
        chosen = most_telling(self.dataset.train_x[:self._samples],
                              self.dataset.train_y[:self._samples], self.recipe.inputs_used)
        return torch.from_numpy(chosen).to(self.recipe.device)

    def _set_learning_rate(self, step: int) -> None:
        share = step / (self.recipe.epochs * self._batches)
        for group in self._optimizer.param_groups:
            rate = self.recipe.learning_rate * (1 + math.cos(math.pi * share)) / 2
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate * group["share"])
            else:
                group["lr"] = rate * group["share"]

    def _step(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Output]:
        loss, output = self._advance(inputs, labels)
        self._check(loss)
        # Neurons that get what is no number stay silent, and the loss does not tell.
        if not torch.stack(torch._foreach_norm(list(self.network.parameters()))).isfinite().all():
            raise self._diverged("weights must be finite")
        return loss, output

    def _update(self, inputs: Tensor, labels: Tensor) -> tuple[Tensor, Output]:
        """One step of the optimizer; on a GPU it is recorded, and waits for nothing."""
        values = self._encode(inputs)
        output = self.network(values)
        loss = self._loss(values, output.logits, labels)
        if self.recipe.device == "cpu":
            self._check(loss.detach())
        self._optimizer.zero_grad()
        (loss + self._penalties(output)).backward()
        self._optimizer.step()
        self.network.clip()
        return loss.detach(), output

    def _penalties(self, output: Output) -> Tensor:
        """Return what spikes cost, and membranes beyond their width."""
        cost = self.recipe.rate_penalty * output.rates.sum()
        if self.recipe.membrane_bits:
            cost = cost + self._membranes.excess(self.recipe.membrane_bits)
        return cost

    def _loss(self, values: Tensor, logits: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy, and the distance from the teacher's probabilities."""
        loss = functional.cross_entropy(logits, labels,
                                        label_smoothing=self.recipe.label_smoothing)
        if self._teacher is None:
            return loss
        with torch.no_grad():
            wanted = self._teacher(values).logits
        return loss.lerp(distance(logits, wanted), self.recipe.distillation)

    def _check(self, loss: Tensor) -> None:
        if not math.isfinite(loss):
            raise self._diverged(f"the loss must be finite, is {loss:g}")

    def _diverged(self, problem: str) -> InputError:
        """Say in which step, and which numbers are the first that are not finite."""
        first = next((name.removeprefix("hidden.") for name, values in
                      self.network.state_dict().items() if not values.isfinite().all()), "none")
        return InputError(f"epoch {self.epoch + 1}, step {self._step_number}: {problem}; the first "
                          f"of the network that is not: {first}; lower `learning_rate`")

    def _line(self, tally: Tally) -> dict[str, Any]:
        line = {"epoch": self.epoch, **tally.means()}
        validation = self.validate()
        line["validation_accuracy"] = validation["accuracy"] if validation else None
        line["gates"] = _gates(self.network)
        if self.recipe.membrane_bits:
            line["membrane_bits"] = self._membranes.widths()
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
            slots = torch.tensor([layer[:, 0].numel() for layer in output.spikes])
        spikes /= len(labels)
        return {"accuracy": correct / len(labels), "samples": len(labels),
                "rates": by_layer(self.network, spikes / slots),
                "spikes_per_inference": by_layer(self.network, spikes)}

    def _restore(self, state: dict[str, Any]) -> None:
        try:
            self.network.load_state_dict(state["network"])
            self._optimizer.load_state_dict(state["optimizer"])
            self.epoch, self.history = int(state["epoch"]), list(state["history"])
        except (RuntimeError, ValueError, KeyError, TypeError) as error:
            raise InputError("checkpoint: its tensors must fit its recipe, they do not; "
                             "train again") from error


def _groups(network: Network) -> list[dict[str, Any]]:
    """Return the optimizer's groups: what learns at the full rate, and the gates."""
    named = dict(network.named_parameters())
    gates = [named.pop(name) for name in list(named) if name.endswith(".gate.alpha")]
    return [{"params": list(named.values()), "share": 1.0},
            {"params": gates, "share": _GATE_RATE}]


def _gates(network: Network) -> dict[str, list[float]]:
    """Return each gate's alpha, and its constants where it has them, by layer."""
    gates = {}
    for name, module in network.named_modules():
        if isinstance(module, AGMMGate):
            layer = name.removeprefix("hidden.").removesuffix(".gate").replace("shortcuts.",
                                                                               "shortcut")
            running = module.inference == "running"
            gates[layer] = (module.values() if running else module.alpha).tolist()
    return gates
