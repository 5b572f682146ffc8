"""The C driver, built with sanitizers, against a board in Python: as exact as the one in Python."""

import itertools
import subprocess
import time
from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest

from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.emission.c_driver import SOURCES, _Driver, _quoted
from bsnn_hw.errors import MismatchError
from bsnn_hw.sim.render import render
from evidence.c_client import CDevice, build_client
from tests.driver.test_device import FACTS, Board, wanted

ROOT = Path(__file__).parents[2]
LARGE = BoardFacts(**{**FACTS.__dict__, "size": 300, "timesteps": 2, "map": (3, 10, 10),
                      "by_place": False, "largest": 255})


def driver_of(facts):
    return _Driver("bsnn-hw 1", _quoted('odd */ "name"??/ \n'), tuple(map(_quoted, facts.classes)),
                   facts.identifier, repr(facts.score_scale), facts.size, facts.timesteps,
                   facts.map[0], int(facts.by_place), facts.largest, facts.score_bytes,
                   facts.class_bytes, facts.shape.block)


def program_of(facts, folder, attempts=3):
    (folder / "driver").mkdir(parents=True)
    (folder / "driver/bsnn.h").write_text(render("bsnn.h.j2", driver=driver_of(facts)))
    for name in SOURCES:
        (folder / "driver" / name).write_text(files("bsnn_hw.templates").joinpath(name).read_text())
    return build_client(folder, folder, f"-DBSNN_ATTEMPTS={attempts}u")


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    return program_of(FACTS, tmp_path_factory.mktemp("c"))


def test_scores_in_the_order_of_the_map(program):
    samples = np.random.default_rng(0).integers(0, 16, (5, 3, 2, 2))
    with CDevice(program, Board(), FACTS) as device:
        np.testing.assert_array_equal(device.scores(samples), wanted(samples))
    assert device.statistics.inferences == 5 and device.statistics.timeouts == 0


@pytest.mark.wide
def test_a_bad_line_costs_time_and_no_result(tmp_path):
    samples = np.random.default_rng(1).integers(0, 256, (30, 600))
    board = Board(LARGE, chance=0.01, seed=1)
    with CDevice(program_of(LARGE, tmp_path, 20), board, LARGE) as device:
        np.testing.assert_array_equal(device.scores(samples)[:, 0],
                                      samples @ np.arange(1, 601) % 2**15)
    seen = device.statistics
    assert seen.inferences == 30 and seen.repeated and seen.damaged_in and seen.timeouts
    assert 0 < device.damaged_frames <= board.decoder.bad


def failure(program, board, samples=((0,) * 12,)):
    """What the program says, and the seconds that it took."""
    started = time.monotonic()
    with pytest.raises(MismatchError) as caught, CDevice(program, board, FACTS) as device:
        device.scores(np.array(samples))
    return str(caught.value).partition(": must classify, but ")[2], time.monotonic() - started


@pytest.mark.wide
def test_nobody_there(program):
    said, seconds = failure(program, Board(deaf=True))
    assert "the board must answer, and does not" in said and "\n" not in said
    assert 1.4 < seconds < 3


@pytest.mark.wide
def test_a_board_that_is_never_silent(program):
    board = Board(deaf=True)
    board.read = lambda seconds: b"garbage \xc0 \xdb"
    said, seconds = failure(program, board)
    assert "the board must answer, and does not" in said and seconds < 3


def test_another_board(program):
    other = replace(FACTS, identifier="ffffffffffffffff")
    assert "the board must hold the circuit of this driver's bundle" in failure(
        program, Board(other))[0]
    older = Board()
    older.facts = replace(FACTS)
    older._answer = lambda kind, number, payload: Board._answer(older, kind, number,
                                                                b"\x09" + payload[1:])
    assert "the board must be of this driver's version" in failure(program, older)[0]


def test_a_board_that_takes_nothing(program):
    board = Board()
    board.result = lambda sample: b""  # no result, and nothing is missing
    assert "takes none" in failure(program, board)[0]


def test_values_that_are_too_large(program):
    assert "values must lie in 0..BSNN_LARGEST" in failure(program, Board(), [[16] * 12])[0]


def call(*arguments, **options):
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=20, **options)
    return result.returncode, result.stderr


def test_ports_that_are_none(program, tmp_path):
    assert call(program) == (1, "usage: classify PORT [BAUD] < samples; 9600, 57600, 115200, "
                                "1000000, 2000000 or 3000000 baud, where the system knows them\n")
    assert call(program, "/dev/null", "12345")[1].startswith("usage: ")
    for path in ("/dev/null", tmp_path / "nothing", tmp_path):
        assert call(program, path) == (
            1, f"{path}: must be a serial port that nobody else uses\n")


def test_half_a_sample(program):
    with pytest.raises(MismatchError, match="samples: must end with a whole one"), \
            CDevice(program, Board(), FACTS) as device:
        device._child.stdin.write(b"\x01\x02")


def snippets(start):
    """C in docs/serial.md, from a line that begins with ``start``."""
    lines = (ROOT / "docs/serial.md").read_text(encoding="utf-8").splitlines()
    first = next(place for place, line in enumerate(lines) if line.strip().startswith(start))
    block = itertools.takewhile(lambda line: line.startswith("    ") or not line, lines[first:])
    return "\n".join(block)


def test_c_in_the_docs_compiles_and_the_header_is_c_plus_plus(program, tmp_path):
    text = f"""#include "bsnn.h"
#include <stdio.h>
extern int uart_write(void *, const uint8_t *, size_t), uart, port;
extern int uart_read(void *, uint8_t *, size_t, uint32_t);
extern uint32_t millis(void *);
extern int spi_exchange(void *, const uint8_t *, uint8_t *, size_t);
void on_uart(const uint8_t *sample); void on_spi(void);
void on_uart(const uint8_t *sample) {{
{snippets("bsnn_line line = {uart_write")}
}}
void on_spi(void) {{
{snippets("bsnn_spi spi = {spi_exchange")}
(void)line;
}}
"""
    (tmp_path / "docs.c").write_text(text, encoding="utf-8")
    (tmp_path / "plus.cpp").write_text('#include "bsnn.h"\n', encoding="utf-8")
    for name, compiler in (("docs.c", ("cc", "-std=c99")), ("plus.cpp", ("c++", "-std=c++11"))):
        assert call(*compiler, "-Wall", "-Wextra", "-Werror", "-fsyntax-only", "-I",
                    program.parent / "driver", tmp_path / name) == (0, "")
