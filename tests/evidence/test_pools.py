"""Pools of processes end when they are told to, and not when their work is done."""

import os
import signal
import subprocess
import sys

from evidence.pools import process_pool
from tests.for_each import for_each
from tests.interrupts import hear_ctrl_c

PROGRAM = """
import time
from bsnn_hw.processes import ending_signals
from evidence.pools import process_pool

with ending_signals(), process_pool(2) as pool:
    print(pool.submit(int, "7").result(), flush=True)
    for each in [pool.submit(time.sleep, 3600) for _ in range(6)]:
        each.result()
"""


def test_functions_run_in_processes_of_their_own():
    with process_pool(2) as pool:
        assert os.getpid() not in {pool.submit(os.getpid).result() for _ in range(4)}
        assert list(pool.map(abs, (-1, 2, -3))) == [1, 2, 3]


@for_each("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_what_is_in_work(number):
    with subprocess.Popen([sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, encoding="utf-8",
                          preexec_fn=hear_ctrl_c) as program:
        assert program.stdout.readline() == "7\n"
        program.send_signal(number)
        said = program.communicate(timeout=300)[1]
    assert program.returncode != 0
    assert "KeyboardInterrupt" in said or "Terminated" in said
