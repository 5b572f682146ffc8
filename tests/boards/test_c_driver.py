"""A bundle's C driver against its emitted board behind a pseudo-terminal."""

import os
import subprocess

import numpy as np
import pytest

from bsnn_hw.boards.virtual import virtual_board
from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.driver.lines import PtyLine
from bsnn_hw.reference.network import run
from evidence.c_client import build_client


@pytest.fixture(scope="module")
def program(board, tmp_path_factory):
    return build_client(board[2].parent / "bundle", tmp_path_factory.mktemp("c"))


def classify(program, device, samples, **options):
    return subprocess.run([program, device], input=samples, capture_output=True, timeout=60,
                          **options)


def silent(board):
    """A sample of zeros."""
    return bytes(BoardFacts.read(board[2]).shape.sample)


def test_scores_are_the_reference_s(board, program):
    network, inputs, folder = board
    trace = run(network, inputs, potentials=False)
    with virtual_board(folder) as running:
        for _ in range(2):  # programs come and go
            done = classify(program, running.device,
                            b"".join(BoardFacts.read(folder).sample_bytes(inputs)))
            assert done.returncode == 0
            found = np.array([line.split() for line in done.stdout.splitlines()], np.int64)
            np.testing.assert_array_equal(found[:, 1:], trace.scores)
            np.testing.assert_array_equal(found[:, 0], trace.classes)
            assert done.stderr.startswith(b"3 inferences, ")


def test_scores_over_spi_are_the_reference_s(board, spi_board, tmp_path):
    network, inputs, _ = board
    trace = run(network, inputs, potentials=False)
    spi_program = build_client(board[2].parent / "bundle", tmp_path, spi=True)
    with virtual_board(spi_board) as running:
        done = classify(spi_program, running.device,
                        b"".join(BoardFacts.read(spi_board).sample_bytes(inputs)))
    assert (done.returncode, done.stderr) == (0, b"")
    found = np.array([line.split() for line in done.stdout.splitlines()], np.int64)
    np.testing.assert_array_equal(found[:, 1:], trace.scores)
    np.testing.assert_array_equal(found[:, 0], trace.classes)


def test_a_line_that_somebody_else_has(board, program):
    with virtual_board(board[2]) as running:
        line = PtyLine(running.device)
        done = classify(program, running.device, b"")
        line.close()
        assert (done.returncode, done.stderr.decode()) == (
            1, f"{running.device}: must be a serial port that nobody else uses\n")


def test_samples_and_results_that_cannot_be_read_or_written(board, program, tmp_path):
    def said(samples, results):
        done = subprocess.run([program, running.device], stdin=samples, stdout=results,
                              stderr=subprocess.PIPE, timeout=60)
        return done.returncode, done.stderr.decode()

    (tmp_path / "samples").write_bytes(silent(board))
    folder = os.open(tmp_path, os.O_RDONLY)
    with (virtual_board(board[2]) as running, (tmp_path / "samples").open("rb") as samples,
          open("/dev/full", "wb") as full):
        assert said(samples, full) == (
            1, "results: must be written, and cannot be; is the disk full?\n")
        assert said(folder, subprocess.DEVNULL) == (1, "samples: must be readable, and are not\n")
    os.close(folder)


def test_a_board_that_ends(board, program):
    with virtual_board(board[2]) as running:
        child = subprocess.Popen([program, running.device], stdin=subprocess.PIPE,
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        child.stdin.write(silent(board))
        child.stdin.flush()
        assert child.stdout.readline()
        running.process.kill()
        running.process.wait()
        _, said = child.communicate(silent(board), timeout=30)
        assert (child.returncode, said.decode()) == (
            1, f"{running.device}: the line must stay connected and take bytes; plug it in, or "
               "start the board again\n")
