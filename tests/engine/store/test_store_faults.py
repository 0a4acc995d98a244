"""The data directory in bad times: damage, no room, no right to write, a clock that jumps."""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest
from anyio import to_thread

from evals_engine.app import create_app
from evals_engine.config import EngineConfig
from evals_engine.store.database import DataDirError, StorageError
from evals_engine.store.records import ProcessId
from evals_engine.store.store import Store
from tests.engine.model_server import ModelServer, completion
from tests.engine.running import MODEL_JUDGE, RULE_JUDGE, EngineClient, running_engine
from tests.engine.store.samples import ADA, a_file, an_evaluation
from tests.journeys.served import served_engine

posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no modes and no such signals")
NAME = "evals.sqlite3"
LABELS = {"labels": ["right", "wrong"], "pass_labels": ["right"], "model_to_evaluate": "answer"}


def filled(folder: Path) -> Path:
    """A data directory with a file and a hundred evaluations; answers its database."""
    store = Store(folder)
    store.add_file(a_file())
    store.path_of("file-1").write_bytes(b"{}\n")
    for n in range(100):
        store.add_evaluation(an_evaluation(f"eval-{n}"), "new", None)
    store.close()
    return folder / NAME


def garbage(database: Path) -> None:
    database.write_bytes(os.urandom(20_000))


