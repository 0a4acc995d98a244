"""The database that the engines of several machines share, opened for this process."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

from pydantic import SecretStr

from evals_engine.config import EngineConfig
from evals_engine.store.errors import StoreUnusableError
from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.settings.schema import Settings

if TYPE_CHECKING:
    from evals_engine.node_runs.membership import Membership

_PACKAGES = ("psycopg", "psycopg_pool", "procrastinate")
"""What the extra `postgres` installs."""


def opened_membership(config: EngineConfig) -> Membership:
    """Open the database; blocking.

    Raises:
        SettingsError: The extra is missing, or the database cannot be used; the message says who
            has to act.
    """
    assert config.database_url is not None
    require_packages(config.database_url)
    from evals_engine.node_runs.membership import open_membership  # noqa: PLC0415 - needs the extra

    try:
        return open_membership(config.database_url.get_secret_value(), config.lease_seconds)
    except StoreUnusableError as error:
        raise SettingsError(str(error)) from None


def require_packages(database_url: SecretStr | None) -> None:
    """Raise SettingsError if a database is configured and the packages for it are missing."""
    if database_url is None:
        return
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise SettingsError(
            f"local.database_url needs packages that are not installed ({', '.join(missing)}): pip "
            "install 'evals-mcp[postgres]'"
        )


def migrate_tables(settings: Settings) -> str:
    """Create or change the tables of the database; return what was done.

    Raises:
        SettingsError: There is no database, or it cannot be used; nothing was changed.
    """
    database_url = settings.section(LocalSettings).database_url
    if database_url is None:
        raise SettingsError(
            "`evals-mcp engine migrate` changes the tables of local.database_url, which is not "
            "set; the engine's own database in local.data_dir needs no command"
        )
    require_packages(database_url)
    from evals_engine.nodes.migrate import migrate  # noqa: PLC0415 - needs the extra

    try:
        before, after = migrate(database_url.get_secret_value())
    except StoreUnusableError as error:
        raise SettingsError(str(error)) from None
    if before == after:
        return f"The tables have version {after} already; nothing was changed."
    return f"The tables have version {after} now; before, {before or 'there were none'}."
