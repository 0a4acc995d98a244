"""Locks: one holder among tasks and processes, free again when a process is killed."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from evals_mcp.state.database import StateError
from evals_mcp.state.locks import FolderLocks

WAIT = 60.0

HOLDER = """
import sys
from pathlib import Path
import anyio
from evals_mcp.state.locks import FolderLocks

async def main():
    async with FolderLocks(Path(sys.argv[1])).hold(sys.argv[2], sys.argv[3]):
        print("held", flush=True)
        sys.stdin.read()

anyio.run(main)
"""


@contextmanager
def holder(folder: Path, principal: str, name: str) -> Generator[subprocess.Popen[str]]:
    """Run a process that holds a lock until its standard input ends."""
    command = [sys.executable, "-c", HOLDER, str(folder), principal, name]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            yield process
        finally:
            process.kill()


async def is_free(locks: FolderLocks, principal: str, name: str) -> bool:
    with anyio.move_on_after(0.2):
        async with locks.hold(principal, name):
            return True
    return False


async def test_one_task_at_a_time_holds_a_lock(tmp_path: Path) -> None:
    locks = FolderLocks(tmp_path)
    inside: list[int] = []
    most: list[int] = []

    async def work(number: int) -> None:
        async with locks.hold("alice", "request"):
            inside.append(number)
            most.append(len(inside))
            await anyio.lowlevel.checkpoint()
            inside.remove(number)

    with anyio.fail_after(WAIT):
        async with anyio.create_task_group() as tasks:
            for number in range(20):
                tasks.start_soon(work, number)
    assert most == [1] * 20
    assert list((tmp_path / "locks").iterdir()) == []


async def test_another_process_is_waited_for_and_other_names_are_not(tmp_path: Path) -> None:
    locks = FolderLocks(tmp_path)
    with holder(tmp_path, "alice", "request") as process:
        assert not await is_free(locks, "alice", "request")
        with anyio.fail_after(WAIT):
            async with locks.hold("alice", "other"), locks.hold("bob", "request"):
                pass
        assert process.stdin is not None
        process.stdin.close()
        with anyio.fail_after(WAIT):
            async with locks.hold("alice", "request"):
                pass


async def test_a_killed_process_leaves_no_lock(tmp_path: Path) -> None:
    with holder(tmp_path, "alice", "request") as process:
        process.kill()
        process.wait()
        with anyio.fail_after(WAIT):
            async with FolderLocks(tmp_path).hold("alice", "request"):
                pass


async def test_a_folder_that_cannot_hold_locks_names_the_setting(tmp_path: Path) -> None:
    (tmp_path / "locks").write_text("in the way")
    with pytest.raises(StateError, match=r"cannot hold locks .* state\.folder"):
        async with FolderLocks(tmp_path).hold("alice", "request"):
            raise AssertionError("held")


COUNTER = """
import sys
from pathlib import Path
import anyio
from evals_mcp.state.locks import FolderLocks

async def main():
    folder = Path(sys.argv[1])
    locks, count = FolderLocks(folder), folder / "count"
    for _ in range(int(sys.argv[2])):
        async with locks.hold("alice", "request"):
            before = int(count.read_text())
            await anyio.sleep(0)
            count.write_text(str(before + 1))

anyio.run(main)
"""


def test_processes_that_take_turns_lose_no_update(tmp_path: Path) -> None:
    (tmp_path / "count").write_text("0")
    command = [sys.executable, "-c", COUNTER, str(tmp_path), "40"]
    processes = [subprocess.Popen(command) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert (tmp_path / "count").read_text() == "120"
