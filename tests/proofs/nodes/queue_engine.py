"""The queue is an existing one, behind one short module, and a worker opens no port."""

from __future__ import annotations

import ast
import io
import tokenize
from pathlib import Path

from evals_engine.nodes import queue
from tests.proofs.nodes.checks import no_port
from tests.proofs.nodes.finding import Finding

LINES = 150
"""Lines of code that the module may have."""

PACKAGES = Path(queue.__file__).parents[2]


async def existing_queue() -> Finding:
    """Count the modules that import the queue's package, and the lines of code of the only one."""
    importers = [path for path in PACKAGES.rglob("*.py") if "procrastinate" in _imported(path)]
    lines = _code_lines(Path(queue.__file__))
    assert importers == [Path(queue.__file__)], importers
    assert lines < LINES, lines
    finding = await no_port()
    finding.name = "an existing queue; ports of a worker"
    finding.detail = f"1 importer with {lines} lines of code; no port"
    return finding


def _imported(path: Path) -> set[str]:
    """Return the packages that a module imports."""
    names = set[str]()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module.split(".")[0])
    return names


def _code_lines(path: Path) -> int:
    """Count the lines that are neither blank nor comments nor texts that stand alone."""
    source = path.read_text(encoding="utf-8")
    lone = {
        line
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)
    }
    nothing = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT}
    code = {
        line
        for token in tokenize.generate_tokens(io.StringIO(source).readline)
        if token.type not in nothing and token.string
        for line in range(token.start[0], token.end[0] + 1)
    }
    return len(code - lone)
