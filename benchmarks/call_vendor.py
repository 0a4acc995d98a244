"""Calls the vendor's SDK and CLI against an engine on loopback, without other network access."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path

from together import Together, TogetherError

from benchmarks.child_process import ChildFailedError, child

CLI = str(Path(sys.executable).with_name("together"))
KEY = "any"


def root_of(base_url: str) -> str:
    """Return the base URL for the vendor's packages, which append `/v1` themselves."""
    return base_url.removesuffix("/v1")


@contextmanager
def vendor_sdk(base_url: str) -> Generator[Together]:
    """Return the SDK's client without retries, so that failures are visible."""
    with Together(base_url=root_of(base_url), api_key=KEY, max_retries=0) as client:
        yield client


def sdk_status(client: Together, evaluation: str) -> str | None:
    """Read the status.

    Raises:
        ChildFailedError: the call failed or gave no answer.
    """
    try:
        return client.evals.status(evaluation).status
    except TogetherError as error:
        raise ChildFailedError(str(error)) from error


def cli_settings(base_url: str, folder: Path) -> dict[str, str]:
    """Return the variables that keep the CLI off the network and from changing this machine.

    Without them the CLI reports its use and looks for a newer version over the network, prefers a
    stored login and its service to the base URL, asks who the user is, and adds itself to the
    shell's start-up file unless it runs in CI.
    """
    return {
        "CI": "1",
        "HOME": str(folder),
        "TOGETHER_API_KEY": KEY,
        "TOGETHER_BASE_URL": root_of(base_url),
        "TOGETHER_CREDENTIALS_PATH": str(folder / "no-credentials.json"),
        "TOGETHER_DISABLE_VERSION_CHECK": "1",
        "TOGETHER_PROJECT_ID": "benchmark",
        "TOGETHER_TELEMETRY_DISABLED": "1",
    }


@contextmanager
def cli_status(settings: Mapping[str, str], evaluation: str) -> Generator[str]:
    """Run the CLI once, and yield the status as soon as the CLI prints it.

    Raises:
        ChildFailedError: the CLI cannot be started or prints no status.
    """
    try:
        started = child([CLI, "evals", "status", evaluation, "--no-json"], settings)
        with started as running:
            yield running.receive().removeprefix("Status: ").strip()
    except OSError as error:
        raise ChildFailedError(f"{CLI}: {error.strerror}") from error
