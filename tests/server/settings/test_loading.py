from __future__ import annotations

import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from pydantic_core import to_jsonable_python

from evals_mcp.errors import SettingsError
from evals_mcp.local_engine.service import LocalSettings
from evals_mcp.providers.together.service import TogetherSettings
from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import (
    Settings,
    is_loopback,
    load_settings,
    setting_paths,
    settings_class,
)

EXAMPLE = Path(__file__).parents[3] / "config.example.toml"
TOKEN = "tgp_v1_5up3r53cr3t"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The platform's folders, away from the real ones."""

    for kind in ("config", "data"):

        def folder(name: str, *, appauthor: bool, kind: str = kind) -> Path:
            return tmp_path / kind / name

        monkeypatch.setattr(f"platformdirs.user_{kind}_path", folder)


def written(tmp_path: Path, text: str, name: str = "settings.toml") -> Path:
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def load(tmp_path: Path, text: str = "", **environ: str) -> Settings:
    return load_settings(written(tmp_path, text), environ, tmp_path, SERVICES)


def refused(tmp_path: Path, text: str = "", **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text, **environ)
    assert_nothing_leads_to(TOKEN, caught.value)
    return str(caught.value)


def assert_nothing_leads_to(secret: str, error: BaseException | None) -> None:
    while error is not None:
        assert secret not in f"{error} {error!r}"
        error = error.__cause__ or error.__context__


def secret(token: SecretStr | None) -> str | None:
    return token.get_secret_value() if token else None


# Defaults and the file


def test_without_file_and_environment_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(None, {}, tmp_path, SERVICES)

    assert settings.providers == ("local",)
    assert settings.section(TogetherSettings).base_url == "https://api.together.ai/v1"
    assert settings.section(LocalSettings).data_dir == tmp_path / "data" / "evals-mcp" / "engine"
    assert settings.section(LocalSettings).models.base_url is None
    assert settings.datasets.allowed_folders == (tmp_path,)
    assert settings.datasets.max_bytes == 2**30
    assert (settings.engine.host, settings.engine.port) == ("127.0.0.1", 8123)


def test_the_platforms_file_is_read_when_it_is_there(tmp_path: Path) -> None:
    written(tmp_path, "[engine]\nport = 1", "config/evals-mcp/config.toml")

    assert load_settings(None, {}, tmp_path, SERVICES).engine.port == 1


def test_the_command_line_names_the_file_before_the_environment(tmp_path: Path) -> None:
    first = written(tmp_path, "[engine]\nport = 1", "first.toml")
    second = written(tmp_path, "[engine]\nport = 2", "second.toml")
    environ = {"EVALS_MCP_CONFIG": str(second)}

    assert load_settings(first, environ, tmp_path, SERVICES).engine.port == 1
    assert load_settings(None, environ, tmp_path, SERVICES).engine.port == 2
    assert load_settings(Path("first.toml"), {}, tmp_path, SERVICES).engine.port == 1


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"--config: no file .*absent\.toml; name an existing"):
        load_settings(tmp_path / "absent.toml", {}, tmp_path, SERVICES)
    with pytest.raises(SettingsError, match=r"environment variable EVALS_MCP_CONFIG: no file"):
        load_settings(None, {"EVALS_MCP_CONFIG": "absent.toml"}, tmp_path, SERVICES)


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeff[engine]\nport = 1").engine.port == 1


def test_relative_paths_start_at_the_working_directory_and_tilde_at_home(tmp_path: Path) -> None:
    folders = load(tmp_path, '[datasets]\nallowed_folders = ["sub", "~/data"]').datasets
    assert folders.allowed_folders == (tmp_path / "sub", Path.home() / "data")


# Providers and tokens


@pytest.mark.parametrize(
    ("text", "environ", "provider"),
    [
        pytest.param("", {}, "local", id="no token"),
        pytest.param("", {"TOGETHER_API_KEY": TOKEN}, "together", id="token in the environment"),
        pytest.param("", {"TOGETHER_API_KEY": " "}, "local", id="blank token"),
        pytest.param(f'[together]\ntoken = "{TOKEN}"', {}, "together", id="token in the file"),
        pytest.param('[together]\ntoken_env = "T"', {"T": TOKEN}, "together", id="other variable"),
        pytest.param(
            '[server]\nprovider = "local"', {"TOGETHER_API_KEY": TOKEN}, "local", id="chosen local"
        ),
        pytest.param('[server]\nprovider = "together"', {}, "together", id="chosen, no token"),
    ],
)
def test_together_is_the_default_when_it_has_a_token(
    tmp_path: Path, text: str, environ: dict[str, str], provider: str
) -> None:
    assert load(tmp_path, text, **environ).providers[0] == provider


