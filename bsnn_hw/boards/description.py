"""A board as data: a TOML file with its part, pins and clock, from ``known/`` or a user's.

A file of our own and not amaranth-boards itself, which has four of the seven boards here: a board
is then described alike whoever describes it, and nothing more must be installed. A test compares
these files with amaranth-boards where it is.
"""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from bsnn_hw.boards.lines import CONNECTOR, KEYS, BoardLine, ports
from bsnn_hw.devices.clocks import PLL_FAMILIES, PLLS
from bsnn_hw.devices.targets import TARGETS, Target
from bsnn_hw.errors import InputError
from bsnn_hw.link.bridge import Bridge

__all__ = ["Board", "find_board", "known_boards"]

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.+-]*", re.ASCII)  # it goes into commands and files
NEXTPNR = ("device", "package", "speed")


@dataclass(frozen=True)
class Board:
    """A board.

    title, note : for people
    part : Target, as it is on this board
    clock : pin; oscillator : MHz at it
    lines : what a host can be connected by, one at least
    pll : name in `PLLS`, or empty
    leds : pins, none or more; inverted : they shine where the pin is 0
    standard : of the pins' levels
    loader : what openFPGALoader calls the board, or empty
    """

    name: str
    title: str
    part: Target
    clock: str
    oscillator: float
    lines: Mapping[Bridge, BoardLine]
    leds: tuple[str, ...] = ()
    inverted: bool = False
    pll: str = ""
    standard: str = "LVCMOS33"
    loader: str = ""
    note: str = ""

    def line(self, bridge: Bridge) -> BoardLine:
        """Its pins for ``bridge``; InputError where its file names none."""
        if bridge not in self.lines:
            there = " or ".join(self.lines)
            raise InputError(f"`bridge`: must be {there} for {self.name}, whose file names no pins "
                             f"for {bridge}; add `{KEYS[bridge]}` to it, docs/board.md")
        return self.lines[bridge]

    @property
    def top(self) -> str:
        """The module with its pins."""
        return "board_" + re.sub(r"\W", "_", self.name, flags=re.ASCII).lower()


def known_boards() -> dict[str, Board]:
    """The boards that come with this program, by name."""
    folder = files("bsnn_hw.boards").joinpath("known")
    found = sorted(entry.name for entry in folder.iterdir() if entry.name.endswith(".toml"))
    texts = {name: folder.joinpath(name).read_text(encoding="utf-8") for name in found}
    return {name.removesuffix(".toml"): _board(name.removesuffix(".toml"), tomllib.loads(text),
                                               name)
            for name, text in texts.items()}


def find_board(name: str) -> Board:
    """The board that comes with this program, or that the file ``NAME.toml`` describes.

    Raises
    ------
    InputError
        There is none; the message lists those that are there.
    """
    if name.endswith(".toml"):
        return _read(Path(name))
    known = known_boards()
    if name not in known:
        raise InputError(f"`board`: must be one of {', '.join(known)}, or a file NAME.toml that "
                         f"describes another (docs/board.md), not {name!r}")
    return known[name]


def _read(path: Path) -> Board:
    try:
        return _board(path.stem, tomllib.loads(path.read_text(encoding="utf-8")), str(path))
    except OSError as error:
        raise InputError(f"{path}: must be a file that describes a board, {error.strerror}; see "
                         "docs/board.md") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: must be TOML, {error}; see docs/board.md") from None


