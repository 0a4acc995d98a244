"""The database of several nodes: what is rolled back, and what each kind of error becomes."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import TypeVar

import pytest

from evals_engine.nodes import database as database_module
from evals_engine.nodes.database import Database
from evals_engine.nodes.migrate import migrate
from evals_engine.store.errors import StorageError, UnavailableError
from tests.engine.store.samples import ADA, a_file
from tests.engine.store.storages import idle_store
from tests.postgres import FAST, PostgresServer

T = TypeVar("T")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    with closing(Database(database_url)) as opened:
        yield opened


def raise_code(database: Database, code: str) -> None:
    """Let the server refuse a statement with one of its codes."""
    statement = f"DO $$ BEGIN RAISE 'no' USING ERRCODE = '{code}'; END $$"
    with database.transaction() as transaction:
        transaction.run("add_file", vars(a_file()))
        transaction.connection.execute(statement.encode())


def eventually(read: Callable[[], T]) -> T:
    """Read again for as long as the database is away."""
    deadline = time.monotonic() + 60
    while True:
        try:
            return read()
        except UnavailableError:
            assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("code", "kind", "sentence"),
    [
        ("53100", StorageError, "disk of PostgreSQL is full; its operator frees some"),
        ("57P01", UnavailableError, "does not answer .* try again in a few seconds"),
        ("53300", UnavailableError, "does not answer .* try again in a few seconds"),
        ("25006", StorageError, "PostgreSQL refused a statement: no"),
    ],
)
def test_a_refusal_of_the_server_says_who_acts_and_changes_nothing(
    database: Database, code: str, kind: type[StorageError], sentence: str
) -> None:
    with pytest.raises(StorageError, match=sentence) as refused:
        raise_code(database, code)
    assert type(refused.value) is kind
    assert database.read("get_file", {"id": "file-1", "owner": ADA}) == []


def test_a_server_that_was_killed_is_used_again_once_it_is_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(database_module, "POOL_SECONDS", 0.5)
    server = PostgresServer(**FAST)
    try:
        migrate(server.start().url)
        with closing(Database(server.url)) as database:
            store = idle_store(database)
            store.add_file(a_file())
            server.kill()
            with pytest.raises(UnavailableError, match="try again"):
                store.get_file("file-1", ADA)
            server.start()
            assert eventually(lambda: store.get_file("file-1", ADA)) == a_file()
    finally:
        server.stop()


def test_files_without_a_record_are_read_by_no_owner(database: Database) -> None:
    store = idle_store(database)
    assert store.files.write("file-2", [b"a\n", b"b\n"]) == 4
    assert store.get_file("file-2", ADA) is None
    store.files.discard("file-2")
    assert not store.files.exists("file-2")