def half(database: Path) -> None:
    with database.open("rb+") as file:
        file.truncate(database.stat().st_size // 2)


def a_few_bytes(database: Path) -> None:
    with database.open("rb+") as file:
        file.truncate(100)


def emptied(database: Path) -> None:
    database.write_bytes(b"")


def hole(database: Path) -> None:
    with database.open("rb+") as file:
        file.seek(4096)
        file.write(b"\xff" * 8192)


def missing_table(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("DROP TABLE row_ledger")


def missing_column(database: Path) -> None:
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("ALTER TABLE evaluations RENAME COLUMN done_rows TO other")


def foreign(database: Path) -> None:
    database.unlink()
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TABLE files (name TEXT)")


DAMAGE = [garbage, half, a_few_bytes, emptied, hole, missing_table, missing_column, foreign]


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_database_is_kept_beside_a_fresh_one_and_said_so(
    tmp_path: Path, damage: Callable[[Path], None], caplog: pytest.LogCaptureFixture
) -> None:
    database = filled(tmp_path)
    damage(database)
    before = database.read_bytes()
    with caplog.at_level(logging.WARNING):
        store = Store(tmp_path)
    assert store.list_evaluations(ADA, None, 10) == []
    assert store.add_evaluation(an_evaluation(), "new", None)
    store.close()
    kept = store.damaged_copy
    assert kept is not None
    assert kept.name.startswith(f"{NAME}.corrupt-")
    assert kept.read_bytes()[100:] == before[100:]  # but for what its header counts
    assert kept.name in caplog.text
    again = Store(tmp_path)
    assert again.damaged_copy is None
    assert len(again.list_evaluations(ADA, None, 10)) == 1
    again.close()


def test_what_was_in_the_log_of_a_damaged_database_is_kept_too(tmp_path: Path) -> None:
    database = filled(tmp_path)
    garbage(database)
    for end in ("-wal", "-shm"):
        database.with_name(NAME + end).write_bytes(b"kept" + end.encode())
    store = Store(tmp_path)
    store.close()
    assert store.damaged_copy is not None
    for end in ("-wal", "-shm"):
        companion = store.damaged_copy.with_name(store.damaged_copy.name + end)
        assert companion.read_bytes() == b"kept" + end.encode()


def test_files_of_a_database_that_was_set_aside_are_never_swept(tmp_path: Path) -> None:
    garbage(filled(tmp_path))
    bytes_of_old = tmp_path / "files" / "file-1"
    os.utime(bytes_of_old, (0, 0))
    for _ in range(3):
        Store(tmp_path).close()
    assert bytes_of_old.read_bytes() == b"{}\n"


def test_each_damaged_database_keeps_its_own_name(tmp_path: Path) -> None:
    for _ in range(3):
        garbage(filled(tmp_path))
        Store(tmp_path).close()
    assert len([path for path in tmp_path.iterdir() if ".corrupt-" in path.name]) == 3


def test_a_locked_database_is_not_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("evals_engine.store.database.BUSY_SECONDS", 0.1)
    database = filled(tmp_path)
    with closing(sqlite3.connect(database, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DataDirError, match="locked"):
            Store(tmp_path)
        other.execute("ROLLBACK")
    store = Store(tmp_path)
    assert len(store.list_evaluations(ADA, None, 100)) == 100
    store.close()
    assert store.damaged_copy is None


@contextmanager
def without_privileges() -> Generator[Path]:
    """A folder that any user can reach, and, for root, another user to be while the block lasts."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    is_root = os.geteuid() == 0
    try:
        yield folder
    finally:
        if is_root:
            os.seteuid(0)
        shutil.rmtree(folder)


def give_up_root() -> None:
    if os.geteuid() == 0:
        os.seteuid(65534)


@posix
def test_a_read_only_directory_is_not_damaged_and_names_the_setting() -> None:
    with without_privileges() as folder:
        database = filled(folder / "data")
        for path in (database, folder / "data" / "files", folder / "data"):
            path.chmod(0o555 if path.is_dir() else 0o444)
        give_up_root()
        with pytest.raises(DataDirError, match=r"local\.data_dir"):
            Store(folder / "data")
        assert {path.name for path in (folder / "data").iterdir()} >= {NAME, "files"}
        assert not list((folder / "data").glob("*.corrupt-*"))


@posix
def test_a_directory_that_may_not_be_made_names_the_setting() -> None:
    with without_privileges() as folder:
        folder.chmod(0o555)
        give_up_root()
        with pytest.raises(DataDirError, match=r"local\.data_dir"):
            Store(folder / "data")


def add_forever(store: Store) -> None:
    for n in itertools.count(100):
        store.add_evaluation(an_evaluation(f"eval-{n}"), "x" * 500, None)


def test_a_full_database_changes_nothing_and_goes_on_once_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(filled(tmp_path))) as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
    opened: list[sqlite3.Connection] = []

    def connect(*arguments: Any, **options: Any) -> sqlite3.Connection:
        opened.append(sqlite3.Connection(*arguments, **options))
        opened[-1].execute(f"PRAGMA max_page_count = {pages + 2}")
        return opened[-1]

    monkeypatch.setattr("evals_engine.store.database.sqlite3.connect", connect)
    store = Store(tmp_path)
    with pytest.raises(StorageError, match="full"):
        add_forever(store)
    kept = store.list_evaluations(ADA, None, 10_000)
    assert {one.id for one in kept} == {f"eval-{n}" for n in range(len(kept))}
    assert len(store.status_changes(kept[0].id)) == 1
    for connection in opened:
        with suppress(sqlite3.ProgrammingError):  # one that was closed
            connection.execute("PRAGMA max_page_count = 1000000")
    assert store.add_evaluation(an_evaluation("eval-late"), "new", None)
    store.close()


FILLING = """
import resource, signal, sys
from pathlib import Path
from evals_engine.store.database import StorageError
from evals_engine.store.store import Store
from tests.engine.store.samples import ADA, an_evaluation

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
store = Store(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
written = 0
try:
    while True:
        store.add_evaluation(an_evaluation(f"more-{written}"), "x" * 500, None)
        written += 1
except StorageError as error:
    assert len(store.list_evaluations(ADA, None, 10_000)) == 100 + written
    print(written, str(error).count("data directory"))
"""


@posix
def test_what_was_committed_before_the_disk_took_no_more_is_all_there(tmp_path: Path) -> None:
    filled(tmp_path)
    ran = subprocess.run(
        [sys.executable, "-c", FILLING, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[3],
    )
    assert ran.returncode == 0, ran.stderr
    written, said = map(int, ran.stdout.split())
    assert said == 1
    store = Store(tmp_path)
    assert store.damaged_copy is None
    assert len(store.list_evaluations(ADA, None, 10_000)) == 100 + written
    store.close()


@posix
async def test_everything_in_the_data_directory_is_this_users_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with running_engine(tmp_path / "made" / "data") as engine:
            file_id = await engine.upload([{"expected": "a", "answer": "a"}])
            announced = await engine.http.post("/files", data={"file_name": "b.jsonl"})
            await engine.http.put(announced.headers["location"], content=b'{"a": 1}\n')
            created = await engine.create(
                "classify", judge=RULE_JUDGE, input_data_file_path=file_id, **LABELS
            )
            await engine.finished(created)
            found = list((tmp_path / "made" / "data").rglob("*"))
            modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in found}
    finally:
        os.umask(before)
    assert modes.pop("files") == 0o700
    assert len(modes) >= 4
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "made" / "data").stat().st_mode) == 0o700


@posix
def test_a_directory_that_was_open_to_others_is_closed_at_the_next_start(tmp_path: Path) -> None:
    database = filled(tmp_path)
    database.chmod(0o644)
    (tmp_path / "files").chmod(0o755)
    Store(tmp_path).close()
    assert stat.S_IMODE(database.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "files").stat().st_mode) == 0o700


# The clock


async def test_an_evaluation_runs_to_its_end_under_a_clock_that_jumps(tmp_path: Path) -> None:
    jumps = itertools.cycle([1.8e9, 1.7e9, 1.9e9, 1.0, 1.8e9 + 5])
    app = create_app(EngineConfig(tmp_path), clock=lambda: next(jumps))
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://engine/v1", timeout=60) as http,
    ):
        engine = EngineClient(http)
        file_id = await engine.upload([{"expected": "a", "answer": "a"} for _ in range(50)])
        created: set[str] = set()
        for _ in range(5):
            created.add(
                await engine.create(
                    "classify", judge=RULE_JUDGE, input_data_file_path=file_id, **LABELS
                )
            )
        for one in created:
            job = await engine.finished(one)
            assert job["results"]["label_counts"] == {"right": 50, "wrong": 0}
        listed = (await http.get("/evaluation")).json()
        assert {job["workflow_id"] for job in listed} == created
        times = [job["created_at"] for job in listed]
        assert times == sorted(times, reverse=True)


# Signals


@posix
async def test_a_served_engine_gives_its_leases_back_on_sigterm(tmp_path: Path) -> None:
    good = json.dumps({"feedback": "", "label": "right"})
    async with ModelServer(lambda _: completion(good, delay=0.05)) as server:
        settings = {"LOCAL__MODELS__BASE_URL": server.base_url, "LOCAL__LEASE_SECONDS": "600"}
        async with (
            served_engine(tmp_path, **settings) as served,
            httpx2.AsyncClient(base_url=served.url, timeout=60) as http,
        ):
            engine = EngineClient(http)
            created = await engine.create(
                "classify",
                judge=MODEL_JUDGE | {"num_workers": 2},
                input_data_file_path=await engine.upload(
                    [{"expected": "a", "answer": f"{n}"} for n in range(500)]
                ),
                **LABELS,
            )
            await engine.until(created, lambda job: job["progress"]["done"] >= 4)
            served.process.send_signal(signal.SIGTERM)
            with anyio.fail_after(60):
                assert await to_thread.run_sync(served.process.wait) == 0
    store = Store(tmp_path)
    taken = store.leases.claim(ProcessId("next"), running=[])
    assert taken is not None
    assert (taken.id, taken.status) == (created, "running")
    assert taken.done_rows >= 4
    store.close()


async def test_a_served_engine_says_that_it_began_with_a_fresh_database(tmp_path: Path) -> None:
    garbage(filled(tmp_path))
    async with served_engine(tmp_path) as served, httpx2.AsyncClient() as http:
        assert (await http.get(f"{served.url}/evaluation")).json() == []
    assert len(list(tmp_path.glob(f"{NAME}.corrupt-*"))) == 1
