"""Answers signed links: a file is sent with PUT or fetched with GET, without any other key."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import anyio
from anyio import to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from evals_mcp.exchange.exchange_folder import ExchangeFolder
from evals_mcp.exchange.links import PATH, Link, LinkAction, LinkError, Links
from evals_mcp.exchange.new_files import manifest_path
from evals_mcp.exchange.uploads import Uploads
from evals_mcp.launching.key_file import confirmation_key
from evals_mcp.settings.schema import Settings

AT_ONCE = 4
"""Files of one principal that are sent or fetched at the same time."""

SILENT_SECONDS = 30.0
"""Seconds without a byte after which a sender is given up."""


class FilesByLink:
    """The files that users of this server send and fetch through links."""

    def __init__(self, settings: Settings, base_url: str) -> None:
        """Keep the settings; the key is read when the first link is issued or answered.

        Args:
            settings: The configuration.
            base_url: URL of this server, used unless http.public_url is set.
        """
        self._settings = settings
        self._public_url = settings.http.public_url or base_url
        self._folder = ExchangeFolder(settings.export.folder)
        self._signed: Links | None = None
        self._reading = anyio.Lock()

    @property
    def route(self) -> Route:
        """The route that answers the links."""
        return LinkRoute(self._links, self._folder).route

    async def uploads_of(self, principal_id: str) -> Uploads:
        """Return how a principal sends files."""
        links = await self._links()
        most, shared = self._settings.datasets.max_bytes, self._settings.state.shared
        return Uploads(links, self._folder, principal_id, most, shared)

    async def _links(self) -> Links:
        async with self._reading:
            if self._signed is None:
                key = await to_thread.run_sync(confirmation_key, self._settings.budget.key_file)
                self._signed = Links(key, self._public_url, lambda: datetime.now(UTC))
            return self._signed


LinksOfServer = Callable[[], Awaitable[Links]]
"""Returns the links of the server's key, which is read when the first link is answered."""


class LinkRoute:
    """The route of links. A link carries its principal, so the request needs no other key."""

    def __init__(
        self,
        links: LinksOfServer,
        folder: ExchangeFolder,
        silent_seconds: float = SILENT_SECONDS,
    ) -> None:
        self._links = links
        self._folder = folder
        self._silent_seconds = silent_seconds
        self._busy: Counter[str] = Counter()

    @property
    def route(self) -> Route:
        """The route for the app."""
        return Route(f"{PATH}{{token}}", self._answer, methods=["GET", "PUT"])

    async def _answer(self, request: Request) -> Response:
        action: LinkAction = "upload" if request.method == "PUT" else "download"
        try:
            link = (await self._links()).read(request.path_params["token"], action)
        except LinkError as error:
            return _refusal(403, str(error))
        if self._busy[link.principal_id] >= AT_ONCE:
            return _refusal(429, f"{AT_ONCE} of your files are on their way: try again later.")
        if action == "download":
            return self._download(link, of_manifest="manifest" in request.query_params)
        async with self._counted(link):
            return await self._upload(link, request)

    @asynccontextmanager
    async def _counted(self, link: Link) -> AsyncGenerator[None]:
        self._busy[link.principal_id] += 1
        try:
            yield
        finally:
            self._busy[link.principal_id] -= 1

    def _download(self, link: Link, *, of_manifest: bool) -> Response:
        """Return a file, or the manifest beside it if the link ends in `?manifest`."""
        path = self._folder.path_of(link.principal_id, link.subject)
        path = manifest_path(path) if of_manifest else path
        if not path.is_file() or path.stat().st_size > link.max_bytes:
            return _refusal(404, "The file no longer exists. Ask the assistant for a new link.")
        return FileResponse(
            path,
            filename=path.name,
            media_type="application/octet-stream",
            headers={"Cache-Control": "private, no-store", "X-Content-Type-Options": "nosniff"},
        )

    async def _upload(self, link: Link, request: Request) -> Response:
        principal, subject = link.principal_id, link.subject
        if int(request.headers.get("content-length", "0")) > link.max_bytes:
            return _too_large(link)
        try:
            file = await to_thread.run_sync(self._folder.begin, principal, subject)
        except FileExistsError:
            return _refusal(409, "This link has been used. Ask the assistant for a new one.")
        except OSError as error:
            return _refusal(507, f"The file cannot be stored ({error.strerror}).")
        refusal = None
        try:
            with file:
                refusal = await self._write(link, request, file.write)
            if refusal is None:
                await to_thread.run_sync(self._folder.finish, principal, subject)
        except OSError as error:
            refusal = _refusal(507, f"The file cannot be stored ({error.strerror}).")
        except ClientDisconnect:
            refusal = _refusal(400, "The file did not arrive whole.")
        finally:
            with anyio.CancelScope(shield=True):
                await to_thread.run_sync(self._folder.discard, principal, subject)
        return refusal or JSONResponse({"stored": subject}, 201)

    async def _write(
        self, link: Link, request: Request, write: Callable[[bytes], int]
    ) -> Response | None:
        """Write the body as it arrives; return why it is refused, None once it is whole."""
        size = 0
        blocks = request.stream()
        while True:
            try:
                with anyio.fail_after(self._silent_seconds):
                    block = await anext(blocks, None)
            except TimeoutError:
                return _refusal(408, "No byte arrived for too long. Send the file again.")
            if block is None:
                return None
            size += len(block)
            if size > link.max_bytes:
                return _too_large(link)
            await to_thread.run_sync(write, block)


def _too_large(link: Link) -> Response:
    return _refusal(
        413,
        f"The link allows {link.max_bytes:,} bytes (datasets.max_bytes). Send a smaller file, or "
        "ask the administrator to raise the setting.",
    )


def _refusal(status: int, message: str) -> Response:
    return JSONResponse({"error": message}, status)
