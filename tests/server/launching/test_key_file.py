from __future__ import annotations

import logging
import os
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evals_mcp.launching import key_file
from evals_mcp.launching.key_file import KEY_BYTES, confirmation_key


def test_the_key_is_made_once_and_read_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "confirm.key"
    key = confirmation_key(path)

    assert len(key) == KEY_BYTES
    assert path.read_bytes() == key == confirmation_key(path)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nobody_else_may_read_the_key(tmp_path: Path) -> None:
    path = tmp_path / "confirm.key"
    confirmation_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_those_who_make_it_at_once_end_with_one_key(tmp_path: Path) -> None:
    paths = [tmp_path / "confirm.key"] * 32
    with ThreadPoolExecutor(16) as pool:
        assert len(set(pool.map(confirmation_key, paths))) == 1


@pytest.mark.parametrize("content", [b"", b"short", b"k" * 33])
def test_a_file_that_holds_no_key_is_left_alone(
    content: bytes,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(key_file, "WRITTEN_WITHIN", 0.02)
    path = tmp_path / "confirm.key"
    path.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        one, other = confirmation_key(path), confirmation_key(path)

    assert len(one) == KEY_BYTES
    assert one != other
    assert path.read_bytes() == content
    assert f"it holds {len(content)} bytes, not 32; remove it" in caplog.text


def test_a_file_that_cannot_be_made_gives_a_key_of_this_process(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_bytes(b"")
    with caplog.at_level(logging.WARNING):
        key = confirmation_key(tmp_path / "file" / "confirm.key")

    assert len(key) == KEY_BYTES
    assert "valid in this process only" in caplog.text
