"""Where samples come from, and what they must be."""

from dataclasses import replace

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.ir.network import Coding, Shape
from bsnn_hw.ir.used import Used
from bsnn_hw.nn.data import load
from bsnn_hw.samples import (
    SampleShape,
    affordable,
    dataset_of,
    find_samples,
    fit,
    shape_of,
    whole_data_set,
)
from tests.for_each import for_each

DIGITS = SampleShape(Coding.DIRECT, 64, 4, 4)
EVENTS = SampleShape(Coding.EVENTS, 64, 1, 3)
SMALL = SampleShape(Coding.DIRECT, 6, 3, 2)


def find(shape, trained_on=None, beside=None, data=None, data_dir=None, tmp=None):
    return find_samples(shape, trained_on, beside or tmp, data=data, data_dir=data_dir)


def savez(path, **arrays):
    np.savez(path, **arrays)
    return str(path)


def test_shape_of_a_network(events_bundle):
    assert shape_of(events_bundle.network) == SampleShape(Coding.EVENTS, 11, 1, 8, classes=3)
    assert shape_of(events_bundle.network).array == (8, 11)
    assert DIGITS.array == (64,)


@pytest.mark.wide
def test_a_named_data_set(tmp_path):
    found = find(DIGITS, data="digits", tmp=tmp_path)
    digits = load("digits")
    np.testing.assert_array_equal(found.test, digits.test_x)
    np.testing.assert_array_equal(found.calibration, digits.train_x)
    np.testing.assert_array_equal(found.labels, digits.test_y)
    assert found.source == "digits"


def test_events_of_a_data_set(tmp_path):
    found = find(EVENTS, "digits", tmp=tmp_path)
    assert found.test.shape == (360, 3, 64)
    assert set(np.unique(found.test)) == {0, 1}
    # A pixel's events over the timesteps grow with its value.
    counts = found.test.sum(axis=1)
    values = load("digits").test_x
    assert (counts[values == 0] == 0).all()
    assert (counts[values == 15] >= 2).all()


def test_the_sample_beside_the_model_comes_first(tmp_path):
    rng = np.random.default_rng(0)
    arrays = {key: rng.integers(0, 256, (5, 28, 28), dtype=np.uint8)
              for key in ("train_x", "test_x")}
    labels = np.arange(5, dtype=np.uint8)
    savez(tmp_path / "fashion_mnist_sample.npz", name="fashion-mnist", train_y=labels,
          test_y=labels, **arrays)
    shape = SampleShape(Coding.DIRECT, 784, 4, 4)
    found = find(shape, "fashion-mnist", tmp_path)
    np.testing.assert_array_equal(found.test, arrays["test_x"].reshape(5, 784) >> 4)
    assert found.source == "fashion_mnist_sample.npz"
    # The same file, named.
    again = find(shape, None, tmp_path, data=str(tmp_path / "fashion_mnist_sample.npz"))
    np.testing.assert_array_equal(again.test, found.test)
    with pytest.raises(InputError, match=r"sample\.npz: samples must have 64 values as the model's"
                                         r" input, not 784; name another with `data`"):
        find(DIGITS, None, tmp_path, data=str(tmp_path / "fashion_mnist_sample.npz"))


@for_each("shape", [SMALL, SampleShape(Coding.EVENTS, 6, 1, 2)])
def test_random_samples_where_nothing_is_known(tmp_path, shape):
    found = find(shape, "cifar", tmp=tmp_path)
    assert found.source.startswith("random samples; with real ones")
    assert found.labels is None
    everything = np.concatenate([found.calibration, found.test])
    assert everything.shape == (192, *shape.array)
    assert (everything.max(), everything.dtype) == ((1 << shape.bits) - 1, np.uint8)
    assert not everything.reshape(192, -1).any(axis=1).all()  # one is silent
    np.testing.assert_array_equal(found.test, find(shape, tmp=tmp_path).test)


def test_arrays_of_one_s_own(tmp_path):
    images = np.arange(24).reshape(4, 2, 3) % 8
    path = savez(tmp_path / "a.npz", test_x=images, test_y=np.arange(4))
    found = find(SMALL, "digits", tmp=tmp_path, data=path)
    np.testing.assert_array_equal(found.test, images.reshape(4, 6))
    np.testing.assert_array_equal(found.calibration, found.test)
    np.testing.assert_array_equal(found.labels, np.arange(4))
    assert found.source == "a.npz"
    assert whole_data_set(SMALL, None, data=path, data_dir=None).source == "a.npz"


@for_each("find_any", [
    lambda path, tmp: find(SMALL, "digits", tmp=tmp, data=path),
    lambda path, _: whole_data_set(SMALL, "digits", data=path, data_dir=None)])