def test_a_token_comes_from_itself_then_its_file_then_its_variable(tmp_path: Path) -> None:
    file = written(tmp_path, "of-the-file\n", "t")
    file.chmod(0o600)
    at = "[credentials.a]\nbase_url = 'https://a.example'\ntoken_env = 'T'\n"
    read = f"token_file = '{file}'\n"

    def token(text: str) -> str | None:
        return secret(load(tmp_path, text, T="of-the-variable").credentials["a"].token)

    assert token(at) == "of-the-variable"
    assert token(at + read) == "of-the-file"
    assert token(at + read + "token = 'itself'\n") == "itself"


def test_every_section_finds_its_token(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        """
        [local.models]
        base_url = "http://127.0.0.1:11434/v1"
        token_env = "A"
        [local.dedicated."acme/large"]
        base_url = "https://acme.example/v1/"
        token_env = "B"
        """,
        A="of-a",
        B="of-b",
        EVALS_ENGINE_TOKEN="of-the-engine",
    )

    assert secret(settings.section(LocalSettings).models.token) == "of-a"
    dedicated = settings.section(LocalSettings).dedicated["acme/large"]
    assert (dedicated.base_url, secret(dedicated.token)) == ("https://acme.example/v1", "of-b")
    assert secret(settings.engine.token) == "of-the-engine"


def test_no_representation_of_settings_shows_a_token(tmp_path: Path) -> None:
    settings = load(tmp_path, TOGETHER_API_KEY=TOKEN)

    assert secret(settings.section(TogetherSettings).token) == TOKEN
    assert TOKEN not in f"{settings} {settings!r} {settings.model_dump()} " + (
        settings.model_dump_json()
    )


@pytest.mark.skipif(os.name != "posix", reason="file modes mean something on POSIX only")
@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o620])
def test_a_token_file_that_others_may_use_is_refused(tmp_path: Path, mode: int) -> None:
    file = written(tmp_path, TOKEN, "t")
    file.chmod(mode)

    message = refused(tmp_path, f"[together]\ntoken_file = '{file}'")

    assert "together.token_file" in message
    assert "chmod 600" in message


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(None, "cannot be read", id="missing"),
        pytest.param(b"", "placeholder or nothing", id="empty"),
        pytest.param(b" \n", "placeholder or nothing", id="blank"),
        pytest.param(b"\xff\xfe", "not text", id="binary"),
        pytest.param(f"{TOKEN}\n{TOKEN}".encode(), "does not hold a usable token", id="two lines"),
    ],
)
def test_an_unusable_token_file_is_refused(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "t"
    if content is not None:
        file.write_bytes(content)
        file.chmod(0o600)

    message = refused(tmp_path, f"[together]\ntoken_file = '{file}'")

    assert "together.token_file" in message
    assert problem in message


def test_a_folder_is_no_token_file(tmp_path: Path) -> None:
    assert "not a regular file" in refused(tmp_path, f"[together]\ntoken_file = '{tmp_path}'")


@pytest.mark.parametrize(
    "value", [f"Bearer {TOKEN}", f'"{TOKEN}"', f"'{TOKEN}'", f"{TOKEN}\nX: y", f"{TOKEN}é"]
)
def test_a_token_with_anything_around_it_is_refused(tmp_path: Path, value: str) -> None:
    message = refused(tmp_path, TOGETHER_API_KEY=value)

    assert "together.token_env names TOGETHER_API_KEY" in message
    assert "the token alone" in message


# Placeholders


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<your-key>",
        "<TOKEN>",
        "YOUR_API_KEY",
        "your-together-api-key",
        "changeme",
        "change-me",
        "xxx",
        "XXXXXXXX",
        "sk-...",
        "sk-xxxx",
        "tgp_v1_…",
        "${TOGETHER_API_KEY}",
        "${env:TOGETHER_API_KEY}",
        "...",
        "token",
        "api_key",
        "tgp_v1_only-an-example",
        "only-an-example",
    ],
)
def test_a_placeholder_is_no_token(tmp_path: Path, value: str) -> None:
    message = refused(tmp_path, f"[together]\ntoken = {json.dumps(value, ensure_ascii=False)}")
    assert "settings.toml: together.token is empty or a placeholder" in message
    if value:
        assert "TOGETHER_API_KEY, which holds a placeholder" in refused(
            tmp_path, TOGETHER_API_KEY=value
        )


