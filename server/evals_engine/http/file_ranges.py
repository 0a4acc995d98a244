"""Stored bytes on their way out, whole or a range of them."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from evals_engine.errors import ApiError


class RangedFile(FileResponse):
    """A file that refuses a range that there is not in the API's form, not as plain text.

    Raises ApiError, before anything is sent: 400 for a range that is none, 416 for one beyond the
    end of the file.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file or its part."""

        async def checked(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                raise _refused(message)
            await send(message)

        await super().__call__(scope, receive, checked)


def _refused(message: Message) -> ApiError:
    size = Headers(raw=message["headers"]).get("content-range")
    says = f"there are {size.removeprefix('bytes */')} bytes" if size else "write bytes=FIRST-LAST"
    error = ApiError(message["status"], f"Range: {says}.", param="Range")
    error.headers = {"Content-Range": size} if size else {}
    return error
