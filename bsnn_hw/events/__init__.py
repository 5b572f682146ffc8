"""Recordings of event cameras as samples and as stimulus (docs/events.md)."""

from bsnn_hw.events.event import EVENT
from bsnn_hw.events.framing import Framing, Tally, frames, samples
from bsnn_hw.events.recording import Recording
from bsnn_hw.events.sets import labelled_frames

__all__ = ["EVENT", "Framing", "Recording", "Tally", "frames", "labelled_frames", "samples"]
