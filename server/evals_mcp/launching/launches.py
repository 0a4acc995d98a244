"""What a server keeps between calls about the evaluations that it starts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from datetime import datetime
from typing import TYPE_CHECKING

import anyio
from anyio import to_thread

from evals_mcp.errors import InvalidRequestError
from evals_mcp.launching.codes import Code, ConfirmCodes
from evals_mcp.launching.declines import Declines
from evals_mcp.launching.key_file import confirmation_key
from evals_mcp.launching.launch import Launch, PlannedRequest, Requested
from evals_mcp.launching.repeats import Repeats
from evals_mcp.launching.stopping.part_records import PartRecords
from evals_mcp.settings.schema import BudgetSettings
from evals_mcp.spending.records import Spending
from evals_mcp.state.names import Names

if TYPE_CHECKING:
    from evals_mcp.state.locks import FolderLocks
    from evals_mcp.state.records import PrincipalRecords, State

OPEN_QUESTIONS = 1_000
"""Most questions that are remembered as open; the oldest is forgotten."""


class ServerLaunches:
    """The key of the codes, the state and the open questions of one server."""

    def __init__(
        self,
        budget: BudgetSettings,
        state: State,
        locks: FolderLocks,
        now: Callable[[], datetime],
    ) -> None:
        """Use this state and these locks; no file is opened before the first create."""
        self.budget = budget
        self.locks = locks
        self.now = now
        self._state = state
        self._key: bytes | None = None
        self._reading = anyio.Lock()
        self._open: dict[tuple[str, str], None] = {}

    def of(self, principal_id: str) -> Launches:
        """Return what is kept for one principal."""
        return Launches(self, principal_id, self._state.of(principal_id))

    def names(self, principal_id: str) -> Names:
        """Return the names that one principal has given."""
        return Names(self._state.of(principal_id))

    def records_of(self, principal_id: str) -> PrincipalRecords:
        """Return the records of one principal."""
        return self._state.of(principal_id)

    async def key(self) -> bytes:
        """Return the key of this server's codes and tickets."""
        async with self._reading:
            if self._key is None:
                self._key = await to_thread.run_sync(confirmation_key, self.budget.key_file)
            return self._key

    async def codes(self) -> ConfirmCodes:
        """Return the codes of this server's key."""
        return ConfirmCodes(await self.key(), self.now)

    def open_question(self, principal_id: str, digest: str) -> bool:
        """Note that a user is asked about a request; return false if that question is open."""
        if (principal_id, digest) in self._open:
            return False
        self._open[principal_id, digest] = None
        if len(self._open) > OPEN_QUESTIONS:
            del self._open[next(iter(self._open))]
        return True

    def close_question(self, principal_id: str, digest: str) -> None:
        """Note that an answer has come."""
        self._open.pop((principal_id, digest), None)


class Launches:
    """The confirmation codes, creates, declines and open questions of one principal.

    Methods that read or write the state raise `StateError` if it cannot be used.
    """

    def __init__(
        self, server: ServerLaunches, principal_id: str, records: PrincipalRecords
    ) -> None:
        budget = server.budget
        self.spending = Spending(records, budget.max_usd_per_day, server.now)
        self.parts = PartRecords(records)
        self.repeats = Repeats(budget.repeat_seconds, server.now, records, self.spending)
        self._server = server
        self._principal_id = principal_id
        self._declines = Declines(records)

    async def codes(self) -> ConfirmCodes:
        """Return the codes of this server's key."""
        return await self._server.codes()

    def lock(self, launch: Launch) -> AbstractAsyncContextManager[None]:
        """Return a lock that one of several identical creates holds at a time.

        The lock holds over all processes of the state's folder, and over all principals that use
        one account, because their evaluations are in one list.
        """
        return self._server.locks.hold(launch.account, launch.digest)

    async def new_code(self, launch: PlannedRequest) -> Code:
        """Return a new code for a launch."""
        codes = await self.codes()
        generation = await self._declines.generation(codes.request_digest(launch.digest))
        return codes.issue(
            self._owner(launch),
            launch.digest,
            launch.estimate,
            self._server.budget.confirm_seconds,
            again=launch.again,
            generation=generation,
        )

    async def read_code(self, text: str, requested: Requested) -> Code:
        """Return the content of a code that came with a request.

        Raises:
            InvalidRequestError: it is not a code of this server, this principal and this account.
        """
        return (await self.codes()).read(text, self._owner(requested))

    async def decline(self, requested: Requested, code: str | None = None) -> None:
        """Record the user's "no", which withdraws every code and question of the request.

        Args:
            requested: the request that the user has declined.
            code: the code of the question; if it was for another request, that one is declined,
                too. None if there is no code.
        """
        self.close_question(requested)
        codes = await self.codes()
        declined = {codes.request_digest(digest) for digest in requested.digests}
        if code is not None:
            # If the code is not genuine, the answer counts for the request that it came with.
            with suppress(InvalidRequestError):
                declined.add((await self.read_code(code, requested)).request_digest)
        for request in declined:
            await self._declines.decline(request)

    async def is_withdrawn(self, code: Code) -> bool:
        """Return whether the user has declined the request after this code was issued."""
        return code.generation != await self._declines.generation(code.request_digest)

    async def is_declined(self, launch: Requested) -> bool:
        """Return whether the user has declined a request and has not agreed to it since."""
        codes = await self.codes()
        for digest in launch.digests:
            if await self._declines.is_declined(codes.request_digest(digest)):
                return True
        return False

    async def note_agreement(self, code: Code) -> None:
        """Record that an evaluation was started under the user's agreement."""
        await self._declines.agree(code.request_digest, code.generation)

    def open_question(self, launch: Requested) -> bool:
        """Note that the user is asked about a request; return false if that question is open.

        If a question is open and the call comes without an answer, the client declared that it can
        ask, but cannot.
        """
        return self._server.open_question(self._principal_id, launch.digest)

    def close_question(self, requested: Requested) -> None:
        """Note that an answer has come."""
        self._server.close_question(self._principal_id, requested.digest)

    def _owner(self, requested: Requested) -> str:
        return f"{self._principal_id}\n{requested.account}"
