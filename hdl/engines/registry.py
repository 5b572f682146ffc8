"""All engines in Amaranth, by their geometry."""

from __future__ import annotations

from typing import Any

from bsnn_hw.engines.conv_events import ConvEvents
from bsnn_hw.engines.conv_groups import ConvGroups
from bsnn_hw.engines.conv_lines import ConvLines
from bsnn_hw.engines.dense_events import DenseEvents
from bsnn_hw.engines.dense_unrolled import DenseUnrolled
from bsnn_hw.engines.dense_words import DenseWords
from bsnn_hw.engines.engine import Geometry
from bsnn_hw.hdl.engines.conv_events import ConvEventsHardware
from bsnn_hw.hdl.engines.conv_groups import ConvGroupsHardware
from bsnn_hw.hdl.engines.conv_lines import ConvLinesHardware
from bsnn_hw.hdl.engines.dense_events import DenseEventsHardware
from bsnn_hw.hdl.engines.dense_unrolled import DenseUnrolledHardware
from bsnn_hw.hdl.engines.dense_words import DenseWordsHardware
from bsnn_hw.hdl.engines.engine import Hardware

__all__ = ["hardware"]

_ENGINES: dict[type[Geometry], Hardware[Any]] = {
    DenseEvents: DenseEventsHardware(),
    ConvEvents: ConvEventsHardware(),
    DenseWords: DenseWordsHardware(),
    DenseUnrolled: DenseUnrolledHardware(),
    ConvLines: ConvLinesHardware(),
    ConvGroups: ConvGroupsHardware(),
}


def hardware(geometry: Geometry) -> Hardware[Any]:
    """The components that ``geometry`` is built of."""
    return _ENGINES[type(geometry)]
