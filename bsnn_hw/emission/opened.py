"""A bundle on disk back to a ``Design``, as its manifest and network say."""

from __future__ import annotations

import json
from pathlib import Path

from bsnn_hw.emission.design import Design, LayerProbe
from bsnn_hw.emission.manifest import FORMAT, VERSION
from bsnn_hw.errors import InputError
from bsnn_hw.ir import store
from bsnn_hw.ir.bounds import network_bounds
from bsnn_hw.ir.ports import port_layout
from bsnn_hw.ir.schedule import LayerPlan, Schedule, network_geometries
from bsnn_hw.sim.verilog import Observed, Verilog

__all__ = ["open_bundle", "read_manifest"]


def read_manifest(folder: Path) -> dict:
    """The manifest of the bundle in ``folder``.

    Raises
    ------
    InputError
        The folder is not a bundle of this version.
    """
    try:
        facts = json.loads((folder / "manifest.json").read_text())
    except OSError as error:
        raise InputError(f"{folder}: must be a bundle with a manifest.json, {error.strerror}; "
                         "make one with python -m bsnn_hw.generate") from None
    except ValueError:
        raise InputError(f"{folder}/manifest.json: must be JSON; generate the bundle again") \
            from None
    if (not isinstance(facts, dict) or facts.get("format") != FORMAT
            or facts.get("version") != VERSION):
        raise InputError(f"{folder}/manifest.json: must be a {FORMAT} of version {VERSION}; "
                         "generate the bundle again")
    return facts


def open_bundle(folder: Path) -> Design:
    """The design in ``folder``; its Verilog is used as it lies there.

    Raises
    ------
    InputError
        The folder is not a bundle, or files of it are missing or damaged.
    """
    facts = read_manifest(folder)
    network = store.read(folder / "network.json")
    try:
        schedule = Schedule(tuple(LayerPlan(layer["lanes"], layer["parallel"],
                                            layer["shared_lanes"])
                                  for layer in facts["layers"]))
        paths = tuple(folder / source for source in facts["sources"])
        probes = tuple(_probe(layer) for layer in facts["layers"] if "probe" in layer)
        top = facts["top"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{folder}/manifest.json: must have {error}; generate the bundle again") \
            from None
    missing = [str(path) for path in paths if not path.is_file()]
    if missing:
        raise InputError(f"{folder}: files must be there, {', '.join(missing[:3])} is not; "
                         "generate the bundle again")
    hidden, readout = network_bounds(network)
    return Design(network, schedule, port_layout(network, schedule),
                  network_geometries(network, schedule), hidden, readout,
                  Verilog(paths, top, {}, {}), probes)


def _probe(layer):
    probe = layer["probe"]

    def place(key, width):
        return Observed(probe["path"], probe["module"], probe[key], width)

    return LayerProbe(layer["name"], place("firing", 1),
                      place("charged", layer["charged_width"] * layer["parallel"]),
                      place("fired", layer["parallel"]))
