"""The store: what is durable, whose it is, and who runs it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from evals_engine.store.database import DataDirError
from evals_engine.store.leases import Lease
from evals_engine.store.records import (
    FinishedRow,
    ProcessId,
    StatusChange,
    StoredEvaluation,
    StoredFile,
    UserName,
)
from evals_engine.store.store import Store

ADA, EVE = UserName("ada"), UserName("eve")
ME = Lease(ProcessId("me"), until=100)
OTHER = Lease(ProcessId("other"), until=100)
CANCELLED = StatusChange("user_error", "Cancelled", 2)


@pytest.fixture
def store(tmp_path: Path):
    opened = Store(tmp_path)
    yield opened
    opened.close()


def an_evaluation(name: str = "eval-1", owner: UserName = ADA) -> StoredEvaluation:
    return StoredEvaluation(
        id=name,
        owner=owner,
        type="classify",
        parameters={"labels": ["a"]},
        file_id="file-1",
        status="pending",
        results=None,
        total_rows=None,
        done_rows=0,
        failed_rows=0,
        created_at=1,
        updated_at=1,
        cancel_requested=False,
    )


def a_file(name: str = "file-1", owner: UserName = ADA, key: str | None = None) -> StoredFile:
    return StoredFile(name, owner, "data.jsonl", "eval", "jsonl", 10, 2, 1.0, key)


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


def test_a_leased_evaluation_is_taken_over_only_when_the_lease_has_run_out(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.leases.claim(ME, now=1, running=[]) is not None
    assert store.leases.claim(OTHER, now=99, running=[]) is None
    assert store.leases.claim(OTHER, now=101, running=[]) is not None
    assert store.leases.renew(Lease(ME.process_id, until=200)) == {}


def test_what_this_process_already_runs_is_not_claimed_twice(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.leases.claim(ME, now=1, running=[]) is not None
    assert store.leases.claim(ME, now=2, running=["eval-1"]) is None


def test_a_released_evaluation_is_free_at_once(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, now=1, running=[])
    store.leases.release("eval-1", ME.process_id)
    assert store.leases.claim(OTHER, now=2, running=[]) is not None


def test_a_process_that_lost_its_lease_writes_no_row_no_step_and_no_end(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, now=1, running=[])
    store.leases.claim(OTHER, now=101, running=[])
    row = FinishedRow(0, "ok", "{}")
    step = StatusChange("running", "", 102)
    assert not store.ledger.add_rows("eval-1", ME.process_id, [row], 102)
    assert not store.set_status("eval-1", ME.process_id, step, 2)
    assert not store.finish("eval-1", ME.process_id, step, {}, a_file("file-2"))
    assert list(store.ledger.rows("eval-1")) == []
    assert store.get_file("file-2", ADA) is None


def test_rows_are_counted_once_and_come_back_in_the_order_of_the_data_set(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, now=1, running=[])
    rows = [FinishedRow(2, "invalid", "{}"), FinishedRow(0, "ok", "{}")]
    assert store.ledger.add_rows("eval-1", ME.process_id, rows, 2)
    assert [row.row_number for row in store.ledger.rows("eval-1")] == [0, 2]
    assert store.ledger.finished_flags("eval-1", 3) == bytearray([1, 0, 1])
    found = store.get_evaluation("eval-1", ADA)
    assert found is not None
    assert (found.done_rows, found.failed_rows) == (2, 1)


def test_an_ended_evaluation_is_not_run_again(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, now=1, running=[])
    assert store.finish(
        "eval-1", ME.process_id, StatusChange("completed", "", 3), {"x": 1}, a_file("file-2")
    )
    assert store.leases.claim(OTHER, now=200, running=[]) is None
    assert store.get_file("file-2", ADA) is not None


def test_a_ledger_longer_than_a_page_is_cleared_to_the_last_row(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.add_evaluation(an_evaluation("eval-2"), "new", None)
    store.leases.claim(ME, now=1, running=[])
    store.leases.claim(ME, now=1, running=["eval-1"])
    rows = [FinishedRow(number, "ok", "{}") for number in range(2_500)]
    assert store.ledger.add_rows("eval-1", ME.process_id, rows, 2)
    assert store.ledger.add_rows("eval-2", ME.process_id, rows[:3], 2)
    store.ledger.clear("eval-1")
    assert list(store.ledger.rows("eval-1")) == []
    assert len(list(store.ledger.rows("eval-2"))) == 3


def test_a_cancelled_evaluation_that_nobody_has_begun_ends_at_once(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.request_cancel("eval-1", ADA, CANCELLED)
    found = store.get_evaluation("eval-1", ADA)
    assert found is not None
    assert (found.status, found.results) == ("user_error", {"error": "Cancelled"})
    assert store.leases.claim(ME, now=3, running=[]) is None
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
    assert not store.complete_file("file-1", "wrong", 1, 1)
    assert store.complete_file("file-1", "k", 20, 4)
    assert not store.complete_file("file-1", "k", 30, 5)
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


def test_two_stores_on_one_directory_see_each_other(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    first.add_evaluation(an_evaluation(), "new", None)
    assert second.leases.claim(ME, now=1, running=[]) is not None
    assert first.leases.claim(OTHER, now=1, running=[]) is None
    first.close()
    second.close()
