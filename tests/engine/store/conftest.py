"""A store in a folder of its own."""

from collections.abc import Generator
from pathlib import Path

import pytest

from evals_engine.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Generator[Store]:
    opened = Store(tmp_path)
    yield opened
    opened.close()
