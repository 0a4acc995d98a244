"""Settings for the whole suite: no deadlines in hypothesis, and which tests stay together."""

from __future__ import annotations

import gc
import json
import logging
import os
import pkgutil
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import httpcore2
import pytest
from coverage import Coverage
from hypothesis import HealthCheck, settings
from jsonschema import Draft202012Validator
from xdist.remote import Producer  # pyright: ignore[reportMissingTypeStubs]
from xdist.scheduler import LoadScopeScheduling  # pyright: ignore[reportMissingTypeStubs]

from tests.postgres import database_copy, postgres_url
from tests.volume import GATE, PROOFS, VOLUME

# No test reads or writes what this user's own server keeps. Processes inherit the folder.
_HOME = tempfile.mkdtemp(prefix="evals-mcp-tests-")
for _kind in ("DATA", "CACHE", "CONFIG", "STATE"):
    os.environ[f"XDG_{_kind}_HOME"] = os.path.join(_HOME, _kind.lower())  # noqa: PTH118 - a text

# A busy machine may need any time for an example: no test fails because one took long.
for _volume, _examples in ((GATE, 50), (PROOFS, 200)):
    settings.register_profile(
        _volume,
        deadline=None,
        max_examples=_examples,
        suppress_health_check=[HealthCheck.too_slow],
    )
settings.load_profile(VOLUME)

_check_schema, _valid_schemas = Draft202012Validator.check_schema, set[str]()


def _check_schema_once(schema: Any, **options: Any) -> None:
    """Check a schema unless it was found valid before: each client session checks all it uses."""
    text = json.dumps(schema, sort_keys=True)
    if text not in _valid_schemas:
        _check_schema(schema, **options)
        _valid_schemas.add(text)


Draft202012Validator.check_schema = staticmethod(  # pyright: ignore[reportAttributeAccessIssue]
    _check_schema_once
)

# Each client reads the certificates of all authorities anew; hundreds of clients speak to loopback.
httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)

_FAULTS, _FUZZ, _TOOL_FUZZ = (
    "tests/faults/test_faults.py::",
    "tests/engine/test_fuzz.py::",
    "tests/server/test_tool_fuzz.py::",
)
TOGETHER = {
    f"{_FAULTS}test_a_struck_call": "struck calls",
    f"{_FAULTS}test_no_redirect": "struck calls",
    f"{_FAULTS}test_a_struck_row": "struck rows",
    _FUZZ: "engine over HTTP",
    f"{_TOOL_FUZZ}test_with_any_service": "tools with any service",
    _TOOL_FUZZ: "tools with the engine",
    "tests/engine/nodes/": "PostgreSQL",
    "tests/engine/store/test_contract.py::": "PostgreSQL",
    "tests/journeys/test_nodes.py::": "PostgreSQL",
    "tests/server/local_engine/test_shared_database.py::": "PostgreSQL",
}
"""Tests that share an expensive fixture, by the start of their ids; the first match counts."""


_COUNTED_PROCESSES = "COVERAGE_PROCESS_CONFIG"
"""The variable by which started processes count their lines."""


WORKERS_PER_CORE = 2
"""Tests wait for processes, commits and leases half of their time; another test runs meanwhile."""


def pytest_xdist_auto_num_workers() -> int:
    """Return how many processes run tests where the command line says `auto`."""
    return WORKERS_PER_CORE * (os.cpu_count() or 1)


class FixtureScheduling(LoadScopeScheduling):
    """Gives each free worker the next test; tests that share a fixture go to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return next(
            (group for start, group in TOGETHER.items() if nodeid.startswith(start)), nodeid
        )


@pytest.fixture(autouse=True)
def own_levels_of_logging() -> Iterator[None]:
    """Give the packages their levels of logging back, which a command sets for its process."""
    loggers = [logging.getLogger(name) for name in ("evals_mcp", "evals_engine")]
    levels = [logger.level for logger in loggers]
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.fixture(scope="module")
def lines_not_counted() -> Iterator[None]:
    """Run a module's tests and their processes without counting which lines they reach.

    For tests that run the same paths many hundred times: counting takes a third of their time.
    """
    counting, process_config = Coverage.current(), os.environ.pop(_COUNTED_PROCESSES, None)
    if counting is not None:
        _import_all_modules()
        counting.stop()
    yield
    if counting is not None:
        counting.start()
    if process_config is not None:
        os.environ[_COUNTED_PROCESSES] = process_config


@cache
def _import_all_modules() -> None:
    """Import every module of the project, so that none is imported while no lines are counted."""
    for name in ("evals_schemas", "evals_mcp", "evals_engine"):
        for module in pkgutil.walk_packages(import_module(name).__path__, f"{name}."):
            import_module(module.name)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[str]:
    """The URL of a PostgreSQL server, started by the first test of a process that needs one."""
    with postgres_url() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_server: str) -> Iterator[str]:
    """The URL of a migrated database, to be copied; nothing may be connected to it."""
    from evals_engine.nodes.migrate import migrate  # noqa: PLC0415 - other tests need no psycopg

    with database_copy(postgres_server) as url:
        migrate(url)
        yield url


@pytest.fixture
def database_url(postgres_server: str, postgres_template: str) -> Iterator[str]:
    """The URL of a migrated database that a test has for itself."""
    with database_copy(postgres_server, postgres_template) as url:
        yield url


def pytest_collection_finish() -> None:
    """Keep the collected tests and imported modules out of every later garbage collection.

    They live to the end; each full collection would visit millions of them (0.2 s).
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> FixtureScheduling:
    return FixtureScheduling(config, log)
