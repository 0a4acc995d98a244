"""Several processes on one state: nothing lost, nothing of another principal seen."""

from __future__ import annotations

import json
import random
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

from evals_mcp.state.database import FILE_NAME
from evals_mcp.state.kinds import STARTED
from evals_mcp.state.records import State

ROUNDS = 200

WORKER = """
import json, random, sys
from datetime import UTC, datetime
from pathlib import Path
from evals_mcp.state.database import FILE_NAME
from evals_mcp.state.kinds import STARTED
from evals_mcp.state.records import State

folder, me, other, rounds = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
records = State(folder, 10_000_000, lambda: datetime.now(UTC)).of(me)
draw = random.Random(me)
for number in range(rounds):
    records.put(STARTED, f"{me}-{number}", {"owner": me, "number": number})
    print(json.dumps(["put", number]), flush=True)
    records.update(STARTED, "count", lambda value: {"owner": me, "n": (value or {"n": 0})["n"] + 1})
    seen = records.list(STARTED)
    assert all(record.value["owner"] == me for record in seen), seen
    if number and draw.random() < 0.5:
        gone = draw.randrange(number)
        print(json.dumps(["deleting", gone]), flush=True)
        records.delete(STARTED, f"{me}-{gone}")
"""


def start(folder: Path, me: str, other: str, rounds: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WORKER, str(folder), me, other, str(rounds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def expected(output: str) -> tuple[set[int], set[int]]:
    """Return what was certainly written, and what may have been deleted again."""
    written: set[int] = set()
    deleted: set[int] = set()
    for line in output.splitlines(keepends=True):
        if line.endswith("\n"):
            action, number = json.loads(line)
            (written if action == "put" else deleted).add(number)
    return written, deleted


def numbers(folder: Path, principal: str) -> tuple[set[int], int]:
    records = State(folder, 10_000_000, lambda: datetime.now(UTC)).of(principal)
    stored = {record.name: record.value for record in records.list(STARTED)}
    count = stored.pop("count", {"n": 0})["n"]
    assert all(value["owner"] == principal for value in stored.values())
    return {value["number"] for value in stored.values()}, count


def test_two_processes_write_read_and_delete_at_once(tmp_path: Path) -> None:
    workers = {
        me: start(tmp_path, me, other, ROUNDS) for me, other in (("alice", "bob"), ("bob", "alice"))
    }
    for me, worker in workers.items():
        output, _ = worker.communicate()
        assert worker.returncode == 0
        written, deleted = expected(output)
        stored, count = numbers(tmp_path, me)
        assert written == set(range(ROUNDS))
        assert stored == written - deleted
        assert count == ROUNDS


def test_processes_of_one_principal_lose_no_change(tmp_path: Path) -> None:
    workers = [start(tmp_path, "alice", "bob", 60) for _ in range(2)]
    for worker in workers:
        worker.communicate()
        assert worker.returncode == 0
    assert numbers(tmp_path, "alice")[1] == 120


def test_what_a_killed_process_has_written_is_there(tmp_path: Path) -> None:
    draw = random.Random(13)
    for turn in range(8):
        folder = tmp_path / str(turn)
        survivor = start(folder, "bob", "alice", 25)
        victim = start(folder, "alice", "bob", ROUNDS)
        assert victim.stdout is not None
        lines = [victim.stdout.readline() for _ in range(draw.randrange(1, 40))]
        victim.kill()
        output = "".join(lines) + victim.communicate()[0]
        survivor.communicate()
        assert survivor.returncode == 0
        written, deleted = expected(output)
        stored, count = numbers(folder, "alice")
        assert written - deleted <= stored
        # The last action may have been committed without having been printed.
        assert stored <= written | {max(written) + 1}
        assert abs(count - len(written)) <= 1
        assert numbers(folder, "bob")[1] == 25


def test_a_process_waits_while_another_one_makes_the_file(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / FILE_NAME, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    problems: list[Exception] = []

    def write() -> None:
        try:
            records = State(tmp_path, 10_000_000, lambda: datetime.now(UTC)).of("alice")
            records.put(STARTED, "first", {"owner": "alice", "number": 0})
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            problems.append(error)

    writer = threading.Thread(target=write)
    writer.start()
    writer.join(1.0)  # without a wait for the other process, it ends at once
    assert problems == []
    other.execute("COMMIT")
    other.close()
    writer.join(60)
    assert problems == []
    assert numbers(tmp_path, "alice") == ({0}, 0)
