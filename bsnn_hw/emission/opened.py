"""A bundle on disk back to a ``Design``, as its manifest and network say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path

from bsnn_hw.emission.c_driver import C_DRIVER, c_driver_names
from bsnn_hw.emission.constructs import check_constructs
from bsnn_hw.emission.design import Design, LayerProbe
from bsnn_hw.emission.flows import FLOW_FILES
from bsnn_hw.emission.inventory import changes, read_inventory
from bsnn_hw.emission.manifest import FORMAT, VERSION, manifest
from bsnn_hw.emission.memories import MEM_FOLDER
from bsnn_hw.emission.replaced import listed
from bsnn_hw.emission.vectors import read_inputs, vector_facts, vector_names
from bsnn_hw.errors import InputError
from bsnn_hw.ir import store
from bsnn_hw.ir.schedule import Engine, LayerPlan, Port, Schedule, Store, Stores
from bsnn_hw.layout.build import build_layout
from bsnn_hw.progress import step
from bsnn_hw.verilog.write import Observed, Verilog

__all__ = ["BESIDE", "check_edits", "open_bundle", "read_manifest", "verified"]

# Written for people and for `make` alone; no check of ours reads them.
BESIDE = {"Makefile", "README.md", "bench.py", "layout.json", "plan.toml", *C_DRIVER,
          *FLOW_FILES}


def verified(names: Iterable[str]) -> set[str]:
    """Those of a bundle's ``names`` that checks of ours read."""
    return {name for name in names if name not in BESIDE and not name.startswith(f"{MEM_FOLDER}/")}


def read_manifest(folder: Path) -> dict:
    """The manifest of the bundle in ``folder``.

    Raises
    ------
    InputError
        The folder is not a bundle of this version.
    """
    try:
        facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{folder}: must be a bundle with a manifest.json, {error.strerror}; "
                         "make one with python -m bsnn_hw.generate") from None
    except (ValueError, RecursionError):
        raise InputError(f"{folder}/manifest.json: must be JSON; generate the bundle again") \
            from None
    if (not isinstance(facts, dict) or facts.get("format") != FORMAT
            or facts.get("version") != VERSION):
        raise InputError(f"{folder}/manifest.json: must be a {FORMAT} of version {VERSION}; "
                         "generate the bundle again")
    return facts


@step("bundle read")
def open_bundle(folder: Path) -> Design:
    """The design in ``folder``; its Verilog is used as it lies there (see `check_edits`).

    Raises
    ------
    InputError
        The folder is not a bundle, files of it are missing or damaged, or its Verilog holds what
        this program does not write.
    """
    facts = read_manifest(folder)
    network = store.read(folder / "network.json")
    try:
        design = _design(folder, network, facts)
        count, hangs, cycles = (_count(facts["vectors"], key)
                                for key in ("inferences", "watchdog", "cycles"))
        vectors = vector_facts(count, hangs, cycles, network.stateful)
        wanted = json.loads(json.dumps(manifest(design, vectors, facts["network"]["trained_on"])))
        wanted["files"] = read_inventory(facts["files"])
        _check_names(design, wanted["files"])
        wrong = _first_difference(wanted, facts)
    # Whatever the values of a damaged file lead to means the same.
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, ArithmeticError,
            RecursionError) as error:
        wrong = f"{type(error).__name__}: {error}"
    if wrong:
        raise InputError(f"{folder}/manifest.json: must describe the network in network.json, "
                         f"but does not: {wrong}; generate the bundle again")
    missing = [str(path) for path in design.verilog.paths if not path.is_file()]
    if missing:
        raise InputError(f"{folder}: files must be there, {', '.join(missing[:3])} is not; "
                         "generate the bundle again")
    check_constructs(design.verilog.paths)
    inferences = len(read_inputs(design, folder / "vectors"))
    if inferences != vectors["inferences"]:
        raise InputError(f"{folder}/manifest.json: vectors.inferences must be {inferences}, those "
                         f"of vectors/inputs.npy, not {vectors['inferences']}; generate the bundle "
                         "again")
    return design


