"""Where a core's clock comes from: the oscillator, a divider, or a PLL and its parameters.

A PLL is a row of `PLLS`: a function from the oscillator's MHz to every clock that the cell makes of
it, with the parameters that icepll, ecppll and gowin_pll compute for the same clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from bsnn_hw.errors import InputError

__all__ = ["DIVIDERS", "PLLS", "PLL_FAMILIES", "Clocking", "choose_clock", "clockings"]

DIVIDERS = (2, 4, 8, 16)


@dataclass(frozen=True)
class Clocking:
    """How a core's clock is made of an oscillator's.

    megahertz : float, of the core
    divide : int, a power of two by which a counter divides the oscillator; 1 for none
    cell : the PLL's, empty where there is none
    source, output, locked, feedback : its ports; ``output`` goes back to ``feedback`` if there is
        one
    parameters, attributes : of the cell; tied : constants at its other inputs
    """

    megahertz: float
    divide: int = 1
    cell: str = ""
    source: str = ""
    output: str = ""
    locked: str = ""
    feedback: str = ""
    parameters: Mapping[str, int | str] = field(default_factory=dict)
    attributes: Mapping[str, str] = field(default_factory=dict)
    tied: Mapping[str, int] = field(default_factory=dict)

    def words(self, oscillator: float) -> str:
        """Where the clock comes from, for people."""
        if self.cell:
            return f"by {self.cell} from {oscillator:g} MHz"
        if self.divide > 1:
            return f"{oscillator:g} MHz divided by {self.divide}"
        return "the board's oscillator"


def _ice40(cell: str, source: str) -> Callable[[float], Iterator[Clocking]]:
    """A PLL of iCE40 whose feedback is its own VCO; as icepll has it."""
    def made(oscillator: float) -> Iterator[Clocking]:
        for divr in range(16):
            compared = oscillator / (divr + 1)
            if not 10 <= compared <= 133:
                continue
            for divf in range(128):
                vco = compared * (divf + 1)
                for divq in range(1, 7) if 533 <= vco <= 1066 else ():
                    if 16 <= vco / 2**divq <= 275:
                        yield Clocking(
                            vco / 2**divq, cell=cell, source=source, output="PLLOUTGLOBAL",
                            locked="LOCK", tied={"RESETB": 1, "BYPASS": 0},
                            parameters={"FEEDBACK_PATH": "SIMPLE", "DIVR": divr, "DIVF": divf,
                                        "DIVQ": divq, "FILTER_RANGE": _filter_range(compared)})
    return made


def _filter_range(compared: float) -> int:
    return 1 + sum(compared >= bound for bound in (17, 26, 44, 66, 101))


def _ecp5(oscillator: float) -> Iterator[Clocking]:
    """EHXPLLL with its first output as feedback; of the ways to make a clock, the one whose VCO is
    nearest to 600 MHz, as ecppll has it."""
    best: dict[float, tuple[float, int, int, int]] = {}
    for refclk in range(1, 129):
        if not 3.125 <= oscillator / refclk <= 400:
            continue
        for feedback in range(1, 81):
            made = oscillator * feedback / refclk
            for output in range(1, 129) if 10 <= made <= 400 else ():
                off = abs(made * output - 600)
                if 400 <= made * output <= 800 and off < best.get(made, (1e9,))[0]:
                    best[made] = off, refclk, feedback, output
    for made, (_, refclk, feedback, output) in best.items():
        yield Clocking(
            made, cell="EHXPLLL", source="CLKI", output="CLKOP", locked="LOCK", feedback="CLKFB",
            tied={"RST": 0, "STDBY": 0, "PHASESEL0": 0, "PHASESEL1": 0, "PHASEDIR": 1,
                  "PHASESTEP": 1, "PHASELOADREG": 1, "PLLWAKESYNC": 0, "ENCLKOP": 0},
            parameters={"PLLRST_ENA": "DISABLED", "INTFB_WAKE": "DISABLED",
                        "STDBY_ENABLE": "DISABLED", "DPHASE_SOURCE": "DISABLED",
                        "OUTDIVIDER_MUXA": "DIVA", "OUTDIVIDER_MUXB": "DIVB",
                        "OUTDIVIDER_MUXC": "DIVC", "OUTDIVIDER_MUXD": "DIVD",
                        "CLKOP_ENABLE": "ENABLED", "FEEDBK_PATH": "CLKOP", "CLKI_DIV": refclk,
                        "CLKFB_DIV": feedback, "CLKOP_DIV": output,
                        "CLKOP_CPHASE": output // 2, "CLKOP_FPHASE": 0},
            attributes={"ICP_CURRENT": "12", "LPF_RESISTOR": "8", "MFG_ENABLE_FILTEROPAMP": "1",
                        "MFG_GMCREF_SEL": "2"})


def _gowin(oscillator: float) -> Iterator[Clocking]:
    """rPLL of a GW1N of speed grade C6, as gowin_pll has it."""
    for idiv in range(64):
        if not 3 <= oscillator / (idiv + 1) <= 400:
            continue
        for fbdiv in range(64):
            made = oscillator * (fbdiv + 1) / (idiv + 1)
            odiv = next((each for each in (2, 4, 8, *range(16, 129, 16))
                         if 400 < made * each < 1200), None)
            if odiv and 3.125 < made < 600:
                yield Clocking(
                    made, cell="rPLL", source="CLKIN", output="CLKOUT", locked="LOCK",
                    tied=dict.fromkeys(("RESET", "RESET_P", "CLKFB", "FBDSEL", "IDSEL", "ODSEL",
                                        "PSDA", "DUTYDA", "FDLY"), 0),
                    parameters={"FCLKIN": f"{oscillator:g}", "IDIV_SEL": idiv, "FBDIV_SEL": fbdiv,
                                "ODIV_SEL": odiv})


PLLS: dict[str, Callable[[float], Iterator[Clocking]]] = {
    "SB_PLL40_PAD": _ice40("SB_PLL40_PAD", "PACKAGEPIN"),
    "SB_PLL40_CORE": _ice40("SB_PLL40_CORE", "REFERENCECLK"),
    "EHXPLLL": _ecp5,
    "rPLL": _gowin,
}
# Of whose parts each is: the first word of a target's name.
PLL_FAMILIES = {"SB_PLL40_PAD": "ice40", "SB_PLL40_CORE": "ice40", "EHXPLLL": "ecp5",
                "rPLL": "gowin"}


def clockings(oscillator: float, pll: str = "") -> Iterator[Clocking]:
    """Every clock that can be made of the oscillator's, the plain one first.

    oscillator : MHz; pll : a name in `PLLS`, or empty
    """
    yield Clocking(oscillator)
    for divide in DIVIDERS:
        yield Clocking(oscillator / divide, divide=divide)
    if pll:
        yield from PLLS[pll](oscillator)


def choose_clock(oscillator: float, pll: str, most: float,
                 suits: Callable[[float], bool] = lambda megahertz: True) -> Clocking:
    """The fastest clock of at most ``most`` MHz that ``suits``; without a PLL where one will do.

    Raises
    ------
    InputError
        There is none.
    """
    fitting = [each for each in clockings(oscillator, pll)
               if each.megahertz <= most * (1 + 1e-9) and suits(each.megahertz)]
    if not fitting:
        made = "a PLL or a divider" if pll else "a divider"
        raise InputError(f"`clock`: must be one that {made} makes of {oscillator:g} MHz and that "
                         f"suits the line, and there is none of at most {most:.2f} MHz; ask for "
                         "more, for another `baud` of a serial line, or generate for a faster plan")
    return max(fitting, key=lambda each: each.megahertz)
