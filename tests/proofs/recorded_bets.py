"""Records bets of an independent library, confseq, which the tests compare with.

python -m tests.proofs.recorded_bets [file]

Its packages are in a lock of their own and are installed into `build/`. The library is read from
its source archive, because building it needs a compiler that these bets do not use.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
from pathlib import Path

from tests.locked_packages import interpreter, python_packages

HERE = Path(__file__).parent
PACKAGES = HERE / "packages"
BUILD = HERE.parents[1] / "build" / "proofs"
RECORDS = HERE.parent / "schemas" / "sequential" / "confseq_bets.json"
PROGRAM = HERE / "packages" / "confseq_bets.py"
SOURCE = "confseq"


def main() -> None:
    """Write the records."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else RECORDS
    requirements, source = split(PACKAGES.joinpath("confseq.lock").read_text(encoding="utf-8"))
    BUILD.mkdir(parents=True, exist_ok=True)
    lock, source_lock = BUILD / "confseq.lock", BUILD / "confseq-source.lock"
    lock.write_text(requirements, encoding="utf-8")
    source_lock.write_text(source, encoding="utf-8")
    environment = BUILD / "environment"
    python_packages(environment, lock)
    python = interpreter(environment)
    folder = _source(python, source_lock)
    recorded = subprocess.run(
        [python, PROGRAM, folder], check=True, capture_output=True, text=True, timeout=600
    )
    target.write_text(recorded.stdout, encoding="utf-8")
    print(f"written: {target}")


def split(lock: str) -> tuple[str, str]:
    """Return the lock without the library itself, and what it says of the library."""
    parts: tuple[list[str], list[str]] = ([], [])
    is_source = False
    for line in lock.splitlines(keepends=True):
        if not line.startswith((" ", "#")):
            is_source = line.startswith(f"{SOURCE}==")
        parts[is_source].append(line)
    return "".join(parts[0]), "".join(parts[1])


def _source(python: Path, lock: Path) -> Path:
    """Return the folder with the library's Python modules."""
    pip = [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "download"]
    options = ["--no-deps", f"--no-binary={SOURCE}", "--require-hashes", "-r", lock, "-d", BUILD]
    subprocess.run([*pip, *options], check=True)
    (archive,) = BUILD.glob(f"{SOURCE}-*.tar.gz")
    with tarfile.open(archive) as members:
        members.extractall(BUILD, filter="data")
    return BUILD / archive.name.removesuffix(".tar.gz") / "src"


if __name__ == "__main__":
    main()
