"""Journeys run the whole program along paths whose lines the tests of its parts count."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="module", autouse=True)
def _lines_not_counted(lines_not_counted: None) -> None:
    """Count no lines in any journey."""
