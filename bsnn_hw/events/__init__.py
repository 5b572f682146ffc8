"""Recordings of event cameras as samples and as stimulus (docs/events.md)."""

from bsnn_hw.events.framing import Framing, Tally, frames, samples
from bsnn_hw.events.recording import EVENT, Recording

__all__ = ["EVENT", "Framing", "Recording", "Tally", "frames", "samples"]
