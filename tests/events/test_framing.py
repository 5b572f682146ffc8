"""Events to timesteps by hand: windows, numbers, polarity, crop, pooling, and what is lost."""

import numpy as np
import pytest

from bsnn_hw.errors import InputError
from bsnn_hw.events import EVENT, Framing, Tally, frames, samples
from bsnn_hw.events.framing import MOST_SILENT
from bsnn_hw.ir.network import Coding, Shape
from bsnn_hw.samples import SampleShape
from tests.for_each import for_each


def shape(channels=1, height=2, width=3, bits=1, timesteps=2):
    map_shape = Shape(channels, height, width)
    return SampleShape(Coding.EVENTS, map_shape.size, bits, timesteps, map_shape)


def events(*rows):
    """x, y, t, p of each."""
    return np.array(list(rows), EVENT)


def made(pieces, framing, of):
    tally = Tally()
    found = [frame.tolist() for frame in frames(pieces, framing, of, tally)]
    return found, tally


def test_windows_of_time_begin_with_the_first_event():
    recording = events((0, 0, 1000, 1), (2, 1, 1009, 0), (1, 0, 1010, 1), (1, 0, 1031, 1))
    found, tally = made([recording], Framing(window=10, polarity="merge"), shape())
    assert found == [[1, 0, 0, 0, 0, 1], [0, 1, 0, 0, 0, 0], [0] * 6, [0, 1, 0, 0, 0, 0]]
    assert (tally.events, tally.timesteps, tally.lost, tally.late) == (4, 4, 0, 0)


def test_pieces_change_nothing():
    rng = np.random.default_rng(0)
    recording = np.zeros(500, EVENT)
    recording["x"], recording["y"] = rng.integers(0, 3, 500), rng.integers(0, 2, 500)
    recording["t"], recording["p"] = np.sort(rng.integers(0, 900, 500)), rng.integers(0, 2, 500)
    for framing in (Framing(window=7), Framing(per_step=11)):
        whole = made([recording], framing, shape(2))
        for cut in (1, 13, 499):
            pieces = np.split(recording, range(cut, 500, cut))
            assert made(pieces, framing, shape(2)) == whole, f"pieces of {cut}"


def test_numbers_of_events_that_fall_on_the_map():
    recording = events(*[(x, 0, 0, 1) for x in (0, 9, 1, 2, 9, 0, 1)])
    found, tally = made([recording], Framing(per_step=2, polarity="merge"), shape())
    assert found == [[1, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0], [0, 1, 0, 0, 0, 0]]
    assert tally.outside == 2


@for_each("polarity, wanted", [
    ("merge", [1, 1, 0]), ("on", [1, 0, 0]), ("off", [0, 1, 0]), ("both", [0, 1, 0, 1, 0, 0])])
def test_polarity(polarity, wanted):
    of = shape(2 if polarity == "both" else 1, 1, 3)
    found, _ = made([events((0, 0, 0, 1), (1, 0, 0, 0))], Framing(1, polarity=polarity), of)
    assert found == [wanted]


def test_crop_and_pool():
    recording = events((10, 20, 0, 1), (13, 20, 0, 1), (15, 23, 0, 1), (16, 20, 0, 1),
                       (9, 20, 0, 1), (10, 19, 0, 1))
    framing = Framing(1, polarity="merge", crop=(10, 20, 6, 4), pool=(2, 2))
    found, tally = made([recording], framing, shape())
    assert found == [[1, 1, 0, 0, 0, 1]] and tally.outside == 3


def test_counts_or_one():
    recording = events(*[(0, 0, 0, 1)] * 5)
    assert made([recording], Framing(1, polarity="merge"), shape())[1].lost == 4
    found, tally = made([recording], Framing(1, polarity="merge"), shape(bits=2))
    assert found == [[3, 0, 0, 0, 0, 0]] and tally.lost == 2
    assert "2 beyond what a position holds (40.0 %)" in str(tally)


