"""Two neighbouring versions on one database while rows are judged, and one that is too old."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import anyio

from evals_engine.nodes.migrate import scripts
from tests.proofs.nodes.checks import BOUND, CALLS, ended
from tests.proofs.nodes.finding import Finding
from tests.proofs.nodes.machines import Machines, machines, surroundings

ROOT = Path(__file__).resolve().parents[3]

WORKED_ON = """
SELECT DISTINCT holder FROM shards WHERE number >= 0 AND state IN ('doing', 'done')
"""


async def versions_side_by_side(rows: int) -> Finding:
    """Migrate twice while rows are judged: to a version beside this one, and to one beyond it."""
    this = len(scripts())
    with tempfile.TemporaryDirectory(prefix="evals-mcp-versions-") as folder:
        following = _version(Path(folder) / "following", {this + 1: this})
        beyond = _version(Path(folder) / "beyond", {this + 1: this, this + 2: this + 2})
        async with machines(1) as each:
            evaluation = await each.judged(rows, CALLS)
            await each.endpoint.asked_about(rows // 10)
            since = time.monotonic()
            await _migrate(each, following)
            await each.start_worker(source=following)
            await _both_judge(each)
            await _migrate(each, beyond)
            refusal = await _refusal(each)
            unfinished = (await each.client.http.get(f"/evaluation/{evaluation}")).json()
            name = f"versions {this} and {this + 1} side by side"
            finding = await ended(each, evaluation, name, since)
            at = unfinished["progress"]["done"]
            finding.detail = f"migrated to {this + 2} at row {at}; {this} then: {refusal}"
            return finding.check(0)


def _version(folder: Path, added: dict[int, int]) -> Path:
    """Return a copy of the packages with more scripts: numbers, and from which they are usable."""
    for part in ("server", "schemas"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / part, folder / part, ignore=ignored)
    migrations = folder / "server" / "evals_engine" / "nodes" / "migrations"
    for number, usable_from in added.items():
        sql = f"-- usable from: {usable_from}\nALTER TABLE nodes ADD COLUMN proof_{number} text;\n"
        (migrations / f"{number:04}_proof.sql").write_text(sql, encoding="utf-8")
    return folder


async def _migrate(each: Machines, source: Path) -> None:
    """Run the command of another version."""
    variables = {"EVALS_MCP_LOCAL__DATABASE_URL": each.postgres.url}
    command = [sys.executable, "-m", "evals_mcp.cli", "engine", "migrate"]
    await anyio.run_process(command, env=surroundings(source) | variables)


async def _both_judge(each: Machines) -> None:
    with anyio.fail_after(BOUND):
        while len(each.query(WORKED_ON)) < len(each.workers):  # noqa: ASYNC110
            await anyio.sleep(0.1)


async def _refusal(each: Machines) -> str:
    """Return the sentence with which a node of this version refuses the tables."""
    try:
        await each.start_worker()
    except AssertionError as refused:
        sentence = str(refused).strip().splitlines()[-1]
        assert "upgrade evals-mcp on this machine" in sentence, sentence
        return "upgrade evals-mcp on this machine"
    raise AssertionError("a node of this version has started")
