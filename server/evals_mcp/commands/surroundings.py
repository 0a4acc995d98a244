"""What the commands that set the server up know about this machine and the settings."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from evals_mcp.commands.install import InstallOptions, Surroundings
from evals_mcp.errors import SettingsError
from evals_mcp.installing.keys import key_headers, key_variables
from evals_mcp.installing.locations import Machine
from evals_mcp.installing.program import running_program
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.settings.types import is_loopback

if TYPE_CHECKING:
    import argparse

    from evals_mcp.commands.setup import SetupOptions
    from evals_mcp.settings.schema import Settings


def this_machine() -> Machine:
    """Return this machine with the home folder, the working folder and the environment."""
    return Machine(Path.home(), Path.cwd(), os.environ)


def typed_program() -> str:
    """Return how this command is typed: by its name if it is on the `PATH`, else by its path."""
    if shutil.which("evals-mcp"):
        return "evals-mcp"
    program = Path(sys.argv[0]).absolute()
    if program.stem == "evals-mcp":
        return shlex.quote(str(program))
    return f"{shlex.quote(sys.executable)} -m evals_mcp"


def surroundings(config: Path | None) -> Surroundings:
    """Return what `install` needs to know. Faulty settings do not keep it from working."""
    settings: Settings | None = None
    try:
        settings = load_settings(config, os.environ, Path.cwd(), SERVICES)
    except SettingsError:
        if config is not None:
            raise
    return Surroundings(
        this_machine(),
        partial(running_program, sys.argv[0], sys.executable, config),
        key_variables(SERVICES, settings),
        key_headers(SERVICES),
        settings is not None and settings.datasets.allowed_folders != (Path.cwd(),),
        typed_program(),
    )


def _is_safe_for_keys(url: str) -> bool:
    """Return whether keys may be sent to an address: encrypted, or on this machine."""
    parts = urlsplit(url)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def setup_options(chosen: argparse.Namespace) -> SetupOptions:
    """Return the options of `setup` on the command line.

    Raises:
        SettingsError: the present settings are faulty.
    """
    from evals_mcp.commands.setup import SetupOptions, configuration_path  # noqa: PLC0415

    settings = load_settings(chosen.config, os.environ, Path.cwd(), SERVICES)
    return SetupOptions(
        configuration_path(chosen.config, os.environ),
        yes=chosen.yes,
        print_only=chosen.print_only,
        skipped_ports=(settings.engine.port,),
        confirm_above_usd=settings.budget.confirm_above_usd,
    )


def install_options(chosen: argparse.Namespace) -> InstallOptions:
    """Return the options of `install` on the command line.

    Raises:
        SettingsError: they contradict each other.
    """
    if chosen.url and not chosen.url.startswith(("http://", "https://")):
        raise SettingsError("--http: write the whole address, such as https://evals.example/mcp")
    if chosen.with_keys and not chosen.url:
        raise SettingsError("--with-keys goes with --http")
    if chosen.with_keys and not _is_safe_for_keys(chosen.url):
        raise SettingsError("--with-keys needs an https:// address, or one of this machine")
    variables = key_headers(SERVICES).values()
    if chosen.with_keys and not any(os.environ.get(name) for name in variables):
        raise SettingsError(f"--with-keys: no key to send is set; set {' or '.join(variables)}")
    if chosen.url and chosen.data_folder:
        raise SettingsError("--data-folder goes with a server on this machine, not with --http")
    return InstallOptions(
        names=chosen.clients,
        scope=chosen.scope,
        url=chosen.url,
        with_keys=chosen.with_keys,
        data_folder=chosen.data_folder,
        everything=chosen.everything,
        yes=chosen.yes,
        force=chosen.force,
        remove=chosen.remove,
        print_only=chosen.print_only,
        dry_run=chosen.dry_run,
        check=chosen.check,
    )
