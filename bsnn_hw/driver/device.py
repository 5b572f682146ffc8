"""A board that classifies: samples out over a line, results back, whatever the line does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bsnn_hw.driver.facts import BoardFacts
from bsnn_hw.driver.lines import Line, open_line
from bsnn_hw.errors import InputError, ToolError
from bsnn_hw.link.bridge import Bridge
from bsnn_hw.link.frames import END, Decoder, Kind, LinkShape, encode

__all__ = ["Device", "DeviceError", "Statistics"]


USUAL = 4  # times the usual time to an answer, and the question is asked again
HELLO = 0.5  # seconds for an answer that takes no computing


class DeviceError(ToolError):
    """The board does not answer, or is not the one that it should be."""


@dataclass
class Statistics:
    """What a device has seen.

    inferences : results that came whole
    frames : sent; repeated : blocks among them that had to be sent again
    damaged_in : frames from the board that came damaged
    damaged_out : frames that the board says came damaged to it
    timeouts : times that no answer came
    """

    inferences: int = 0
    frames: int = 0
    repeated: int = 0
    damaged_in: int = 0
    damaged_out: int = 0
    timeouts: int = 0


class Device:
    """A board behind a serial line or SPI.

    A frame that is damaged on the way is sent again, so results are exact or there is an error;
    `statistics` says how often.

    Parameters
    ----------
    line : Line
    facts : BoardFacts, of the board that is expected
    patience : float, seconds without an answer after which a question is repeated, at most; less
        once it is known how fast the board answers
    attempts : int, questions without an answer after which the device has failed: with nobody
        there, half a second each as it is opened, and ``patience`` seconds each later
    """

    def __init__(self, line: Line, facts: BoardFacts, *, patience: float = 2.0,
                 attempts: int = 20):
        self.facts, self.statistics = facts, Statistics()
        self._line, self._decoder = line, Decoder()
        self._patience, self._attempts = patience, attempts
        self._number, self._bad = 0, 0
        self._usual = patience / USUAL  # seconds to an answer, lately
        self._anew = facts.stateful  # the next sample starts from a state of 0
        self._check_board()

    @classmethod
    def open(cls, address: str, folder: Path | str | None = None, *, hertz: int | None = None,
             **options: float) -> Device:
        """The device at ``serial:PORT``, ``spi:PORT``, ``pty:PATH`` or ``virtual:FOLDER``.

        folder : of the board, with its link.json; that of the address for a virtual board
        hertz : of SCK, at most; None for the fastest that the board takes

        Raises
        ------
        InputError, DeviceError, ToolError
            The folder is none, nobody answers, or it is another board.
        """
        kind, _, place = address.partition(":")
        if folder is None and kind != "virtual":
            raise InputError("folder: must be that of the board, with its link.json, for any "
                             "device but virtual:FOLDER; give it behind the address")
        facts = BoardFacts.read(Path(place if folder is None else folder))
        if hertz is not None and not (facts.bridge is Bridge.SPI and 1 <= hertz <= facts.baud):
            raise InputError(f"hertz: must be 1..{facts.baud} with SPI and absent with a serial "
                             f"line, not {hertz}")
        line = open_line(address, hertz or facts.baud, facts.bridge)
        try:
            return cls(line, facts, **options)  # type: ignore[arg-type]
        except BaseException:
            line.close()
            raise

    def __enter__(self) -> Device:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def damaged_frames(self) -> int:
        """Frames that have come damaged to the board since its reset, as it last said."""
        return self._bad

    def close(self) -> None:
        """Give the line back."""
        self._line.close()

    def classify(self, samples: np.ndarray,
                 progress: Callable[[int], None] | None = None) -> np.ndarray:
        """The class of each sample, int64 (N,); samples as of `scores`."""
        return np.array([answer for _, answer in self._results(samples, progress)], np.int64)

    def scores(self, samples: np.ndarray,
               progress: Callable[[int], None] | None = None) -> np.ndarray:
        """Scores of the samples, int64 (N, classes), in units of ``facts.score_scale``.

        samples : integers, (N, size) or (N, channels, height, width); with several timesteps
            (N, T, ...)
        progress : called with the number of samples done

        Raises
        ------
        InputError
            The samples do not fit the network.
        DeviceError
            The board has stopped answering.
        """
        found = [scores for scores, _ in self._results(samples, progress)]
        return np.array(found, np.int64).reshape(-1, len(self.facts.classes))

    def reset(self) -> None:
        """Let the next sample start from a state of 0, as the first does, and one behind an error;
        without effect where the network keeps no state."""
        self._anew = self.facts.stateful

    def stream(self, samples: Iterable[np.ndarray]) -> Iterator[tuple[int, np.ndarray]]:
        """Class and scores of each sample as soon as it comes, of a camera for one; of a stateful
        network each goes on from the one before, until `reset`.

        samples : integers, (size,) or (channels, height, width) each; with several timesteps
            (T, ...)
        """
        for sample in samples:
            for scores, answer in self._results(np.asarray(sample)[None], None):
                yield answer, scores

    def _results(self, samples, progress):
        for done, sample in enumerate(self.facts.sample_bytes(samples), 1):
            result = self._infer(sample)
            if progress:
                progress(done)
            yield self.facts.scores(result)

    def _infer(self, sample: bytes) -> bytes:
        """The result of one sample."""
        kind = Kind.START if self._anew else Kind.GO
        self._anew = self.facts.stateful  # where no result comes, nobody knows the state
        result = self._asked(kind, sample)
        self._anew = False
        return result

    def _asked(self, kind: Kind, sample: bytes) -> bytes:
        shape, self._number = self.facts.shape, (self._number + 1) % 256
        padded = sample.ljust(shape.blocks * shape.block, b"\0")
        blocks = [encode(bytes([Kind.DATA, self._number]), place.to_bytes(2, "little"),
                         padded[place * shape.block:(place + 1) * shape.block])
                  for place in range(shape.blocks)]
        wanted: Sequence[int] = range(shape.blocks)
        failures = 0
        while True:
            self._send(*(blocks[place] for place in wanted))
            answer = self._ask(kind, self._number, (Kind.RESULT, Kind.MISSING))
            if answer[0] == Kind.RESULT and len(answer) == 4 + shape.result:
                self.statistics.inferences += 1
                return answer[4:]
            there = int.from_bytes(answer[4:], "little")
            missing = [place for place in range(shape.blocks) if not there >> place & 1]
            failures = 0 if len(missing) < len(wanted) else failures + 1
            if failures > self._attempts:
                raise DeviceError(f"board: must take a sample's {shape.blocks} blocks, and takes "
                                  "none of them; is it reset, or the line's speed wrong?")
            wanted = missing or range(shape.blocks)
            self.statistics.repeated += len(wanted)

    def _check_board(self):
        answer = self._ask(Kind.HELLO, 0, (Kind.HELLO,), HELLO)
        try:
            shape = LinkShape.of_hello(answer[4:])
        except ValueError as error:
            raise DeviceError(f"board: {error}; it was made by another version") from None
        if shape != self.facts.shape:
            raise DeviceError(f"board: must hold the circuit {self.facts.identifier} of this "
                              f"folder, but holds {shape.identifier.hex()}; program it again, or "
                              "name its own folder")

    def _ask(self, kind: Kind, number: int, answers: tuple[Kind, ...],
             most: float = math.inf) -> bytes:
        """The board's answer to a question, asked again where none comes for ``most`` seconds."""
        for attempt in range(self._attempts):
            self._send(encode(bytes([kind, number])))
            asked = time.monotonic()
            longest = min(self._patience, most)
            for body in self._frames(min(longest, (USUAL << attempt) * self._usual), longest):
                if body[0] in answers and body[1] == number:
                    if not attempt:  # else nobody knows which of the questions it answers
                        self._usual += (time.monotonic() - asked - self._usual) / 8
                    return body
            self.statistics.timeouts += 1
        raise DeviceError(f"board: must answer, and does not, asked {self._attempts} times; is it "
                          "programmed, and the address right?")

    def _frames(self, patience: float, longest: float) -> Iterator[bytes]:
        """Frames from the board until it is silent for ``patience`` seconds; a board that is
        never silent is heard for ``longest``."""
        deadline = time.monotonic() + patience
        end = time.monotonic() + longest
        while (left := min(deadline, end) - time.monotonic()) > 0:
            data = self._line.read(left)
            if data.strip(bytes([END])):  # which says nothing
                deadline = time.monotonic() + patience
            for body in self._decoder.feed(data):
                if len(body) >= 4:
                    self._note(int.from_bytes(body[2:4], "little"))
                    yield body
            self.statistics.damaged_in = self._decoder.bad

    def _note(self, bad: int) -> None:
        """The board's count of damaged frames; the first is where it stood before."""
        if self.statistics.frames > 1:
            self.statistics.damaged_out += max(0, bad - self._bad)
        self._bad = bad

    def _send(self, *frames: bytes) -> None:
        self._line.write(b"".join(frames))
        self.statistics.frames += len(frames)
