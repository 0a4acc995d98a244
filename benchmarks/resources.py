"""Resident memory and processor time of a process.

They are read from `/proc` on Linux and from `ps` on macOS. Other systems need a further package for
them, so both are None there.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

UNREADABLE = "not measured: this platform has neither /proc nor ps"
"""The reason to state with a None."""


def resident_mb(pid: int) -> float | None:
    """Return the memory of a process in RAM, in MB of 2**20 bytes."""
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        lines = status.read_text(encoding="utf-8").splitlines()
        return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:"))
    kilobytes = ps(pid, "rss")
    return None if kilobytes is None else int(kilobytes) / 1024


def peak_mb(pid: int) -> float | None:
    """Return the most memory that a process has had in RAM, in MB; None if it is unknown."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    lines = status.read_text(encoding="utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:"))


def cpu_seconds(pid: int) -> float | None:
    """Return the processor seconds of a process since its start, user and system."""
    stat = Path(f"/proc/{pid}/stat")
    if stat.exists():
        # The second field is the command in parentheses and may hold spaces; user and system time
        # are the 14th and 15th field of proc(5).
        after_command = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(after_command[11]) + int(after_command[12])) / os.sysconf("SC_CLK_TCK")
    clock = ps(pid, "time")
    return None if clock is None else seconds(clock)


def seconds(clock: str) -> float:
    """Read `[[days-]hours:]minutes:seconds` as `ps` prints it."""
    days, _, rest = clock.rpartition("-")
    total = 0.0
    for part in rest.split(":"):
        total = total * 60 + float(part)
    return total + 86_400 * int(days or 0)


def ps(pid: int, column: str) -> str | None:
    command = shutil.which("ps")
    if command is None or os.name == "nt":
        return None
    answer = subprocess.run(
        [command, "-o", f"{column}=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()
