"""32 edits of an emitted circuit, each of one place in one file.

The circuit is `circuit`'s: 19 inputs of 5 bits, 14 and 2 neurons, 4 timesteps, ports of bytes,
three lanes and five neurons side by side, so that nothing divides evenly.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["EDITS", "Edit", "circuit"]

SEED, LANES, PARALLEL, SAMPLES = 24, (3, 4), (5, 2), 24


@dataclass(frozen=True)
class Edit:
    """A kind of mistake at one place.

    file : end of the file's name; pattern : regular expression that matches there once
    new : what takes the match's place
    """

    name: str
    file: str
    pattern: str
    new: str

    def apply(self, rtl: Path) -> Path:
        """Edit the file in ``rtl`` and return its path."""
        path, = (path for path in rtl.iterdir() if path.name.endswith(f"{self.file}.v"))
        text, count = re.subn(self.pattern, self.new, path.read_text(encoding="utf-8"))
        assert count == 1, (self, count)
        path.write_text(text, encoding="utf-8")
        return path


def circuit(folder: Path) -> None:
    """Write the bundle that is edited."""
    from bsnn_hw.emission.bundle import write_bundle
    from bsnn_hw.ir.schedule import Port
    from bsnn_hw.lowering.lower import PrecisionRequest, lower
    from bsnn_hw.model.check import describe
    from bsnn_hw.planning.schedule import make_schedule
    from evidence.random_models import random_document, random_inputs

    document = random_document(SEED)
    inputs = random_inputs(SEED, document, SAMPLES)
    network = lower(describe(document, "edits"), inputs,
                    PrecisionRequest(fraction_bits=2, leak_bits=4)).network
    write_bundle(network, make_schedule(network, LANES, PARALLEL), inputs, folder,
                 port=Port.BYTES)


_FC1, _FC2, _LINK = "network_layer_fc1", "network_layer_fc2", "network_link_fc1"
EDITS = tuple(Edit(*row) for row in (
    # Operators.
    ("< for > in a comparison", f"{_FC1}_neurons", r"(fired\[0\] = .*) > ", r"\1 < "),
    ("- for + in a sum", f"{_FC1}_accumulator", r"(\{ read_data\[9:0\], 1'h1 \}\)) \+", r"\1 -"),
    ("| for ^ of two weights", f"{_FC1}_synapses", r"(bank_0_word_0_1\[0\]) \^", r"\1 |"),
    ("an inversion put in", f"{_FC1}_synapses", r"(carries_0 <= )", r"\1~"),
    ("& for | in an encoder", f"{_LINK}_encoder_0", r"(words__ready = \w+) \|", r"\1 &"),
    # Constants.
    ("a bit of a threshold", f"{_FC1}_neurons", r"(threshold\[0\] = 65'h)0", r"\g<1>1"),
    ("a digit of a bias", f"{_FC1}_current", r"(bias\[0\] = 50'h)3", r"\g<1>0"),
    ("the weights of an input", f"{_FC1}_synapses", r"(bank_0\[0\] = 5'h)0b", r"\g<1>14"),
    ("the last timestep", f"{_FC1}_sequencer", r"next_timestep == 2'h3", "next_timestep == 2'h2"),
    ("bytes without end", "24_writer", r"left - 2'h1", "left - 2'h0"),
    ("a leak factor", f"{_FC1}_neurons", r"(\? 5'h11 :) 5'h02", r"\1 5'h12"),
    # The order of bits.
    ("two values of a beat", "24_reader", r"row, (\w+), row, (\w+), row, (\w+) \}",
     r"row, \2, row, \1, row, \3 }"),
    ("tlast below tdata", "random_24", r"\{ s_axis_tlast, s_axis_tdata \}",
     "{ s_axis_tdata, s_axis_tlast }"),
    ("spikes of a row", f"{_FC1}_neurons", r"(words <= \{ \w+, op_4_1\[1:0\]), fired \}",
     r"\1, fired[0], fired[1], fired[2], fired[3], fired[4] }"),
    # Signals that are stuck.
    ("no row ever fires", f"{_FC1}_neurons", r"(assign firing =) .*;", r"\1 1'h0;"),
    ("sums are never written", f"{_FC1}_accumulator", r"(assign write =) .*;", r"\1 empty;"),
    ("a mark is lost", f"{_LINK}_join", r"(assign marks\[0\] =) .*;", r"\1 1'h0;"),
    ("every class leads", f"{_FC2}_scorer", r"(assign leads =) .*;", r"\1 1'h1;"),
    # Signals that are swapped.
    ("two operands", f"{_FC1}_synapses", r"values_1\[4:0\] - values_1\[9:5\]",
     "values_1[9:5] - values_1[4:0]"),
    # Widths.
    ("the upper bits of a sum", f"{_FC1}_accumulator", r"read_data\[19:10\]", "read_data[15:10]"),
    ("the sign of a gain", f"{_FC2}_scorer",
     r"(\$signed\(\{) (\w+)\[3\], \2\[3\], \2\[3\], (\2 \})", r"\1 3'h0, \3"),
    ("the sign of a current", f"{_FC1}_neurons", r"\{ currents\[11\], currents\[11:0\] \}",
     "{ 1'h0, currents[11:0] }"),
    # Resets.
    ("a neuron that keeps its potential", f"{_FC1}_neurons", r"\| \{ fired\[2\], (op_4_1\[9\]) \}",
     r"\1"),
    ("a counter that begins at 1", f"{_FC2}_scorer", r"(\(rst\) turn <=) 2'h0", r"\1 2'h1"),
    # Memories and counters that are off by one.
    ("a queue's read address", f"{_LINK}_queue_0_queue", r"(r_port__addr \+ \d'h0)1", r"\g<1>2"),
    ("a walk that is one fold short", f"{_FC1}_sequencer_walk", r"fold == 2'h1", "fold == 2'h0"),
    # Handshakes that are inverted.
    ("valid of the byte port", "24_writer", r"(assign bytes__valid =) \| left", r"\1 ~| left"),
    ("ready of the byte port", "24_reader", r"(bytes__ready = awake &) ", r"\1 ~ "),
    ("ready of a link", f"{_LINK}_encoder_0", r"(assign send = \w+ \|) ", r"\1 ~ "),
    ("room of a queue", f"{_LINK}_queue_0", r"level < ", "level > "),
    # Edits that change nothing.
    ("minus 1 as plus 3", f"{_LINK}_encoder_0", r"pending - 2'h1", "pending + 2'h3"),
    ("De Morgan", f"{_LINK}_join", r"(assign groups__valid =) (\w+) \| (\w+);",
     r"\1 ~ (~ \2 & ~ \3);"),
))
