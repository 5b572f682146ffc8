"""``python -m evidence.fuzz --files N``: damaged files of every kind end in one of our messages.

Each file is a good one with bytes, structure or values changed, drawn from its number.  Reading it
must succeed or raise a BsnnError, within 10 seconds and a gigabyte of memory, and write nothing.
"""

from __future__ import annotations

import argparse
import io
import json
import resource
import shutil
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bsnn_hw.command import run_verb
from bsnn_hw.errors import BsnnError, InputError, MismatchError
from bsnn_hw.scratch import scratch_folder
from evidence.fuzz_models import documents
from evidence.mutations import (
    mutated_bytes,
    mutated_json,
    mutated_lines,
    mutated_records,
    mutated_tree,
    plain_values,
)

__all__ = ["KINDS", "Good", "check_file", "fuzz", "good_files", "main"]

MOST_SECONDS = 10
MOST_BYTES = 1 << 30  # of memory that is in use at once, torch and all else included
MOST_CHARACTERS = 20_000  # of a message


@dataclass(frozen=True)
class Good:
    """A good file: ``make`` draws a damaged one of it, ``read`` reads what lies at ``path``."""

    path: Path
    data: bytes
    make: Callable[[np.random.Generator], bytes]
    read: Callable[[Path], object]


def fuzz(bundle: Path, numbers: range, scratch: Path) -> Counter[tuple[str, str]]:
    """Read a damaged file for each of ``numbers``; count (kind, "read" or "refused").

    bundle : folder of a bundle, which is not changed
    scratch : Path of an empty folder

    Raises
    ------
    MismatchError
        A file had another end; names its number.
    """
    goods = good_files(bundle, scratch)
    counts: Counter[tuple[str, str]] = Counter()
    for number in numbers:
        rng = np.random.default_rng(number)
        kind = list(KINDS)[number % len(KINDS)]
        good = goods[kind][rng.integers(len(goods[kind]))]
        try:
            counts[kind, check_file(good, good.make(rng), scratch)] += 1
        except MismatchError as error:
            raise MismatchError(f"file {number}, {kind}: {error}") from error
    return counts


def good_files(bundle: Path, scratch: Path) -> dict[str, list[Good]]:
    """Good files of each kind, in folders of their own under ``scratch``."""
    found = {}
    for kind, make in KINDS.items():
        (scratch / kind).mkdir()
        found[kind] = make(scratch / kind, bundle)
    return found


def check_file(good: Good, data: bytes, scratch: Path) -> str:
    """Put ``data`` in the good file's place and read it: "read" or "refused".

    Raises
    ------
    MismatchError
        It had another end, took too long or too much, or something was written.
    """
    good.path.write_bytes(data)
    before, used = _listing(scratch), _memory()
    try:
        with _alarm():
            good.read(good.path)
        end = "read"
    except BsnnError as error:
        end = "refused"
        if not 0 < len(str(error)) <= MOST_CHARACTERS:
            raise MismatchError(f"a message of {len(str(error))} characters") from error
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        raise MismatchError(f"must end in one of our errors, not in {type(error).__name__}: "
                            f"{str(error)[:200]} ({Path(where.filename).name}, line "
                            f"{where.lineno})") from error
    if _memory() > max(MOST_BYTES, used):
        raise MismatchError(f"must need at most {MOST_BYTES} bytes, not {_memory()}")
    if _listing(scratch) != before:
        raise MismatchError("must write nothing")
    good.path.write_bytes(good.data)
    return end


def _listing(folder: Path) -> list[tuple[str, int, int]]:
    return sorted((str(path), (about := path.stat()).st_size, about.st_mtime_ns)
                  for path in folder.rglob("*"))


