"""The vendor's own SDK and CLI, against an engine over loopback and nothing else."""

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
    """The base URL as the vendor's packages want it: they append `/v1` themselves."""
    return base_url.removesuffix("/v1")


@contextmanager
def vendor_sdk(base_url: str) -> Generator[Together]:
    """The SDK's client, with retries off: a failure is to show."""
    with Together(base_url=root_of(base_url), api_key=KEY, max_retries=0) as client:
        yield client


def sdk_status(client: Together, evaluation: str) -> str | None:
    """Ask for the status.

    Raises:
        ChildFailedError: there is no answer, or one that is an error.
    """
    try:
        return client.evals.status(evaluation).status
    except TogetherError as error:
        raise ChildFailedError(str(error)) from error


def cli_settings(base_url: str, folder: Path) -> dict[str, str]:
    """What keeps the CLI on this machine and lets it change nothing there.

    Without them it reports its use and looks for a newer version over the network, uses a login
    that it finds and its service instead of the base URL, asks who the user is, and adds itself to
    the shell's start-up file unless it runs in CI.
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
    """Run the CLI once; yields the status as soon as it is printed.

    Raises:
        ChildFailedError: it cannot be started, or gives no status.
    """
    try:
        started = child([CLI, "evals", "status", evaluation, "--no-json"], settings)
        with started as running:
            yield running.receive().removeprefix("Status: ").strip()
    except OSError as error:
        raise ChildFailedError(f"{CLI}: {error.strerror}") from error
