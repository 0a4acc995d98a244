"""The settings that docs/deploy.md prints for a server with an identity provider."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from evals_mcp.http.safety import check_safe, services_of
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings

PAGE = Path(__file__).parents[2] / "docs" / "deploy.md"


def printed() -> list[str]:
    """Return the settings of the section, block by block."""
    page = PAGE.read_text(encoding="utf-8")
    section = page.partition("## An identity provider, step by step")[2].partition("\n## ")[0]
    return re.findall(r"```toml\n(.*?)```", section, re.DOTALL)


@pytest.mark.parametrize(("with_key", "service"), [(False, "local"), (True, "together")])
def test_the_printed_settings_start_a_server_for_subjects_of_the_issuer(
    tmp_path: Path, with_key: bool, service: str
) -> None:
    local, vendor = printed()
    text = vendor + local.replace('[server]\nprovider = "local"\n', "") if with_key else local
    path = tmp_path / "config.toml"
    path.write_text(text, encoding="utf-8")
    environ = {"ALICE_TOGETHER_API_KEY": "alice-key-0123456789"}

    settings = load_settings(path, environ, tmp_path, SERVICES)

    check_safe(settings, settings.http.host)
    assert settings.oauth.issuer == "https://login.example"
    assert settings.oauth.resource == "https://evals.example/mcp"
    assert services_of(settings)[0] == service
