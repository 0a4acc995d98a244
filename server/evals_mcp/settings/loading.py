"""Reads the settings: `EVALS_MCP_…` variables override the configuration file and the defaults.

An error names the source and the dotted name of the setting, and what to write instead. No message
repeats a value, because any value may be a pasted key.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from evals_mcp.errors import SettingsError
from evals_mcp.service_spec import ServiceSpec
from evals_mcp.settings.origin import Origin, SettingPath, is_placeholder
from evals_mcp.settings.schema import Settings, settings_class
from evals_mcp.settings.secret_tokens import with_tokens
from evals_mcp.settings.types import Section, is_loopback

__all__ = ["Settings", "is_loopback", "load_settings", "setting_paths", "settings_class"]

PREFIX = "EVALS_MCP_"
CONFIG_VARIABLE = "EVALS_MCP_CONFIG"
ANY_NAME = "NAME"
"""Placeholder in a setting's path for a name that the user chooses."""

Table = dict[str, Any]

_REQUIRED = {
    "missing": "is required",
    "string_type": "must be text in quotes",
    "path_type": "must be a path in quotes",
    "int_": "must be a whole number",
    "float_": "must be a number",
    "tuple_type": "must be a list, in square brackets",
    "model_": "must be a section, with settings of its own",
    "mapping_type": "must be a section, with settings of its own",
    "dict_type": "must be a section, with settings of its own",
}
"""The requirement on a value, by the prefix of pydantic's name for the problem."""


def load_settings(
    config_path: Path | None,
    environ: Mapping[str, str],
    cwd: Path,
    services: tuple[ServiceSpec, ...],
) -> Settings:
    """Read, merge and check every setting, and read the tokens that settings refer to.

    The file is `config_path`, else the one named by EVALS_MCP_CONFIG, else `config.toml` in the
    platform's configuration folder of evals-mcp; only the last may be missing. A variable such as
    EVALS_MCP_LOCAL__DATA_DIR sets `local.data_dir`; an empty one counts as unset.

    Args:
        config_path: The file named on the command line; None if no file is named.
        environ: The environment.
        cwd: The folder that relative paths in settings start at.
        services: The services that have a section.

    Raises:
        SettingsError: the file or a setting cannot be used.
    """
    path = _find_file(config_path, environ, cwd)
    origin = Origin(path)
    table = _read_file(path) if path else {}
    kind = settings_class(services)
    _overlay(table, environ, origin, list(setting_paths(kind)))
    _refuse_placeholders(table, (), origin)
    return with_tokens(_validated(kind, table, cwd, origin), environ, origin)


def setting_paths(
    section: type[Section], above: SettingPath = ()
) -> Iterator[tuple[SettingPath, FieldInfo]]:
    """Yield every setting with its path; `NAME` replaces a name that the user chooses."""
    for name, info in section.model_fields.items():
        kind = info.annotation
        if get_origin(kind) is Mapping:
            yield from setting_paths(get_args(kind)[1], (*above, name, ANY_NAME))
        elif isinstance(kind, type) and issubclass(kind, Section):
            yield from setting_paths(kind, (*above, name))
        else:
            yield (*above, name), info


def _find_file(config_path: Path | None, environ: Mapping[str, str], cwd: Path) -> Path | None:
    named = environ.get(CONFIG_VARIABLE, "")
    if config_path is None and not named:
        from platformdirs import user_config_path  # noqa: PLC0415 - not needed for a named file

        usual = user_config_path("evals-mcp", appauthor=False) / "config.toml"
        return usual if usual.is_file() else None
    path = config_path or Path(named)
    with contextlib.suppress(RuntimeError):  # no such home: the path is refused below
        path = path.expanduser()
    path = cwd / path
    if path.is_file():
        return path
    source = "--config" if config_path else f"environment variable {CONFIG_VARIABLE}"
    raise SettingsError(
        f"{source}: no file {path}; name an existing TOML file, or leave it out to use the defaults"
    )


def _read_file(path: Path) -> Table:
    import tomllib  # noqa: PLC0415 - not needed without a file

    try:
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        problem = f"cannot be read ({error.strerror}); make it readable for this user"
    except UnicodeDecodeError:
        problem = "is not UTF-8 text; save it as UTF-8"
    except (ValueError, RecursionError) as error:
        position = re.search(r"\(at (.*)\)$", str(error))
        at = f" at {position[1]}" if position else ""
        problem = f'is not valid TOML{at}; write [section] lines and key = "value" lines'
    raise SettingsError(f"{path} {problem}")


