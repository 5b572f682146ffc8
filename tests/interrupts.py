"""Children that are to hear Ctrl-C."""

import signal


def hear_ctrl_c():
    """A child's first act (``preexec_fn``): a shell's background jobs inherit deafness to it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
