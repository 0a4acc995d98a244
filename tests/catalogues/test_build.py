"""What the catalogues take is whole, names what exists, and is the same for the same tree."""

from __future__ import annotations

import hashlib
import json
import re
import runpy
import zipfile
from pathlib import Path
from typing import Any

import pytest

from evals_mcp.services import SERVICES
from evals_mcp.settings.loading import load_settings
from evals_mcp.tools.catalog import BY_NAME

ROOT = Path(__file__).parents[2]
BUILDER: dict[str, Any] = runpy.run_path(str(ROOT / "deploy" / "catalogues" / "build.py"))
VERSION = BUILDER["version"]()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("catalogues")
    BUILDER["build"]("some-owner", folder)
    return folder


def texts(folder: Path) -> dict[str, str]:
    """Every text that was written, by its path, those in the bundle included."""
    found = {
        str(path.relative_to(folder)): path.read_text(encoding="utf-8")
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in {".png", ".mcpb"}
    }
    with zipfile.ZipFile(folder / f"evals-mcp-{VERSION}.mcpb") as bundle:
        for name in bundle.namelist():
            if not name.endswith(".png"):
                found[f"bundle/{name}"] = bundle.read(name).decode()
    return found


def test_every_place_holder_is_filled_in(built: Path) -> None:
    for name, text in texts(built).items():
        assert not re.search(r"@[A-Z0-9_]+@", text), name
        if name.endswith(".json"):
            assert json.loads(text)


def test_the_registry_entry_names_the_bundle_by_its_digest(built: Path) -> None:
    entry = json.loads((built / "server.json").read_text())
    bundle = built / f"evals-mcp-{VERSION}.mcpb"

    (_, package) = entry["packages"]
    assert package["fileSha256"] == hashlib.sha256(bundle.read_bytes()).hexdigest()
    assert package["identifier"].endswith(f"/v{VERSION}/{bundle.name}")
    assert entry["version"] == VERSION
    assert len(entry["description"]) <= 100


def test_the_same_tree_gives_the_same_bytes(built: Path, tmp_path: Path) -> None:
    BUILDER["build"]("some-owner", tmp_path)

    bundle = f"evals-mcp-{VERSION}.mcpb"
    assert (built / bundle).read_bytes() == (tmp_path / bundle).read_bytes()
    assert texts(built) == texts(tmp_path)


def test_every_setting_that_is_named_exists(built: Path) -> None:
    named = set(re.findall(r"EVALS_MCP_[A-Z_]+", "".join(texts(built).values())))
    known = {
        "EVALS_MCP_DATASETS__ALLOWED_FOLDERS": str(built),
        "EVALS_MCP_LOCAL__MODELS__BASE_URL": "http://127.0.0.1:11434/v1",
    }

    assert named == set(known)
    load_settings(None, known, built, SERVICES)


def test_an_option_that_was_left_empty_is_as_if_absent(built: Path) -> None:
    empty = {"EVALS_MCP_LOCAL__MODELS__BASE_URL": "", "TOGETHER_API_KEY": "", "NUGEN_API_KEY": ""}

    settings = load_settings(None, empty, built, SERVICES)

    assert settings.providers == load_settings(None, {}, built, SERVICES).providers


def test_the_skills_name_tools_that_exist(built: Path) -> None:
    skills = [text for name, text in texts(built).items() if name.endswith("SKILL.md")]
    named = set(re.findall(r"`((?:upload|list|create|get|read|compare)_[a-z]+)`", "".join(skills)))

    assert len(skills) == 4
    assert named
    assert named <= set(BY_NAME)


def test_nothing_runs_a_package_by_a_name_that_is_not_published(built: Path) -> None:
    catalogues = {name: text for name, text in texts(built).items() if name != "server.json"}
    documents = [
        ROOT / "README.md",
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / "examples").rglob("*"),
    ]

    assert not [name for name, text in catalogues.items() if "uvx" in text]
    assert not [
        path.name
        for path in documents
        if path.is_file() and re.search(r"uvx +evals-mcp", path.read_text(errors="replace"))
    ]


@pytest.mark.parametrize("owner", ["", "../up", "a b", "-a", "a" * 40])
def test_a_name_that_no_owner_has_is_refused(owner: str) -> None:
    assert BUILDER["main"]([owner]) == 2