@for_each("name, remedy", [
    ("a.npy", r"it is one array: write numpy\.savez\('samples\.npz', test_x=numpy\.load"),
    ("a.CSV", r"it is text: read it with numpy\.loadtxt"),
    ("a.h5", r"write one with numpy\.savez\(path, test_x=samples, test_y=labels\)"),
    ("x" * 5000 + ".csv", r"x\.\.\.'; it is text")])
def test_other_forms_of_samples(tmp_path, find_any, name, remedy):
    with pytest.raises(InputError, match="`data`: must be one of digits, fashion-mnist, mnist, "
                                         "cifar-10, cifar-100, or "
                                         rf"an \.npz file of samples, not '.*{remedy}") as caught:
        find_any(name, tmp_path)
    assert len(str(caught.value)) < 400


@for_each("name", ["a.npz", "../digits", "/etc/passwd", "a" * 10**6])
def test_a_recipe_names_no_file(tmp_path, monkeypatch, name):
    """It comes with a model of anybody's; only --data names files."""
    monkeypatch.chdir(tmp_path)
    savez(tmp_path / "a.npz", test_x=GOOD)
    assert dataset_of({"recipe": {"dataset": name}}) is None
    assert find(SMALL, name, tmp=tmp_path).source.startswith("random samples")
    assert whole_data_set(SMALL, name, data=None, data_dir=None) is None


THREE = SampleShape(Coding.DIRECT, 6, 3, 2, classes=3)


@for_each("labels, message", [
    ([1, 2, 3, 1], r"test_y must be 0\.\.2, the network's classes, not 1\.\.3; subtract 1$"),
    ([0, 1, 2, 3], r"test_y must be 0\.\.2, the network's classes, not 0\.\.3; give the labels"),
    ([-1, 1, 2, 0], r"not -1\.\.2; give the labels that this network was trained on, or leave")])
def test_labels_that_are_no_classes(tmp_path, labels, message):
    path = savez(tmp_path / "a.npz", test_x=GOOD, test_y=np.array(labels))
    with pytest.raises(InputError, match=message):
        find(THREE, tmp=tmp_path, data=path)


def test_labels_of_other_classes_are_left_out(tmp_path):
    """A network of three classes on digits: its answers are no digits."""
    found = find(replace(DIGITS, classes=3), "digits", tmp=tmp_path)
    assert found.labels is None
    assert found.source == ("digits, without its labels, as it has 10 classes and the network 3")
    assert find(replace(DIGITS, classes=10), "digits", tmp=tmp_path).labels is not None


GOOD = np.zeros((4, 6), np.uint8)


@for_each("arrays, message", [
    ({"x": GOOD}, r"must hold an array test_x, not 'x'; write"),
    ({"test_x": GOOD.astype(float)}, r"test_x: must be integers of shape \(N, 6\), not float64"),
    ({"test_x": GOOD[:, :5]}, r"test_x: must be integers .*, not uint8 of shape \(4, 5\)"),
    ({"test_x": GOOD[:0]}, r"test_x: must be integers of shape"),
    ({"test_x": np.uint8(1)}, r"test_x: must be integers of shape"),
    ({"test_x": GOOD + 8}, r"test_x: must lie in 0\.\.7, not 8\.\.8"),
    ({"test_x": GOOD.astype(int) - 1}, r"test_x: must lie in 0\.\.7, not -1\.\.-1"),
    ({"test_x": GOOD, "train_x": GOOD[:, 1:]}, r"train_x: must be integers of shape"),
    ({"test_x": GOOD, "test_y": np.arange(3)}, r"test_y must be 4 integers, one per sample, not"),
    ({"test_x": GOOD, "test_y": np.zeros(4)}, r"test_y must be 4 integers, .* not float64"),
])
def test_arrays_that_do_not_fit(tmp_path, arrays, message):
    with pytest.raises(InputError, match=message):
        find(SMALL, tmp=tmp_path, data=savez(tmp_path / "a.npz", **arrays))


def objects(path):
    np.savez(path, test_x=np.array([{}], object), allow_pickle=True)


def one_array(path):
    np.save(path.with_suffix(".npy"), GOOD)
    path.with_suffix(".npy").rename(path)


def cut(path):
    np.savez_compressed(path, test_x=np.random.default_rng(0).integers(0, 7, (900, 6)))
    data = bytearray(path.read_bytes())
    data[60:900] = bytes(840)
    path.write_bytes(data)


@for_each("make", [lambda p: p.write_bytes(b""), lambda p: p.write_text("PK\3\4"),
                                  lambda p: p.mkdir(), lambda p: None, objects, one_array, cut])
def test_files_that_are_no_npz(tmp_path, make):
    make(tmp_path / "a.npz")
    with pytest.raises(InputError, match=r"a\.npz: must be an \.npz file of samples, .*; write one"
                                         ) as caught:
        find(SMALL, tmp=tmp_path, data=str(tmp_path / "a.npz"))
    assert "\n" not in str(caught.value)


