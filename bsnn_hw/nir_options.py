"""What verbs ask of a NIR file, which says neither timesteps nor resets (docs/nir.md)."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from bsnn_hw.errors import InputError

__all__ = ["add_nir_options", "is_nir", "nir_document"]

_WORDS = ("source", "dt", "decay", "reset", "comparison", "spikes", "synaptic", "output_node")
_SWITCHES = ("norm_input", "refractory")
_ENTRY = ("timesteps", "coding", "bits", "scale", "readout")


def add_nir_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``.nir`` files to a verb."""
    add = parser.add_argument_group(
        "NIR files", "what a .nir file does not say; without --source, all of --dt, --decay, "
                     "--reset and --comparison").add_argument
    add("--source", metavar="FRAMEWORK",
        help="conventions of the writer: snntorch, spikingjelly, sinabs, norse or lava")
    add("--dt", type=float, metavar="SECONDS", help="length of a timestep, in the file's unit")
    add("--decay", help="leak of a timestep: euler, 1 - dt/tau, or exponential, exp(-dt/tau)")
    add("--reset", help="hard, to v_reset, or soft, by subtraction")
    add("--comparison", metavar="SIGN", help="when a neuron fires: '>=' or '>' the threshold")
    add("--norm-input", choices=("yes", "no"),
        help="whether an exponential leak also scales the input by 1 - leak")
    add("--spikes", help="single, at most one spike per timestep, or multi")
    add("--synaptic", help="first, a CubaLIF's membrane takes the synaptic current that the "
                           "timestep's input is in, or last, that of the timestep before")
    add("--refractory", choices=("yes", "no"),
        help="whether a hard reset comes so late that a membrane is at 0 in the timestep after a "
             "spike, as of snnTorch's Synaptic with zero and its default reset_delay")
    add("--output-node", metavar="NAME",
        help="the output node that has the scores, where there are several")
    add("--timesteps", type=int, metavar="N", help="timesteps of a sample")
    add("--coding", help="input: direct, the same integers at each timestep, or events")
    add("--bits", type=int, metavar="N", help="bits of a direct input value")
    add("--scale", type=numbers, metavar="X[,X...]",
        help="what 1 is worth of a direct input value, for all channels or one each")
    add("--offset", type=numbers, default=0.0, metavar="X[,X...]",
        help="what 0 is worth of a direct input value (default: 0)")
    add("--readout", metavar="KIND",
        help="scores: spike_count of spikes; mean, sum, last or max of currents")


def numbers(text: str) -> float | tuple[float, ...]:
    """A number, or several with commas between them."""
    found = tuple(float(each) for each in text.split(","))
    return found[0] if len(found) == 1 else found


def is_nir(path: Path) -> bool:
    """Whether a file is HDF5, as NIR's are, or is named so."""
    if path.suffix == ".nir":
        return True
    try:
        with path.open("rb") as file:
            return file.read(8) == b"\x89HDF\r\n\x1a\n"
    except (OSError, ValueError):
        return False


def nir_document(options: argparse.Namespace) -> dict[str, Any] | None:
    """The document of ``options.model`` where that is a NIR file, else None.

    Raises
    ------
    InputError
        An option is missing, or is given for another kind of file.
    """
    names = (*_WORDS, *_ENTRY, *_SWITCHES)
    given = [name for name in names if getattr(options, name) is not None]
    if not is_nir(options.model):
        if given:
            raise InputError(f"`{given[0]}`: must be left out for {options.model}, a model file, "
                             "which says it itself")
        return None
    for name in ("timesteps", "coding"):
        if getattr(options, name) is None:
            raise InputError(f"`{name}`: must be given, as {options.model}, a NIR file, has none")
    from bsnn_hw.convert.nir_file import nir

    return nir(options.model, options.timesteps, coding=options.coding, bits=options.bits,
               scale=options.scale, offset=options.offset, readout=options.readout,
               **{name: getattr(options, name) for name in _WORDS},
               **{name: getattr(options, name) and getattr(options, name) == "yes"
                  for name in _SWITCHES})
