"""Checks that are tests of the gate: with both databases, other Pythons, and as another user."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import anyio
from anyio import to_thread

from tests.postgres import BIN_VARIABLE
from tests.proofs.nodes.finding import SKIPPED, Finding
from tests.volume import PROOFS

ROOT = Path(__file__).resolve().parents[3]

OF_NODES = (
    "tests/engine/nodes",
    "tests/engine/node_runs",
    "tests/engine/store/test_contract.py",
    "tests/journeys/test_nodes.py",
    "tests/test_postgres.py",
)
CONTRACT = "tests/engine/store/test_contract.py"
CLAIMS = "tests/engine/nodes/test_shards.py::test_each_shard_is_begun_by_one_of_many_processes"

OLDEST_SERVER = Path("/usr/lib/postgresql/15/bin")
"""Where Debian has the oldest supported PostgreSQL."""

MARK = "PROOF_OF_NODES"
"""Variable by which all processes of a check are known, however they were started."""

VERSIONS = ("3.11", "3.12", "3.13", "3.14")
"""Versions of Python that are allowed; those that this machine has not are skipped."""

NEEDED = "import ensurepip, venv, sys; print(sys.executable)"
"""What an environment is made with; Debian's Python may lack it, and pyenv's shim the Python."""

_PASSED = re.compile(r"(\d+) passed")


async def contract(folder: Path | None = None) -> Finding:
    """Run the tests of the store with both databases; `folder` has another PostgreSQL."""
    what = "the store's contract, SQLite and PostgreSQL"
    if folder is None:
        return await _tested(what, [CONTRACT], {})
    if not folder.exists():
        return Finding(f"{what} 15", 0, 0, 0, 0.0, f"{folder} is absent", SKIPPED)
    return await _tested(f"{what} 15", [CONTRACT], {BIN_VARIABLE: str(folder)})


async def claims() -> Finding:
    """Let 16 threads begin the same 400 shards."""
    finding = await _tested("16 threads begin 400 shards", [CLAIMS], {"TESTS_VOLUME": PROOFS})
    finding.detail += ": each is begun once"
    return finding


async def _tested(what: str, tests: Sequence[str], variables: Mapping[str, str]) -> Finding:
    """Run tests in a process of this Python."""
    since = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
    done = await anyio.run_process(command, cwd=ROOT, env=os.environ | variables, check=False)
    return Finding(what, 0, 0, 0, time.monotonic() - since, f"{_passed(done)} tests passed")


def _passed(done: subprocess.CompletedProcess[bytes]) -> int:
    """Return how many tests have passed. Raises AssertionError if one has not."""
    output = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    found = _PASSED.findall(output)
    assert done.returncode == 0 and found, output[-2_000:]  # noqa: PT018 - one reason for both
    return int(found[-1])


async def on_python(version: str) -> Finding:
    """Run the tests of nodes in a new environment of a Python, from a copy of this tree."""
    return await _in_a_copy(f"the tests of nodes on Python {version}", version, user=None)


async def as_user() -> Finding:
    """Run the tests of nodes as a user without rights, on a Python that such a user may run."""
    what = "the tests of nodes as a user"
    if os.geteuid() != 0:
        return Finding(what, 0, 0, 0, 0.0, "only root can be another user", SKIPPED)
    return await _in_a_copy(what, None, user="nobody")


async def _in_a_copy(what: str, version: str | None, user: str | None) -> Finding:
    """Copy the tree, install the lock and run the tests there; look at what they leave behind."""
    since = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="evals-mcp-python-") as name:
        folder = Path(name)
        python = await to_thread.run_sync(_python, version, user)
        if python is None:
            return Finding(what, 0, 0, 0, 0.0, "this machine has none", SKIPPED)
        tree = await to_thread.run_sync(_copied, folder, user)
        before, mark = _state(tree), uuid4().hex
        variables = {MARK: mark} | ({"HOME": str(folder / "home")} if user else {})
        make = ["make", "tests", f"PYTHON={python}", f"PYTEST_ARGS={' '.join(OF_NODES)}"]
        done = await anyio.run_process(
            make, cwd=tree, env=_clean() | variables, check=False, **_identity(user)
        )
        passed = _passed(done)
        await _all_ended(mark)
        assert _state(tree) == before, "users or modes have changed"
    detail = f"{passed} passed with {python}; no process, socket, user or mode is left behind"
    return Finding(what, 0, 0, 0, time.monotonic() - since, detail)


def _python(version: str | None, user: str | None) -> Path | None:
    """Return the first Python of a version, or of any, that a user may run; None without one."""
    for each in VERSIONS if version is None else [version]:
        pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
        installed = [*pyenv.glob(f"{each}.*/bin/python{each}"), Path(f"/usr/bin/python{each}")]
        on_path = shutil.which(f"python{each}")
        for path in [*installed, *([Path(on_path)] if on_path else [])]:
            try:
                done = subprocess.run([path, "-c", NEEDED], capture_output=True, check=False)
            except OSError:
                continue
            parents = path.resolve().parents
            is_open = user is None or all(part.stat().st_mode & 0o001 for part in parents)
            if done.returncode == 0 and is_open:
                return path
    return None


def _copied(folder: Path, user: str | None) -> Path:
    """Copy the files of the tree into a folder, and give them to a user."""
    tree, home = folder / "tree", folder / "home"
    home.mkdir()
    command = ["git", "ls-files", "-co", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, tree / name)
    if user is not None:
        folder.chmod(0o755)
        for path in (tree, home, *tree.rglob("*")):
            shutil.chown(path, user)
    return tree


def _identity(user: str | None) -> dict[str, Any]:
    """Return the arguments with which a process runs as a user, in the user's own group alone."""
    if user is None:
        return {}
    import pwd  # noqa: PLC0415 - Windows has no such module

    found = pwd.getpwnam(user)
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}


def _clean() -> dict[str, str]:
    ours = ("EVALS_", "PYTHON", "VIRTUAL_ENV", "COVERAGE")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


def _state(tree: Path) -> tuple[set[str], dict[Path, int]]:
    """Return the users of the machine, and the modes of all folders above a tree."""
    users = {line.split(":")[0] for line in Path("/etc/passwd").read_text().splitlines()}
    return users, {path: path.stat().st_mode for path in (tree, *tree.parents)}


async def _all_ended(mark: str) -> None:
    """Wait until no process of a check is left, and so no socket of one. Raises TimeoutError."""
    with anyio.fail_after(60):
        while await to_thread.run_sync(partial(_alive, mark)):  # noqa: ASYNC110
            await anyio.sleep(0.1)


def _alive(mark: str) -> list[str]:
    """Return the processes that were started with a mark, by any process."""
    sought, found = f"{MARK}={mark}".encode(), list[str]()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if sought in (folder / "environ").read_bytes().split(b"\0"):
                found.append(folder.name)
        except OSError:
            continue
    return found
