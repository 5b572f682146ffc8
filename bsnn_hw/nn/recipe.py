"""What a training run is made of: enough to repeat it bit for bit."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

from bsnn_hw.errors import InputError
from bsnn_hw.nn.data import DATASETS, is_own
from bsnn_hw.text import shown

__all__ = ["Recipe", "check_twin", "default_recipe", "recipe_from"]

GATES = ("agmm", "agmm-sample", "none")
RATIOS = ("free", "equal")
RESETS = ("hard", "soft")
CODINGS = ("direct", "events")
NETWORKS = ("fc", "recurrent", "conv", "residual")
WEIGHTS = ("binary", "int8-ends", "real")

# Per data set, what differs from the defaults below.
_DEFAULTS: dict[str, dict[str, Any]] = {
    "digits": {"hidden": (128, 64), "epochs": 40, "flips": False, "validation": 200},
    "fashion-mnist": {"hidden": (128, 96), "epochs": 40, "flips": True},
    "mnist": {"hidden": (128, 96), "epochs": 20, "flips": False},
    "cifar-10": {"hidden": (512, 256), "epochs": 40, "flips": True, "bits": 6},
    "cifar-100": {"hidden": (512, 256), "epochs": 40, "flips": True, "bits": 6},
}
# Of an .npz file of one's own: nothing is known of its samples.
_OWN: dict[str, Any] = {"hidden": (128, 96), "epochs": 40, "flips": False, "validation": 0}
# Per kind of network, what differs from those of the data set.
_NETWORK_DEFAULTS: dict[str, dict[str, Any]] = {
    "fc": {},
    "recurrent": {"hidden": (64,), "gate": "none"},
    "conv": {"hidden": (32, 64, 64, 128), "timesteps": 2, "epochs": 16,
             "rate_penalty": 0.05},
    "residual": {"hidden": (32, 32, 64, 64), "timesteps": 2, "epochs": 12,
                 "rate_penalty": 0.05},
}
# Fields younger than the first model files, left out at these values: repeated runs of then give
# the bytes of then.
_YOUNGER = {"network": "fc", "weights": "binary", "gate_ratios": "free", "shift": 0,
            "label_smoothing": 0.0, "distillation": 0.0, "kernels": (), "weight_bits": 1,
            "inputs_used": 0, "membrane_bits": 0}


@dataclass(frozen=True)
class Recipe:
    """Everything that the trained weights depend on; checked when it is made.

    dataset : one of `bsnn_hw.nn.data.DATASETS`, or the name of an .npz file of one's own
    hidden : neurons of each hidden layer; of "conv", the channels of each convolution and last
        the neurons of a fully connected layer; of "residual", the channels of each convolution
    epochs, timesteps, batch, seed, threads : int; threads, since sums depend on their order
    gate, reset, coding : one of `GATES`, `RESETS`, `CODINGS`
    leak : float in (0, 1]; threshold : float, positive
    bits : int, width of an input value
    learning_rate : float, of Adam, at the start of the cosine
    rate_penalty : float, weight of the sum of the layers' mean firing rates in the loss
    flips : bool, mirror half of the training images
    validation : int, samples at the end of the training data that are kept out of training
    device : "cpu" or "cuda"
    network : one of `NETWORKS`
    gate_ratios : one of `RATIOS`; "equal" keeps the circuit's leak a shift
    weights : "binary"; "int8-ends", those of the first layer and the readout of 8 bits; or "real"
        for the full-precision twin
    shift : int, pixels that a training image moves at most, down and across
    label_smoothing : float in [0, 1), share of a label that is spread over all classes
    distillation : float in [0, 1], share of the loss that is the distance from the scores of the
        trained full-precision twin
    kernels : (side, stride) of each convolution of "conv", else those of `convolutional`; a side
        that is even is its stride, so that patches lie side by side
    weight_bits : int, 1 to 8, of all weights that are not real and not those of "int8-ends"
    inputs_used : int, values of a sample that the network takes, those that tell most of the
        class; 0 for all
    membrane_bits : int, of the charged membranes without fraction bits, that training aims at; 0
        for no aim

    Raises
    ------
    InputError
        For a value outside its range; all of them at once.
    """

    dataset: str
    hidden: tuple[int, ...]
    epochs: int
    flips: bool
    timesteps: int = 4
    gate: str = "agmm"
    reset: str = "hard"
    coding: str = "direct"
    leak: float = 0.5
    threshold: float = 1.0
    bits: int = 4
    batch: int = 128
    learning_rate: float = 1e-2
    rate_penalty: float = 0.3
    validation: int = 5000
    seed: int = 0
    threads: int = 1
    device: str = "cpu"
    network: str = "fc"
    weights: str = "binary"
    gate_ratios: str = "free"
    shift: int = 0
    label_smoothing: float = 0.0
    distillation: float = 0.0
    kernels: tuple[tuple[int, int], ...] = ()
    weight_bits: int = 1
    inputs_used: int = 0
    membrane_bits: int = 0

    def __post_init__(self):
        problems = [f"{name}: must be {expected}, not {getattr(self, name)!r}; "
                    f"change --{name.replace('_', '-')}"
                    for name, expected, holds in self._rules() if not holds]
        if problems:
            raise InputError("\n".join(problems))

    def _rules(self):
        """Yield (field, what must hold, whether it does)."""
        yield "dataset", f"one of {', '.join(DATASETS)}, or an .npz file", (
            self.dataset in DATASETS or is_own(self.dataset))
        for name, choices in (("gate", GATES), ("gate_ratios", RATIOS), ("reset", RESETS),
                              ("coding", CODINGS), ("device", ("cpu", "cuda")),
                              ("network", NETWORKS), ("weights", WEIGHTS)):
            yield name, f"one of {', '.join(choices)}", getattr(self, name) in choices
        yield "hidden", "one or more sizes of at least 1", (
            len(self.hidden) > 0 and min(self.hidden) >= 1)
        if self.network == "conv":
            yield "hidden", "two or more sizes for conv", len(self.hidden) >= 2
        if self.kernels:
            yield from self._kernel_rules()
        for name in ("epochs", "timesteps", "threads"):
            yield name, "1 or more", getattr(self, name) >= 1
        # BatchNorm has no variance to work with in a batch of one.
        yield "batch", "2 or more", self.batch >= 2
        for name in ("rate_penalty", "validation", "seed", "shift", "inputs_used"):
            yield name, "0 or more", 0 <= getattr(self, name) < float("inf")
        yield "weight_bits", "1 to 8", 1 <= self.weight_bits <= 8
        yield "gate", "agmm or none in a recurrent network, whose currents are added", (
            self.network != "recurrent" or self.gate != "agmm-sample")
        yield "inputs_used", "0 but for fc and recurrent, whose first layer is no convolution", (
            self.network in ("fc", "recurrent") or not self.inputs_used)
        if self.membrane_bits:
            yield "membrane_bits", "2 to 32, or 0 for no aim", 2 <= self.membrane_bits <= 32
            yield "membrane_bits", "0 but for fc and conv with constant gates, no real weights", (
                self.network in ("fc", "conv") and self.gate != "agmm-sample"
                and self.weights != "real")
        yield "leak", "in (0, 1]", 0 < self.leak <= 1
        yield "label_smoothing", "in [0, 1)", 0 <= self.label_smoothing < 1
        yield "distillation", "in [0, 1]", 0 <= self.distillation <= 1
        yield "distillation", "0 with real weights", self.weights != "real" or not self.distillation
        for name in ("threshold", "learning_rate"):
            yield name, "positive", 0 < getattr(self, name) < float("inf")

    def _kernel_rules(self):
        """The same of `kernels`, where they are given."""
        yield "kernels", "left out but for conv", self.network == "conv"
        yield "kernels", "as many as convolutions", len(self.kernels) == len(self.hidden) - 1
        yield "kernels", "side/stride of at least 1, the side odd or equal to its stride", all(
            min(side, stride) >= 1 and (side % 2 or side == stride)
            for side, stride in self.kernels)

    def input_shape(self, image: tuple[int, ...]) -> tuple[int, ...]:
        """Return the shape of a sample of `image` = (height, width), or with channels before them,
        as the network takes it."""
        if self.network in ("fc", "recurrent"):
            return (self.inputs_used or math.prod(image),)
        return image if len(image) == 3 else (1, *image)

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as primitives, tuples as lists."""
        fields = {key: value for key, value in dataclasses.asdict(self).items()
                  if key not in _YOUNGER or value != _YOUNGER[key]}
        lists = {"hidden": list(self.hidden), "kernels": [list(each) for each in self.kernels]}
        return fields | {key: value for key, value in lists.items() if key in fields}


