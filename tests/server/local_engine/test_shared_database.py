"""The command that makes the tables, and what each wrong database is answered with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from evals_engine.nodes import database
from evals_engine.nodes.database import connect
from evals_engine.nodes.migrate import scripts
from evals_mcp.cli import main
from evals_mcp.errors import SettingsError
from evals_mcp.local_engine import shared_database
from tests.postgres import database_copy
from tests.server.serving import own_provider, settings

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command of the terminal; answers its exit code and what it printed."""
    for name in [name for name in os.environ if name.startswith("EVALS_MCP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("EVALS_MCP_LOCAL__DATA_DIR", str(tmp_path / "engine"))
    monkeypatch.setenv("EVALS_MCP_STATE__FOLDER", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, url: str | None = None) -> tuple[int, str, str]:
        if url is not None:
            monkeypatch.setenv("EVALS_MCP_LOCAL__DATABASE_URL", url)
        code = main(arguments)
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def test_the_command_makes_the_tables_once_and_an_engine_without_them_names_it(
    command: Command, postgres_server: str
) -> None:
    newest = len(scripts())
    with database_copy(postgres_server) as url:
        code, out, err = command("engine", "--port", "0", url=url)
        assert (code, out) == (2, "")
        assert "has no tables of evals-mcp yet: run `evals-mcp engine migrate` once" in err
        answers = [command("engine", "migrate") for _ in range(2)]
    assert [code for code, _, _ in answers] == [0, 0]
    assert answers[0][1] == f"The tables have version {newest} now; before, there were none.\n"
    assert answers[1][1] == f"The tables have version {newest} already; nothing was changed.\n"


@pytest.mark.parametrize(
    ("arguments", "url", "sentence"),
    [
        (("engine", "migrate"), None, "local.database_url, which is not set"),
        (("engine", "migrate", "--no-runs"), None, "takes no --host, --port, --no-runs"),
        (("engine", "migrate"), "mysql://me:hush@host/x", "is not a URL of PostgreSQL: write"),
        (("engine", "--port", "0"), "postgresql://me:hush@127.0.0.1:1/x", "Check that PostgreSQL"),
        (("worker",), "postgresql://me:hush@127.0.0.1:1/x", "Check that PostgreSQL runs there"),
    ],
)
def test_a_wrong_database_is_one_line_without_the_password(
    command: Command, arguments: tuple[str, ...], url: str | None, sentence: str
) -> None:
    code, out, err = command(*arguments, url=url)
    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert "hush" not in err


def test_a_missing_extra_is_named(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(_: str) -> None:
        return None

    monkeypatch.setattr(shared_database, "find_spec", missing)
    for arguments in (("engine", "migrate"), ("engine", "--no-runs"), ("worker",)):
        code, _, err = command(*arguments, url="postgresql://host.invalid/x")
        assert code == 2
        assert "pip install 'evals-mcp[postgres]'" in err


def test_an_old_server_is_refused_with_its_version(
    command: Command, monkeypatch: pytest.MonkeyPatch, database_url: str
) -> None:
    monkeypatch.setattr(database, "OLDEST_SERVER", 99)
    code, _, err = command("engine", "migrate", url=database_url)
    assert code == 2
    assert "and 99 or newer is needed: its administrator upgrades it" in err


async def test_a_server_that_embeds_the_engine_refuses_as_the_command_does(
    database_url: str,
) -> None:
    with connect(database_url) as connection:
        connection.execute("UPDATE schema_version SET version = 99, usable_from = 99")
    configured = settings(local={"database_url": database_url})
    with pytest.raises(SettingsError, match="upgrade evals-mcp on this machine"):
        async with own_provider(configured):
            pass
