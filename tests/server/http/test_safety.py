from __future__ import annotations

from typing import Any

import pytest

from evals_mcp.errors import SettingsError
from evals_mcp.http.safety import check_safe, remote_safe, services_of
from evals_mcp.settings.schema import Settings
from tests.server.serving import settings

OAUTH = {"issuer": "https://login.example", "resource": "https://evals.example/mcp"}
KEY = {"token": "a-key-of-a-subject"}


def configured(mode: str, provider: str | None = None, **sections: Any) -> Settings:
    return settings(server={"provider": provider}, http={"mode": mode}, **sections)


@pytest.mark.parametrize(
    ("chosen", "host", "says"),
    [
        pytest.param(
            configured("local"), "0.0.0.0", r"http\.host.*header.*oauth", id="open to all"
        ),
        pytest.param(configured("header", "local"), "::1", r"server\.provider", id="no keys"),
        pytest.param(
            configured("local", budget={"max_usd_per_day": 5}, state={"shared": False}),
            "::1",
            r"budget\.max_usd_per_day needs a state that all servers share",
            id="a limit that nobody keeps",
        ),
        pytest.param(configured("oauth"), "::1", r"oauth\.issuer is required", id="no issuer"),
        pytest.param(
            configured("oauth", oauth={"issuer": OAUTH["issuer"]}),
            "::1",
            r"oauth\.resource is required",
            id="no resource",
        ),
        pytest.param(
            configured("oauth", oauth=OAUTH | {"resource": "https://evals.example/other"}),
            "::1",
            r"http\.path, /mcp",
            id="another path",
        ),
        pytest.param(
            configured("oauth", oauth=OAUTH | {"issuer": "http://login.example"}),
            "::1",
            r"oauth\.issuer must begin with https",
            id="issuer in clear",
        ),
        pytest.param(
            configured("header", "together", together={"base_url": "http://192.0.2.2/v1"}),
            "::1",
            r"together\.base_url must begin with https",
            id="keys in clear",
        ),
        pytest.param(
            configured(
                "oauth",
                oauth=OAUTH
                | {
                    "subjects": {
                        "a": {"subject": "one", "together": KEY},
                        "b": {"subject": "one", "together": KEY},
                    }
                },
            ),
            "::1",
            "the same subject",
            id="a subject twice",
        ),
    ],
)
def test_what_would_let_strangers_in_or_keys_out_does_not_start(
    chosen: Settings, host: str, says: str
) -> None:
    with pytest.raises(SettingsError, match=says):
        check_safe(chosen, host)


@pytest.mark.parametrize(
    ("chosen", "host"),
    [
        (configured("local"), "127.0.0.1"),
        (configured("header"), "0.0.0.0"),
        (configured("header", "nugen"), "0.0.0.0"),
        (configured("oauth", "local", oauth=OAUTH), "0.0.0.0"),
        (configured("header", "together", together={"base_url": "http://127.0.0.1:1/v1"}), "::"),
    ],
)
def test_what_asks_who_calls_may_listen_anywhere(chosen: Settings, host: str) -> None:
    check_safe(chosen, host)


@pytest.mark.parametrize(
    ("chosen", "services"),
    [
        (configured("local", "local"), ("local",)),
        (configured("header"), ("together", "nugen")),
        (configured("header", "nugen"), ("nugen",)),
        (configured("oauth", oauth=OAUTH), ("local",)),
        (
            configured("oauth", oauth=OAUTH | {"subjects": {"a": {"subject": "1", "nugen": KEY}}}),
            ("nugen", "local"),
        ),
        (
            configured(
                "oauth",
                "local",
                oauth=OAUTH | {"subjects": {"a": {"subject": "1", "together": KEY}}},
            ),
            ("local", "together"),
        ),
    ],
)
def test_the_services_are_those_that_somebody_has_a_key_for(
    chosen: Settings, services: tuple[str, ...]
) -> None:
    assert services_of(chosen) == services


@pytest.mark.parametrize(("mode", "open_folders"), [("local", 1), ("header", 0), ("oauth", 0)])
def test_the_servers_own_files_are_nobody_elses(mode: str, open_folders: int) -> None:
    chosen = configured(mode, datasets={"allowed_folders": ["/data"]})

    assert len(remote_safe(chosen).datasets.allowed_folders) == open_folders


def test_the_issuer_is_told_letter_by_letter() -> None:
    chosen = configured("oauth", oauth=OAUTH | {"issuer": "https://tenant.example/"})

    assert chosen.oauth.issuer == "https://tenant.example/"