def check_edits(folder: Path, allowed: bool) -> str | None:
    """What was edited since the bundle was written, of the files that are verified; None if
    nothing was.

    Raises
    ------
    InputError
        Something was, and that is not ``allowed``.
    """
    files = read_inventory(read_manifest(folder)["files"])
    found = changes(folder, files, verified(files))
    if found and not allowed:
        raise InputError(f"{folder}: must be as it was written, but {listed(found)}; give `edited` "
                         "to take it as it is, or generate the bundle again")
    return listed(found) if found else None


def _check_names(design, files):
    """Refuse lists that leave out what is verified."""
    absent = set(C_DRIVER) - set(c_driver_names(design))
    wanted = {*BESIDE - absent, "network.json", *vector_names(design),
              *(f"rtl/{path.name}" for path in design.verilog.paths)}
    found = {name for name in files if not name.startswith(f"{MEM_FOLDER}/")}
    if wrong := sorted(wanted ^ found):
        raise ValueError(f"files must have {'no ' if wrong[0] in files else ''}{wrong[0][:80]}")


def _count(facts, key):
    if type(facts[key]) is not int or facts[key] < 1:
        raise ValueError(f"vectors.{key} must be 1 or more")
    return facts[key]


def _name(text):
    """``text`` if it is a plain name: it goes into commands and C++."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text):
        raise ValueError(f"{text[:40]!r} must be a plain name")
    return text


def _design(folder, network, facts):
    plans = tuple(LayerPlan(layer["lanes"], layer["parallel"], layer["shared_lanes"],
                            Engine(layer["engine"]),
                            Stores(frozenset(map(Store, layer["block_ram"]))),
                            layer.get("places", 1), layer.get("pipelined", False),
                            layer.get("units"))
                  for layer in facts["layers"])
    if not all(type(count) is int and 0 < count for plan in plans
               for count in (plan.lanes, plan.parallel, plan.places,
                             1 if plan.units is None else plan.units)):
        raise ValueError("lanes, parallel neurons, places and units must be 1 or more")
    for plan in plans:
        if plan.units is not None and plan.parallel % plan.units:
            raise ValueError("units must be a divisor of the parallel neurons")
    schedule = Schedule(plans)
    port = Port(facts["port"])
    paths = tuple(folder / source for source in facts["sources"])
    if not isinstance(facts["network"]["trained_on"], str | None):
        raise TypeError("trained_on must be a name or null")
    probes = tuple(_probe(layer) for layer in facts["layers"] if "probe" in layer)
    if len(probes) != len(network.hidden):
        raise ValueError(f"{len(network.hidden)} layers must have probes, not {len(probes)}")
    return Design(build_layout(network, schedule, port),
                  Verilog(paths, _name(facts["top"]), {}, {}), probes)


def _first_difference(wanted, given, place=""):
    """The first place where the file says something else than it must, None if nowhere."""
    if isinstance(wanted, dict) and isinstance(given, dict):
        for key in sorted(wanted.keys() | given.keys()):
            found = _first_difference(wanted.get(key), given.get(key), f"{place}{key}.")
            if found:
                return found
        return None
    if isinstance(wanted, list) and isinstance(given, list) and len(wanted) == len(given):
        found = (_first_difference(*pair, f"{place}{index}.")
                 for index, pair in enumerate(zip(wanted, given, strict=True)))
        return next(filter(None, found), None)
    if (type(wanted) is type(given) and wanted == given) or place == "generator.":
        return None
    return f"{place.rstrip('.')} must be {wanted!r}, not {given!r}"[:300]


def _probe(layer):
    probe, units = layer["probe"], layer.get("units", layer["parallel"])
    path = ".".join(map(_name, probe["path"].split(".")))

    def place(key, width):
        return Observed(path, _name(probe["module"]), _name(probe[key]), width)

    return LayerProbe(layer["name"], place("firing", 1),
                      place("charged", layer["charged_width"] * units),
                      place("fired", units))
