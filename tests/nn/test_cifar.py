"""CIFAR's archives of both kinds, made small: the same pictures from each, and no pickle runs."""

import io
import pickle
import tarfile

import numpy as np
import pytest

from bsnn_hw import train
from bsnn_hw.errors import InputError
from bsnn_hw.nn import data
from bsnn_hw.nn.cifar import CIFAR, read_cifar
from tests.for_each import for_each

COUNT = 6  # pictures of a file


def contents(name):
    """Per file of either form its bytes, and the training pictures and labels."""
    rng = np.random.default_rng(3)
    hundred = name == "cifar-100"
    classes = 100 if hundred else 10
    names = [f"class{number}" for number in range(classes)]
    files = ["train", "test"] if hundred else [*(f"data_batch_{n}" for n in range(1, 6)),
                                               "test_batch"]
    pickles, binaries, pixels, labels = {}, {}, [], []
    for file in files:
        image = rng.integers(0, 256, (COUNT, 3072), np.uint8)
        label = rng.integers(0, classes, COUNT)
        key = b"fine_labels" if hundred else b"labels"
        pickles[file] = pickle.dumps({b"data": image, key: label.tolist()}, protocol=2)
        coarse = np.zeros((COUNT, int(hundred)), np.uint8)
        binaries[f"{file}.bin"] = np.hstack([coarse, label[:, None].astype(np.uint8),
                                             image]).tobytes()
        pixels.append(image)
        labels.append(label)
    meta = {(b"fine_label_names" if hundred else b"label_names"): [n.encode() for n in names]}
    pickles["meta" if hundred else "batches.meta"] = pickle.dumps(meta, protocol=2)
    listed = "\n".join(names).encode() + b"\n"
    binaries["fine_label_names.txt" if hundred else "batches.meta.txt"] = listed
    return pickles, binaries, np.concatenate(pixels[:-1]), np.concatenate(labels[:-1])


def place(folder, name, binary):
    """The folder that the archive of ``name`` holds."""
    return folder / (f"{name}-{'binary' if binary else 'python'}" if name == "cifar-100" else
                     f"{name}-batches-{'bin' if binary else 'py'}")


def write(folder, name, binary, packed=False):
    """Write the data set; return its training pictures and labels."""
    pickles, binaries, pixels, labels = contents(name)
    inside = place(folder, name, binary)
    files = binaries if binary else pickles
    if packed:
        archive = folder / f"{name}-{'binary' if binary else 'python'}.tar.gz"
        with tarfile.open(archive, "w:gz") as out:
            for file, content in files.items():
                info = tarfile.TarInfo(f"{inside.name}/{file}")
                info.size = len(content)
                out.addfile(info, io.BytesIO(content))
    else:
        inside.mkdir()
        for file, content in files.items():
            (inside / file).write_bytes(content)
    return pixels, labels


@for_each("name", CIFAR)
@for_each("binary", [False, True])
@for_each("packed", [False, True])
def test_the_same_pictures_from_every_form(tmp_path_factory, name, binary, packed):
    folder = tmp_path_factory.mktemp("set")
    pixels, labels = write(folder, name, binary, packed)
    found = data.load(name, folder, bits=6)
    assert (found.train_x == pixels >> 2).all() and (found.train_y == labels).all()
    assert found.shape == (3, 32, 32) and found.test_x.shape == (COUNT, 3072)
    assert len(found.classes) == (100 if name == "cifar-100" else 10)
    assert found.classes[1] == "class1"


class Evil:
    """Runs a program where a pickle is believed."""

    def __reduce__(self):
        return print, ("executed",)


def test_a_pickle_that_is_a_program_is_refused(tmp_path, capsys):
    write(tmp_path, "cifar-10", binary=False)
    (place(tmp_path, "cifar-10", False) / "data_batch_2").write_bytes(pickle.dumps(Evil()))
    with pytest.raises(InputError, match=r"data_batch_2 must be .*only arrays may be in it"):
        read_cifar("cifar-10", tmp_path)
    assert "executed" not in capsys.readouterr().out


@for_each("binary, file, content, message", [
    (True, "data_batch_1.bin", b"12", "3073 bytes for each picture, not 2 in all"),
    (True, "data_batch_1.bin", b"\x0a" + bytes(3072), "a label from 0 to 9 for each picture"),
    (True, "batches.meta.txt", b"one two", "the classes' names must be"),
    (True, "test_batch.bin", None, "test_batch.bin must be"),
    (False, "test_batch", b"", "test_batch must be as the data set has it"),
    (False, "test_batch", pickle.dumps([1]), "test_batch must be .* a dictionary"),
    (False, "test_batch", pickle.dumps({b"data": 1}), "uint8 .pictures, 3072."),
    (False, "test_batch", pickle.dumps({b"data": np.zeros((1, 3072), np.uint8),
                                        b"labels": [2**70]}), "with integers as labels"),
    (False, "batches.meta", pickle.dumps({}), "the classes' names must be"),
])
def test_damaged_files_are_named(tmp_path, binary, file, content, message):
    write(tmp_path, "cifar-10", binary)
    path = place(tmp_path, "cifar-10", binary) / file
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message):
        read_cifar("cifar-10", tmp_path)


@for_each("binary", [False, True])
@for_each("place", [0.1, 0.5, 0.999])
def test_an_archive_with_a_wrong_byte_is_refused(tmp_path, binary, place):
    """Pictures too: a byte of theirs would be a pixel like any other."""
    write(tmp_path, "cifar-10", binary, packed=True)
    (archive,) = tmp_path.iterdir()
    content = bytearray(archive.read_bytes())
    content[int(place * len(content))] ^= 0x10
    archive.write_bytes(content)
    with pytest.raises(InputError, match=r"tar\.gz: the archive must be as the data set has it"):
        read_cifar("cifar-10", tmp_path)


def test_another_packing_is_refused(tmp_path):
    write(tmp_path, "cifar-10", binary=True)
    with tarfile.open(tmp_path / "cifar-10-binary.tar.gz", "w:xz") as out:
        out.add(place(tmp_path, "cifar-10", True), "cifar-10-batches-bin")
    (tmp_path / "cifar-10-batches-bin").rename(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=r"the archive must be .* Not a gzipped file"):
        read_cifar("cifar-10", tmp_path)


def test_where_it_is_not(tmp_path):
    with pytest.raises(InputError, match=r"cifar-10-batches-py .* must be in one of .*data_dir"):
        read_cifar("cifar-10", tmp_path)


@pytest.mark.wide
@for_each("network", ["fc", "conv"])
def test_it_trains(tmp_path, network):
    write(tmp_path, "cifar-10", binary=True)
    hidden = {"fc": "4", "conv": "2,3,4"}[network]
    assert train.main(["cifar-10", "--data-dir", str(tmp_path), "--network", network, "--hidden",
                       hidden, "--epochs", "1", "--batch", "8", "--validation", "4", "--out",
                       str(tmp_path / "m.pt")]) == 0
    assert (tmp_path / "m.pt").exists()