def _board(name: str, given: Any, where: str) -> Board:
    """The board of a file's contents; all problems are named at once."""
    problems: list[str] = []

    def take(key: str, holds: Callable[[Any], Any], must: str, default: Any = None) -> Any:
        value: Any = given
        for part in key.split("."):
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            value = default
        if not holds(value):
            problems.append(f"{where}: {key} must be {must}, not {value!r}; see docs/board.md")
            return None
        return value

    targets = {target.name: target for target in TARGETS}
    text = "a name of letters, digits, _ . + -"
    if not _plain(name):
        problems.append(f"{where}: must be called {text}; call it otherwise")
    _check_keys(given, where, problems)
    target = targets.get(take("target", lambda value: value in list(targets),
                              f"one of {', '.join(targets)}"))
    leds = take("leds.pins", lambda value: isinstance(value, list) and all(map(_plain, value)),
                "a list of pins", [])
    clock = take("clock.pin", _plain, "the name of a pin")
    lines = {bridge: _line(bridge, take) for bridge, key in KEYS.items() if key in given}
    if not lines:
        lines = {Bridge.UART: _line(Bridge.UART, take)}
    oscillator = take("clock.megahertz", _megahertz, "MHz, 1..1000")
    inverted = take("leds.inverted", lambda value: isinstance(value, bool), "true or false", False)
    pll = take("pll", lambda value: value == "" or value in list(PLLS),
               f"one of {', '.join(PLLS)}", "")
    if target and pll and PLL_FAMILIES[pll] != target.name.partition("-")[0]:
        problems.append(f"{where}: pll must be a cell of {target.name}, not {pll}, which is of "
                        f"{PLL_FAMILIES[pll]} parts; see docs/board.md")
    standard = take("standard", _plain, text, "LVCMOS33")
    loader = take("flash", lambda value: value == "" or _plain(value), text, "")
    title, note = (take(key, _is_line, "a line of text", default)
                   for key, default in (("title", name), ("note", "")))
    options = {key: take(f"nextpnr.{key}", lambda value: value == "" or _plain(value), text, "")
               for key in NEXTPNR}
    if twice := sorted(_twice([clock, *(leds or ())], lines)):
        problems.append(f"{where}: a pin must be used once, {twice[0]} is used more often; see "
                        "docs/board.md")
    if problems or target is None:
        raise InputError("\n".join(problems))
    part = _part(target, {key: value for key, value in options.items() if value})
    return Board(name, title, part, clock, float(oscillator), lines, tuple(leds), inverted, pll,
                 standard, loader, note)


def _line(bridge: Bridge, take: Callable[..., Any]) -> BoardLine:
    """The pins of a bridge, out of the file's contents."""
    key = KEYS[bridge]
    pins = {port: take(f"{key}.{port}", _plain, "the name of a pin") for port in ports(bridge)}
    return BoardLine(pins, take(f"{key}.{CONNECTOR}", _is_line, "a line of text", ""))


def _twice(fixed: list[str], lines: Mapping[Bridge, BoardLine]) -> set[str]:
    """Pins that a board would use for two things; its lines are never there together."""
    found: set[str] = set()
    for line in lines.values():
        used = [pin for pin in (*fixed, *line.pins.values()) if pin]
        found |= {pin for pin in used if used.count(pin) > 1}
    return found


def _check_keys(given: Any, where: str, problems: list[str]) -> None:
    """Words that mean nothing are a slip of the pen, and said."""
    known = {"title": (), "target": (), "clock": ("pin", "megahertz"),
             "leds": ("pins", "inverted"), "pll": (), "standard": (), "flash": (), "note": (),
             "nextpnr": NEXTPNR,
             **{key: (*ports(bridge), CONNECTOR) for bridge, key in KEYS.items()}}
    for key, value in given.items():
        inside = value if isinstance(value, dict) and known.get(key) else {}
        for word in [key] if key not in known else [f"{key}.{each}" for each in inside
                                                    if each not in known[key]]:
            problems.append(f"{where}: must have no {word[:40]!r}; see docs/board.md")


def _plain(value: Any) -> bool:
    return isinstance(value, str) and bool(_NAME.fullmatch(value))


def _is_line(value: Any) -> bool:
    return isinstance(value, str) and value.isprintable()


def _megahertz(value: Any) -> bool:
    return (isinstance(value, int | float) and not isinstance(value, bool)
            and math.isfinite(value) and 1 <= value <= 1000)


def _part(target: Target, options: dict[str, str]) -> Target:
    """The target as it is on the board: nextpnr's options of that name replaced, ports on pins."""
    arguments = list(target.router.arguments)
    for key, value in options.items():
        option = f"--{key}"
        if option in arguments:
            arguments[arguments.index(option) + 1] = value
        else:
            arguments += [option, value]
    words = target.part
    if options:
        words = ", ".join([words.split(",")[0], *(f"{key} {value}"
                                                  for key, value in options.items())])
    return replace(target, part=words, harness=False,
                   router=replace(target.router, arguments=tuple(arguments)))
