"""A bundle made ready for a board: its circuit behind a serial line."""

TOP = "bsnn_board"  # the top level without pins
PINS = "bsnn_pins"  # around it, a board's reset and lights: all but the clock
DIVIDER = "bsnn_divider"  # of a clock without a PLL
