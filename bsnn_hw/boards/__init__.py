"""A bundle made ready for a board: its circuit behind a serial line."""

TOP = "bsnn_board"  # the top level without pins
