"""A bundle made ready for a board: its circuit behind a serial line."""
