"""Options of the verbs that read recordings."""

from __future__ import annotations

import argparse

from bsnn_hw.command import counts
from bsnn_hw.errors import InputError

__all__ = ["add_framing", "framing_of"]


def add_framing(parser: argparse.ArgumentParser) -> None:
    """How a recording's events become timesteps."""
    add = parser.add_argument_group("recordings").add_argument
    add("--window", type=int, metavar="US", help="microseconds of a timestep")
    add("--per-step", type=int, metavar="N", help="events of a timestep, in place of --window")
    add("--polarity", default="both", metavar="KIND",
        help="both, two channels, off and on; merge, one; on or off, only these (default: both)")
    add("--crop", type=counts, metavar="LEFT,TOP,WIDTH,HEIGHT",
        help="pixels of the sensor that are used (default: all)")
    add("--pool", type=counts, metavar="N[,M]", default=(1,),
        help="pixels, down and across, that become one place of the map (default: 1)")


def framing_of(options: argparse.Namespace):
    """The Framing that ``options`` say."""
    from bsnn_hw.events.framing import Framing

    if options.crop is not None and len(options.crop) != 4:
        raise InputError("`crop`: must be four numbers, left, top, width and height, not "
                         f"{','.join(map(str, options.crop))}")
    if len(options.pool) > 2:
        raise InputError("`pool`: must be one or two numbers, not "
                         f"{','.join(map(str, options.pool))}")
    return Framing(options.window, options.per_step, options.polarity, options.crop,
                   (options.pool[0], options.pool[-1]))
