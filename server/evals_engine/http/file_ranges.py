"""Answers with a stored file, or with a range of its bytes."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.types import Message, Receive, Scope, Send

from evals_engine.errors import ApiError


class RangedFile(FileResponse):
    """Serves byte ranges; answers unsatisfiable ones with an `ApiError`, not with plain text.

    Raises ApiError before anything is sent: 400 for a malformed range, 416 for a range beyond the
    end of the file.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the file or the range."""

        async def checked(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                raise _range_error(message)
            await send(message)

        await super().__call__(scope, receive, checked)


def _range_error(message: Message) -> ApiError:
    size = Headers(raw=message["headers"]).get("content-range")
    advice = (
        f"the file has {size.removeprefix('bytes */')} bytes" if size else "write bytes=FIRST-LAST"
    )
    error = ApiError(message["status"], f"Range: {advice}.", param="Range")
    error.headers = {"Content-Range": size} if size else {}
    return error
