"""Frames of the serial link: bytes between END marks, with a checksum behind them.

A frame is SLIP (RFC 1055): END closes it, and may open it; inside, END and ESCAPE are written as
two bytes.  Its last four bytes are the CRC-32 of the others (ISO-HDLC, as zlib's), low byte first.
A byte that is lost, turned over or doubled on the way spoils one frame and never the next.
"""

from __future__ import annotations

import enum
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field

__all__ = ["END", "ESCAPE", "ESCAPED", "VERSION", "Decoder", "Kind", "LinkShape", "encode"]

VERSION = 1
END, ESCAPE = 0xC0, 0xDB
ESCAPED = {END: 0xDC, ESCAPE: 0xDD}  # what follows ESCAPE for each
CRC_BYTES = 4
BLOCK = 32  # bytes of a sample in a frame: short enough to pass a bad line
MOST_BLOCKS = 128


class Kind(enum.IntEnum):
    """A frame's first byte.  The second is the sample's number, 0..255."""

    HELLO = ord("H")  # to the board: who are you; and its answer
    DATA = ord("D")  # to the board: two bytes of a block's number, low end first, and the block
    GO = ord("G")  # to the board: all blocks of the sample are sent
    START = ord("S")  # likewise, and the sample starts from a state of 0; of a stateful network
    RESULT = ord("R")  # from the board: the packet that the network gave
    MISSING = ord("M")  # from the board: a bit for each block of the sample, 1 where it is there


@dataclass(frozen=True)
class LinkShape:
    """What both sides must agree on.

    identifier : 8 bytes, of the circuit and its weights
    sample : bytes of a sample; result : bytes of a result
    stateful : bool, the board keeps a state from sample to sample, and computes each once, however
        often it is asked; its identifier says so too
    """

    identifier: bytes
    sample: int
    result: int
    stateful: bool = field(default=False, compare=False)

    @property
    def block(self) -> int:
        """Bytes of a block; the last one of a sample is filled up."""
        block = BLOCK
        while block < 128 and block * MOST_BLOCKS < self.sample:
            block *= 2
        return block

    @property
    def blocks(self) -> int:
        """Blocks of a sample."""
        return -(-self.sample // self.block)

    def hello(self) -> bytes:
        """Payload of the board's HELLO."""
        return (bytes([VERSION]) + self.identifier + self.sample.to_bytes(4, "little")
                + self.result.to_bytes(2, "little") + bytes([self.block]))

    @classmethod
    def of_hello(cls, payload: bytes) -> LinkShape:
        """What a board's HELLO says; ValueError where it is none of this version."""
        if len(payload) != len(cls(bytes(8), 1, 1).hello()) or payload[0] != VERSION:
            raise ValueError(f"link: must be of version {VERSION}, not {payload[:1].hex() or '-'}")
        shape = cls(payload[1:9], int.from_bytes(payload[9:13], "little"),
                    int.from_bytes(payload[13:15], "little"))
        if payload[15] != shape.block:
            raise ValueError(f"link: blocks must have {shape.block} bytes, not {payload[15]}")
        return shape


def encode(*parts: bytes) -> bytes:
    """The frame of ``parts``, with an END on either side."""
    body = b"".join(parts)
    body += zlib.crc32(body).to_bytes(CRC_BYTES, "little")
    for byte, code in ((ESCAPE, ESCAPED[ESCAPE]), (END, ESCAPED[END])):
        body = body.replace(bytes([byte]), bytes([ESCAPE, code]))
    return bytes([END]) + body + bytes([END])


class Decoder:
    """Bytes to frames.

    bad : frames that came with a wrong checksum or a wrong escape
    """

    def __init__(self) -> None:
        self.bad = 0
        self._body = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Bodies of the frames that ``data`` completes, without their checksums."""
        for byte in data:
            if byte != END:
                self._body.append(byte)
            elif self._body:
                body = _unescaped(bytes(self._body))
                self._body.clear()
                if body is None or len(body) < CRC_BYTES or zlib.crc32(
                        body[:-CRC_BYTES]).to_bytes(CRC_BYTES, "little") != body[-CRC_BYTES:]:
                    self.bad += 1
                else:
                    yield body[:-CRC_BYTES]


def _unescaped(body: bytes) -> bytes | None:
    """None where an ESCAPE is followed by neither of its two codes."""
    first, *parts = body.split(bytes([ESCAPE]))
    meant = {code: byte for byte, code in ESCAPED.items()}
    if any(part[:1] not in (b"\xdc", b"\xdd") for part in parts):
        return None
    return first + b"".join(bytes([meant[part[0]]]) + part[1:] for part in parts)
