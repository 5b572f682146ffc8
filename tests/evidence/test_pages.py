"""What is said of a page that misses something; tests/reporting/test_browser.py opens real ones."""

from dataclasses import replace

import pytest

from evidence.pages import MOST_BYTES, SAMPLES, Built, Seen, problems, slow
from tests.for_each import for_each

pytestmark = pytest.mark.wide  # an experiment, no part of the program

GOOD = Seen(0.5, 100.0, SAMPLES, SAMPLES, True, ())


def found(page, **changes):
    return list(problems("fashion_mnist_fc", page, replace(GOOD, **changes)))


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "report.html"
    path.write_bytes(b"x")
    return path


def test_nothing_to_say(page):
    assert found(page) == []


@for_each("changes, words", [
    ({"first": 2.5}, "must have a result after 2.0 s, not 2.50"),
    ({"rate": 4.0}, "must do 5.0 inferences a second, not 4.0"),
    ({"equal": 63}, "must equal the reference in 64 samples, not in 63 of 64"),
    ({"count": 10, "equal": 10}, "must equal the reference in 64 samples, not in 10 of 10"),
    ({"stroke": False}, "must give other scores after a stroke"),
    ({"complaints": ("color-contrast: <p>",)}, "color-contrast: <p>")])
def test_each_fault_is_named(page, changes, words):
    assert found(page, **changes) == [f"fashion_mnist_fc: {words}"]


def test_a_page_that_is_too_large(page):
    page.write_bytes(bytes(MOST_BYTES))
    assert found(page) == ["fashion_mnist_fc: must have fewer than 3,000,000 bytes, not 3,000,000"]


def test_what_takes_too_long(page):
    assert list(slow("x", Built(page, 20.0, 5.0))) == []
    assert list(slow("x", Built(page, 200.0, 5.0))) == ["x: must be built in 180.0 s, not 200.0"]
    assert list(slow("x", Built(page, 20.0, 21.0))) == [
        "x: must be built faster again, not in 21.0 s after 20.0"]
