"""How a user of a server over HTTP sends a data file: with one command, to a signed link."""

from __future__ import annotations

import re
import secrets
import shlex
from dataclasses import dataclass
from pathlib import Path

from evals_mcp.errors import InvalidRequestError, UnsupportedError
from evals_mcp.exchange.exchange_folder import ExchangeFolder
from evals_mcp.exchange.export_folder import safe_name
from evals_mcp.exchange.links import Links

LINK_SECONDS = 900.0
"""Seconds for which a link to send a file is valid."""

_SENT = re.compile(r"sent-[0-9a-f]{12}-[A-Za-z0-9._-]+")
"""How the name of a file that was sent looks; no path of a user's machine looks so."""


@dataclass(frozen=True)
class Uploads:
    """The files that one principal sends."""

    links: Links
    folder: ExchangeFolder
    principal_id: str
    max_bytes: int
    """The largest file that is accepted, in bytes."""
    is_shared: bool = True
    """Whether every server at this address sees the files; False if another may get the call."""

    def sent_file(self, path: str) -> tuple[Path, str]:
        """Return the file that was sent under a name, and the user's own name of it.

        Args:
            path: the argument of the tool: a name from `invitation`, or a path of the user.

        Raises:
            UnsupportedError: the servers at this address share no folder.
            InvalidRequestError: nothing was sent under it; says how to send the file.
        """
        if not self.is_shared:
            raise UnsupportedError(
                "Files cannot be sent here, because the servers at this address share no folder "
                "(state.shared is false): pass the rows inline as `rows`, or upload the file at "
                "the service and call list_datasets."
            )
        name = path.strip()
        if not _SENT.fullmatch(name):
            raise InvalidRequestError(self.invitation(name))
        file = self.folder.path_of(self.principal_id, name)
        if not file.is_file():
            raise InvalidRequestError(
                f"`path`: nothing has arrived as {name}, or it was sent more than a day ago. Run "
                "the command from the last answer, or call upload_dataset with the file's own path "
                "for a new command."
            )
        return file, name.split("-", 2)[2]

    def invitation(self, path: str) -> str:
        """Return the sentence that says how to send a file, with a link and a name of its own."""
        own_name = re.split(r"[\\/]", path)[-1] or "rows.jsonl"
        name = f"sent-{secrets.token_hex(6)}-{safe_name(own_name)}"
        url = self.links.issue(
            "upload", self.principal_id, name, seconds=LINK_SECONDS, max_bytes=self.max_bytes
        )
        return (
            f"The file is on the user's machine and has to be sent first: "
            f"`curl -T {shlex.quote(path or 'rows.jsonl')} '{url}'` (valid for "
            f"{LINK_SECONDS / 60:.0f} minutes, at most {self.max_bytes:,} bytes). Then call "
            f'upload_dataset with path "{name}". A few rows can be passed as `rows` instead.'
        )