def _memory() -> int:
    """The most bytes that this process has ever had in use."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@contextmanager
def _alarm() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError(f"longer than {MOST_SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(MOST_SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def _values() -> list[Any]:
    """Values for a model's document: tensors of wrong kinds and shapes, and lists without end."""
    import torch

    endless: Any = ["a", "b"]
    for _ in range(60):
        endless = [endless, endless]
    tensors = [torch.zeros(0), torch.zeros(3, 4), torch.ones(2), torch.ones(4, 4) * torch.nan,
               torch.tensor(0.5), torch.tensor(3), torch.ones(2, 2, dtype=torch.int8),
               torch.ones(2, dtype=torch.complex64), torch.ones(2, 2, dtype=torch.bool),
               torch.eye(3).to_sparse(), torch.ones(1).expand(10**6, 10**6),
               torch.ones(3, 3, dtype=torch.uint8), torch.full((4, 4), 1e300, dtype=torch.float64)]
    return [*plain_values(), endless, {1: 2}, b"x", (1, 2), *tensors]


def _torch_files(folder: Path, _: Path) -> list[Good]:
    import torch

    values = _values()

    def saved(tree):
        buffer = io.BytesIO()
        torch.save(tree, buffer)
        return buffer.getvalue()

    def make(document):
        whole = saved(document)

        def draw(rng):
            draws = rng.random()
            if draws < 0.6:
                return saved(mutated_tree(rng, document, values))
            return mutated_bytes(rng, whole) if draws < 0.7 else mutated_records(rng, whole)

        return Good(folder / "model.pt", whole, draw, _read_model)

    return [make(document) for document in documents()]


def _safetensors_files(folder: Path, _: Path) -> list[Good]:
    from safetensors.torch import load, save

    from bsnn_hw.model import format as model_format

    def make(document):
        model_format.save(folder / "model.safetensors", document)
        whole = (folder / "model.safetensors").read_bytes()
        size = int.from_bytes(whole[:8], "little")
        header, tensors = whole[8:8 + size].decode(), load(whole)
        text = json.loads(header)["__metadata__"]["bsnn-hw"]

        def draw(rng):
            draws = rng.random()
            if draws < 0.4:
                return save(tensors, {"bsnn-hw": mutated_json(rng, text)})
            if draws < 0.8:
                changed = mutated_json(rng, header).encode()
                return len(changed).to_bytes(8, "little") + changed + whole[8 + size:]
            return mutated_bytes(rng, whole)

        return Good(folder / "model.safetensors", whole, draw, _read_model)

    return [make(document) for document in documents()]


def _read_model(path: Path) -> None:
    from bsnn_hw.lowering.lower import lower
    from bsnn_hw.model.format import load

    lower(load(path))


def _checkpoints(folder: Path, _: Path) -> list[Good]:
    import torch

    from bsnn_hw.nn.files import load_checkpoint, save_checkpoint

    tree = {"recipe": {"dataset": "digits", "hidden": [3]}, "epoch": 1, "network": {
        "a": torch.ones(3)}, "optimizer": {"state": {0: {"step": torch.tensor(1.0)}}},
        "history": []}
    path = folder / "model.checkpoint"
    save_checkpoint(path, tree)
    whole, values = path.read_bytes(), _values()

    def draw(rng):
        if rng.random() < 0.5:
            buffer = io.BytesIO()
            torch.save(mutated_tree(rng, {"format": "bsnn-hw/checkpoint", "version": 1} | tree,
                                    values), buffer)
            return buffer.getvalue()
        return mutated_records(rng, whole)

    return [Good(path, whole, draw, load_checkpoint)]


def _array_files(folder: Path, bundle: Path) -> list[Good]:
    from bsnn_hw.ir import store
    from bsnn_hw.samples import find_samples, shape_of

    shape = shape_of(store.read(bundle / "network.json"))
    test = np.zeros((4, *shape.array), np.uint8)
    arrays = {"test_x": test, "train_x": test, "test_y": np.zeros(4, np.int64)}
    hostile = [np.zeros(0), np.zeros((4, 1)), np.array("name"), np.array([{}], object),
               np.full(test.shape, 255), test.astype(float), test.astype(">i8") - 1,
               test[..., None], np.arange(1, 5), np.array([1 << 63, 0, 0, 0], np.uint64),
               np.ones(4, bool), np.zeros(4, "datetime64[s]"), np.zeros(4, "i,i")]

    def packed(values, save=np.savez):
        buffer = io.BytesIO()
        save(buffer, **values)
        return buffer.getvalue()

    def draw(rng):
        if rng.random() < 0.5:
            return mutated_records(rng, packed(arrays))
        changed = dict(arrays)
        key = str(rng.choice(["test_x", "train_x", "test_y", "name"]))
        changed[key] = hostile[rng.integers(len(hostile))]
        return packed(changed, np.savez_compressed if rng.random() < 0.5 else np.savez)

    def read(path):
        find_samples(shape, None, folder, data=str(path), data_dir=None)

    return [Good(folder / "samples.npz", packed(arrays), draw, read)]