def test_events_that_come_late_count_in_the_open_timestep():
    recording = events((0, 0, 0, 1), (1, 0, 25, 1), (2, 0, 12, 1))
    found, tally = made([recording], Framing(10, polarity="merge"), shape(1, 1, 3))
    assert found == [[1, 0, 0], [0, 0, 0], [0, 1, 1]] and tally.late == 1


def test_times_that_no_recording_has():
    """Each would be waited for, a silent timestep after the other."""
    framing, of = Framing(10, polarity="merge"), shape(1, 1, 3)
    gap = events((0, 0, 0, 1), (0, 0, 10 * (MOST_SILENT + 1), 1))
    with pytest.raises(InputError, match=r"must not be silent for more than 1,048,576 timesteps, "
                                         r"and are for 1,048,577; the recording is damaged"):
        made([gap], framing, of)
    with pytest.raises(InputError, match="must not be silent"):
        made([gap[:1], gap[1:]], framing, of)
    for first, last in ((0, 1 << 61), (-(1 << 63), (1 << 63) - 1), (-(1 << 63), 0)):
        with pytest.raises(InputError, match="must have times within"):
            made([events((0, 0, first, 1), (0, 0, last, 1))], framing, of)
    back = events((0, 0, 5000, 1), (1, 0, 0, 1), (2, 0, 5001, 1))
    found, tally = made([back], framing, of)
    assert found == [[1, 1, 1]] and tally.late == 1


def test_samples_are_whole():
    steps = [np.full(6, number, np.uint8) for number in range(5)]
    tally = Tally()
    found = np.concatenate(list(samples(steps, shape(), tally)))
    assert found[:, :, 0].tolist() == [[0, 1], [2, 3]] and tally.unused == 1
    short = np.concatenate(list(samples(steps[:1], shape())))
    assert short.shape == (1, 2, 6) and not short[0, 1].any()
    assert list(samples([], shape())) == []


@pytest.mark.wide
def test_memory_does_not_grow_with_the_recording():
    """Ten million events, of which a piece and a batch exist at a time."""
    import tracemalloc

    piece = np.zeros(1 << 16, EVENT)
    piece["t"] = np.arange(1 << 16)

    def pieces(count):
        for _ in range(count):
            yield piece
            piece["t"] += 1 << 16

    def peak(count):
        tracemalloc.start()
        for batch in samples(frames(pieces(count), Framing(1000), shape(2)), shape(2)):
            assert batch.shape[0] <= 64
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(160) < 1.2 * peak(16)


def test_wrong_options():
    for message, options in (("one of both must be given", {}),
                             ("one of both must be given", {"window": 1, "per_step": 1}),
                             ("`window`: must be 1 or more", {"window": 0}),
                             ("`polarity`: must be one of", {"window": 1, "polarity": "up"}),
                             ("`crop`: must be left", {"window": 1, "crop": (-1, 0, 2, 2)}),
                             ("`crop`: must be left", {"window": 1, "crop": (0, 0, 0, 2)}),
                             ("`pool`: must be two", {"window": 1, "pool": (0, 1)})):
        with pytest.raises(InputError, match=message):
            Framing(**options)
    with pytest.raises(InputError, match=r"34 x 34 pixels must .* crop to 15,16,3,2, or pool"):
        Framing(1, polarity="merge").fit(shape(), (34, 34))
    with pytest.raises(InputError, match=r"must give 1 channel\(s\) .* 'both' gives 2"):
        Framing(1).fit(shape(), (3, 2))
    with pytest.raises(InputError, match="a sensor of unknown size must become"):
        Framing(1).fit(shape(2), (None, None))
    assert Framing(1, crop=(5, 5, 3, 2)).fit(shape(2), (None, None)) == shape(2)


def test_a_network_whose_input_is_flat():
    flat = SampleShape(Coding.EVENTS, 12, 1, 2)
    assert Framing(1, crop=(0, 0, 6, 4), pool=(2, 2)).fit(flat, (9, 9)) == shape(2)
    with pytest.raises(InputError, match=r"2 channel\(s\) of 9 x 9 pixels .* the network's 12"):
        Framing(1).fit(flat, (9, 9))
