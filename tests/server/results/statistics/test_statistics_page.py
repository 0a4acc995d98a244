"""The page on statistics: its examples run, and it has one for every public figure."""

import doctest
import re
from collections.abc import Callable
from importlib import import_module
from inspect import getmembers, isfunction
from pathlib import Path
from typing import Any

import pytest

PAGE = Path(__file__).parents[4] / "docs" / "statistics.md"
MODULES = (
    "rates",
    "scores",
    "clusters",
    "paired",
    "sample_size",
    "wins",
    "agreement",
    "correlation",
    "resampling",
    "corrections.strata",
    "corrections.regression",
    "corrections.rogan_gladen",
    "corrections.label_numbers",
)
INNER = {"wilson_interval", "wilson_score", "t_interval", "tango_interval"}
"""Functions for intervals only; the page describes them with their figures."""


def sections() -> dict[str, str]:
    """Return the page's sections by heading."""
    parts = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def examples(text: str) -> str:
    blocks: list[str] = re.findall(r"^```python\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return "".join(block for block in blocks if block.startswith(">>>"))


def figures() -> list[str]:
    found: list[str] = []
    for name in MODULES:
        module = import_module(f"evals_mcp.results.statistics.{name}")
        functions: list[tuple[str, Callable[..., Any]]] = getmembers(module, isfunction)
        found += [
            title
            for title, function in functions
            if function.__module__ == module.__name__ and not title.startswith("_")
        ]
    return sorted(set(found) - INNER)


@pytest.mark.parametrize("heading", [title for title in sections() if title != "Missing is None"])
def test_the_examples_of_a_section_give_what_the_page_says(heading: str) -> None:
    source = examples(sections()[heading])
    found = doctest.DocTestParser().get_doctest(source, {}, heading, str(PAGE), 0)
    failures: list[str] = []

    result = doctest.DocTestRunner(verbose=False).run(found, out=failures.append)

    assert result.attempted > 0
    assert result.failed == 0, "".join(failures)


@pytest.mark.parametrize("figure", figures())
def test_every_figure_has_an_example(figure: str) -> None:
    assert f"{figure}(" in examples(PAGE.read_text(encoding="utf-8"))
