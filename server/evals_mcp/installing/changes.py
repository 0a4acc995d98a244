"""What setting the server up in a client, or removing it, does to the client's file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from evals_mcp.errors import OperatorError
from evals_mcp.installing.clients import Client
from evals_mcp.installing.config_files import (
    Clock,
    ConfigFile,
    back_up,
    delete,
    read_config_file,
    replace,
)
from evals_mcp.installing.entries import (
    Entry,
    address_of,
    has_same_transport,
    is_of_this_server,
)
from evals_mcp.installing.texts.documents import FORMATS, entry_in, with_entry, without_entry
from evals_mcp.installing.texts.errors import UnchangeableTextError, UnreadableTextError
from evals_mcp.installing.texts.values import is_table


class State(Enum):
    """What becomes of a client's file."""

    WRITTEN = "set up"
    UPDATED = "updated"
    UNCHANGED = "already set up"
    REMOVED = "removed"
    ABSENT = "not set up"
    OTHER_ENTRY = "another entry"
    """The file has an entry of this name that starts something else."""
    IMPOSSIBLE = "not written"


@dataclass(frozen=True)
class Change:
    """A change of a file that has not been made yet."""

    state: State
    file: ConfigFile | None = None
    content: bytes | None = None
    """What the file holds afterwards; None if it goes, or stays as it is."""
    existing: object = None
    """The entry that the file has."""
    problem: str = ""
    """Why the state is `IMPOSSIBLE`."""
    spent_backups: tuple[Path, ...] = ()
    """Backups that differ from what the file holds afterwards by the entry at most."""


def installing(client: Client, path: Path, entry: Entry, *, force: bool) -> Change:
    """Return the change that sets a client up.

    Args:
        client: The client.
        path: Its file.
        entry: The entry.
        force: Replace an entry that starts something else.
    """
    form = FORMATS[client.format]
    if form.parse is None:
        return Change(State.IMPOSSIBLE, problem="evals-mcp does not change files of this format")
    try:
        file = read_config_file(path)
        text = _text(file)
        existing = entry_in(form.parse(text), client.path)
        other = existing is not None and not _may_change(client, existing, entry)
        if other and not force:
            return Change(State.OTHER_ENTRY, file, existing=existing)
        whole = other or (is_table(existing) and not has_same_transport(client, existing, entry))
        changed = with_entry(form, text, client.path, entry, whole=whole)
    except (OperatorError, UnreadableTextError, UnchangeableTextError) as error:
        return Change(State.IMPOSSIBLE, problem=_worded(path, error))
    if changed == text:
        return Change(State.UNCHANGED, file, existing=existing)
    state = State.WRITTEN if existing is None else State.UPDATED
    return Change(state, file, _bytes(file, changed), existing)


def removing(client: Client, path: Path, *, force: bool) -> Change:
    """Return the change that removes the entry of a client.

    Args:
        client: The client.
        path: Its file.
        force: Remove an entry that starts something else, too.
    """
    form = FORMATS[client.format]
    if form.parse is None:
        return Change(State.IMPOSSIBLE, problem="evals-mcp does not change files of this format")
    try:
        file = read_config_file(path)
        text = _text(file)
        existing = entry_in(form.parse(text), client.path)
        if existing is None:
            return Change(State.ABSENT, file)
        if not force and not _may_change(client, existing, None):
            return Change(State.OTHER_ENTRY, file, existing=existing)
        changed = without_entry(form, text, client.path)
        content = _before(client, file, text, existing)
    except (OperatorError, UnreadableTextError, UnchangeableTextError) as error:
        return Change(State.IMPOSSIBLE, problem=_worded(path, error))
    if content is None and changed.strip() not in {"", "{}"}:
        content = _bytes(file, changed)
    spent = tuple(_spent_backups(client, file, content))
    return Change(State.REMOVED, file, content, existing, spent_backups=spent)


def apply(change: Change, now: Clock, *, new_mode: int) -> Path | None:
    """Make a change; return the backup of what the file held, if one is left.

    Raises:
        OperatorError: the file cannot be changed.
    """
    if change.file is None or change.state not in {State.WRITTEN, State.UPDATED, State.REMOVED}:
        return None
    if change.state is not State.REMOVED:
        backup = back_up(change.file, now)
        replace(change.file, change.content or b"", new_mode=new_mode)
        return backup
    if change.content is None:
        delete(change.file)
    else:
        replace(change.file, change.content)
    for backup in change.spent_backups:
        backup.unlink(missing_ok=True)
    return next(change.file.backups(), None)


def _before(client: Client, file: ConfigFile, text: str, existing: object) -> bytes | None:
    """Return what the file held before the entry was added, if a backup shows it to the byte."""
    form = FORMATS[client.format]
    if not is_table(existing):
        return None
    for backup in _readable_backups(client, file):
        before = _text(backup)
        if _has_entry(client, before):
            continue
        with suppress(ValueError):
            if with_entry(form, before, client.path, existing, whole=True) == text:
                return backup.content
    return None


def _spent_backups(client: Client, file: ConfigFile, content: bytes | None) -> Iterator[Path]:
    """Yield the backups that hold nothing but this content and an entry of the server."""
    form = FORMATS[client.format]
    for backup in _readable_backups(client, file):
        before = backup.content
        if _has_entry(client, _text(backup)):
            without = without_entry(form, _text(backup), client.path)
            before = None if without.strip() in {"", "{}"} else _bytes(backup, without)
        if before == content:
            yield backup.path


def _readable_backups(client: Client, file: ConfigFile) -> Iterator[ConfigFile]:
    for path in file.backups():
        with suppress(OperatorError, UnreadableTextError, UnchangeableTextError):
            backup = read_config_file(path)
            _has_entry(client, _text(backup))
            yield backup


def _has_entry(client: Client, text: str) -> bool:
    form = FORMATS[client.format]
    assert form.parse is not None
    return entry_in(form.parse(text), client.path) is not None


def _may_change(client: Client, existing: object, entry: Entry | None) -> bool:
    """Return whether an entry is one of this server's: by its command, or by its address.

    Args:
        client: The client.
        existing: The entry in its file.
        entry: The entry to write; None to remove the entry, whatever address it has.
    """
    if not is_table(existing):
        return False
    if is_of_this_server(client, existing):
        return True
    address = address_of(client, existing)
    return address is not None and (entry is None or address == address_of(client, entry))


_MARK = b"\xef\xbb\xbf"
"""The byte order mark that some editors write first."""


def _text(file: ConfigFile) -> str:
    try:
        return (file.content or b"").removeprefix(_MARK).decode()
    except UnicodeDecodeError:
        raise UnreadableTextError("it is not UTF-8 text") from None


def _bytes(file: ConfigFile, text: str) -> bytes:
    mark = _MARK if (file.content or b"").startswith(_MARK) else b""
    return mark + text.encode()


def _worded(path: Path, error: Exception) -> str:
    return str(error) if isinstance(error, OperatorError) else f"{path} cannot be used: {error}"