def test_a_reference_that_a_client_did_not_replace_is_no_token(tmp_path: Path) -> None:
    settings = load(tmp_path, TOGETHER_API_KEY="$TOGETHER_API_KEY")

    assert settings.providers == ("local",)


@pytest.mark.parametrize(
    "text",
    [
        '[local]\ndata_dir = "${HOME}/evals"',
        '[datasets]\nallowed_folders = ["<your folder>"]',
        '[together]\nbase_url = "<url>"',
    ],
)
def test_a_placeholder_is_refused_in_any_setting(tmp_path: Path, text: str) -> None:
    assert "placeholder" in refused(tmp_path, text)


@given(st.from_regex(r"(sk-|tgp_v1_)?[A-Za-z0-9]{24,64}", fullmatch=True))
def test_a_random_key_is_not_taken_for_a_placeholder(key: str) -> None:
    if "x" * 3 in key.casefold() or "your" in key.casefold():
        return
    settings = load_settings(EXAMPLE, {"TOGETHER_API_KEY": key}, Path.cwd(), SERVICES)
    assert secret(settings.section(TogetherSettings).token) == key


# What the file may not hold


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        pytest.param(
            "[together]\nbase_ulr = 'x'", ["together.base_ulr", "did you mean base_url?"], id="key"
        ),
        pytest.param("[togehter]\n", ["togehter is no", "did you mean together?"], id="section"),
        pytest.param(
            "[credentials.a]\nbase_url = 'https://a.example'\ntokenenv = 'A'",
            ["credentials.a.tokenenv", "token_env"],
            id="key under a name",
        ),
        pytest.param(
            "[server]\nwarp = 1", ["write one of log_level, provider, read_only"], id="no near key"
        ),
        pytest.param("[engine]\nport = 'a'", ["engine.port must be a whole number."], id="type"),
        pytest.param("[engine]\nport = 70000", ["less than or equal", "0 to 65535"], id="range"),
        pytest.param("[local]\nlease_seconds = inf", ["local.lease_seconds"], id="infinity"),
        pytest.param("[server]\nprovider = 'other'", ["'nugen' or 'local'"], id="provider"),
        pytest.param("together = 'x'", ["together must be a section"], id="value for a section"),
        pytest.param("server = 1", ["server must be a section"], id="number for a section"),
        pytest.param("credentials = 1", ["credentials must be a section"], id="no names"),
        pytest.param(
            "[datasets]\nallowed_folders = '.'", ["allowed_folders must be a list"], id="no list"
        ),
        pytest.param("[engine]\nhost = 1", ["host must be text in quotes"], id="no text"),
        pytest.param("[local]\ndata_dir = 1", ["data_dir must be a path in quotes"], id="no path"),
        pytest.param("[local]\nlease_seconds = 'a'", ["must be a number"], id="no number"),
        pytest.param("[credentials.a]", ["credentials.a.base_url is required"], id="required"),
        pytest.param("[credentials.'a b']", ["credentials.a b is not a usable name"], id="name"),
        pytest.param(
            f"[together]\ntoken_env = '{TOKEN}'",
            ["together.token_env must be the name of an environment variable", "MY_API_KEY"],
            id="key for a name of a variable",
        ),
        pytest.param("[engine]\nport = = 1", ["not valid TOML at line 2, column 8"], id="syntax"),
        pytest.param(f"[together]\ntoken = {TOKEN}", ["not valid TOML at line 2"], id="no quotes"),
    ],
)
def test_a_refusal_names_file_setting_and_remedy(
    tmp_path: Path, text: str, parts: list[str]
) -> None:
    message = refused(tmp_path, text)

    assert "settings.toml" in message
    for part in parts:
        assert part in message


def test_several_faults_are_told_at_once(tmp_path: Path) -> None:
    message = refused(tmp_path, "[engine]\nport = -1\nhost = 1")
    assert len(message.splitlines()) == 2


