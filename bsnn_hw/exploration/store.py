"""What a study found: one SQLite file, a row a point, written by one process in transactions."""

from __future__ import annotations

import fcntl
import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TextIO

from bsnn_hw.errors import InputError
from bsnn_hw.exploration.steps import Done, Step

__all__ = ["COLUMNS", "Store", "open_store"]

FILE, VERSION = "study.sqlite", 1
COLUMNS = ("network", "precision", "plan", "part", "seed", "status", "error", "code", "accuracy",
           "cells", "registers", "blocks", "multipliers", "cycles", "clock", "rate", "energy",
           "fits", "exact", "measured", "lanes", "parallel", "engines")
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS points (key TEXT PRIMARY KEY, choices TEXT, {', '.join(COLUMNS)});
CREATE TABLE IF NOT EXISTS steps (key TEXT PRIMARY KEY, kind TEXT, seconds REAL, worker TEXT);
CREATE TABLE IF NOT EXISTS uses (point TEXT, place INTEGER, step TEXT,
                                 PRIMARY KEY (point, place));
PRAGMA user_version = {VERSION};
"""


class Store:
    """The tables ``points``, ``steps`` and ``uses``, which says what steps a point took."""

    def __init__(self, database: sqlite3.Connection):
        self._database = database
        database.row_factory = sqlite3.Row

    def add_step(self, step: Step, done: Done) -> None:
        """A step was done, now or before."""
        with self._database:
            self._database.execute("INSERT OR IGNORE INTO steps VALUES (?, ?, ?, ?)",
                                   (step.key, step.kind, done.seconds, done.worker))

    def add_point(self, key: str, choices: Mapping[str, Any], row: Mapping[str, Any],
                  steps: Iterable[str]) -> None:
        """A point has come to its end: ``row`` by column, and the keys of its steps in order."""
        names = ", ".join(["key", "choices", *row])
        marks = ", ".join("?" * (len(row) + 2))
        with self._database:
            self._database.execute(f"INSERT OR REPLACE INTO points ({names}) VALUES ({marks})",
                                   (key, json.dumps(choices, sort_keys=True), *row.values()))
            self._database.execute("DELETE FROM uses WHERE point = ?", (key,))
            self._database.executemany(
                "INSERT INTO uses VALUES (?, ?, ?)",
                [(key, place, step) for place, step in enumerate(steps)])

    def point(self, key: str) -> dict[str, Any] | None:
        """A point's row by column, None if there is none."""
        row = self._database.execute("SELECT * FROM points WHERE key = ?", (key,)).fetchone()
        return None if row is None else dict(row)

    def tasks(self, point: str) -> list[tuple[str, str, float]]:
        """(key, kind, seconds) of the point's steps, in order."""
        found = self._database.execute(
            "SELECT steps.key, kind, seconds FROM uses JOIN steps ON uses.step = steps.key "
            "WHERE point = ? ORDER BY place", (point,))
        return [tuple(row) for row in found]

    def workers(self) -> list[str]:
        """Machine and process of every worker that did a step, the latest last."""
        found = self._database.execute(
            "SELECT worker FROM steps GROUP BY worker ORDER BY max(rowid)")
        return [row["worker"] for row in found if row["worker"]]


@contextmanager
def open_store(folder: Path) -> Iterator[Store]:
    """The store in ``folder``, made if needed, for this process alone to write.

    Raises
    ------
    InputError
        The folder cannot be written, another study is at work in it, or its store is none.
    """
    with _locked(folder), closing(_database(folder)) as database:
        yield Store(database)


def _locked(folder: Path) -> TextIO:
    """An open file whose lock says that a study is at work in the folder."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("w", encoding="utf-8")
    except OSError as error:
        raise InputError(f"{folder}: must be a folder that can be written, {error.strerror}; "
                         "give another `out`") from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise InputError(f"{folder}: must be one study's, and another is at work in it; wait for "
                         "it, or give another `out`") from None
    return lock


def _database(folder: Path) -> sqlite3.Connection:
    wrong = InputError(f"{folder / FILE}: must be the store of a study of this version, and is "
                       "not; give another `out`")
    try:
        database = sqlite3.connect(folder / FILE)
    except sqlite3.DatabaseError:
        raise wrong from None
    try:
        version = database.execute("PRAGMA user_version").fetchone()[0]
        tables = database.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if version != VERSION and tables:
            raise sqlite3.DatabaseError
        database.execute("PRAGMA journal_mode = WAL")  # others may read while it is written
        database.executescript(_SCHEMA)
    except sqlite3.DatabaseError:
        database.close()
        raise wrong from None
    return database
