"""``python -m bsnn_hw.train``: train a binary spiking network and write its model file."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from bsnn_hw.command import run_verb
from bsnn_hw.errors import InputError
from bsnn_hw.nn.data import DATASETS, is_own
from bsnn_hw.progress import counted, step

__all__ = ["main", "train"]

_NOT_RECIPE = {"dataset", "data_dir", "out", "resume", "twin", "force", "talk"}


def main(arguments: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    return run_verb(_parser(), _act, arguments)


def _act(options: argparse.Namespace) -> None:
    try:
        train(options)
    except KeyboardInterrupt as error:
        checkpoint = _out(options).with_suffix(".checkpoint")
        error.add_note(f"continue with --resume {checkpoint}" if checkpoint.exists()
                       else "start again")
        raise


def train(options: argparse.Namespace) -> dict[str, Any]:
    """Train as the options say; return the evaluation on the test set.

    Writes ``OUT``, and beside it ``.checkpoint`` after every epoch and ``.jsonl``, the log.

    Raises
    ------
    InputError
        For options, data or a checkpoint that cannot be used.
    """
    trainer = _trainer(options)
    out = _out(options)
    _save_progress(trainer, out)  # an unusable folder is noticed before the work, not after
    print(_headline(trainer))
    while not trainer.finished:
        with step(_epoch(trainer)):
            line = trainer.run_epoch(_told)
        _save_progress(trainer, out)
        print(_epoch_text(trainer, line))
    with step(f"{len(trainer.dataset.test_x):,} test samples classified"):
        result = trainer.test()
    _save_results(trainer, result, out)
    print(_result_text(trainer, result, out))
    return result


def _trainer(options: argparse.Namespace):
    changes = {key: value for key, value in vars(options).items()
               if key not in _NOT_RECIPE and value is not None}
    if _out(options).suffix not in (".pt", ".safetensors"):
        raise InputError(f"{_out(options)}: the model file must end in .pt or .safetensors; "
                         f"give another --out")
    own = _own(options)
    if options.resume is None:
        recipe, state = _fresh_recipe(options, changes, own), None
        _refuse_overwriting(options)
    else:
        recipe, state = _resumed_recipe(options, changes, own)
    from bsnn_hw.nn.data import load
    from bsnn_hw.nn.files import load_checkpoint
    from bsnn_hw.nn.training import Trainer
    from bsnn_hw.scratch import scratch_root

    # torch makes a folder for compiled code with every optimizer, and leaves it in $TMPDIR.
    os.environ.setdefault("TORCHINDUCTOR_CACHE_DIR", str(scratch_root()))
    if own is None and is_own(recipe.dataset):
        raise InputError(f"dataset: must be given again when a run on a file is resumed; give the "
                         f"path of {recipe.dataset}")
    with step(f"{recipe.dataset} read"):
        data = own or load(recipe.dataset, options.data_dir, recipe.bits)
    twin = None if options.twin is None else load_checkpoint(options.twin)
    return Trainer(recipe, data, state, twin)


def _own(options: argparse.Namespace):
    """The samples of an .npz file, or None."""
    if options.dataset is None or not is_own(options.dataset):
        return None
    from bsnn_hw.nn.own import load_own

    with step(f"{options.dataset} read"):
        return load_own(options.dataset)


def _fresh_recipe(options: argparse.Namespace, changes: dict[str, Any], own):
    from bsnn_hw.nn.recipe import default_recipe

    if options.dataset is None:
        raise InputError(f"dataset: must be one of {', '.join(DATASETS)}, an .npz file of "
                         f"samples, or --resume, none given; name one")
    if own is None:
        return default_recipe(options.dataset, **changes)
    from bsnn_hw.nn.own import own_changes

    return default_recipe(**own_changes(own, changes))


def _resumed_recipe(options: argparse.Namespace, changes: dict[str, Any], own):
    from bsnn_hw.nn.files import load_checkpoint
    from bsnn_hw.nn.own import own_changes
    from bsnn_hw.nn.recipe import recipe_from

    state = load_checkpoint(options.resume)
    recipe = recipe_from(state["recipe"])
    if "device" in changes:  # where the work goes on, not what it is
        recipe = replace(recipe, device=changes.pop("device"))
    if options.dataset is not None:
        changes["dataset"] = Path(options.dataset).name
    for key, value in changes.items():
        if getattr(recipe, key) != value:
            raise InputError(f"{options.resume}: {key} must stay {getattr(recipe, key)!r} when a "
                             f"run is resumed, not {value!r}; leave the option out")
    if own is not None:
        own_changes(own, recipe.as_dict())
    return recipe, state


def _refuse_overwriting(options: argparse.Namespace) -> None:
    out = _out(options)
    for path in (out, out.with_suffix(".checkpoint")):
        if path.exists() and not options.force:
            raise InputError(f"{path}: must not exist yet; give another --out, --resume its "
                             f"checkpoint, or --force to overwrite")


def _out(options: argparse.Namespace) -> Path:
    if options.out is not None:
        return options.out
    if options.resume is not None:
        return options.resume.with_suffix(".pt")
    name = str(options.dataset)
    name = Path(name).stem if is_own(name) else name
    return Path("runs") / f"{name.replace('-', '_')}_{options.network or 'fc'}.pt"


def _epoch(trainer) -> str:
    return f"epoch {trainer.epoch + 1} of {trainer.recipe.epochs}"


def _told(batches: Sequence[int]) -> Iterator[int]:
    """``batches``, and now and then a line that says how many are behind."""
    done = counted(len(batches), "batches")
    for count, batch in enumerate(batches):
        done(count)
        yield batch


def _save_progress(trainer, out: Path) -> None:
    from bsnn_hw.nn.files import save_checkpoint, write_whole

    save_checkpoint(out.with_suffix(".checkpoint"), trainer.state())
    write_whole(out.with_suffix(".jsonl"), _log(trainer))


def _save_results(trainer, result: dict[str, Any], out: Path) -> None:
    from bsnn_hw.nn.export import save_trained
    from bsnn_hw.nn.files import write_whole

    write_whole(out.with_suffix(".jsonl"), _log(trainer, {"test": result}))
    if trainer.recipe.weights == "real":
        return  # its checkpoint stays: a binary network can learn from it
    save_trained(out, trainer, result["accuracy"])
    # A finished run has nothing to continue; the model holds the recipe.
    out.with_suffix(".checkpoint").unlink(missing_ok=True)


def _log(trainer, *last: dict[str, Any]) -> bytes:
    lines = [{"recipe": trainer.recipe.as_dict()}, *trainer.history, *last]
    return "".join(json.dumps(line) + "\n" for line in lines).encode()


def _headline(trainer) -> str:
    recipe = trainer.recipe
    shape = "x".join(map(str, recipe.input_shape(trainer.dataset.shape)))
    sizes = [shape, *recipe.hidden, len(trainer.dataset.classes)]
    kind = "" if recipe.network == "fc" else f"{recipe.network} "
    counts: dict[int, int] = {}
    for synapse in trainer.network.synapses().values():
        counts[synapse.weight_bits] = counts.get(synapse.weight_bits, 0) + synapse.weight.numel()
    one = "real" if recipe.weights == "real" else "binary"
    weights = " and ".join(f"{count:,} {one if bits == 1 else f'{bits}-bit'}"
                           for bits, count in sorted(counts.items()))
    start = f", from epoch {trainer.epoch}" if trainer.epoch else ""
    return (f"{recipe.dataset} {kind}{'-'.join(map(str, sizes))}, {weights} weights, "
            f"T = {recipe.timesteps}, gate {recipe.gate}, seed {recipe.seed}{start}")


def _epoch_text(trainer, line: dict[str, Any]) -> str:
    rates = " ".join(f"{name} {rate:.3f}" for name, rate in line["rates"].items())
    validation = line["validation_accuracy"]
    checked = "" if validation is None else f"  validation {validation:7.2%}"
    flips = "none" if line["flip_ratio"] is None else f"{line['flip_ratio']:.2e}"
    return (f"epoch {line['epoch']:3}/{trainer.recipe.epochs}  loss {line['loss']:.4f}  training "
            f"{line['train_accuracy']:7.2%}{checked}  π {flips}  firing {rates}")


def _result_text(trainer, result: dict[str, Any], out: Path) -> str:
    spikes = ", ".join(f"{name} {count:.1f}"
                       for name, count in result["spikes_per_inference"].items())
    written = (f"model {out}" if trainer.recipe.weights != "real" else
               f"no model: real weights are to compare with and to learn from (--twin "
               f"{out.with_suffix('.checkpoint')}), and no circuit holds them")
    wide = trainer.history[-1].get("membrane_bits", {})
    bits = "membranes without fraction bits: " + ", ".join(f"{name} {each} bits"
                                                           for name, each in wide.items())
    return (f"test {result['accuracy']:.2%} of {result['samples']:,} samples; spikes per "
            f"inference: {spikes}\n" + (f"{bits}\n" if wide else "") + written)


def _dataset(text: str) -> str:
    if text not in DATASETS and not is_own(text):
        raise argparse.ArgumentTypeError(f"must be one of {', '.join(DATASETS)}, or an .npz file "
                                         f"of samples, not {text!r}")
    return text


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(","))


def _kernels(text: str) -> tuple[tuple[int, int], ...]:
    sides = (each.partition("/") for each in text.split(","))
    return tuple((int(side), int(stride or 1)) for side, _, stride in sides)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m bsnn_hw.train",
        description="Train a binary spiking network on a data set and write model.pt; beside it a "
        "checkpoint after every epoch and a log (JSON lines).")
    parser.add_argument("dataset", nargs="?", type=_dataset, help=f"{', '.join(DATASETS)}, or an "
        ".npz file of samples (docs/training.md); left out with --resume, but for a file")
    add = parser.add_argument
    add("--network", choices=("fc", "recurrent", "conv", "residual"), help="fully connected; the "
        "same with each hidden layer's own spikes of the timestep before; convolutional, or "
        "convolutional with the current carried around each convolution (fc)")
    add("--hidden", type=_sizes, metavar="N,N", help="neurons of each hidden layer (128,96; "
        "digits 128,64; cifar 512,256; recurrent 64); conv: channels of each convolution and "
        "neurons of a dense layer (32,64,64,128); residual: channels of each convolution "
        "(32,32,64,64)")
    add("--kernels", type=_kernels, metavar="K/S,K/S", help="conv: side and stride of each "
        "convolution (5/2,3/2,3/1); 4/4 takes patches that lie side by side")
    add("--inputs-used", type=int, metavar="N", help="fc and recurrent: take only the N values of "
        "a sample that tell most of the class; the circuit gets no other and has no weights for "
        "them (all)")
    add("--membrane-bits", type=int, metavar="N", help="fc and conv: aim at membranes of at most N "
        "bits before fraction bits; generate has the same option (no aim)")
    add("--weights", choices=("binary", "int8-ends", "real"), help="int8-ends has 8 bits in the "
        "first layer and the readout, else binary; real is the full-precision twin, to compare "
        "with and to learn from: it leaves a log and its checkpoint, and no model (binary)")
    add("--weight-bits", type=int, metavar="N", help="of all weights, signs with 1, ternary with "
        "2, up to 8; those of int8-ends aside (1)")
    add("--timesteps", type=int, metavar="T", help="timesteps per inference (4; conv and "
        "residual 2)")
    add("--gate", choices=("agmm", "agmm-sample", "none"), help="AGMM gate with a running average "
        "at inference, with the sample's own average, or none, the control (agmm; recurrent none)")
    add("--gate-ratios", choices=("free", "equal"), help="gates of a layer from one timestep "
        "to the next: as they are learnt, or all equal, so that the circuit's leak stays a shift "
        "(free)")
    add("--coding", choices=("direct", "events"), help="input as integers once per inference, or "
        "as spikes, thermometer over time (direct)")
    add("--bits", type=int, help="width of an input value in bits, 1 to 8 (4; cifar 6)")
    add("--reset", choices=("hard", "soft"), help="membrane after a spike: 0, or less the "
        "threshold (hard)")
    add("--leak", type=float, help="share of the membrane kept per timestep, (0, 1]; 1 is IF (0.5)")
    add("--threshold", type=float, help="firing threshold, positive (1.0)")
    add("--rate-penalty", type=float, metavar="MU", help="loss per unit of the layers' summed "
        "firing rates (0.3; conv and residual 0.05)")
    add("--epochs", type=int, help="passes over the training data (40; mnist 20; "
        "conv 16, residual 12)")
    add("--batch", type=int, help="samples per step (128)")
    add("--learning-rate", type=float, help="of Adam, at the start of the cosine (0.01)")
    add("--validation", type=int, metavar="N", help="last N training samples kept out of training "
        "(5000; digits 200)")
    add("--flips", action=argparse.BooleanOptionalAction, default=None, help="mirror half of the "
        "training images (fashion-mnist, cifar)")
    add("--shift", type=int, metavar="N", help="move each training image by up to N pixels, down "
        "and across; zeros come in (0)")
    add("--label-smoothing", type=float, metavar="SHARE", help="of each label, spread over all "
        "classes (0)")
    add("--distillation", type=float, metavar="SHARE", help="of the loss that is the distance from "
        "the scores of the full-precision twin; with --twin (0)")
    add("--twin", type=Path, metavar="CHECKPOINT", help="what a run of the same recipe with "
        "--weights real left; also with --resume")
    add("--seed", type=int, help="of weights and order (0)")
    add("--threads", type=int, help="CPU threads; results are equal for an equal number (1)")
    add("--device", choices=("cpu", "cuda"), help="where to train; a run may be resumed on the "
        "other (cpu)")
    add("--data-dir", type=Path, help="folder of the IDX files, or of CIFAR's archives (the "
        "system's and torchvision's are searched)")
    add("--out", type=Path, help="model file (runs/DATASET_NETWORK.pt)")
    add("--resume", type=Path, metavar="CHECKPOINT", help="continue an interrupted run, exactly")
    add("--force", action="store_true", help="overwrite an existing model and checkpoint")
    return parser


if __name__ == "__main__":
    sys.exit(main())
