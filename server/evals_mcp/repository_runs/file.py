"""Reads and checks `evals.toml`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from pydantic import ValidationError

from evals_mcp.argument_errors.messages import explain
from evals_mcp.cleaning import quoted
from evals_mcp.errors import InvalidRequestError, OperatorError
from evals_mcp.gate.stop_rules import StopRules, stop_rules
from evals_mcp.launching.metrics.arguments import arguments_by_metric
from evals_mcp.near_names import near_file_name
from evals_schemas.evaluation_types import BENCHMARK
from evals_schemas.repository.evals_file import FILE_ONLY, NOT_IN_A_FILE, EvalsFile
from evals_schemas.tools.inputs import CreateEvaluationInput
from evals_schemas.tools.portable_schema import portable_schema

MOST_BYTES = 2**20
"""The largest file that is read."""

FILE_NAME = "evals.toml"
"""What messages call the file."""

_OF_THE_GATE = frozenset({"stop_when", "sample"})
"""Arguments of `create_evaluation` that are about the gate of a file whose gate stops."""

Arguments = Mapping[str, Any]
"""Arguments of `create_evaluation` as the file has them."""


@dataclass(frozen=True)
class RepositoryFile:
    """A file that was read and checked."""

    path: Path
    content: EvalsFile
    arguments: Arguments
    """Its arguments of `create_evaluation`, without the data set."""
    stop_rules: StopRules | None = None
    """When its gate stops before the last row; None if it judges every row at once."""

    @property
    def data(self) -> Path:
        """The data set, relative to the folder of the file."""
        return self.path.parent / self.content.data

    def request(self, file_id: str, **changes: Any) -> CreateEvaluationInput:
        """Return the arguments of one create.

        Args:
            file_id: the stored data set.
            changes: further arguments, or other values.
        """
        return checked({**self.arguments, **changes, "input_data_file_path": file_id})

    def by_metric(self) -> dict[str, CreateEvaluationInput]:
        """Return the arguments of each metric alone, without a data set.

        A file without metrics has one, named like the file's evaluation or its type.

        Raises:
            InvalidRequestError: a metric has no name of its own, or an argument does not fit.
        """
        arguments = checked(self.arguments)
        if arguments.metrics is None:
            return {self.content.name or arguments.type: arguments}
        return arguments_by_metric(arguments)


def read_file(path: Path) -> RepositoryFile:
    """Read and check a file.

    Raises:
        OperatorError: it cannot be read, or is not TOML.
        InvalidRequestError: a field is missing, unknown, or has a value that is not allowed.
    """
    table = _table(path)
    try:
        content = EvalsFile.model_validate(table)
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=True)
        schema = portable_schema(EvalsFile)
        fields = {
            name: part for name, part in schema["properties"].items() if name not in NOT_IN_A_FILE
        }
        text = explain(problems, {**schema, "properties": fields}, FILE_NAME)
        raise InvalidRequestError(f"{path.name}: {text}{_below_section(table)}") from None
    if content.type == BENCHMARK:
        raise InvalidRequestError(
            f"{path.name}: `type` benchmark has questions of its own at a service, and no data "
            "set: start it with create_evaluation. A file runs classify, score and compare."
        )
    try:
        rules = stop_rules(content)
    except InvalidRequestError as error:
        raise InvalidRequestError(f"{path.name}: {error}") from None
    left_out = {*FILE_ONLY, *(_OF_THE_GATE if rules else ())}
    arguments = {name: value for name, value in table.items() if name not in left_out}
    file = RepositoryFile(path, content, arguments, rules)
    _check_gate(file)
    return file


def check_data(file: RepositoryFile, folders: Sequence[Path]) -> None:
    """Refuse a data set that does not exist, or that may not be read.

    Args:
        file: the file.
        folders: the folders whose files may be read.

    Raises:
        InvalidRequestError: there is no such file, or it is in no such folder.
    """
    path, name = file.data.resolve(), quoted(file.content.data, 200)
    roots = [folder.resolve() for folder in folders]
    if not any(path.is_relative_to(root) for root in roots if root != Path(root.anchor)):
        raise InvalidRequestError(
            f"{file.path.name}: `data` {name} lies outside the folder of the file, and outside "
            "datasets.allowed_folders: move it there."
        )
    if not path.is_file():
        names = (each.name for each in path.parent.glob("*") if each.is_file())
        near = near_file_name(path.name, list(names)) if path.parent.is_dir() else None
        hint = f" Did you mean {quoted(near, 80)}?" if near else ""
        raise InvalidRequestError(f"{file.path.name}: `data`: there is no file {name}.{hint}")


def checked(arguments: Arguments) -> CreateEvaluationInput:
    """Return arguments that the file's own check has accepted before."""
    return CreateEvaluationInput.model_validate(dict(arguments))


def _below_section(table: Mapping[str, Any]) -> str:
    """Return where the data set is named if not at the top: TOML gives a section what follows."""
    for name, value in table.items():
        parts = cast("list[object]", value) if isinstance(value, list) else [value]
        if "data" not in table and any(isinstance(part, dict) and "data" in part for part in parts):
            return (
                f" `data` stands below [{name[:40]}] and belongs to it: write everything that has "
                "no section above the first one."
            )
    return ""


def _check_gate(file: RepositoryFile) -> None:
    """Refuse rules for a metric that the file does not have."""
    gate = file.content.gate
    if gate is None or not gate.metrics:
        return
    names = [str(metric.get("name")) for metric in file.content.metrics or ()]
    for name in gate.metrics:
        if name not in names:
            listed = ", ".join(names) or "none: the rules of a file without metrics are in [gate]"
            raise InvalidRequestError(
                f"{file.path.name}: `gate.metrics.{name[:60]}` is not a metric of the file; it has "
                f"{listed}."
            )


def _table(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise OperatorError(f"{path} has more than {MOST_BYTES:,} bytes; it holds no rows.")
        return tomllib.loads(path.read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        raise OperatorError(
            f"There is no file {path}. docs/guides/guard-a-repository.md has one to begin with."
        ) from None
    except OSError as error:
        raise OperatorError(f"{path} cannot be read ({error.strerror}).") from None
    except UnicodeDecodeError:
        raise OperatorError(f"{path} is not UTF-8 text; save it as UTF-8.") from None
    except (ValueError, RecursionError) as error:
        position = re.search(r"\(at (.*)\)$", str(error))
        at = f" at {position[1]}" if position else ""
        raise OperatorError(
            f'{path} is not valid TOML{at}: write `name = "value"` lines, then [section] lines '
            "with the fields of a section below them."
        ) from None