def test_a_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"# caf\xe9")
    with pytest.raises(SettingsError, match="not UTF-8 text"):
        load_settings(path, {}, tmp_path, SERVICES)


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("api.together.ai/v1", "http:// or https://"),
        ("ftp://a.example", "http:// or https://"),
        ("https://", "http:// or https://"),
        ("https://[::1", "http:// or https://"),
        (f"https://a.example:{TOKEN}", "http:// or https://"),
        (f"https://me:{TOKEN}@a.example", "user:password@"),
        (f"https://{TOKEN}@a.example", "user:password@"),
        (f"https://a.example?key={TOKEN}", "query"),
        (f"https://a.example#{TOKEN}", "query"),
        ("https://a.example/v1?", "query"),
        ("https://a.example /v1", "white space"),
        ("https://a.example/v1/chat/completions", "must end before /chat/completions"),
        ("https://a.example/v1/evaluation/", "must end before /evaluation"),
    ],
)
def test_a_base_url_is_an_address_and_nothing_else(tmp_path: Path, url: str, problem: str) -> None:
    message = refused(tmp_path, f"[together]\nbase_url = '{url}'")
    assert "together.base_url" in message
    assert problem in message


def test_a_host_may_be_called_like_an_operation(tmp_path: Path) -> None:
    settings = load(tmp_path, "[local.models]\nbase_url = 'http://models'")
    assert settings.section(LocalSettings).models.base_url == "http://models"


@pytest.mark.parametrize("setting", ["local.data_dir", "results.cache_dir"])
@pytest.mark.parametrize("value", ["file", "file/below"])
def test_a_file_is_no_folder_for_data(tmp_path: Path, setting: str, value: str) -> None:
    (tmp_path / "file").touch()
    section, _, name = setting.partition(".")
    message = refused(tmp_path, f"[{section}]\n{name} = '{value}'")
    assert f"{setting} must be a folder; the path, or a folder above it, is a file" in message


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]:8000/v1", True),
        ("http://localhost:8000", True),
        ("https://a.example", True),
        ("http://a.example", False),
        ("HTTP://10.0.0.1", False),
        ("http://127.0.0.1.a.example", False),
        ("http://localhost.a.example:80", False),
    ],
)
def test_a_token_leaves_this_machine_encrypted_only(
    tmp_path: Path, url: str, allowed: bool
) -> None:
    text = f"[credentials.a]\nbase_url = '{url}'\ntoken_env = 'A'"
    load(tmp_path, text)
    if allowed:
        load(tmp_path, text, A=TOKEN)
    else:
        message = refused(tmp_path, text, A=TOKEN)
        assert "credentials.a.base_url must begin with https://" in message


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("0.0.0.0", False),
        ("::", False),
        ("a.example", False),
    ],
)
def test_loopback_is_this_machine_only(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


# The environment


def test_a_variable_overrides_the_file(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        "[engine]\nport = 1\nhost = 'localhost'",
        EVALS_MCP_ENGINE__PORT="2",
        EVALS_MCP_LOCAL__DATA_DIR="sub",
        EVALS_MCP_LOCAL__MODELS__BASE_URL="http://127.0.0.1:1/v1",
        EVALS_MCP_TOGETHER__TOKEN=TOKEN,
        UNRELATED="x",
    )

    assert (settings.engine.port, settings.engine.host) == (2, "localhost")
    assert settings.section(LocalSettings).data_dir == tmp_path / "sub"
    assert settings.section(LocalSettings).models.base_url == "http://127.0.0.1:1/v1"
    assert secret(settings.section(TogetherSettings).token) == TOKEN


def test_a_variable_finds_a_named_section_without_regard_to_case(tmp_path: Path) -> None:
    text = "[credentials.OpenAI]\nbase_url = 'https://a.example'"
    variables = {
        "EVALS_MCP_CREDENTIALS__OPENAI__BASE_URL": "https://b.example",
        "EVALS_MCP_CREDENTIALS__OTHER__BASE_URL": "https://c.example",
    }

    credentials = load(tmp_path, text, **variables).credentials

    assert {name: at.base_url for name, at in credentials.items()} == {
        "OpenAI": "https://b.example",
        "other": "https://c.example",
    }


@pytest.mark.parametrize("form", [json.dumps(["a", "b"]), os.pathsep.join(["a", "b"])])
def test_a_list_is_json_or_separated_like_a_path(tmp_path: Path, form: str) -> None:
    settings = load(tmp_path, EVALS_MCP_DATASETS__ALLOWED_FOLDERS=form)
    assert settings.datasets.allowed_folders == (tmp_path / "a", tmp_path / "b")


def test_an_empty_variable_counts_as_unset(tmp_path: Path) -> None:
    assert load(tmp_path, "[engine]\nport = 1", EVALS_MCP_ENGINE__PORT="").engine.port == 1


@pytest.mark.parametrize(
    ("variable", "value", "parts"),
    [
        ("EVALS_MCP_TOGETHER_TOKEN", TOKEN, ["did you mean EVALS_MCP_TOGETHER__TOKEN"]),
        ("EVALS_MCP_LOCAL__DATADIR", "x", ["did you mean EVALS_MCP_LOCAL__DATA_DIR?"]),
        ("EVALS_MCP_LOCAL", "x", ["is not a setting"]),
        ("EVALS_MCP_", "x", ["is not a setting"]),
        ("EVALS_MCP_ENGINE__PORT", "x", ["variable EVALS_MCP_ENGINE__PORT: engine.port must be"]),
        ("EVALS_MCP_DATASETS__ALLOWED_FOLDERS", "[", ["is not a JSON list"]),
        ("EVALS_MCP_TOGETHER__TOKEN", "sk-...", ["EVALS_MCP_TOGETHER__TOKEN: together.token is"]),
    ],
)
def test_a_refusal_names_the_variable(
    tmp_path: Path, variable: str, value: str, parts: list[str]
) -> None:
    message = refused(tmp_path, **{variable: value})
    for part in parts:
        assert part in message


def test_a_variable_below_a_value_reports_the_value(tmp_path: Path) -> None:
    message = refused(tmp_path, "local = 1", EVALS_MCP_LOCAL__MODELS__BASE_URL="http://[::1]")
    assert "local must be" in message


# The example


def example(*, in_force: bool) -> str:
    """The example as it is, or with every commented setting in force."""
    text = EXAMPLE.read_text(encoding="utf-8")
    return re.sub(r"^#(?=[a-z\[])", "", text, flags=re.MULTILINE) if in_force else text


def paths_in(table: dict[str, Any], above: tuple[str, ...] = ()) -> set[tuple[str, ...]]:
    found: set[tuple[str, ...]] = set()
    for key, value in table.items():
        is_name = above in {
            ("credentials",),
            ("local", "dedicated"),
            ("oauth", "subjects"),
            ("engine", "owners"),
        }
        path = (*above, "NAME" if is_name else key)
        is_table = isinstance(value, dict)
        found |= paths_in(cast("dict[str, Any]", value), path) if is_table else {path}
    return found


def test_the_example_as_it_stands_changes_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, example(in_force=False)) == load(tmp_path)


