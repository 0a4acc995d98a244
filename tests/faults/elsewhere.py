"""Faults of disks, processes and clocks that other tests inject: the promise and the test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Reference:
    """A fault, the promise, and the test that injects the fault."""

    fault: str
    promise: str
    path: str
    test: str

    @property
    def exists(self) -> bool:
        """Return whether the test exists."""
        return f"def {self.test}(" in (ROOT / self.path).read_text("utf-8")


_STORE, _RUNS = "tests/engine/store/test_store_faults.py", "tests/engine/runs/test_runs.py"
_CRASH, _TWICE = "tests/journeys/test_crash.py", "tests/journeys/test_never_twice.py"
_MODELS = "tests/engine/models/test_client.py"

REFERENCES = (
    Reference(
        "full disk while rows finish",
        "no row is lost; the status says why there is no progress",
        _RUNS,
        "test_a_disk_that_takes_nothing_for_a_while_costs_no_row_and_is_said_so",
    ),
    Reference(
        "rows that cannot be read on, while others are in flight",
        "those in flight are judged and stored once, however long the database is away; a shard "
        "of several nodes is then given back",
        "tests/engine/runs/test_row_workers.py",
        "test_each_row_that_is_begun_before_reading_fails_is_stored_once",
    ),
    Reference(
        "full disk at the result file",
        "a later attempt writes it",
        _RUNS,
        "test_a_result_file_that_cannot_be_written_is_written_by_a_later_attempt",
    ),
    Reference(
        "full database",
        "nothing changes; the engine goes on once there is space",
        _STORE,
        "test_a_full_database_changes_nothing_and_goes_on_once_there_is_room",
    ),
    Reference(
        "full disk at an upload",
        "507, nothing is stored, operator",
        "tests/server/providers/test_together.py",
        "test_an_upload_to_a_full_disk_has_certainly_stored_nothing",
    ),
    Reference(
        "read-only directory",
        "the engine does not start; the error names the setting",
        _STORE,
        "test_a_read_only_directory_is_not_damaged_and_names_the_setting",
    ),
    Reference(
        "corrupt database",
        "it is kept beside a new one, and reported",
        _STORE,
        "test_a_damaged_database_is_kept_beside_a_fresh_one_and_said_so",
    ),
    Reference(
        "locked database",
        "the engine waits for it and does not replace it",
        _STORE,
        "test_a_locked_database_is_not_damaged",
    ),
    Reference(
        "kill -9 in the middle of a run",
        "a restart continues the run; only rows in flight are repeated",
        _CRASH,
        "test_a_restart_after_kill_9_finishes_and_repeats_only_rows_that_were_in_flight",
    ),
    Reference(
        "SIGTERM",
        "leases are released; another process continues at once",
        _STORE,
        "test_a_served_engine_gives_its_leases_back_on_sigterm",
    ),
    Reference(
        "kill -9 while the disk is full or the database is locked",
        "no row is lost; at most twice as many rows as workers are repeated",
        "tests/proofs/test_killed_runs.py",
        "test_no_row_is_lost_and_few_are_repeated_however_a_run_ends",
    ),
    Reference(
        "two processes on one store",
        "each can read, cancel and take over the other's runs",
        _CRASH,
        "test_a_second_process_reads_cancels_and_takes_over_what_the_first_one_runs",
    ),
    Reference(
        "a process that has lost its lease",
        "it writes nothing more",
        "tests/engine/store/test_leases.py",
        "test_a_process_that_lost_its_lease_writes_no_row_no_step_and_no_end",
    ),
    Reference(
        "a clock that jumps during a run",
        "the run ends as without the jump",
        _STORE,
        "test_an_evaluation_runs_to_its_end_under_a_clock_that_jumps",
    ),
    Reference(
        "a process whose clock is two hours ahead of another's",
        "it takes no run over, and no row is judged again",
        "tests/engine/runs/test_silent_leases.py",
        "test_a_process_whose_clock_is_ahead_takes_no_run_over_and_judges_no_row_again",
    ),
    Reference(
        "identical creates at the same time, from two servers",
        "one evaluation",
        _TWICE,
        "test_creates_at_once_over_two_calls_and_two_servers_start_one",
    ),
    Reference(
        "identical creates at the same time, from two processes or 20 clients",
        "one evaluation; each model call is made once",
        "tests/proofs/test_identical_creates.py",
        "test_identical_creates_at_once_of_two_servers_start_one_evaluation",
    ),
    Reference(
        "identical creates at the same time, from servers without a common data folder",
        "one evaluation at the engine; at a vendor up to one for each server",
        "tests/proofs/test_identical_creates.py",
        "test_two_servers_without_a_shared_folder_of_state_start_one_evaluation_at_the_engine",
    ),
    Reference(
        "a code or a question from before the user's no, in any order",
        "nothing starts until the user is asked anew",
        "tests/server/tools/test_declined_requests.py",
        "test_nothing_starts_after_a_no_in_any_order",
    ),
    Reference(
        "a state that cannot be used",
        "creates are refused, operator; other tools go on",
        "tests/server/launching/test_repeats.py",
        "test_a_state_that_cannot_be_used_starts_nothing",
    ),
    Reference(
        "a model that asks for a long wait",
        "the engine waits for up to a minute",
        _MODELS,
        "test_the_wait_is_no_shorter_than_the_endpoint_asks_and_bounded",
    ),
    Reference(
        "a model that hangs while a run is cancelled",
        "the cancel does not wait for it",
        _RUNS,
        "test_a_model_that_hangs_does_not_hold_up_a_cancel_for_long",
    ),
)
