"""The C driver of a circuit with ports of bytes: three files in a bundle's ``driver/``."""

from __future__ import annotations

import string
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from bsnn_hw import __version__
from bsnn_hw.emission.design import Design
from bsnn_hw.link.frames import LinkShape
from bsnn_hw.ports.bytes import byte_counts
from bsnn_hw.ports.registry import PORTS
from bsnn_hw.sim.render import render

__all__ = ["C_DRIVER", "c_driver_names", "write_c_driver"]

HEADER = "bsnn.h"
SOURCES = ("bsnn.c", "bsnn_host.c")  # the same for every circuit
PLAIN = string.ascii_letters + string.digits + " _-.,"  # of a C string
C_DRIVER = tuple(f"driver/{name}" for name in (HEADER, *SOURCES))


@dataclass(frozen=True)
class _Driver:
    """What templates/bsnn.h.j2 reads; strings are as they stand between quotes in C.

    size : values of a timestep, or of a direct-coded sample; timesteps : of them in a sample
    channels : of the map of values; by_place : 1 where all channels of a position come together
    largest : that a value can be; block : bytes of a sample in a frame
    stateful : 1 where a sample starts from the state that the one before left
    used : which values of a sample ``size`` are, empty where they are all
    """

    generator: str
    name: str
    classes: tuple[str, ...]
    identifier: str
    score_scale: str
    size: int
    timesteps: int
    channels: int
    by_place: int
    largest: int
    score_bytes: int
    class_bytes: int
    block: int
    stateful: int = 0
    used: tuple[int, ...] = ()

    @property
    def identifier_bytes(self) -> bytes:
        """In the order in which they travel."""
        return bytes.fromhex(self.identifier)


def c_driver_names(design: Design) -> tuple[str, ...]:
    """The driver's files in a bundle of ``design``; none with ports that no bridge takes."""
    in_bytes = PORTS[design.port].packet_bytes(design.network) is not None
    return C_DRIVER if in_bytes else ()


def write_c_driver(design: Design, folder: Path) -> None:
    """Write the files of `c_driver_names` into the bundle ``folder``."""
    if not c_driver_names(design):
        return
    (folder / "driver").mkdir()
    (folder / "driver" / HEADER).write_text(render("bsnn.h.j2", driver=_driver(design)),
                                            encoding="ascii")
    for name in SOURCES:
        text = files("bsnn_hw.templates").joinpath(name).read_text(encoding="ascii")
        (folder / "driver" / name).write_text(text, encoding="ascii")


def _driver(design: Design) -> _Driver:
    network, port = design.network, byte_counts(design.network)
    shape = LinkShape(bytes.fromhex(design.identifier), port.step * port.timesteps, port.output)
    return _Driver(
        f"bsnn-hw {__version__}", _quoted(network.name), tuple(map(_quoted, network.classes)),
        design.identifier, repr(network.readout.scale), network.input.size, port.timesteps,
        network.input.features.channels, int(design.geometries[0].values_shape[0] > 1),
        network.input.max_value, port.score, port.answer, shape.block, int(network.stateful),
        () if network.input.used is None else network.input.used.places)


def _quoted(text: str) -> str:
    """``text`` between the quotes of a C string; what may mean anything to C is octal."""
    return "".join(chr(byte) if chr(byte) in PLAIN else f"\\{byte:03o}" for byte in text.encode())