def _overlay(
    table: Table,
    environ: Mapping[str, str],
    origin: Origin,
    settings: list[tuple[SettingPath, FieldInfo]],
) -> None:
    """Write the variables over the table, and record which setting came from which variable."""
    for variable in sorted(environ):
        text = environ[variable]
        if not variable.startswith(PREFIX) or variable == CONFIG_VARIABLE or not text.strip():
            continue
        segments = tuple(variable[len(PREFIX) :].lower().split("__"))
        info = next((info for path, info in settings if _fits(segments, path)), None)
        if info is None:
            names = [PREFIX + "__".join(path).upper() for path, _ in settings]
            raise SettingsError(
                f"environment variable {variable[:100]} is not a setting{_near(variable, names)}"
            )
        value = _listed(variable, text) if get_origin(info.annotation) is tuple else text
        origin.variables[_put(table, segments, value)] = variable


def _fits(segments: SettingPath, path: SettingPath) -> bool:
    return len(segments) == len(path) and all(
        expected in {ANY_NAME, segment} for segment, expected in zip(segments, path, strict=True)
    )


def _near(name: str, names: list[str]) -> str:
    """Return advice on an unknown name: the nearest name, or all names if they are few."""
    import difflib  # noqa: PLC0415 - for a misspelt name only

    if near := difflib.get_close_matches(name, names, n=1, cutoff=0.7):
        return f"; did you mean {near[0]}?"
    return f"; remove it, or write one of {', '.join(names)}" if len(names) < 12 else "; remove it"


def _listed(variable: str, text: str) -> object:
    """Parse a list of paths: JSON, or separated by the platform's path separator."""
    if not text.lstrip().startswith("["):
        return [part for part in text.split(os.pathsep) if part]
    import json  # noqa: PLC0415 - for this form only

    try:
        return json.loads(text)
    except ValueError:
        problem = f'is not a JSON list; write ["/one", "/two"] or /one{os.pathsep}/two'
    raise SettingsError(f"environment variable {variable} {problem}")


def _put(table: Table, segments: SettingPath, value: object) -> SettingPath:
    """Set a value; return its path. Names in the file match in any case: variables have none."""
    keys: list[str] = []
    for segment in segments:
        keys.append(next((key for key in table if key.lower() == segment), segment))
        if len(keys) < len(segments):
            below = table.setdefault(keys[-1], {})
            if not isinstance(below, dict):  # the file has a value where a table belongs
                break
            table = cast("Table", below)
    else:
        table[keys[-1]] = value
    return tuple(keys)


def _refuse_placeholders(value: object, path: SettingPath, origin: Origin) -> None:
    """Refuse values that were copied from an example and never filled in."""
    if isinstance(value, dict):
        for key, below in cast("Table", value).items():
            _refuse_placeholders(below, (*path, key), origin)
    elif isinstance(value, list):
        for below in cast("list[object]", value):
            _refuse_placeholders(below, path, origin)
    elif isinstance(value, str) and is_placeholder(value, token=path[-1] == "token"):
        raise origin.refusal(path, "is empty or a placeholder; write the real value, or remove it")


def _validated(kind: type[Settings], table: Table, cwd: Path, origin: Origin) -> Settings:
    # An absent section is read as an empty one: defaults, too, are relative to `cwd`.
    sections = dict.fromkeys(kind.model_fields, Table()) | table
    try:
        return kind.model_validate(sections, context={"cwd": cwd})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_input=False)
    # Outside of the handler, so that no traceback leads back to the values.
    raise SettingsError("\n".join(_worded(kind, problem, origin) for problem in problems[:5]))


def _worded(kind: type[Settings], problem: Mapping[str, Any], origin: Origin) -> str:
    path = tuple(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        siblings = {
            setting[len(path) - 1]
            for setting, _ in setting_paths(kind)
            if len(setting) >= len(path) and _fits(path[:-1], setting[: len(path) - 1])
        }
        return origin.worded(path, f"is not a setting{_near(path[-1], sorted(siblings))}")
    if path[-1] == "[key]":
        return origin.worded(path[:-1], "is not a usable name; write up to 64 of A-Z a-z 0-9 . _ -")
    infos = (info for setting, info in setting_paths(kind) if _fits(path[: len(setting)], setting))
    info = next(infos, None)
    return origin.worded(path, _requirement(problem) + (f". {info.description}" if info else ""))


def _requirement(problem: Mapping[str, Any]) -> str:
    """Return what a value must be, by pydantic's name for the problem."""
    kind = str(problem["type"])
    requirement = next((text for start, text in _REQUIRED.items() if kind.startswith(start)), None)
    if requirement:
        return requirement
    message = str(problem["msg"]).removeprefix("Value error, ")
    return message.replace("Input should be", "must be")
