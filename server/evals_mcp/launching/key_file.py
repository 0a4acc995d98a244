"""The key of the confirmation codes, shared by every server of one user on one machine."""

from __future__ import annotations

import logging
import os
import secrets
import time
from pathlib import Path

KEY_BYTES = 32

WRITTEN_WITHIN = 1.0
"""Seconds in which a process that has made the file must have written the key into it."""

log = logging.getLogger(__name__)


def confirmation_key(path: Path) -> bytes:
    """The key in a file, which is made when it is missing. Blocks for a second at the most.

    Where the file cannot be used, a key of this process alone is answered and the reason logged:
    its codes then hold until it ends, and other processes do not take them.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            return _made(path)
        except FileExistsError:
            return _read(path)
    except OSError as error:
        problem = error.strerror or str(error)
    log.warning(
        "budget.key_file %s cannot be used (%s): confirmation codes hold in this process only",
        path,
        problem,
    )
    return secrets.token_bytes(KEY_BYTES)


def _made(path: Path) -> bytes:
    """A new key in a new file; of two processes that try at once, one is told that it exists."""
    key = secrets.token_bytes(KEY_BYTES)
    binary = getattr(os, "O_BINARY", 0)
    with os.fdopen(
        os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | binary, 0o600), "wb"
    ) as new:
        new.write(key)
    return key


def _read(path: Path) -> bytes:
    deadline = time.monotonic() + WRITTEN_WITHIN
    while True:
        key = path.read_bytes()
        if len(key) == KEY_BYTES:
            return key
        if key or time.monotonic() > deadline:
            raise OSError(f"it holds {len(key)} bytes, not {KEY_BYTES}; remove it")
        time.sleep(0.01)
