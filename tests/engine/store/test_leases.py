"""Leases: which process runs an evaluation, and what it may write."""

from pathlib import Path

from evals_engine.store.leases import Lease
from evals_engine.store.records import FinishedRow, StatusChange
from evals_engine.store.store import Store
from tests.engine.store.samples import ADA, ME, OTHER, a_file, an_evaluation


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


def test_an_ended_evaluation_is_not_run_again(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, now=1, running=[])
    assert store.finish(
        "eval-1", ME.process_id, StatusChange("completed", "", 3), {"x": 1}, a_file("file-2")
    )
    assert store.leases.claim(OTHER, now=200, running=[]) is None
    assert store.get_file("file-2", ADA) is not None


def test_two_stores_on_one_directory_see_each_other(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    first.add_evaluation(an_evaluation(), "new", None)
    assert second.leases.claim(ME, now=1, running=[]) is not None
    assert first.leases.claim(OTHER, now=1, running=[]) is None
    first.close()
    second.close()
