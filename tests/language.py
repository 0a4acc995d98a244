"""Checks the language of names, docstrings, messages and documents against `docs/glossary.md`.

Run by `make check`. Two rules: a name says what it holds, so the twenty words in `VAGUE_NAMES` are
at most 5 of 1,000 bound names; and the phrases in `RIDDLES` stand nowhere in the strings of Python
files, in SQL, or in the documents.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

VAGUE_NAMES = frozenset(
    {"asked", "begun", "desk", "found", "given", "kept", "known", "left", "life", "made"}
    | {"moment", "one", "own", "place", "room", "said", "standing", "there", "told", "wanted"}
)
MOST_VAGUE = 5 / 1000
"""The largest share of bound names that may be one of `VAGUE_NAMES`."""

RIDDLES = re.compile(r"\b(that is no\b(?!t)|is none\b|untold\b|[Ww]hoever\b|told of\b)")

NAMED_IN = ("schemas", "server")
"""Folders whose bound names are counted."""

EXEMPT = frozenset({"tests/language.py", "CHANGELOG.md"})
"""The rules themselves, and what tells of earlier versions."""

QUOTED = ("benchmarks/results/", "tests/clients/packages/", "tests/conformance/suite/")
"""Files that come from elsewhere or that record an earlier run."""

TEXT_SUFFIXES = frozenset({".md", ".toml", ".sql", ".yml", ".yaml", ".json", ".service", ".html"})


def main() -> int:
    """Print each finding with its place; return 1 if there is any, else 0."""
    findings = [*_riddles(), *_vague_names()]
    for finding in findings:
        print(finding)
    if not findings:
        print("Language: no riddles, and names say what they hold.")
    return 1 if findings else 0


def _riddles() -> Iterator[str]:
    for path in _tracked():
        name = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py":
            lines = _strings_and_comments(path)
        elif path.suffix in TEXT_SUFFIXES and not _superseded(path):
            lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        else:
            continue
        for number, line in lines:
            for match in RIDDLES.finditer(line):
                yield f"{name}:{number}: reword {match.group()!r}"


def _superseded(path: Path) -> bool:
    """Return whether a page in `docs/design` records a decision that another one has replaced."""
    if path.parent.name != "design":
        return False
    return "Status: superseded" in path.read_text(encoding="utf-8")


def _strings_and_comments(path: Path) -> Iterator[tuple[int, str]]:
    """Yield each line of each string constant; comments count as lines of their own."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            for offset, line in enumerate(node.value.splitlines()):
                yield node.lineno + offset, line
    for number, line in enumerate(source.splitlines(), start=1):
        if line.lstrip().startswith("#"):
            yield number, line


def _vague_names() -> Iterator[str]:
    names = [
        (path, line, name)
        for path in _tracked()
        if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in NAMED_IN
        for line, name in _bound_names(ast.parse(path.read_text(encoding="utf-8")))
    ]
    vague = [entry for entry in names if entry[2].strip("_") in VAGUE_NAMES]
    if len(vague) > MOST_VAGUE * len(names):
        for path, line, name in vague:
            yield f"{path.relative_to(ROOT).as_posix()}:{line}: name what `{name}` holds"
        yield f"{len(vague)} of {len(names)} bound names say too little; 5 of 1,000 may."


def _bound_names(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Yield each definition, parameter and assigned name with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.lineno, node.name
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.lineno, node.attr
        elif isinstance(node, ast.alias) and node.asname:
            yield getattr(node, "lineno", 0), node.asname


def _tracked() -> list[Path]:
    """Return the files of this repository that the rules cover."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    return [
        ROOT / name
        for name in listed.splitlines()
        if name not in EXEMPT and not name.startswith(QUOTED) and (ROOT / name).is_file()
    ]


if __name__ == "__main__":
    sys.exit(main())
