"""Leases: which process runs an evaluation, and what it may write."""

from pathlib import Path

from evals_engine.store.records import FinishedRow, StatusChange, StoredEvaluation
from evals_engine.store.store import Store
from tests.engine.store.samples import ADA, ME, OTHER, a_file, an_evaluation


def taken_over(store: Store) -> StoredEvaluation | None:
    """Let the other process claim what is leased, as if all leases were silent."""
    return store.leases.claim(OTHER, [], silent=store.leases.of_others(OTHER))


def test_a_leased_evaluation_is_taken_over_only_from_a_silent_holder(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.leases.claim(ME, running=[]) is not None
    assert store.leases.claim(OTHER, running=[]) is None
    assert taken_over(store) is not None
    assert store.leases.renew(ME) == {}


def test_a_lease_that_is_renewed_at_the_last_moment_is_not_taken_over(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.leases.claim(ME, running=[]) is not None
    silent = store.leases.of_others(OTHER)
    assert store.leases.renew(ME) == {"eval-1": False}
    assert store.leases.claim(OTHER, running=[], silent=silent) is None


def test_what_this_process_already_runs_is_not_claimed_twice(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    assert store.leases.claim(ME, running=[]) is not None
    assert store.leases.claim(ME, running=["eval-1"]) is None


def test_a_released_evaluation_is_free_at_once(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, running=[])
    store.leases.release("eval-1", ME)
    assert store.leases.claim(OTHER, running=[]) is not None


def test_a_process_that_lost_its_lease_writes_no_row_no_step_and_no_end(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, running=[])
    assert taken_over(store) is not None
    row = FinishedRow(0, "ok", "{}")
    step = StatusChange("running", "", 102)
    assert not store.ledger.add_rows("eval-1", ME, [row], 102)
    assert not store.set_status("eval-1", ME, step, 2)
    assert not store.finish("eval-1", ME, step, {}, a_file("file-2"))
    assert list(store.ledger.rows("eval-1")) == []
    assert store.get_file("file-2", ADA) is None


def test_an_ended_evaluation_is_not_run_again(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, running=[])
    assert store.finish("eval-1", ME, StatusChange("completed", "", 3), {"x": 1}, a_file("file-2"))
    assert taken_over(store) is None
    assert store.get_file("file-2", ADA) is not None


def test_two_stores_on_one_directory_see_each_other(tmp_path: Path) -> None:
    first, second = Store(tmp_path), Store(tmp_path)
    first.add_evaluation(an_evaluation(), "new", None)
    assert second.leases.claim(ME, running=[]) is not None
    assert first.leases.claim(OTHER, running=[]) is None
    first.close()
    second.close()
