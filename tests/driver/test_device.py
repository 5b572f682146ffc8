"""The driver against a board in Python: exact whatever the line does, or one line of error."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

from bsnn_hw.driver import Device, DeviceError
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.driver.lines import open_line
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.link.frames import Decoder, Kind, encode
from tests.for_each import for_each

FACTS = BoardFacts("00112233445566c0", 12, 1, 15, (3, 2, 2), True, 2, 1, ("a", "b", "c"), 0.5,
                   115_200, 8)

COMPILER = ("torch", "safetensors", "amaranth", "pyosys", "jinja2", "serial")


class Board:
    """What hdl/serial_link.py does, behind a line that damages a share of the bytes."""

    def __init__(self, facts=FACTS, *, chance=0.0, seed=0, deaf=False):
        self.facts, self.chance, self.deaf = facts, chance, deaf
        self.rng, self.decoder = np.random.default_rng(seed), Decoder()
        self.number, self.blocks, self.out, self.closed = 0, {}, b"", False

    def _damage(self, data):
        kept = bytearray()
        for byte in data:
            fault = self.rng.random()
            if fault < self.chance / 3:
                continue
            kept.append(byte ^ 0x10 if fault < self.chance * 2 / 3 else byte)
            if self.chance * 2 / 3 <= fault < self.chance:
                kept.append(byte)
        return bytes(kept)

    def write(self, data):
        for body in self.decoder.feed(b"" if self.deaf else self._damage(data)):
            kind, number = body[:2]
            if kind == Kind.HELLO:
                self.blocks = {}
                self._answer(Kind.HELLO, number, self.facts.shape.hello())
                continue
            if number != self.number:
                self.number, self.blocks = number, {}
            if kind == Kind.DATA:
                self.blocks[int.from_bytes(body[2:4], "little")] = body[4:]
            elif len(self.blocks) == self.facts.shape.blocks:
                sample = b"".join(self.blocks[place] for place in sorted(self.blocks))
                self._answer(Kind.RESULT, number, self.result(sample[:self.facts.shape.sample]))
            else:
                there = sum(1 << place for place in self.blocks)
                self._answer(Kind.MISSING, number,
                             there.to_bytes(-(-self.facts.shape.blocks // 8), "little"))

    def _answer(self, kind, number, payload):
        bad = min(self.decoder.bad, 0xFFFF).to_bytes(2, "little")
        self.out += self._damage(encode(bytes([kind, number]), bad, payload))

    def result(self, sample):
        total = sum((place + 1) * byte for place, byte in enumerate(sample))
        scores = [total % 2**15, -(total % 2**15), 7]
        return b"".join(score.to_bytes(2, "little", signed=True) for score in scores) + bytes(
            [int(np.argmax(scores))])

    def read(self, seconds):
        data, self.out = self.out, b""
        return data

    def close(self):
        self.closed = True


def wanted(samples):
    """Scores by hand: at each position channel by channel."""
    flat = samples.reshape(-1, 3, 4).swapaxes(1, 2).reshape(-1, 12).astype(int)
    total = flat @ np.arange(1, 13)
    total %= 2**15
    return np.stack([total, -total, np.full(len(total), 7)], axis=1)


def test_scores_and_classes():
    samples = np.random.default_rng(0).integers(0, 16, (5, 3, 2, 2))
    device = Device(Board(), FACTS)
    np.testing.assert_array_equal(device.scores(samples), wanted(samples))
    done = []
    assert device.classify(samples, done.append).tolist() == wanted(samples).argmax(1).tolist()
    assert done == [1, 2, 3, 4, 5]
    assert device.statistics.inferences == 10 and device.statistics.timeouts == 0


def test_of_whole_samples_only_what_is_used_is_sent(tmp_path):
    places = (1, 2, 5, 6, 7, 9, 11, 12, 13, 16, 18, 19)
    facts = BoardFacts(**{**FACTS.__dict__, "used": places, "sample": 20})
    samples = np.random.default_rng(0).integers(0, 16, (5, 20))
    device = Device(Board(facts), facts)
    np.testing.assert_array_equal(device.scores(samples), wanted(samples[:, places]))
    np.testing.assert_array_equal(device.scores(samples[:, places]), wanted(samples[:, places]))
    with pytest.raises(InputError, match="samples: must be integers of shape"):
        device.scores(samples[:, :19])
    facts.write(tmp_path)
    assert BoardFacts.read(tmp_path) == facts
    for wrong in ({"used": places[:-1]}, {"sample": 19}, {"used": (2, *places[:-1])}):
        BoardFacts(**{**facts.__dict__, **wrong}).write(tmp_path)
        with pytest.raises(InputError, match="must be a bsnn-hw/link"):
            BoardFacts.read(tmp_path)


@for_each("seed", range(3))
def test_a_bad_line_costs_time_and_no_result(seed):
    facts = BoardFacts(**{**FACTS.__dict__, "size": 300, "map": (3, 10, 10), "by_place": False})
    samples = np.random.default_rng(seed).integers(0, 16, (40, 300))
    device = Device(Board(facts, chance=0.01, seed=seed), facts, patience=0.001)
    np.testing.assert_array_equal(device.scores(samples)[:, 0],
                                  samples @ np.arange(1, 301) % 2**15)
    seen = device.statistics
    assert seen.inferences == 40 and seen.repeated and seen.damaged_out and seen.damaged_in


class StatefulBoard(Board):
    """A board whose network adds each sample to a state, and computes it once."""

    def __init__(self, **options):
        super().__init__(BoardFacts(**{**FACTS.__dict__, "stateful": True}), **options)
        self.state, self.computed, self.asked = 0, {}, 0

    def write(self, data):
        self.asked = next((body[0] for body in Decoder().feed(data)
                           if body[0] in (Kind.GO, Kind.START)), self.asked)
        super().write(data)

    def result(self, sample):
        if self.number not in self.computed:
            self.state = (0 if self.asked == Kind.START else self.state) + sum(sample)
            self.computed = {self.number: self.state}
        score = self.computed[self.number] % 2**15
        return b"".join(each.to_bytes(2, "little") for each in (score, 0, 0)) + b"\0"


@for_each("chance", [0.0, 0.01])
def test_a_stream_goes_on_until_a_reset_and_each_sample_counts_once(chance):
    board = StatefulBoard(chance=chance, seed=3)
    device = Device(board, board.facts, patience=0.05, attempts=200)
    samples = np.ones((4, 12), np.uint8)
    assert device.scores(samples)[:, 0].tolist() == [12, 24, 36, 48]
    assert [scores[0] for _, scores in device.stream(samples)] == [60, 72, 84, 96]
    device.reset()
    assert device.scores(samples[:2])[:, 0].tolist() == [12, 24]


def test_behind_an_error_a_stream_starts_from_0():
    board = StatefulBoard()
    device = Device(board, board.facts, patience=0.05, attempts=2)
    samples = np.ones((2, 12), np.uint8)
    device.scores(samples)
    board.deaf = True
    with pytest.raises(DeviceError):
        device.scores(samples)
    board.deaf = False
    assert device.scores(samples)[:, 0].tolist() == [12, 24]


def test_nobody_there():
    with pytest.raises(DeviceError, match=r"^board: must answer, and does not, asked 3 times"):
        Device(Board(deaf=True), FACTS, patience=0.001, attempts=3)


@pytest.mark.wide
def test_a_board_that_is_never_silent():
    board = Board(deaf=True)
    board.read = lambda seconds: b"garbage \xc0"
    started = time.monotonic()
    with pytest.raises(DeviceError, match=r"^board: must answer, and does not, asked 4 times"):
        Device(board, FACTS, patience=0.1, attempts=4)
    assert time.monotonic() - started < 2
    started = time.monotonic()
    with pytest.raises(DeviceError):
        Device(board, FACTS, attempts=2)
    assert time.monotonic() - started < 1.5, "half a second each, noise or not"


def test_another_board():
    other = BoardFacts(**{**FACTS.__dict__, "identifier": "ffffffffffffffff"})
    with pytest.raises(DeviceError, match=r"^board: must hold the circuit 00112233445566c0 of this "
                                          r"folder, but holds ffffffffffffffff"):
        Device(Board(other), FACTS)


@for_each("samples, message", [
    (np.zeros((2, 11), int), r"must be integers of shape \(N, 12\), not int64 of shape \(2, 11\)"),
    (np.zeros((2, 12)), r"not float64"),
    (np.full((1, 12), 16), r"must lie in 0..15, not 16..16"),
    (np.full((1, 12), -1), r"must lie in 0..15, not -1..-1")])
def test_samples_that_do_not_fit(samples, message):
    with pytest.raises(InputError, match=message):
        Device(Board(), FACTS).scores(samples)


def test_samples_that_come_one_by_one():
    samples = np.random.default_rng(3).integers(0, 16, (3, 3, 2, 2))
    board, given = Board(), []

    def camera():
        for sample in samples:
            given.append(sample)
            yield sample

    for number, (answer, scores) in enumerate(Device(board, FACTS).stream(camera())):
        assert len(given) == number + 1, "a result comes before the next sample is asked for"
        np.testing.assert_array_equal(scores, wanted(samples)[number])
        assert answer == np.argmax(scores)


def test_no_samples():
    assert Device(Board(), FACTS).scores(np.zeros((0, 12), int)).shape == (0, 3)


def test_addresses(tmp_path):
    for address in ("", "usb:1", "serial:", "pty"):
        with pytest.raises(InputError, match=r"^address: must be serial:PORT"):
            open_line(address)
    with pytest.raises(ToolError, match=r"must be a pseudo-terminal, .*No such file"):
        open_line(f"pty:{tmp_path}/nothing")
    (tmp_path / "file").touch()
    with pytest.raises(ToolError, match=r"must be a pseudo-terminal, .*Inappropriate ioctl"):
        open_line(f"pty:{tmp_path}/file")


def test_facts_on_disk(tmp_path):
    FACTS.write(tmp_path)
    assert BoardFacts.read(tmp_path) == FACTS
    (tmp_path / "link.json").write_text("[" * 10_000)
    with pytest.raises(InputError, match=r"link\.json: must be a bsnn-hw/link of version 3"):
        BoardFacts.read(tmp_path)
    with pytest.raises(InputError, match=r"must be a board's folder with link\.json"):
        BoardFacts.read(tmp_path / "none")


@for_each("key, value", [
    (key, value) for key in FACTS.__dict__
    for value in ("x", 1.5, 0, -1, 10**30, None, [], {}, [0, 1, 2], [1, 2, 6, 1], ["a", 1])
    if not ((key == "score_scale" and isinstance(value, int | float))
            or (key, value) in (("used", []), ("sample", 0))
            or (key in ("baud", "divisor", "timesteps") and value == 10**30))])
def test_facts_that_are_none(tmp_path, key, value):
    """No value of another kind, nor a size that there cannot be, gets as far as a sample."""
    FACTS.write(tmp_path)
    path = tmp_path / "link.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(InputError, match=r"link\.json: must be a bsnn-hw/link of version 3"):
        BoardFacts.read(tmp_path)


def test_it_needs_numpy_alone():
    """Neither torch nor the compiler is there; nor pyserial, for a line that needs none."""
    code = (f"import sys; sys.modules.update(dict.fromkeys({COMPILER}))\n"
            "from bsnn_hw.driver import Device\n"
            "from bsnn_hw.errors import BsnnError\n"
            "from bsnn_hw.events import samples\n"
            "try:\n    Device.open('pty:/dev/none', sys.argv[1])\n"
            "except BsnnError as error:\n    print(error)")
    done = subprocess.run([sys.executable, "-c", code, "/none"], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == (
        "/none: must be a board's folder with link.json, No such file or directory; make one with "
        "python -m bsnn_hw.board\n", "")
