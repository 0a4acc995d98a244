"""An engine on SQLite loads nothing of PostgreSQL."""

from __future__ import annotations

import subprocess
import sys


def test_an_engine_without_a_database_url_imports_no_package_of_the_extra() -> None:
    code = (
        "import sys, evals_engine.app, evals_mcp.local_engine.standalone, "
        "evals_mcp.local_engine.opening; "
        "print({name.partition('.')[0] for name in sys.modules}"
        " & {'psycopg', 'psycopg_pool', 'procrastinate'}, "
        "[name for name in sys.modules if name.startswith('evals_engine.node')])"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout == "set() []\n"
