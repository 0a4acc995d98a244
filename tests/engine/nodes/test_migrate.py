"""The tables of several nodes: made once, by several at once, and refused where they do not fit."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from evals_engine.nodes.database import SCHEMA, DatabaseUnusableError, connect
from evals_engine.nodes.migrate import check_version, migrate, scripts
from tests.postgres import database_copy


def test_migrations_at_the_same_time_make_the_tables_once(postgres_server: str) -> None:
    newest = len(scripts())
    with database_copy(postgres_server) as url, ThreadPoolExecutor(4) as threads:
        versions = list(threads.map(migrate, [url] * 4))
        assert sorted(versions) == [(0, newest), *[(newest, newest)] * 3]
        with connect(url) as connection:
            check_version(connection)


def test_a_database_without_tables_is_refused_with_the_command(postgres_server: str) -> None:
    with database_copy(postgres_server) as url, connect(url) as connection:
        with pytest.raises(DatabaseUnusableError, match="run `evals-mcp engine migrate` once"):
            check_version(connection)
        made = connection.execute("SELECT to_regnamespace(%s) AS name", (SCHEMA,)).fetchone()
        assert made == {"name": None}


def test_newer_tables_are_used_unless_they_say_that_this_version_cannot(database_url: str) -> None:
    newer = len(scripts()) + 1
    with connect(database_url) as connection:
        connection.execute("UPDATE schema_version SET version = %s", (newer,))
        check_version(connection)
        connection.execute("UPDATE schema_version SET usable_from = %s", (newer,))
        with pytest.raises(DatabaseUnusableError, match="upgrade evals-mcp on this machine"):
            check_version(connection)
    with pytest.raises(DatabaseUnusableError, match="upgrade evals-mcp"):
        migrate(database_url)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("mysql://host/name", "is not a URL of PostgreSQL"),
        ("postgresql://me:hush@127.0.0.1/x?unknown=1", "is not a URL of PostgreSQL"),
        (
            "postgresql://me:hush@127.0.0.1:1/x",
            "[Cc]onnection refused.* Check that PostgreSQL runs",
        ),
        ("postgresql://me:hush@host.invalid/x", "failed to resolve host.* Check that PostgreSQL"),
    ],
)
def test_a_database_that_cannot_be_opened_is_refused_without_the_password(
    url: str, sentence: str
) -> None:
    with pytest.raises(DatabaseUnusableError, match=sentence) as refused, connect(url):
        pass
    assert "hush" not in str(refused.value)


def test_a_user_without_rights_is_told_who_grants_them(postgres_server: str) -> None:
    with database_copy(postgres_server) as url:
        with connect(url) as connection:
            connection.execute("CREATE ROLE reader LOGIN")
        try:
            with pytest.raises(DatabaseUnusableError, match="administrator grants CREATE"):
                migrate(url.replace("postgres@", "reader@"))
        finally:
            with connect(url) as connection:
                connection.execute("DROP ROLE reader")
