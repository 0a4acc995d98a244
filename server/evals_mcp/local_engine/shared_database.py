"""The database that the engines of several machines share, opened for this process."""

from __future__ import annotations

from typing import TYPE_CHECKING

from evals_engine.config import EngineConfig
from evals_mcp.errors import SettingsError

if TYPE_CHECKING:
    from evals_engine.node_runs.membership import Membership


def opened_membership(config: EngineConfig) -> Membership:
    """Open the database; blocking.

    Raises:
        SettingsError: The extra is missing, or the database cannot be used; the message says who
            has to act.
    """
    assert config.database_url is not None
    try:
        from evals_engine.node_runs.membership import open_membership  # noqa: PLC0415 - needs the extra
        from evals_engine.nodes.database import DatabaseUnusableError  # noqa: PLC0415 - likewise
    except ModuleNotFoundError:
        raise SettingsError(
            "local.database_url needs packages that are not installed: pip install "
            "'evals-mcp[postgres]'"
        ) from None
    try:
        return open_membership(config.database_url.get_secret_value(), config.lease_seconds)
    except DatabaseUnusableError as error:
        raise SettingsError(str(error)) from None
