"""oidc-provider in a process of its own, and the log-in of its users."""

from __future__ import annotations

import subprocess
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast
from urllib.parse import urljoin

import httpx2

from tests.locked_packages import NODE, npm_packages

HERE = Path(__file__).parent
PACKAGES = HERE.parents[1] / "build" / "identity"

CONFIGURED_CLIENT = "evals-chat"
"""The client that the provider knows without registration."""

PASSWORDS = {"alice": "alice-password-4711", "bob": "bob-password-0815"}
REDIRECT = "http://127.0.0.1:53682/callback"
"""Where a client would wait for its code. Nothing listens there: the log-in ends before."""

MOST_REDIRECTS = 20


@dataclass(frozen=True)
class IdentityProvider:
    """A running identity provider."""

    issuer: str
    process: subprocess.Popen[str]

    def obey(self, command: str) -> None:
        """Send a command of `provider.mjs` and wait until it is carried out."""
        pipe_in, pipe_out = _pipes(self.process)
        pipe_in.write(f"{command}\n")
        pipe_in.flush()
        answer = pipe_out.readline().strip()
        assert answer == command, answer

    def stop(self) -> None:
        """Stop the provider, if it still runs."""
        if self.process.poll() is None:
            _pipes(self.process)[0].close()
            self.process.wait(timeout=60)


def _pipes(process: subprocess.Popen[str]) -> tuple[IO[str], IO[str]]:
    return cast("IO[str]", process.stdin), cast("IO[str]", process.stdout)


@contextmanager
def identity_provider(log: Path, resources: Sequence[str]) -> Generator[IdentityProvider]:
    """Run the provider on a free port of loopback until the context is left.

    Args:
        log: the file that its messages go to.
        resources: the resources that it issues tokens for.
    """
    npm_packages(PACKAGES, HERE / "packages" / "package-lock.json")
    command = [str(NODE), str(HERE / "provider.mjs"), str(PACKAGES), *resources]
    with log.open("w", encoding="utf-8") as messages:
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=messages, text=True
        )
        provider = IdentityProvider(_pipes(process)[1].readline().strip(), process)
        try:
            assert provider.issuer, log.read_text(encoding="utf-8")
            yield provider
        finally:
            provider.stop()
            _pipes(process)[1].close()


async def log_in(user: str, url: str) -> httpx2.URL:
    """Follow an authorization request as a browser does, and return the client's address.

    The user gives name and password, and agrees to what the client asks for.
    """
    async with httpx2.AsyncClient(trust_env=False, timeout=30) as browser:
        answer = await browser.get(url)
        for _ in range(MOST_REDIRECTS):
            if answer.is_redirect:
                target = urljoin(str(answer.url), answer.headers["location"])
                if target.startswith(REDIRECT):
                    return httpx2.URL(target)
                answer = await browser.get(target)
            else:
                assert answer.is_success, answer.text
                assert "<form" in answer.text, answer.text
                sent = {"name": user, "password": PASSWORDS[user]}
                answer = await browser.post(answer.url, data=sent)
    raise AssertionError(f"the log-in did not end: {answer.url}")