def _plan_files(folder: Path, bundle: Path) -> list[Good]:
    from bsnn_hw.ir import store
    from bsnn_hw.planning.plan_file import read_plan

    network = store.read(bundle / "network.json")
    text = 'target = "ecp5-25k"\ngoal = "fps=100"\nclock = 50\n' + (
        bundle / "plan.toml").read_text(encoding="utf-8")

    def draw(rng):
        if rng.random() < 0.2:
            return mutated_bytes(rng, text.encode())
        return mutated_lines(rng, text).encode("utf-8", "surrogatepass")

    return [Good(folder / "plan.toml", text.encode(), draw,
                 lambda path: read_plan(path).schedule(network))]


def _bundle_files(folder: Path, bundle: Path) -> list[Good]:
    from bsnn_hw.emission.opened import check_edits, open_bundle, read_manifest
    from bsnn_hw.emission.replaced import check_replaceable
    from bsnn_hw.emission.vectors import check_vectors

    copied = folder / "bundle"
    shutil.copytree(bundle, copied)

    def read(_):
        with suppress(InputError):  # of itself no reason not to open it
            check_replaceable(copied, True)
        design = open_bundle(copied)
        check_vectors(design, copied / "vectors", read_manifest(copied)["vectors"])
        check_edits(copied, True)

    def text_file(name):
        text = (copied / name).read_text(encoding="utf-8")
        return Good(copied / name, text.encode(), lambda rng: (
            mutated_bytes(rng, text.encode()) if rng.random() < 0.2
            else mutated_json(rng, text).encode("utf-8", "surrogatepass")), read)

    def byte_file(path):
        whole = path.read_bytes()
        return Good(path, whole, lambda rng: mutated_bytes(rng, whole), read)

    return [text_file("manifest.json"), text_file("network.json"),
            *map(byte_file, sorted((copied / "vectors").glob("*.npy"))),
            *map(byte_file, sorted((copied / "rtl").glob("*.v"))[:4])]


# Good files of each kind, made in a folder, of a bundle's folder.
KINDS: dict[str, Callable[[Path, Path], list[Good]]] = {
    "model.pt": _torch_files, "model.safetensors": _safetensors_files,
    "checkpoint": _checkpoints, "npz": _array_files, "plan": _plan_files,
    "bundle": _bundle_files}


def _act(options: argparse.Namespace) -> None:
    import torch

    from bsnn_hw.pipeline import Request, build

    torch.set_num_threads(1)
    with scratch_folder() as folder:
        (folder / "files").mkdir()
        build(Request(options.model, folder / "bundle", vectors=4))
        counts = fuzz(folder / "bundle", range(options.first, options.first + options.files),
                      folder / "files")
    for kind in KINDS:
        print(f"{kind:18} {counts[kind, 'refused']:6} refused, {counts[kind, 'read']:6} read")
    print(f"{options.files} damaged files: only our errors, at most {MOST_SECONDS} s and "
          f"{_memory() >> 20} MiB, nothing written")


def main(argv: list[str] | None = None) -> int:
    """Entry point; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m evidence.fuzz",
                                     description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--files", type=int, default=10_000, metavar="N",
                        help="how many (default: 10000)")
    parser.add_argument("--first", type=int, default=0, help="first number (default: 0)")
    parser.add_argument("--model", type=Path, default=Path("examples/digits_fc.pt"),
                        help="model of the bundle (default: examples/digits_fc.pt)")
    return run_verb(parser, _act, argv)


if __name__ == "__main__":
    sys.exit(main())
