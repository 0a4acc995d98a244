"""Checks the structure of the packages: sizes, folders, import circles, scattered type names.

Run by `make check`.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import grimp

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = {"evals_schemas": "schemas", "evals_mcp": "server", "evals_engine": "server"}

MODULE_LINES = 400
FUNCTION_LINES = 50
MODULES_IN_A_FOLDER = 14
ROOMY_FOLDERS = {"evals_mcp": 16, "evals_mcp.tools": 16}
"""Folders that may hold more modules, with how many."""

TYPES = frozenset({"classify", "score", "compare", "benchmark"})
"""The names of the evaluation types."""

OTHER_MEANINGS = frozenset({"score", "benchmark"})
"""Names that also mean something else: a column of a row, and the purpose of a file."""

TYPE_NAMES = frozenset({"type", "kind", "type_name"})
"""What a variable, attribute or argument with the name of a type is called."""

MODULES_NAMING_A_TYPE = 6
"""In how many modules outside its own the name of an evaluation type may stand as a literal."""


def main() -> int:
    """Print each finding; return 1 if there is any, else 0."""
    findings = [*_sizes(), *_folders(), *_circles(), *_type_names()]
    for finding in findings:
        print(finding)
    if not findings:
        print("Structure: sizes, folders, imports and type names are within their limits.")
    return 1 if findings else 0


def _modules() -> Iterator[tuple[str, Path]]:
    """Yield each module of the packages, by its dotted name."""
    for package, folder in PACKAGES.items():
        for path in sorted((ROOT / folder / package).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            yield ".".join(parts), path


def _sizes() -> Iterator[str]:
    for name, path in _modules():
        source = path.read_text(encoding="utf-8")
        if (lines := source.count("\n")) > MODULE_LINES:
            yield f"{name}: {lines} lines; a module has at most {MODULE_LINES}"
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    yield f"{name}.{node.name}: {lines} lines; a function has {FUNCTION_LINES}"


def _folders() -> Iterator[str]:
    counts = Counter(
        name.rpartition(".")[0] for name, path in _modules() if path.name != "__init__.py"
    )
    for folder, modules in counts.items():
        most = ROOMY_FOLDERS.get(folder, MODULES_IN_A_FOLDER)
        if modules > most:
            yield f"{folder}: {modules} modules; the folder has at most {most}"
    for name, path in _modules():
        if path.name == "__init__.py" and ast.get_docstring(ast.parse(path.read_text())) is None:
            yield f"{name.rpartition('.')[0]}: the folder has no sentence in its __init__.py"


def _circles() -> Iterator[str]:
    graph = grimp.build_graph(*PACKAGES, include_external_packages=False)
    imports = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    yield from _cycle("modules", imports)
    folders: dict[str, set[str]] = defaultdict(set)
    for module, imported in imports.items():
        folder = _folder(module)
        folders[folder] |= {_folder(name) for name in imported} - {folder}
    yield from _cycle("folders", folders)


def _folder(module: str) -> str:
    """Return the folder that a module lies in; a package's own modules stand for themselves."""
    folder = module.rpartition(".")[0]
    return module if folder in PACKAGES or not folder else folder


def _cycle(what: str, arrows: Mapping[str, set[str]]) -> Iterator[str]:
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        yield f"{what} import each other in a circle: {circle}"


def _type_names() -> Iterator[str]:
    naming: dict[str, set[str]] = defaultdict(set)
    for name, path in _modules():
        for kind in types_named(ast.parse(path.read_text(encoding="utf-8"))):
            naming[kind].add(name)
    for kind in sorted(TYPES):
        others = sorted(name for name in naming[kind] if kind not in name.rpartition(".")[2])
        if len(others) > MODULES_NAMING_A_TYPE:
            yield f"{kind!r} stands as a literal in {len(others)} modules: {', '.join(others)}"


def types_named(tree: ast.AST) -> set[str]:
    """Return the evaluation types that stand as literals in a module.

    A literal with other meanings counts where it is compared with a type, matched against one,
    mapped from, listed among types, or passed on as a type.
    """
    named: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant):
            named |= _types_among([node]) - OTHER_MEANINGS
        else:
            named |= _types_among(_places_of_types(node))
    return named


def _types_among(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names of types that stand as literals directly among the nodes."""
    values = {node.value for node in nodes if isinstance(node, ast.Constant)}
    return {value for value in values if isinstance(value, str) and value in TYPES}


def _places_of_types(node: ast.AST) -> list[ast.AST]:
    """Return the parts of a node in which a literal is the name of a type."""
    places: list[ast.AST] = []
    match node:
        case ast.Compare() if _mentions_type(node):
            places = _all_parts(node)
        case ast.Match(subject=subject) if _mentions_type(subject):
            places = _all_parts(*(case.pattern for case in node.cases))
        case ast.Dict():
            places = _if_types([key for key in node.keys if key is not None])
        case ast.Set() | ast.List() | ast.Tuple():
            places = _if_types(node.elts)
        case ast.Call(func=ast.Name()):
            places = list(node.args[:1])
        case ast.keyword(arg=name, value=value) if name in TYPE_NAMES:
            places = [value]
        case ast.Assign(targets=[target]) | ast.AnnAssign(target=target) if _mentions_type(target):
            places = _all_parts(node)
        case _:
            pass
    return places


def _if_types(nodes: Sequence[ast.AST]) -> list[ast.AST]:
    """Return the nodes if all of them, or at least two, are names of types."""
    names = len(_types_among(nodes))
    return list(nodes) if names > 1 or names == len(nodes) else []


def _all_parts(*nodes: ast.AST) -> list[ast.AST]:
    return [part for node in nodes for part in ast.walk(node)]


def _mentions_type(node: ast.AST) -> bool:
    """Return whether a variable or an attribute with the name of a type occurs in the node."""
    return any(
        (isinstance(part, ast.Name) and part.id in TYPE_NAMES)
        or (isinstance(part, ast.Attribute) and part.attr in TYPE_NAMES)
        for part in ast.walk(node)
    )


if __name__ == "__main__":
    sys.exit(main())