def default_recipe(dataset: str, **changes: Any) -> Recipe:
    """Return the recipe of `dataset`, with `changes`.

    Raises
    ------
    InputError
        For an unknown data set or a value outside its range.
    """
    usual = _OWN if is_own(dataset) else _DEFAULTS.get(dataset)
    if usual is None:
        raise InputError(f"dataset: must be one of {', '.join(DATASETS)}, or an .npz file of "
                         f"samples, not {shown(dataset)}")
    network = _NETWORK_DEFAULTS.get(changes.get("network", "fc"), {})
    return Recipe(dataset, **usual | network | changes)


def recipe_from(fields: dict[str, Any]) -> Recipe:
    """Rebuild a recipe from `Recipe.as_dict`.

    Raises
    ------
    InputError
        When fields are missing, unknown or out of range.
    """
    try:
        kernels = tuple(tuple(kernel) for kernel in fields.get("kernels", ()))
        return Recipe(**fields | {"hidden": tuple(fields["hidden"]), "kernels": kernels})
    except (TypeError, KeyError) as error:
        raise InputError(f"recipe: must have the fields of this version, {error}; "
                         f"train again") from error


def check_twin(recipe: Recipe, twin: Recipe | None) -> None:
    """Check that `twin` is the full-precision twin of `recipe`, at equal epochs.

    Raises
    ------
    InputError
        When there is none, or it was trained otherwise; names what differs.
    """
    if twin is None:
        raise InputError("twin: must be given with distillation, none is; train it with "
                         "`weights` real and give its checkpoint")
    wanted = dataclasses.replace(recipe, weights="real", distillation=0.0, device=twin.device,
                                 threads=twin.threads, weight_bits=twin.weight_bits,
                                 membrane_bits=0)
    differing = [f"{key} is {getattr(twin, key)!r}, not {value!r}"
                 for key, value in dataclasses.asdict(wanted).items()
                 if getattr(twin, key) != value]
    if differing:
        raise InputError(f"twin: must have this recipe with real weights, its "
                         f"{'; its '.join(differing)}; train it with the same options")
