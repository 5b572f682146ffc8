"""A layout as ``layout.json``; docs/layout.md says what each entry means."""

from __future__ import annotations

import enum
from dataclasses import fields, is_dataclass
from typing import Any

from bsnn_hw.devices.parts import Parts
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.ir.network import Shape
from bsnn_hw.ir.raster import Raster
from bsnn_hw.layout.blocks import Entry, Layer, Link, Output
from bsnn_hw.layout.build import Layout

__all__ = ["layout_document"]

FORMAT, VERSION = "bsnn-hw/layout", 1
UNUSUAL = {"summands", "join", "pipelined", "held", "floor"}  # left out where there is none


def layout_document(layout: Layout) -> dict[str, Any]:
    """The layout as plain JSON values: every number of the circuit but weights and constants."""
    return {"format": FORMAT, "version": VERSION, "port": layout.port.value,
            "slots": _plain(layout.slots), "layers": [_block(each) for each in layout.blocks]}


def _block(block: Layer | Output) -> dict[str, Any]:
    facts = _plain(block)
    assert isinstance(facts, dict)
    return facts


def _plain(value: Any) -> Any:
    match value:
        case Geometry():
            return _geometry(value)
        case Raster():
            return {"map": _plain(value.shape), "width": value.width, "rows": value.rows}
        case Shape():
            return [value.channels, value.height, value.width]
        case enum.Enum():
            return value.value
        case tuple():
            return [_plain(each) for each in value]
        case _ if is_dataclass(value):
            # An engine says once how it is laid out, and parts follow from the rest.
            hidden = {"geometry"} if isinstance(value, Entry | Link) else set()
            return {"type": type(value).__name__} | {
                field.name: _plain(getattr(value, field.name)) for field in fields(value)
                if field.name not in hidden and not isinstance(getattr(value, field.name), Parts)
                and (field.name not in UNUSUAL or getattr(value, field.name))}
    return value


def _geometry(geometry: Geometry) -> dict[str, Any]:
    return {"engine": type(geometry).__name__, "takes": geometry.takes.value,
            "source": _plain(geometry.source), "neurons": _plain(geometry.raster),
            "lanes": geometry.lanes, "shared": geometry.shared, "parallel": geometry.parallel,
            "folds": geometry.folds, "rows": geometry.rows, "taps": geometry.taps,
            "banks": geometry.banks, "depth": geometry.depth}