def test_named_data_sets_must_fit_and_be_there(tmp_path):
    with pytest.raises(InputError, match="digits: samples must have 6 values as the model's"):
        find(SMALL, tmp=tmp_path, data="digits")
    with pytest.raises(InputError, match="data set: must be one of digits"):
        find(SMALL, tmp=tmp_path, data="cifar")
    with pytest.raises(InputError, match="mnist"):
        find(SMALL, tmp=tmp_path, data="mnist", data_dir=tmp_path)


USED = SampleShape(Coding.DIRECT, 3, 3, 2, used=Used((0, 2, 5), Shape(1, 2, 3)))


def test_whole_samples_of_a_network_that_leaves_values_out(tmp_path):
    values = np.arange(12).reshape(2, 1, 2, 3) % 8
    taken = [[0, 2, 5], [6, 0, 3]]
    assert fit(USED, values, "x").tolist() == fit(USED, np.array(taken), "x").tolist() == taken
    path = savez(tmp_path / "a.npz", test_x=values)
    assert find(USED, data=path, tmp=tmp_path).test.tolist() == taken
    with pytest.raises(InputError, match=r"shape \(N, 6\), not int64 of shape \(2, 5\)"):
        fit(USED, np.ones((2, 5), np.int64), "x")


def test_a_data_set_of_which_values_are_left_out(tmp_path):
    places = tuple(range(3, 64, 7))
    shape = replace(DIGITS, size=len(places), used=Used(places, Shape(64)))
    np.testing.assert_array_equal(find(shape, data="digits", tmp=tmp_path).test,
                                  load("digits").test_x[:, places])
    frames = replace(EVENTS, size=len(places), used=Used(places, Shape(64)))
    np.testing.assert_array_equal(find(frames, "digits", tmp=tmp_path).test,
                                  find(EVENTS, "digits", tmp=tmp_path).test[:, :, places])


def test_the_whole_data_set(tmp_path):
    assert whole_data_set(DIGITS, None, data=None, data_dir=None) is None
    assert whole_data_set(SMALL, "digits", data=None, data_dir=None) is None  # does not fit
    assert whole_data_set(DIGITS, "cifar", data=None, data_dir=None) is None
    assert len(whole_data_set(DIGITS, "digits", data=None, data_dir=None).test) == 360
    with pytest.raises(InputError):
        whole_data_set(DIGITS, "mnist", data=None, data_dir=tmp_path)  # asked for: must be there


def test_fit_takes_images():
    assert fit(SMALL, np.ones((2, 3, 2), np.int64), "x").dtype == np.uint8


@for_each("document, name", [
    ({}, None), ({"recipe": None}, None), ({"recipe": [1]}, None),
    ({"recipe": {"dataset": 5}}, None), ({"recipe": {"dataset": "mnist"}}, "mnist")])
def test_the_data_set_of_a_recipe(document, name):
    assert dataset_of(document) == name


IMAGE = SampleShape(Coding.DIRECT, 12, 2, 2, Shape(3, 2, 2))


def test_the_map_of_a_network(maps_bundle):
    shape = shape_of(maps_bundle.network)
    assert shape == SampleShape(Coding.EVENTS, 72, 1, 2, Shape(3, 4, 6), 3)
    assert shape.image == (2, 3, 4, 6)
    assert shape.array == (2, 72)


@for_each("given", [(5, 3, 2, 2), (5, 12), (5, 3, 4), (5, 3, 1, 2, 2)])
def test_images_are_flattened(given):
    values = np.arange(60).reshape(given) % 4
    np.testing.assert_array_equal(fit(IMAGE, values, "here"), values.reshape(5, 12))


@for_each("shape, given, wanted", [
    (IMAGE, (5, 2, 2, 3), "(N, 3, 2, 2)"),
    (SampleShape(Coding.EVENTS, 12, 1, 4, Shape(1, 3, 4)), (5, 4, 4, 3), "(N, 4, 1, 3, 4)"),
])
def test_sides_in_another_order_are_refused(shape, given, wanted):
    with pytest.raises(InputError) as caught:
        fit(shape, np.zeros(given, int), "d.npz: test_x")
    assert str(caught.value) == (f"d.npz: test_x: must have the shape {wanted}, channels first, "
                                 f"not {given}; use numpy.moveaxis")


def test_large_maps_get_fewer_samples(maps_bundle, events_bundle):
    neurons = sum(layer.shape.size for layer in maps_bundle.network.hidden)
    assert affordable(maps_bundle.network, 512) == 512
    assert affordable(maps_bundle.network, 512, 10 * 2 * neurons + 1) == 10
    assert affordable(maps_bundle.network, 512, 1) == 4
    assert affordable(events_bundle.network, 3, 1) == 3
