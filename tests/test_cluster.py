"""Workers: results in order, the first mismatch as a loop would find it, and deaths."""

import os
import pickle
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from bsnn_hw.cluster import dask_workers, in_order, outcome
from bsnn_hw.errors import MismatchError, ModelError, ToolError


def test_results_come_in_order():
    def slow_first(item):
        time.sleep(0.02 * (3 - item))
        return item * item

    with ThreadPoolExecutor(4) as pool:
        assert list(in_order(pool, slow_first, range(4))) == [0, 1, 4, 9]


def test_the_first_mismatch_is_that_of_a_loop_and_stops_the_rest():
    """The third fails at once, the second later: the second is named, and few others begin."""
    begun, late = [], threading.Event()

    def check(item):
        begun.append(item)
        if item == 2:
            raise MismatchError("seed 2")
        if item == 1:
            late.wait(5)
            raise MismatchError("seed 1")
        return item

    with ThreadPoolExecutor(2) as pool:
        results = in_order(pool, check, range(1000))
        assert next(results) == 0
        late.set()
        with pytest.raises(MismatchError, match="seed 1"):
            next(results)
    assert len(begun) < 10


def test_errors_go_from_process_to_process():
    for error in (ModelError(["a: wrong", "b: wrong"]), MismatchError("a\nb")):
        same = pickle.loads(pickle.dumps(error))
        assert (type(same), str(same)) == (type(error), str(error))
    assert pickle.loads(pickle.dumps(ModelError(["a", "b"]))).problems == ("a", "b")


def test_without_dask_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with (pytest.raises(ToolError, match=r"pip install 'bsnn-hw\[explore\]'"), dask_workers(1)):
        pass


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    pytest.importorskip("distributed")
    monkeypatch.setattr("bsnn_hw.cluster.WAIT", "200ms")
    with (pytest.raises(ToolError, match=r"`scheduler`: must be .* tcp://127.0.0.1:1 does not"),
          dask_workers(1, "tcp://127.0.0.1:1")):
        pass


def _die_once(mark):
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return os.getpid()
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.slow
def test_what_a_worker_had_is_done_by_another(tmp_path):
    pytest.importorskip("distributed")
    with dask_workers(1) as workers:
        assert workers.count() == 1
        assert outcome(workers.executor.submit(_die_once, str(tmp_path / "mark"))) != os.getpid()
