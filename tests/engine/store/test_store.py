"""The store: what is durable, and which owner can read it."""

import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from evals_engine.store.database import DataDirError
from evals_engine.store.records import StatusChange
from evals_engine.store.store import Store
from tests.engine.store.samples import ADA, EVE, ME, a_file, an_evaluation

CANCELLED = StatusChange("user_error", "Cancelled", 2)


def test_an_evaluation_is_found_by_its_owner_alone(store: Store) -> None:
    assert store.add_evaluation(an_evaluation(), "new", None)
    assert store.get_evaluation("eval-1", ADA) == an_evaluation()
    assert store.get_evaluation("eval-1", EVE) is None
    assert store.list_evaluations(EVE, None, 10) == []
    assert not store.request_cancel("eval-1", EVE, CANCELLED)


def test_a_taken_id_writes_nothing(store: Store) -> None:
    assert store.add_evaluation(an_evaluation(), "new", None)
    assert not store.add_evaluation(an_evaluation(owner=EVE), "again", None)
    assert len(store.status_changes("eval-1")) == 1


def test_a_cancelled_evaluation_that_nobody_has_begun_ends_at_once(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.request_cancel("eval-1", ADA, CANCELLED)
    found = store.get_evaluation("eval-1", ADA)
    assert found is not None
    assert (found.status, found.results) == ("user_error", {"error": "Cancelled"})
    assert store.leases.claim(ME, running=[]) is None
    assert not store.request_cancel("eval-1", ADA, CANCELLED)


def test_bytes_without_a_record_are_swept_once_they_are_old(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add_file(a_file())
    for name in ("file-1", "file-new", "file-old", "file-old.part"):
        store.path_of(name).write_text("x")
    for name in ("file-1", "file-old", "file-old.part"):
        os.utime(store.path_of(name), (1, 1))
    store.close()
    Store(tmp_path).close()
    assert sorted(path.name for path in store.files_dir.iterdir()) == ["file-1", "file-new"]


def test_an_upload_key_is_spent_by_its_first_use(store: Store) -> None:
    store.add_file(a_file(key="k"))
    assert store.awaited_file("file-1", "wrong") is None
    arrived = replace(a_file(key="k"), bytes=20)
    assert not store.complete_file(replace(arrived, upload_key="wrong"))
    assert store.complete_file(arrived)
    assert not store.complete_file(replace(arrived, bytes=30))
    found = store.get_file("file-1", ADA)
    assert found is not None
    assert found.bytes == 20


def test_a_directory_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    Store(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "evals.sqlite3")) as newer:
        newer.execute("PRAGMA user_version = 99")
    with pytest.raises(DataDirError, match=r"newer version .*format 99.*Upgrade evals-mcp"):
        Store(tmp_path)


def test_a_directory_that_cannot_be_made_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(DataDirError, match=r"local\.data_dir"):
        Store(tmp_path / "taken" / "engine")


def test_a_file_that_an_unfinished_evaluation_needs_is_not_deleted(store: Store) -> None:
    store.add_file(a_file())
    store.path_of("file-1").write_text("{}")
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.delete_file("file-1", ADA) == "eval-1"
    assert store.get_file("file-1", ADA) == a_file()
    assert store.request_cancel("eval-1", ADA, CANCELLED)
    assert store.delete_file("file-1", ADA) is None
    assert not store.path_of("file-1").exists()
