"""An older Python is told which one is needed, in one line."""

from __future__ import annotations

import ast
import importlib.util
import sys
import tomllib
from pathlib import Path

import pytest

from evals_mcp import __main__ as entry

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_the_command_names_the_python_that_is_needed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))

    assert entry.main() == 2
    said = capsys.readouterr().err
    assert (
        said == f"evals-mcp needs Python 3.11 or newer; this is Python 3.10.4 ({sys.executable})\n"
    )


def test_a_build_names_the_python_that_is_needed() -> None:
    spec = importlib.util.spec_from_file_location("hatch_build", ROOT / "hatch_build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)

    build.refuse((3, 11, 0))
    with pytest.raises(SystemExit, match=r"needs Python 3\.11 or newer; this is Python 3\.9\.6"):
        build.refuse((3, 9, 6, "final", 0))
    oldest = ".".join(map(str, build.OLDEST))
    assert PROJECT["requires-python"] == f">={oldest}"
    assert entry.OLDEST == build.OLDEST


@pytest.mark.parametrize(
    "path", ["hatch_build.py", "server/evals_mcp/__init__.py", "server/evals_mcp/__main__.py"]
)
def test_an_older_python_can_read_what_says_so(path: str) -> None:
    ast.parse((ROOT / path).read_text(encoding="utf-8"), feature_version=(3, 8))