def test_every_value_of_the_example_is_usable(tmp_path: Path) -> None:
    tokens = r"(?<=\ntoken = ).*"
    text = re.sub(tokens, f"'{TOKEN}'", example(in_force=True))
    url = 'url = "https://engine.example"'
    # An engine inside this server and one elsewhere exclude each other.
    settings = load(tmp_path, text.replace(f"\n{url}\n", "\n"))
    assert settings.credentials["openai"].base_url == "https://api.openai.com/v1"
    served = load(tmp_path, f"[local]\n{url}\ntoken = '{TOKEN}'").section(LocalSettings)
    assert (served.url, secret(served.token)) == ("https://engine.example", TOKEN)


def test_the_example_has_every_setting_and_no_other() -> None:
    documented = paths_in(tomllib.loads(example(in_force=True)))
    assert documented == {path for path, _ in setting_paths(settings_class(SERVICES))}


def test_the_example_shows_the_defaults() -> None:
    table = tomllib.loads(example(in_force=True))
    for path, info in setting_paths(settings_class(SERVICES)):
        if "NAME" in path or info.default is None or info.is_required() or info.default_factory:
            continue
        shown: Any = table
        for key in path:
            shown = shown[key]
        default = ["."] if path[-1] == "allowed_folders" else to_jsonable_python(info.default)
        assert shown == default, path


def test_every_setting_is_described() -> None:
    for path, info in setting_paths(settings_class(SERVICES)):
        assert info.description, path
