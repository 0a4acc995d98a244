"""The key of the confirmation codes, shared by all servers of one user on one machine."""

from __future__ import annotations

import logging
import os
import secrets
import time
from pathlib import Path

KEY_BYTES = 32

WRITTEN_WITHIN = 1.0
"""Seconds within which the process that creates the file must have written the key."""

log = logging.getLogger(__name__)


def confirmation_key(path: Path) -> bytes:
    """Return the key in a file, which is created if missing. Blocks for at most a second.

    If the file cannot be used, log the reason and return a key for this process only: its codes are
    valid until the process ends, and other processes do not accept them.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            return _create(path)
        except FileExistsError:
            return _read(path)
    except OSError as error:
        problem = error.strerror or str(error)
    log.warning(
        "budget.key_file %s cannot be used (%s): confirmation codes are valid in this process only",
        path,
        problem,
    )
    return secrets.token_bytes(KEY_BYTES)


def _create(path: Path) -> bytes:
    """Write a new key to a new file; raises FileExistsError if another process was faster."""
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
