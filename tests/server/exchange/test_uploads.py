"""Files that a user of another machine sends: one command, one name, one principal."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from evals_mcp.errors import InvalidRequestError, UnsupportedError
from evals_mcp.exchange.exchange_folder import ExchangeFolder
from evals_mcp.exchange.links import Links
from evals_mcp.exchange.uploads import Uploads


def uploads(folder: Path, principal: str = "alice") -> Uploads:
    links = Links(b"k" * 32, "https://evals.example", lambda: datetime(2026, 11, 1, tzinfo=UTC))
    return Uploads(links, ExchangeFolder(folder), principal, 1_000)


def invited_name(sentence: str) -> str:
    match = re.search(r'with path "(sent-[^"]+)"', sentence)
    assert match is not None
    return match[1]


def send(sender: Uploads, name: str, content: bytes) -> None:
    with sender.folder.begin(sender.principal_id, name) as file:
        file.write(content)
    sender.folder.finish(sender.principal_id, name)


def test_a_path_of_the_user_is_answered_with_a_command_and_a_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        uploads(tmp_path).sent_file("C:\\data\\my rows.csv")
    text = str(caught.value)
    assert "curl -T 'C:\\data\\my rows.csv' 'https://evals.example/links/" in text
    assert "valid for 15 minutes, at most 1,000 bytes" in text
    assert invited_name(text).endswith("-my-rows.csv")


def test_the_file_that_was_sent_is_found_by_its_name(tmp_path: Path) -> None:
    sender = uploads(tmp_path)
    name = invited_name(sender.invitation("rows.csv"))
    send(sender, name, b"a\n1\n")
    file, own_name = sender.sent_file(f" {name} ")
    assert (file.read_bytes(), own_name) == (b"a\n1\n", "rows.csv")


def test_a_file_of_another_principal_has_not_arrived(tmp_path: Path) -> None:
    sender = uploads(tmp_path)
    name = invited_name(sender.invitation("rows.csv"))
    send(sender, name, b"a\n1\n")
    with pytest.raises(InvalidRequestError, match="nothing has arrived as sent-"):
        uploads(tmp_path, "bob").sent_file(name)


@pytest.mark.parametrize("path", ["../../etc/passwd", "/etc/passwd", "sent-0123456789ab-../x", ""])
def test_no_path_reads_a_file_of_the_server(tmp_path: Path, path: str) -> None:
    with pytest.raises(InvalidRequestError, match="has to be sent first"):
        uploads(tmp_path).sent_file(path)


def test_servers_without_a_common_folder_refuse_files_and_say_what_to_do(tmp_path: Path) -> None:
    apart = replace(uploads(tmp_path), is_shared=False)
    with pytest.raises(UnsupportedError, match=r"state\.shared is false\): pass the rows inline"):
        apart.sent_file("rows.csv")
