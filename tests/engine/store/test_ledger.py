"""The ledger of finished rows."""

from pathlib import Path

from evals_engine.store.records import FinishedRow, StatusChange
from evals_engine.store.store import Store
from tests.engine.store.samples import ADA, ME, an_evaluation


def test_rows_are_counted_once_and_come_back_in_the_order_of_the_data_set(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.leases.claim(ME, running=[])
    rows = [FinishedRow(2, "invalid", "{}"), FinishedRow(0, "ok", "{}")]
    assert store.ledger.add_rows("eval-1", ME, rows, 2)
    assert [row.row_number for row in store.ledger.rows("eval-1")] == [0, 2]
    assert store.ledger.finished_flags("eval-1", 3) == bytearray([1, 0, 1])
    found = store.get_evaluation("eval-1", ADA)
    assert found is not None
    assert (found.done_rows, found.failed_rows) == (2, 1)


def test_a_ledger_longer_than_a_page_is_cleared_to_the_last_row(store: Store) -> None:
    store.add_evaluation(an_evaluation(), "new", None)
    store.add_evaluation(an_evaluation("eval-2"), "new", None)
    store.leases.claim(ME, running=[])
    store.leases.claim(ME, running=["eval-1"])
    rows = [FinishedRow(number, "ok", "{}") for number in range(2_500)]
    assert store.ledger.add_rows("eval-1", ME, rows, 2)
    assert store.ledger.add_rows("eval-2", ME, rows[:3], 2)
    store.ledger.clear("eval-1")
    assert list(store.ledger.rows("eval-1")) == []
    assert len(list(store.ledger.rows("eval-2"))) == 3


def test_rows_that_a_killed_process_left_behind_are_deleted_at_the_next_start(
    tmp_path: Path,
) -> None:
    store = Store(tmp_path)
    rows = [FinishedRow(number, "ok", "{}") for number in range(3)]
    for name, results in (
        ("eval-1", {"result_file_id": "file-9"}),
        ("eval-2", {}),
        ("eval-3", None),
    ):
        store.add_evaluation(an_evaluation(name), "new", None)
        store.leases.claim(ME, running=["eval-1", "eval-2", "eval-3"][: int(name[-1]) - 1])
        assert store.ledger.add_rows(name, ME, rows, 2)
        if results is not None:
            end = StatusChange("completed", "done", 3)
            assert store.finish(name, ME, end, results, None)
    store.close()

    again = Store(tmp_path)
    left = {name: len(list(again.ledger.rows(name))) for name in ("eval-1", "eval-2", "eval-3")}
    again.close()

    # Rows without a result file are all that there is of them.
    assert left == {"eval-1": 0, "eval-2": 3, "eval-3": 3}
